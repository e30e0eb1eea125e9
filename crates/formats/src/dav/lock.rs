//! Locks on the wire: the body of LOCK, and what a lock looks like in an answer (RFC 4918 sections 9.10 and
//! 14).
//!
//! Called by `web`'s LOCK. Who may lock and for how long is not decided here.

use super::document::parse;
use super::element::{PROLOG, declare_all, end, href, leaf, start};
use super::error::BadBody;
use super::fragment::to_text;
use super::headers::{Depth, Timeout};
use super::href::Path;
use super::name::Name;

/// Who else may lock the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// No one.
    Exclusive,
    /// Whoever wants a shared lock too.
    Shared,
}

/// What a LOCK asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockRequest {
    /// No body: refresh the lock whose token the `If` header names.
    Refresh,
    /// A new write lock.
    New(LockInfo),
}

/// A new write lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockInfo {
    /// Who else may lock.
    pub scope: Scope,
    /// The whole `DAV:owner` element as text that can stand alone: what the client wants others to see.
    pub owner: Option<String>,
}

/// A lock that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActiveLock<'a> {
    /// Who else may lock.
    pub scope: Scope,
    /// How far below the root it reaches: 0 or infinity.
    pub depth: Depth,
    /// As in [`LockInfo::owner`].
    pub owner: Option<&'a str>,
    /// How long it lasts from now.
    pub timeout: Timeout,
    /// Its token, a URI.
    pub token: &'a str,
    /// The resource that was locked.
    pub root: &'a Path,
}

impl LockRequest {
    /// Reads the body of LOCK.
    ///
    /// # Errors
    /// [`BadBody`], also if it asks for a lock other than a write lock.
    pub fn parse(body: &[u8]) -> Result<Self, BadBody> {
        if body.is_empty() {
            return Ok(Self::Refresh);
        }
        let root = parse(body)?;
        if !root.name.is_dav("lockinfo") {
            return Err(BadBody::Unexpected("the root element is not DAV:lockinfo"));
        }
        if root.dav_child("locktype").and_then(|kind| kind.dav_child("write")).is_none() {
            return Err(BadBody::Unexpected("the lock type is not DAV:write"));
        }
        let scope = root.dav_child("lockscope").ok_or(BadBody::Unexpected("DAV:lockscope is missing"))?;
        let scope = match (scope.dav_child("exclusive"), scope.dav_child("shared")) {
            (Some(_), None) => Scope::Exclusive,
            (None, Some(_)) => Scope::Shared,
            _ => return Err(BadBody::Unexpected("the lock scope is neither DAV:exclusive nor DAV:shared")),
        };
        Ok(Self::New(LockInfo { scope, owner: root.dav_child("owner").map(to_text) }))
    }
}

/// The body that answers a successful LOCK: the locks on the resource.
pub fn lock_body(locks: &[ActiveLock<'_>]) -> Vec<u8> {
    let mut out = PROLOG.to_owned();
    let (prop, discovery) = (Name::dav("prop"), Name::dav("lockdiscovery"));
    declare_all(&mut out, &prop);
    start(&mut out, &discovery);
    locks.iter().for_each(|lock| push_active(&mut out, lock));
    end(&mut out, &discovery);
    end(&mut out, &prop);
    out.into_bytes()
}

/// One `DAV:activelock`.
pub(crate) fn push_active(out: &mut String, lock: &ActiveLock<'_>) {
    out.push_str("<D:activelock>");
    push_kind(out, lock.scope);
    leaf(out, &Name::dav("depth"), lock.depth.as_str());
    out.push_str(lock.owner.unwrap_or_default());
    let timeout = match lock.timeout {
        Timeout::Seconds(seconds) => format!("Second-{seconds}"),
        Timeout::Infinite => "Infinite".to_owned(),
    };
    leaf(out, &Name::dav("timeout"), &timeout);
    out.push_str("<D:locktoken>");
    href(out, lock.token);
    out.push_str("</D:locktoken><D:lockroot>");
    href(out, &lock.root.to_string());
    out.push_str("</D:lockroot></D:activelock>");
}

/// The type and the scope of a lock, as locks and offers of locks have them.
pub(crate) fn push_kind(out: &mut String, scope: Scope) {
    out.push_str("<D:locktype><D:write/></D:locktype>");
    out.push_str(match scope {
        Scope::Exclusive => "<D:lockscope><D:exclusive/></D:lockscope>",
        Scope::Shared => "<D:lockscope><D:shared/></D:lockscope>",
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, scope: Scope, owner: Option<&str>) {
        let expected = LockRequest::New(LockInfo { scope, owner: owner.map(str::to_owned) });
        assert_eq!(LockRequest::parse(body.as_bytes()), Ok(expected), "{body}");
    }

    #[test]
    fn clients_lock_like_this() {
        // Finder
        check(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:lockinfo xmlns:D=\"DAV:\">\n<D:lockscope><D:exclusive/></D:lockscope>\n\
             <D:locktype><D:write/></D:locktype>\n<D:owner>\n<D:href>http://www.apple.com/webdav_fs/</D:href>\n</D:owner>\n</D:lockinfo>\n",
            Scope::Exclusive,
            Some("<D:owner xmlns:D=\"DAV:\">\n<D:href>http://www.apple.com/webdav_fs/</D:href>\n</D:owner>"),
        );
        // The Windows redirector
        check(
            "<?xml version=\"1.0\" encoding=\"utf-8\" ?><D:lockinfo xmlns:D=\"DAV:\"><D:lockscope><D:exclusive/></D:lockscope>\
             <D:locktype><D:write/></D:locktype><D:owner><D:href>EXAMPLE\\anna</D:href></D:owner></D:lockinfo>",
            Scope::Exclusive,
            Some("<D:owner xmlns:D=\"DAV:\"><D:href>EXAMPLE\\anna</D:href></D:owner>"),
        );
        // cadaver and litmus
        check(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<lockinfo xmlns='DAV:'>\n <lockscope><shared/></lockscope>\n\
             <locktype><write/></locktype><owner>litmus test suite</owner>\n</lockinfo>\n",
            Scope::Shared,
            Some("<owner xmlns=\"DAV:\">litmus test suite</owner>"),
        );
        check(
            "<lockinfo xmlns='DAV:'><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>",
            Scope::Exclusive,
            None,
        );
        assert_eq!(LockRequest::parse(b""), Ok(LockRequest::Refresh));
    }

    #[test]
    fn locks_that_do_not_exist_are_refused() {
        for body in [
            "<lockinfo xmlns='DAV:'/>",
            "<lockinfo xmlns='DAV:'><lockscope><exclusive/></lockscope></lockinfo>",
            "<lockinfo xmlns='DAV:'><locktype><write/></locktype></lockinfo>",
            "<lockinfo xmlns='DAV:'><lockscope/><locktype><write/></locktype></lockinfo>",
            "<lockinfo xmlns='DAV:'><lockscope><shared/><exclusive/></lockscope><locktype><write/></locktype></lockinfo>",
            "<lockinfo xmlns='DAV:'><lockscope><shared/></lockscope><locktype><read/></locktype></lockinfo>",
            "<lockinfo><lockscope><shared/></lockscope><locktype><write/></locktype></lockinfo>",
            "<propfind xmlns='DAV:'/>",
        ] {
            assert!(matches!(LockRequest::parse(body.as_bytes()), Err(BadBody::Unexpected(_))), "{body}");
        }
    }

    #[test]
    fn a_lock_is_answered_with_everything_that_the_client_needs() {
        let root = Path::new(["a b", "c&d"], false);
        let lock = ActiveLock {
            scope: Scope::Exclusive,
            depth: Depth::Infinity,
            owner: Some("<x:owner xmlns:x=\"DAV:\">me</x:owner>"),
            timeout: Timeout::Seconds(600),
            token: "urn:uuid:1",
            root: &root,
        };
        let body = String::from_utf8(lock_body(&[lock])).unwrap();
        let (before, element) = body.split_once("<D:lockdiscovery>").unwrap();
        assert!(
            before.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:prop xmlns:D=\"DAV:\""),
            "{before}"
        );
        assert_eq!(
            element,
            "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:exclusive/></D:lockscope>\
             <D:depth>infinity</D:depth><x:owner xmlns:x=\"DAV:\">me</x:owner><D:timeout>Second-600</D:timeout>\
             <D:locktoken><D:href>urn:uuid:1</D:href></D:locktoken><D:lockroot><D:href>/a%20b/c&amp;d</D:href></D:lockroot>\
             </D:activelock></D:lockdiscovery></D:prop>"
        );
        assert!(parse(body.as_bytes()).is_ok());
    }
}
