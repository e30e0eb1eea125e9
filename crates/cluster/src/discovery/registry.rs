//! Members whose address the registry has.

use std::sync::Arc;

use tokio::sync::watch;

use super::found::Found;
use crate::authority::Name;
use crate::mesh::Expected;

/// Follows the registry, until nobody tells of it any more.
pub(super) async fn follow(own: Name, mut expected: watch::Receiver<Arc<Vec<Expected>>>, found: Arc<Found>) {
    loop {
        let members = Arc::clone(&expected.borrow_and_update());
        let others = members.iter().filter(|member| member.name != own);
        found.set("registry", others.filter_map(|member| member.address).collect());
        if expected.changed().await.is_err() {
            return;
        }
    }
}
