//! Which requests of a front are taken: those with the secret, and with no attribute that nobody knows (CVE-2020-1938 was one).

use std::hint::black_box;

use zebu_ajp::attribute::Attribute;
use zebu_ajp::request::Request;

use super::Settings;

/// What Apache and mod_jk add by themselves.
const KNOWN: [&str; 4] = ["AJP_REMOTE_PORT", "AJP_LOCAL_ADDR", "AJP_SSL_PROTOCOL", "JK_LB_ACTIVATION"];

impl Settings {
    /// Why a request is not taken, for the log.
    pub(super) fn refusal(&self, request: &Request<'_>) -> Option<&'static str> {
        if !self.secret.is_empty() && !is_same(request.secret.unwrap_or_default(), self.secret.as_bytes()) {
            return Some("it came without the secret");
        }
        let strange = request.attributes.into_iter().any(|attribute| match attribute {
            Attribute::Other { name, .. } => {
                let is_own = self.attributes.iter().any(|known| known.as_bytes() == name);
                !is_own && !KNOWN.iter().any(|known| known.as_bytes() == name)
            }
            Attribute::Context(_) | Attribute::ServletPath(_) => true,
            _ => false,
        });
        strange.then_some("it has an attribute that is not in [ajp] attributes")
    }
}

/// Takes as long whatever is given: how much of it was right is not told.
fn is_same(given: &[u8], wanted: &[u8]) -> bool {
    let mut differences = u8::from(given.len() != wanted.len());
    for (index, byte) in wanted.iter().enumerate() {
        differences |= byte ^ black_box(given.get(index).copied().unwrap_or(0));
    }
    black_box(differences) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_same_or_it_is_not() {
        assert!(is_same(b"secret", b"secret"));
        for other in [&b""[..], b"secre", b"secret\0", b"secreT", b"Secret"] {
            assert!(!is_same(other, b"secret"), "{other:?}");
        }
    }
}
