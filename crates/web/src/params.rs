//! Query strings and forms: pairs of names and values, and typed access that names the parameter when it refuses.
//!
//! Called by every handler of the HTTP API. It bounds nothing itself: the head of a request and a form's body have
//! their own limits.

use std::str::FromStr;

use percent_encoding::percent_decode_str;
use zebu_app::Result;
use zebu_model::Refusal;

/// Characters of a refused value that the refusal repeats.
const ECHO_CHARS_MAX: usize = 64;

/// The parameters of one request, in the order sent.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads `a=1&b=two+words`. Refused if a part is not UTF-8.
    pub(crate) fn parse(text: &str) -> Result<Params> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).ok_or_else(|| invalid("name", name))?;
            let value = decode(value).ok_or_else(|| invalid(&name, value))?;
            Ok((name, value))
        });
        pairs.collect::<Result<Vec<_>>>().map(Params)
    }

    /// The first value of that name, if it is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(candidate, _)| candidate == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The same, refused (`SVL-0002`) if it is missing.
    pub(crate) fn required(&self, name: &str) -> Result<&str> {
        self.get(name).ok_or_else(|| Refusal::ParameterMissing { name: name.to_owned() }.into())
    }

    /// A value of some type, refused (`SVL-0010`) if it is not one.
    pub(crate) fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>> {
        self.get(name).map(|value| value.parse().map_err(|_| invalid(name, value))).transpose()
    }

    /// The same, refused if it is missing.
    pub(crate) fn required_parsed<T: FromStr>(&self, name: &str) -> Result<T> {
        let value = self.required(name)?;
        value.parse().map_err(|_| invalid(name, value))
    }

    /// Whether it is `true`; missing means no.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }
}

/// `SVL-0010` with as much of the value as helps.
pub(crate) fn invalid(name: &str, value: &str) -> zebu_app::Error {
    let short = |text: &str| text.chars().take(ECHO_CHARS_MAX).collect();
    Refusal::ParameterInvalid { name: short(name), value: short(value) }.into()
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_the_first_of_a_name_counts() {
        let params = Params::parse("action=all&name=M%C3%BCller+%26+Co&name=x&empty=&flag").unwrap();
        assert_eq!(params.get("action"), Some("all"));
        assert_eq!(params.get("name"), Some("Müller & Co"));
        assert_eq!((params.get("empty"), params.get("flag"), params.get("none")), (None, None, None));
    }

    #[test]
    fn a_refusal_names_the_parameter() {
        let check = |result: Result<u32>, code: &str, named: &str| {
            let error = result.expect_err(named);
            assert_eq!(error.code(), code);
            assert!(error.to_string().contains(named), "{error}");
        };
        let params = Params::parse("id=x1").unwrap();
        check(params.required_parsed("folder"), "SVL-0002", "folder");
        check(params.required_parsed("id"), "SVL-0010", "id");
        check(Params::parse("title=%ff").map(|_| 0), "SVL-0010", "title");
    }

    #[test]
    fn a_long_value_is_not_repeated_in_full() {
        let params = Params::parse(&format!("id={}", "9".repeat(10_000))).unwrap();
        let error = params.required_parsed::<u32>("id").expect_err("too long");
        assert!(error.to_string().len() < 200, "{error}");
    }
}
