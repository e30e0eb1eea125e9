//! Module access as an operator gives it: a combination's name, single flags, or both.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zebu_model::access::{Access, Flag, combination};

use super::error::Denied;

/// What is said of module access. Nothing: it stays, or is what the use case says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessSpec {
    /// `--access-combination-name`.
    pub combination: Option<String>,
    /// Single flags, on or off, by their name in listings (`webdav`) or option (`access-webdav`).
    pub flags: BTreeMap<String, bool>,
}

impl AccessSpec {
    /// A combination.
    #[must_use]
    pub fn combination(name: &str) -> AccessSpec {
        AccessSpec { combination: Some(name.to_owned()), flags: BTreeMap::new() }
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.combination.is_none() && self.flags.is_empty()
    }

    /// The access that is meant. Single flags change the combination's, else those of `otherwise`.
    pub(crate) fn resolve(&self, otherwise: Access) -> Result<Access, Denied> {
        let start = match &self.combination {
            Some(name) => {
                combination(name).ok_or_else(|| Denied::CombinationUnknown { name: name.clone() })?
            }
            None => otherwise,
        };
        self.flags.iter().try_fold(start, |access, (name, on)| {
            let flag = Flag::from_name(name).or_else(|| Flag::from_option(name));
            let flag = flag.ok_or_else(|| Denied::FlagUnknown { name: name.clone() })?;
            Ok(access.set(flag, *on))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_flags_change_the_combination_and_unknown_ones_are_refused() {
        let mut spec = AccessSpec::combination("webmail_plus");
        assert_eq!(spec.resolve(Access::NONE), Ok(Access::of(&[Flag::Webmail, Flag::Contacts])));
        spec.flags = [("access-webdav".to_owned(), true), ("contacts".to_owned(), false)].into();
        assert_eq!(spec.resolve(Access::NONE), Ok(Access::of(&[Flag::Webmail, Flag::Webdav])));
        spec.combination = None;
        assert_eq!(spec.resolve(Access::of(&[Flag::Ical])), Ok(Access::of(&[Flag::Ical, Flag::Webdav])));
        spec.flags.insert("webdva".to_owned(), true);
        assert_eq!(spec.resolve(Access::NONE), Err(Denied::FlagUnknown { name: "webdva".to_owned() }));
        let unknown = AccessSpec::combination("everything").resolve(Access::NONE);
        assert_eq!(unknown, Err(Denied::CombinationUnknown { name: "everything".to_owned() }));
    }
}
