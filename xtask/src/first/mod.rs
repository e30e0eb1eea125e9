//! `cargo xtask first`: the first scenario.
use crate::Result;
pub(crate) fn run(_: &[String]) -> Result {
    Err("x".into())
}
