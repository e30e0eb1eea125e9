//! Each rule by itself, on a node whose time and peers are made up. That all together keep the promises is the model's
//! to show.

mod leases;
mod leaving;
mod members;
mod readers;
mod stand_in;
mod writing;
