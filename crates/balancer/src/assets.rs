//! The web client's files, served from memory.
//!
//! The binary builds [`Assets`] from the files it embeds; `tier` asks for one answer a request. Everything is
//! prepared once: a request copies no bytes and compresses nothing. Never reads a disk, never looks at a
//! session.
//!
//! Files below `/assets/` carry a hash in their name and never change: kept for a year. `index.html` is asked
//! for again each time (a 304 costs little), so a new release reaches everybody at the next load. A path
//! without an extension is a place inside the client and answers with `index.html`.

use std::collections::HashMap;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Method, Response, StatusCode};

use crate::Error;
use crate::fault::Fault;
use crate::negotiate::{self, Coding};

const INDEX: &str = "/index.html";
const HASHED: &str = "/assets/";
const ALLOW: &str = "GET, HEAD";

const CACHE_HASHED: &str = "public, max-age=31536000, immutable";
const CACHE_OTHERS: &str = "no-cache";

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const CONTENT_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
                              frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// One file of the web client, as the build made it.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Where it is served: `/assets/index-abc.js`.
    pub path: String,
    /// Its media type: `text/javascript; charset=utf-8`.
    pub content_type: String,
    /// A tag that changes with the content, such as a hash: letters, digits, `-`, `_`; without quotes.
    pub etag: String,
    /// The content as it is.
    pub identity: Bytes,
    /// The content compressed with gzip, if that made it smaller.
    pub gzip: Option<Bytes>,
    /// The content compressed with Brotli, if that made it smaller.
    pub brotli: Option<Bytes>,
}

/// All files of the web client. The default has none: every path is then answered 404.
#[derive(Debug, Default)]
pub struct Assets {
    files: HashMap<String, File>,
}

#[derive(Debug)]
struct File {
    content_type: HeaderValue,
    is_html: bool,
    cache: &'static str,
    identity: Variant,
    gzip: Option<Variant>,
    brotli: Option<Variant>,
}

#[derive(Debug)]
struct Variant {
    etag: HeaderValue,
    bytes: Bytes,
}

impl Assets {
    /// Prepares the files.
    ///
    /// # Errors
    /// [`Error::Assets`] if `/index.html` is missing, a path comes twice or has no leading slash, or a media
    /// type or tag cannot be a header.
    pub fn new(assets: impl IntoIterator<Item = Asset>) -> Result<Self, Error> {
        let mut files = HashMap::new();
        for asset in assets {
            let path = asset.path.clone();
            if !path.starts_with('/') {
                return Err(Error::Assets(format!("\"{path}\" does not begin with a slash")));
            }
            if files.insert(path.clone(), File::prepare(asset)?).is_some() {
                return Err(Error::Assets(format!("\"{path}\" comes twice")));
            }
        }
        if !files.contains_key(INDEX) {
            return Err(Error::Assets(format!("\"{INDEX}\" is missing")));
        }
        Ok(Self { files })
    }

    /// The answer for a request. `path` has no query.
    pub(crate) fn answer(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Response<Bytes>, Fault> {
        if method != Method::GET && method != Method::HEAD {
            return Err(Fault::Method { allow: ALLOW });
        }
        self.find(path).map(|file| file.answer(headers)).ok_or(Fault::NoSuchFile)
    }

    fn find(&self, path: &str) -> Option<&File> {
        if let Some(file) = self.files.get(path) {
            return Some(file);
        }
        let is_place =
            !path.starts_with(HASHED) && !path.rsplit('/').next().is_some_and(|name| name.contains('.'));
        if is_place { self.files.get(INDEX) } else { None }
    }
}

impl File {
    fn prepare(asset: Asset) -> Result<Self, Error> {
        let Asset { path, content_type, etag, identity, gzip, brotli } = asset;
        let bad = |what: &str| Error::Assets(format!("the {what} of \"{path}\" cannot be a header"));
        if !etag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return Err(bad("tag"));
        }
        let variant = |suffix: &str, bytes: Bytes| {
            // A strong tag names one sequence of bytes, so each coding has its own (RFC 9110 §8.8.3).
            let etag = HeaderValue::from_str(&format!("\"{etag}{suffix}\"")).map_err(|_| bad("tag"))?;
            Ok::<_, Error>(Variant { etag, bytes })
        };
        Ok(Self {
            is_html: content_type.starts_with("text/html"),
            content_type: HeaderValue::from_str(&content_type).map_err(|_| bad("media type"))?,
            cache: if path.starts_with(HASHED) { CACHE_HASHED } else { CACHE_OTHERS },
            identity: variant("", identity)?,
            gzip: gzip.map(|bytes| variant("-gz", bytes)).transpose()?,
            brotli: brotli.map(|bytes| variant("-br", bytes)).transpose()?,
        })
    }

    fn variant(&self, coding: Coding) -> Option<&Variant> {
        match coding {
            Coding::Brotli => self.brotli.as_ref(),
            Coding::Gzip => self.gzip.as_ref(),
            Coding::Identity => Some(&self.identity),
        }
    }

    fn answer(&self, request: &HeaderMap) -> Response<Bytes> {
        let coding = negotiate::coding(request, |coding| self.variant(coding).is_some());
        let variant = self.variant(coding).unwrap_or(&self.identity);
        let fresh = variant.etag.to_str().is_ok_and(|tag| negotiate::has_it_already(request, tag));

        let mut response = Response::new(if fresh { Bytes::new() } else { variant.bytes.clone() });
        let headers = response.headers_mut();
        headers.insert(ETAG, variant.etag.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(self.cache));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if self.is_html {
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
            headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
            headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
        }
        if fresh {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(CONTENT_TYPE, self.content_type.clone());
        match coding {
            Coding::Brotli => headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br")),
            Coding::Gzip => headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip")),
            Coding::Identity => None,
        };
        response
    }
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT_ENCODING, IF_NONE_MATCH};

    use super::*;

    fn asset(path: &str, content_type: &str) -> Asset {
        Asset {
            path: path.into(),
            content_type: content_type.into(),
            etag: "abc".into(),
            identity: Bytes::from(format!("plain {path}")),
            gzip: Some(Bytes::from_static(b"gzip")),
            brotli: Some(Bytes::from_static(b"brotli")),
        }
    }

    fn assets() -> Assets {
        let script = asset("/assets/index-1.js", "text/javascript");
        let icon = Asset { gzip: None, brotli: None, ..asset("/favicon.svg", "image/svg+xml") };
        Assets::new([asset("/index.html", "text/html; charset=utf-8"), script, icon]).unwrap()
    }

    fn get(path: &str, headers: &[(HeaderName, &'static str)]) -> Result<Response<Bytes>, Fault> {
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        assets().answer(&Method::GET, path, &headers)
    }

    #[test]
    fn hashed_files_are_kept_for_a_year_and_the_page_is_asked_for_again() {
        let script = get("/assets/index-1.js", &[]).unwrap();
        assert_eq!(script.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert!(!script.headers().contains_key(CONTENT_SECURITY_POLICY));
        let page = get("/index.html", &[]).unwrap();
        assert_eq!(page.headers()[CACHE_CONTROL], "no-cache");
        assert!(page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("frame-ancestors 'none'"));
        assert_eq!(page.headers()[OPENER_POLICY], "same-origin");
        assert_eq!(page.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
    }

    #[test]
    fn every_coding_has_its_own_tag_and_the_tag_saves_the_body() {
        let check = |accept: &'static str, coding: Option<&str>, tag: &'static str, body: &str| {
            let found = get("/assets/index-1.js", &[(ACCEPT_ENCODING, accept)]).unwrap();
            assert_eq!(found.headers().get(CONTENT_ENCODING).map(|v| v.to_str().unwrap()), coding);
            assert_eq!(found.headers()[ETAG], tag);
            assert_eq!(found.headers()[VARY], "accept-encoding");
            assert_eq!(found.body(), body);
            let again =
                get("/assets/index-1.js", &[(ACCEPT_ENCODING, accept), (IF_NONE_MATCH, tag)]).unwrap();
            assert_eq!(again.status(), 304);
            assert!(again.body().is_empty());
            assert_eq!(again.headers()[ETAG], tag);
            assert_eq!(again.headers()[CACHE_CONTROL], CACHE_HASHED);
        };
        check("gzip, br", Some("br"), "\"abc-br\"", "brotli");
        check("gzip", Some("gzip"), "\"abc-gz\"", "gzip");
        check("identity", None, "\"abc\"", "plain /assets/index-1.js");
        let other =
            get("/assets/index-1.js", &[(ACCEPT_ENCODING, "gzip"), (IF_NONE_MATCH, "\"abc-br\"")]).unwrap();
        assert_eq!(other.status(), 200, "the tag of another coding is another tag");
    }

    #[test]
    fn a_file_without_a_compressed_form_is_sent_plain() {
        let icon = get("/favicon.svg", &[(ACCEPT_ENCODING, "br, gzip")]).unwrap();
        assert!(!icon.headers().contains_key(CONTENT_ENCODING));
        assert_eq!(icon.body(), "plain /favicon.svg");
    }

    #[test]
    fn places_inside_the_client_answer_with_the_page_and_missing_files_do_not() {
        for place in ["/", "/files/12", "/calendar/", "/a.b/c"] {
            assert_eq!(get(place, &[]).unwrap().body(), "plain /index.html", "{place}");
        }
        for missing in ["/assets/index-2.js", "/assets/", "/assets/x", "/robots.txt", "/a/b.png"] {
            assert_eq!(get(missing, &[]).unwrap_err(), Fault::NoSuchFile, "{missing}");
        }
    }

    #[test]
    fn only_reading_is_possible() {
        let fault = assets().answer(&Method::POST, "/", &HeaderMap::new()).unwrap_err();
        assert_eq!(fault, Fault::Method { allow: "GET, HEAD" });
        assert!(assets().answer(&Method::HEAD, "/", &HeaderMap::new()).is_ok());
    }

    #[test]
    fn files_that_do_not_fit_together_are_refused() {
        let page = || asset("/index.html", "text/html");
        let check = |assets: Vec<Asset>, word: &str| {
            let error = Assets::new(assets).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        };
        check(vec![asset("/a.js", "text/javascript")], "/index.html");
        check(vec![page(), page()], "twice");
        check(vec![page(), asset("a.js", "text/javascript")], "slash");
        check(vec![page(), asset("/a.js", "text/\njavascript")], "media type");
        check(vec![Asset { etag: "a\"b".into(), ..page() }], "tag");
        assert_eq!(
            Assets::default().answer(&Method::GET, "/", &HeaderMap::new()).unwrap_err(),
            Fault::NoSuchFile
        );
    }
}
