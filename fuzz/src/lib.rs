//! What the fuzz targets do with bytes. The tests of `crates/ajp` include [`exchanges`] and run it over the corpus and over
//! random bytes, so that it never rots.

pub mod exchanges;
