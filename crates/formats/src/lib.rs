//! The formats that groupware is spoken in: bytes to values and back.
//!
//! Called by `app` and `web`. Pure: no I/O, no clock, no randomness, and no input, however broken, may make
//! it panic or use more than the memory its limits allow. It must never decide anything about users, folders
//! or rights.

pub mod dav;
