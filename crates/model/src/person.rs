//! What an operator can say of a user beside the columns of the directory: contact fields, mail servers, attributes. Each
//! field has a name, which is the commands' long option, and a length.

/// Characters of a field that is no free text.
const LINE: usize = 255;
/// Characters of a free text.
const TEXT: usize = 5_680;
/// Characters of the list of aliases.
const ALIASES: usize = 10_000;

/// Characters of an attribute's name, `namespace/name`.
pub const ATTRIBUTE_NAME_CHARS_MAX: usize = 128;
/// Characters of an attribute's value.
pub const ATTRIBUTE_CHARS_MAX: usize = 10_000;
/// Attributes a user or a context has.
pub const ATTRIBUTES_MAX: usize = 200;

/// The namespace of attributes that are the web client's settings, which the operator may preset.
pub const GUI_PREFERENCES: &str = "gui/";

/// The fields, in the order of the alphabet, with the characters each takes.
pub const FIELDS: &[(&str, usize)] = &[
    ("aliases", ALIASES),
    ("anniversary", LINE),
    ("assistant_name", LINE),
    ("birthday", LINE),
    ("branches", LINE),
    ("business_category", LINE),
    ("categories", TEXT),
    ("cellular_telephone1", LINE),
    ("cellular_telephone2", LINE),
    ("city_business", LINE),
    ("city_home", LINE),
    ("city_other", LINE),
    ("commercial_register", LINE),
    ("company", LINE),
    ("country_business", LINE),
    ("country_home", LINE),
    ("country_other", LINE),
    ("defaultsenderaddress", LINE),
    ("department", LINE),
    ("email1", LINE),
    ("email2", LINE),
    ("email3", LINE),
    ("employeetype", LINE),
    ("fax_business", LINE),
    ("fax_home", LINE),
    ("fax_other", LINE),
    ("foldertree", LINE),
    ("gui_spam_filter_capabilities_enabled", LINE),
    ("imaplogin", LINE),
    ("imapserver", LINE),
    ("info", TEXT),
    ("instant_messenger1", LINE),
    ("instant_messenger2", LINE),
    ("mail_folder_confirmed_ham_name", LINE),
    ("mail_folder_confirmed_spam_name", LINE),
    ("mail_folder_drafts_name", LINE),
    ("mail_folder_sent_name", LINE),
    ("mail_folder_spam_name", LINE),
    ("mail_folder_trash_name", LINE),
    ("manager_name", LINE),
    ("marital_status", LINE),
    ("middle_name", LINE),
    ("nickname", LINE),
    ("note", TEXT),
    ("number_of_children", LINE),
    ("number_of_employee", LINE),
    ("password_expired", LINE),
    ("passwordmech", LINE),
    ("position", LINE),
    ("postal_code_business", LINE),
    ("postal_code_home", LINE),
    ("postal_code_other", LINE),
    ("profession", LINE),
    ("room_number", LINE),
    ("sales_volume", LINE),
    ("smtpserver", LINE),
    ("spouse_name", LINE),
    ("state_business", LINE),
    ("state_home", LINE),
    ("state_other", LINE),
    ("street_business", LINE),
    ("street_home", LINE),
    ("street_other", LINE),
    ("suffix", LINE),
    ("tax_id", LINE),
    ("telephone_assistant", LINE),
    ("telephone_business1", LINE),
    ("telephone_business2", LINE),
    ("telephone_callback", LINE),
    ("telephone_car", LINE),
    ("telephone_company", LINE),
    ("telephone_home1", LINE),
    ("telephone_home2", LINE),
    ("telephone_ip", LINE),
    ("telephone_isdn", LINE),
    ("telephone_other", LINE),
    ("telephone_pager", LINE),
    ("telephone_primary", LINE),
    ("telephone_radio", LINE),
    ("telephone_telex", LINE),
    ("telephone_ttytdd", LINE),
    ("title", LINE),
    ("upload_file_size_limit", LINE),
    ("upload_file_size_limit_per_file", LINE),
    ("url", LINE),
    ("userfield01", LINE),
    ("userfield02", LINE),
    ("userfield03", LINE),
    ("userfield04", LINE),
    ("userfield05", LINE),
    ("userfield06", LINE),
    ("userfield07", LINE),
    ("userfield08", LINE),
    ("userfield09", LINE),
    ("userfield10", LINE),
    ("userfield11", LINE),
    ("userfield12", LINE),
    ("userfield13", LINE),
    ("userfield14", LINE),
    ("userfield15", LINE),
    ("userfield16", LINE),
    ("userfield17", LINE),
    ("userfield18", LINE),
    ("userfield19", LINE),
    ("userfield20", LINE),
];

/// How many characters a field takes. `None`: there is no such field.
#[must_use]
pub fn field_chars_max(name: &str) -> Option<usize> {
    FIELDS.binary_search_by_key(&name, |(name, _)| name).ok().and_then(|at| FIELDS.get(at)).map(|f| f.1)
}

/// Whether a text is an attribute's name: a namespace, a slash, a name, none of them empty.
#[must_use]
pub fn is_attribute_name(name: &str) -> bool {
    let parts = name.split_once('/');
    parts.is_some_and(|(space, rest)| !space.is_empty() && !rest.is_empty())
        && name.chars().count() <= ATTRIBUTE_NAME_CHARS_MAX
        && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_and_no_other() {
        assert!(FIELDS.is_sorted_by(|a, b| a.0 < b.0));
        for (name, limit) in FIELDS {
            assert_eq!(field_chars_max(name), Some(*limit), "{name}");
        }
        for unknown in ["", "Company", "companies", "zz"] {
            assert_eq!(field_chars_max(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn an_attribute_has_a_namespace_and_a_name() {
        for good in ["config/com.example.x", "a/b/c"] {
            assert!(is_attribute_name(good), "{good}");
        }
        for bad in ["", "a", "/a", "a/", "a\n/b", &format!("a/{}", "b".repeat(127))] {
            assert!(!is_attribute_name(bad), "{bad}");
        }
    }
}
