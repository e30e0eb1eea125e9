//! Time-based one-time passwords (RFC 6238 over RFC 4226): SHA-1, six digits, steps of 30 seconds, as all authenticator apps know them.

use ring::hmac;

/// How long a code is the present one, ms.
const STEP_MS: i64 = 30_000;
/// Steps before and after the present one whose codes are taken: clocks differ, and people type.
const STEPS_AROUND: i64 = 1;
/// Digits of a code.
const DIGITS: usize = 6;
/// Bytes of a shared secret: as many as SHA-1 has (RFC 4226 §4).
pub(super) const SECRET_BYTES: usize = 20;

/// The step of a moment, counted from the epoch.
fn step_at(now_ms: i64) -> i64 {
    now_ms.div_euclid(STEP_MS)
}

/// The code of a step.
fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or_default() & 0x0f);
    let four = tag.iter().skip(offset).take(4).fold(0u32, |number, byte| (number << 8) | u32::from(*byte));
    let number = (four & 0x7fff_ffff) % 1_000_000;
    format!("{number:06}")
}

/// The step whose code this is, if it is one of those taken at the moment. All are compared, whatever fits.
pub(super) fn step_of(secret: &[u8], given: &str, now_ms: i64) -> Option<i64> {
    if given.len() != DIGITS {
        return None;
    }
    let present = step_at(now_ms);
    let steps = present.saturating_sub(STEPS_AROUND)..=present.saturating_add(STEPS_AROUND);
    steps.fold(None, |found, step| if alike(&code(secret, step), given) { Some(step) } else { found })
}

/// Whether two texts of one length are the same, in a time that does not say how much of them is.
fn alike(a: &str, b: &str) -> bool {
    a.bytes().zip(b.bytes()).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

/// The address that authenticator apps read from a QR code (the "Key Uri Format").
pub(super) fn uri(secret_base32: &str, account: &str) -> String {
    let account: String = account.bytes().map(escaped).collect();
    format!(
        "otpauth://totp/Zebu:{account}?secret={secret_base32}&issuer=Zebu&algorithm=SHA1&digits={DIGITS}&period={}",
        STEP_MS / 1_000
    )
}

fn escaped(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B, the last six of its eight digits.
        let check = |seconds: i64, expected: &str| {
            let step = step_at(seconds * 1_000);
            assert_eq!(code(b"12345678901234567890", step), expected, "{seconds}");
        };
        check(59, "287082");
        check(1_111_111_109, "081804");
        check(1_111_111_111, "050471");
        check(1_234_567_890, "005924");
        check(2_000_000_000, "279037");
        check(20_000_000_000, "353130");
    }

    #[test]
    fn a_code_is_taken_one_step_early_and_one_late_and_not_longer() {
        let secret = b"12345678901234567890";
        let now = 1_234_567_890_000;
        let step = step_at(now);
        for (around, expected) in
            [(-2, None), (-1, Some(step - 1)), (0, Some(step)), (1, Some(step + 1)), (2, None)]
        {
            assert_eq!(step_of(secret, &code(secret, step + around), now), expected, "{around}");
        }
        for bad in ["", "12345", "1234567", "abcdef", "００５９２４"] {
            assert_eq!(step_of(secret, bad, now), None, "{bad}");
        }
    }

    #[test]
    fn an_account_cannot_break_out_of_the_address() {
        let uri = uri("ABC", "an na&secret=x@1/ä");
        assert_eq!(
            uri,
            "otpauth://totp/Zebu:an%20na%26secret%3Dx%401%2F%C3%A4?secret=ABC&issuer=Zebu&algorithm=SHA1&digits=6&period=30"
        );
    }
}
