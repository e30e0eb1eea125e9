//! `generatempasswd`: the hash of the master's password, as the admin daemon's configuration has it.

use zebu_app::operator::auth;

use crate::operate::complaint::Complaint;
use crate::operate::exit;
use crate::operate::parse::Given;

/// The lines for `[operator]`.
///
/// # Errors
/// The password is one that nobody can have.
pub(crate) fn run(given: &Given) -> Result<String, Complaint> {
    let (user, password) = (given.text("user").unwrap_or_default(), given.text("pass").unwrap_or_default());
    lines(user, password)
}

/// Name and hash of a master, as settings.
pub(super) fn lines(user: &str, password: &str) -> Result<String, Complaint> {
    let hash = auth::hash(password).map_err(|error| Complaint::plain(exit::FAILED, error))?;
    Ok(format!("master = {}\nmaster_hash = {}\n", toml::Value::from(user), toml::Value::from(hash)))
}
