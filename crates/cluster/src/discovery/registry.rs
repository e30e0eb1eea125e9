//! Members whose address the registry has.

use std::sync::Arc;

use tokio::sync::watch;

use super::found::Found;
use crate::authority::Name;
use crate::mesh::Expected;

/// Follows the registry, until nobody tells of it any more. `own`: who asks, if it is a member.
pub(super) async fn follow(
    own: Option<Name>,
    mut expected: watch::Receiver<Arc<Vec<Expected>>>,
    found: Arc<Found>,
) {
    loop {
        let members = Arc::clone(&expected.borrow_and_update());
        let others = members.iter().filter(|member| Some(&member.name) != own.as_ref());
        found.set("registry", others.filter_map(|member| member.address).collect());
        if expected.changed().await.is_err() {
            return;
        }
    }
}
