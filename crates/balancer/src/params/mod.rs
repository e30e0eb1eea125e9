//! The parameters of members and balancers, under the names, units and limits that Apache's mod_proxy_balancer gives
//! them. One table serves both forms of the configuration: TOML and Apache's own text.
//!
//! `config` deserialises through [`Parameters`], `apache` calls [`Parameters::set`] for each `key=value` of a line.
//! Pure. A key that is not in a table is an error there, and so is a value outside of its limits.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

use crate::params::member::MemberConfig;

pub(crate) mod balancer;
pub(crate) mod member;
pub(crate) mod value;

/// Something that is told by keys and values.
pub(crate) trait Parameters {
    /// What it is called in an error.
    const NAME: &'static str;
    /// The key whose value is a list of members, if there is one.
    const LIST: Option<&'static str> = None;

    /// Takes one parameter.
    ///
    /// # Errors
    /// The key is unknown or the value cannot work; the text names the key.
    fn set(&mut self, key: &str, value: &str) -> Result<(), String>;

    /// Takes the list.
    fn set_list(&mut self, _members: Vec<MemberConfig>) {}
}

/// The text of an error about a key.
pub(crate) fn about(key: &str, reason: impl fmt::Display) -> String {
    format!("{key} {reason}")
}

/// Reads a table of TOML into `target`, each value at its own place, so that an error names its line.
///
/// # Errors
/// What [`Parameters::set`] says.
pub(crate) fn read<'de, D: Deserializer<'de>, P: Parameters>(
    deserializer: D,
    target: P,
) -> Result<P, D::Error> {
    deserializer.deserialize_map(Table(target))
}

struct Table<P>(P);

impl<'de, P: Parameters> Visitor<'de> for Table<P> {
    type Value = P;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the parameters of a {}", P::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<P, A::Error> {
        let Self(mut target) = self;
        while let Some(key) = map.next_key::<String>()? {
            if P::LIST == Some(key.as_str()) {
                target.set_list(map.next_value()?);
                continue;
            }
            map.next_value_seed(Value { key: &key, target: &mut target })?;
        }
        Ok(target)
    }
}

/// One value on its way into `target`. A list is the same as its parts with commas between.
struct Value<'a, P> {
    key: &'a str,
    target: &'a mut P,
}

impl<'de, P: Parameters> DeserializeSeed<'de> for Value<'_, P> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { key, target } = self;
        let text = deserializer.deserialize_any(Text)?;
        target.set(key, &text).map_err(D::Error::custom)
    }
}

/// Any scalar as Apache would write it.
struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a number, true, false, or a list of them")
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_bool<E>(self, on: bool) -> Result<String, E> {
        Ok(if on { "On" } else { "Off" }.to_owned())
    }

    fn visit_i64<E>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<String, A::Error> {
        let mut texts: Vec<String> = Vec::new();
        while let Some(Part(text)) = parts.next_element()? {
            texts.push(text);
        }
        Ok(texts.join(","))
    }
}

struct Part(String);

impl<'de> serde::Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text).map(Self)
    }
}
