//! The head of an answer, read strictly: on any doubt where it or its body ends it is refused, and with it the connection. Names and values
//! are not copied, they stay in the memory that they came in.

use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version};
use httparse::{ParserConfig, Status};
use hyper::ext::ReasonPhrase;

use super::body::Coming;
use super::chunks::Chunks;
use crate::headers::has_token;

/// Header lines of an answer at most.
pub(super) const HEADERS_MAX: usize = 100;

/// Header lines that there is room for at once: those of a browser's request.
const ROOM: usize = 24;

/// What ends a head.
pub(super) const END: &[u8; 4] = b"\r\n\r\n";

/// The head of an answer.
pub(super) struct Head {
    pub(super) response: Response<Coming>,
    /// The connection may carry another request after it.
    pub(super) keeps: bool,
}

/// Takes the first head out of what came; none if it is not complete.
///
/// # Errors
/// It is malformed, longer than `bytes_max`, or does not say for sure where its body ends.
pub(super) fn take(input: &mut BytesMut, method: &Method, bytes_max: usize) -> Result<Option<Head>, String> {
    let Some(bytes) = end_of_head(input) else {
        let is_too_long = input.len() >= bytes_max;
        return if is_too_long { Err(too_long(bytes_max)) } else { Ok(None) };
    };
    if bytes > bytes_max {
        return Err(too_long(bytes_max));
    }
    let head = input.split_to(bytes).freeze();
    read(&head, method).map(Some)
}

fn too_long(bytes_max: usize) -> String {
    format!("the head of its answer has more than {bytes_max} bytes")
}

/// Bytes of the first head, its end included.
pub(super) fn end_of_head(input: &[u8]) -> Option<usize> {
    input.windows(END.len()).position(|window| window == END).map(|at| at + END.len())
}

fn read(head: &Bytes, method: &Method) -> Result<Head, String> {
    let mut lines = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut parsed = httparse::Response::new(&mut []);
    let read = ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, head, &mut lines);
    // It would end elsewhere for whoever takes a bare line feed for the end of a line.
    if read.map_err(|error| format!("its answer is malformed: {error}"))? != Status::Complete(head.len()) {
        return Err("the head of its answer ends in two places".to_owned());
    }
    let (Some(code), Some(minor), Some(reason)) = (parsed.code, parsed.version, parsed.reason) else {
        return Err("its answer is malformed".to_owned());
    };
    let status = StatusCode::from_u16(code).map_err(|_| format!("{code} is no status"))?;
    let headers = headers(head, parsed.headers)?;
    let coming = framing(method, status, minor, &headers)?;
    let keeps =
        keeps(minor, &headers) && !coming.is_until_close() && status != StatusCode::SWITCHING_PROTOCOLS;
    let mut response = Response::new(coming);
    *response.status_mut() = status;
    *response.version_mut() = if minor == 0 { Version::HTTP_10 } else { Version::HTTP_11 };
    *response.headers_mut() = headers;
    if status.canonical_reason() != Some(reason)
        && let Ok(reason) = ReasonPhrase::try_from(head.slice_ref(reason.as_bytes()))
    {
        response.extensions_mut().insert(reason);
    }
    Ok(Head { response, keeps })
}

/// Header lines that stand in `text`.
///
/// # Errors
/// One has no usable name or value.
pub(super) fn headers(text: &Bytes, lines: &[httparse::Header<'_>]) -> Result<HeaderMap, String> {
    // Room for what we add, and for the client's next request: hyper reads it into the same map.
    let mut headers = HeaderMap::with_capacity(lines.len().max(ROOM));
    for line in lines {
        let name = HeaderName::from_bytes(line.name.as_bytes())
            .map_err(|_| "a header of its answer has no usable name")?;
        let value = HeaderValue::from_maybe_shared(text.slice_ref(line.value))
            .map_err(|_| format!("the header {name} of its answer has no usable value"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Where the body ends (RFC 9112 §6.3). An answer that says it twice, or in a way that is not understood, is refused.
fn framing(method: &Method, status: StatusCode, minor: u8, headers: &HeaderMap) -> Result<Coming, String> {
    let has_none = method == Method::HEAD
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if has_none {
        return Ok(Coming::nothing());
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    match (codings.next(), lengths.next()) {
        (None, None) => Ok(Coming::until_close()),
        (None, Some(length)) if lengths.next().is_none() => {
            let length = content_length(length).ok_or("its answer has a Content-Length that is none")?;
            Ok(Coming::exact(length))
        }
        (None, Some(_)) => Err("its answer has more than one Content-Length".to_owned()),
        (Some(_), Some(_)) => Err("its answer has both Content-Length and Transfer-Encoding".to_owned()),
        (Some(_), None) if minor == 0 => Err("its answer has a Transfer-Encoding in HTTP/1.0".to_owned()),
        (Some(coding), None) => {
            if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
                return Err("its answer has a Transfer-Encoding other than chunked".to_owned());
            }
            Ok(Coming::chunked(Chunks::new()))
        }
    }
}

/// Digits alone: no sign, no list, no space.
fn content_length(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn keeps(minor: u8, headers: &HeaderMap) -> bool {
    let says = |token| has_token(headers, &CONNECTION, token);
    if minor == 0 { says("keep-alive") && !says("close") } else { !says("close") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 8 * 1024;

    fn taken(method: &Method, text: &str) -> Result<Option<(Head, BytesMut)>, String> {
        let mut input = BytesMut::from(text);
        Ok(take(&mut input, method, LIMIT)?.map(|head| (head, input)))
    }

    fn get(head: &str) -> Result<Head, String> {
        let text = head.replace('\n', "\r\n");
        taken(&Method::GET, &text).map(|taken| taken.expect("a whole head").0)
    }

    #[test]
    fn a_head_is_taken_out_of_what_came_once_it_is_whole() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n\r\n";
        for end in 0..text.len() {
            assert!(taken(&Method::GET, &text[..end]).unwrap().is_none(), "{end}");
        }
        let (head, rest) = taken(&Method::GET, &format!("{text}hello")).unwrap().unwrap();
        assert_eq!(&rest[..], b"hello");
        let (parts, coming) = head.response.into_parts();
        assert_eq!((parts.status, parts.version), (StatusCode::OK, Version::HTTP_11));
        assert_eq!(parts.headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
        assert_eq!(coming, Coming::exact(5));
        assert!(parts.extensions.get::<ReasonPhrase>().is_none());
    }

    #[test]
    fn a_reason_of_the_members_own_goes_to_the_client() {
        let head = get("HTTP/1.1 200 Fine\nContent-Length: 0\n\n").ok().unwrap();
        assert_eq!(head.response.extensions().get::<ReasonPhrase>().unwrap().as_bytes(), b"Fine");
    }

    #[test]
    fn where_a_body_ends_is_what_status_method_and_headers_say() {
        let check = |method: Method, head: &str, expected: Coming| {
            let text = head.replace('\n', "\r\n");
            let (head, _) = taken(&method, &text).unwrap().unwrap();
            assert_eq!(head.response.into_body(), expected, "{text}");
        };
        let chunked = || Coming::chunked(Chunks::new());
        check(Method::GET, "HTTP/1.1 200 OK\ncontent-length: 7\n\n", Coming::exact(7));
        check(Method::GET, "HTTP/1.1 200 OK\ntransfer-encoding: Chunked\n\n", chunked());
        check(Method::GET, "HTTP/1.1 200 OK\n\n", Coming::until_close());
        check(Method::HEAD, "HTTP/1.1 200 OK\ncontent-length: 7\n\n", Coming::nothing());
        check(Method::GET, "HTTP/1.1 204 No Content\n\n", Coming::nothing());
        check(Method::GET, "HTTP/1.1 304 Not Modified\ncontent-length: 7\n\n", Coming::nothing());
        check(Method::GET, "HTTP/1.1 103 Early Hints\n\n", Coming::nothing());
        check(Method::GET, "HTTP/1.1 101 Switching Protocols\n\n", Coming::nothing());
    }

    #[test]
    fn an_answer_whose_end_is_in_doubt_is_refused() {
        for (lines, reason) in [
            ("content-length: 1\ntransfer-encoding: chunked", "both"),
            ("content-length: 1\ncontent-length: 1", "more than one"),
            ("content-length: 1, 1", "that is none"),
            ("content-length: +1", "that is none"),
            ("content-length: ", "that is none"),
            ("content-length: 99999999999999999999", "that is none"),
            ("transfer-encoding: gzip, chunked", "other than chunked"),
            ("transfer-encoding: chunked\ntransfer-encoding: chunked", "other than chunked"),
            ("transfer-encoding: identity", "other than chunked"),
            ("a: b\n c", "malformed"),
            ("a : b", "malformed"),
        ] {
            let refused = get(&format!("HTTP/1.1 200 OK\n{lines}\n\n")).err().expect(lines);
            assert!(refused.contains(reason), "{lines}: {refused}");
        }
        let old = get("HTTP/1.0 200 OK\ntransfer-encoding: chunked\n\n").err().unwrap();
        assert!(old.contains("HTTP/1.0"), "{old}");
        let refused = taken(&Method::GET, "HTTP/1.1 200 OK\n\nHTTP/1.1 200 OK\r\n\r\n").err().unwrap();
        assert!(refused.contains("two places"), "{refused}");
    }

    #[test]
    fn a_connection_is_kept_if_the_member_keeps_it() {
        for (head, expected) in [
            ("HTTP/1.1 200 OK\ncontent-length: 0\n\n", true),
            ("HTTP/1.1 200 OK\ncontent-length: 0\nconnection: x, Close\n\n", false),
            ("HTTP/1.0 200 OK\ncontent-length: 0\n\n", false),
            ("HTTP/1.0 200 OK\ncontent-length: 0\nconnection: Keep-Alive\n\n", true),
            ("HTTP/1.1 200 OK\n\n", false),
            ("HTTP/1.1 101 Switching Protocols\n\n", false),
        ] {
            assert_eq!(get(head).ok().unwrap().keeps, expected, "{head}");
        }
    }

    #[test]
    fn a_head_that_is_too_long_or_has_too_many_lines_is_refused() {
        let filler = "a".repeat(LIMIT);
        let unfinished = taken(&Method::GET, &format!("HTTP/1.1 200 OK\r\nx: {filler}")).err().unwrap();
        assert!(unfinished.contains("8192 bytes"), "{unfinished}");
        let whole = get(&format!("HTTP/1.1 200 OK\nx: {filler}\n\n")).err().unwrap();
        assert!(whole.contains("8192 bytes"), "{whole}");
        let lines = |count: usize| format!("HTTP/1.1 200 OK\n{}\n", "a: b\n".repeat(count));
        assert!(get(&lines(HEADERS_MAX)).is_ok());
        assert!(get(&lines(HEADERS_MAX + 1)).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for start in ["", "HTTP/1.1 200 OK\r\n"] {
                let mut input = BytesMut::from(start);
                input.extend_from_slice(&bytes);
                input.extend_from_slice(b"\r\n\r\n");
                let _ = take(&mut input, &Method::GET, LIMIT);
            }
        }
    }
}
