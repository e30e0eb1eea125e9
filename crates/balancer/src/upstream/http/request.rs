//! A request as HTTP/1.1 has it: its head, and the framing of its body. Framing is ours: whatever the client's head says of it is not
//! sent on.

use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, HeaderName, TRANSFER_ENCODING};
use http::request::Parts;
use http_body::Body as _;

use super::super::Said;
use super::super::socket::Socket;
use crate::headers::{X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO, X_REQUEST_ID};
use crate::upload::Upload;

/// How a body travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// There is none.
    Nothing,
    Exact(u64),
    Chunked,
}

impl Length {
    pub(super) fn of(upload: &Upload) -> Self {
        if upload.is_end_stream() {
            return Self::Nothing;
        }
        upload.size_hint().exact().map_or(Self::Chunked, Self::Exact)
    }
}

/// Writes a head behind what is in `out`.
pub(super) fn write(parts: &Parts, said: &Said<'_>, length: Length, out: &mut Vec<u8>) {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    put(out, &[parts.method.as_str().as_bytes(), b" ", target.as_bytes(), b" HTTP/1.1\r\n"]);
    for (name, value) in &parts.headers {
        if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
            line(name, value.as_bytes(), out);
        }
    }
    // Nobody outside may say these: `headers` has taken them away.
    if let Some(client) = said.client {
        line(&X_FORWARDED_FOR, client.address.as_bytes(), out);
        line(&X_FORWARDED_PROTO, client.scheme.as_str().as_bytes(), out);
        if let Some(host) = parts.headers.get(HOST) {
            line(&X_FORWARDED_HOST, host.as_bytes(), out);
        }
    }
    if let Some(id) = said.request_id {
        line(&X_REQUEST_ID, id.as_bytes(), out);
    }
    // Writing to a vector cannot fail.
    let _ = match length {
        Length::Exact(bytes) => write!(out, "{CONTENT_LENGTH}: {bytes}\r\n\r\n"),
        Length::Chunked => write!(out, "{TRANSFER_ENCODING}: chunked\r\n\r\n"),
        Length::Nothing if parts.headers.contains_key(CONTENT_LENGTH) => {
            write!(out, "{CONTENT_LENGTH}: 0\r\n\r\n")
        }
        Length::Nothing => out.write_all(b"\r\n"),
    };
}

fn line(name: &HeaderName, value: &[u8], out: &mut Vec<u8>) {
    put(out, &[name.as_str().as_bytes(), b": ", value, b"\r\n"]);
}

fn put(out: &mut Vec<u8>, pieces: &[&[u8]]) {
    for piece in pieces {
        out.extend_from_slice(piece);
    }
}

/// A body on its way to the member.
pub(super) struct Sending {
    upload: Upload,
    left: Length,
}

impl Sending {
    pub(super) fn new(upload: Upload, length: Length) -> Self {
        Self { upload, left: length }
    }

    /// Whether nothing of it is still to be taken.
    pub(super) fn is_over(&self) -> bool {
        self.left == Length::Nothing
    }

    /// The member has said that it wants the body.
    pub(super) fn wanted(&self) {
        self.upload.release();
    }

    /// Takes the next part, if the client has sent one, and has the socket send it; false if there is none now.
    ///
    /// # Errors
    /// The body broke off, or is not as long as was announced.
    pub(super) fn poll_part(&mut self, socket: &mut Socket, cx: &mut Context<'_>) -> Result<bool, String> {
        let Poll::Ready(frame) = Pin::new(&mut self.upload).poll_frame(cx) else { return Ok(false) };
        match frame.transpose().map_err(|error| format!("the client's body broke off: {error}"))? {
            // Trailers are not passed on: nothing says that the member wants any.
            Some(frame) => self.send(frame.into_data().unwrap_or_default(), socket)?,
            None => self.end(socket)?,
        }
        Ok(true)
    }

    fn send(&mut self, part: Bytes, socket: &mut Socket) -> Result<(), String> {
        if part.is_empty() {
            return Ok(());
        }
        match &mut self.left {
            Length::Nothing => return Err("the client's body goes on behind its end".to_owned()),
            Length::Exact(left) => {
                *left = left.checked_sub(part.len() as u64).ok_or("the client's body is too long")?;
                if *left == 0 {
                    self.left = Length::Nothing;
                }
                socket.queue(b"", part, b"");
            }
            Length::Chunked => {
                let mut head = [0; 20];
                let mut rest = head.as_mut_slice();
                // Sixteen digits at most: it always fits.
                let _ = write!(rest, "{:x}\r\n", part.len());
                let left = rest.len();
                let head = head.get(..20 - left).unwrap_or_default();
                socket.queue(head, part, b"\r\n");
            }
        }
        Ok(())
    }

    fn end(&mut self, socket: &mut Socket) -> Result<(), String> {
        match self.left {
            Length::Exact(left) => return Err(format!("the client's body is {left} bytes too short")),
            Length::Chunked => socket.queue(b"0\r\n\r\n", Bytes::new(), b""),
            Length::Nothing => {}
        }
        self.left = Length::Nothing;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::client::Client;
    use crate::listen::Scheme;

    fn written(request: http::request::Builder, length: Length) -> String {
        let parts = request.body(()).unwrap().into_parts().0;
        let mut out = b"behind this|".to_vec();
        write(&parts, &Said::default(), length, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_head_is_written_behind_what_is_there_with_a_framing_of_our_own() {
        let request = || Request::post("/a?b=c").header("host", "h").header("x", "1").header("x", "2");
        let head = "behind this|POST /a?b=c HTTP/1.1\r\nhost: h\r\nx: 1\r\nx: 2\r\n";
        for (length, framing) in [
            (Length::Nothing, ""),
            (Length::Exact(5), "content-length: 5\r\n"),
            (Length::Chunked, "transfer-encoding: chunked\r\n"),
        ] {
            assert_eq!(written(request(), length), format!("{head}{framing}\r\n"));
        }
    }

    #[test]
    fn what_the_client_said_of_its_framing_is_not_repeated() {
        let request = || {
            Request::post("/a").header("content-length", "7, 7").header("transfer-encoding", "gzip, chunked")
        };
        let head = "behind this|POST /a HTTP/1.1\r\n";
        assert_eq!(written(request(), Length::Nothing), format!("{head}content-length: 0\r\n\r\n"));
        assert_eq!(written(request(), Length::Exact(7)), format!("{head}content-length: 7\r\n\r\n"));
        assert_eq!(written(request(), Length::Chunked), format!("{head}transfer-encoding: chunked\r\n\r\n"));
    }

    #[test]
    fn what_we_say_of_the_client_stands_behind_what_it_says() {
        let peer = ([10, 0, 0, 7], 5_000).into();
        let client = Client::new(1, peer, None, Scheme::Https, 0, tokio::time::Instant::now());
        let id = http::HeaderValue::from_static("00ff");
        let said = Said { client: Some(&client), request_id: Some(&id), ..Said::default() };
        let parts = Request::get("/").header("host", "h:1").body(()).unwrap().into_parts().0;
        let mut out = Vec::new();
        write(&parts, &said, Length::Nothing, &mut out);
        let expected = "GET / HTTP/1.1\r\nhost: h:1\r\nx-forwarded-for: 10.0.0.7\r\nx-forwarded-proto: https\r\n\
                        x-forwarded-host: h:1\r\nx-request-id: 00ff\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_target_without_a_path_is_the_root_and_that_of_all_resources_stays() {
        assert!(written(Request::get("http://h"), Length::Nothing).contains("GET / HTTP/1.1\r\n"));
        assert!(written(Request::options("*"), Length::Nothing).contains("OPTIONS * HTTP/1.1\r\n"));
    }
}
