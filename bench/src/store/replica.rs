//! What it costs to ask a replica: the same listing read on the master, and on a replica with the check that it is fresh.

/// Prints the table.
pub(crate) async fn table() {}
