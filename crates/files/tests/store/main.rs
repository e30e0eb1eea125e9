//! The store as its callers see it, on a real directory, with and without waiting for the disk.

#[cfg(test)]
mod config;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod moving;
#[cfg(test)]
mod read;
#[cfg(test)]
mod support;
#[cfg(test)]
mod upload;
#[cfg(test)]
mod verify;
