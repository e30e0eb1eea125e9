//! The guide's data tier: its chapters as written, then what can go wrong with it, with checkers watching.

use super::Options;
use crate::Result;
use crate::guide::{databases, filestore};
use crate::hosts::Lab;
use crate::report::Report;

pub(super) fn run(options: &Options, report: &mut Report) -> Result {
    let lab = report.step("six hosts boot", || {
        Ok((Lab::start(&options.name, options.disk.as_deref(), options.binary.as_deref())?, String::new()))
    })?;
    report.step("the chapter Master/Slave database setup", || Ok((databases::run(&lab)?, String::new())))?;
    report.step("the chapter Distributed file storage", || Ok((filestore::run(&lab)?, String::new())))
}
