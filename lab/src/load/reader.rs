//! Somebody who looks around, as anybody, through any node, also while writers wait.

use super::world::World;
use std::sync::Arc;
use std::time::Duration;

/// From the beginning of one look to the beginning of the next, if it does not take longer.
const PACE: Duration = Duration::from_millis(60);

/// Looks around until the load stops.
pub(crate) async fn run(world: Arc<World>) {
    while !world.stopped() {
        // tidy-allow(sleep): a pace, not a wait
        let pace = tokio::time::sleep(PACE);
        let (_, node) = world.any_node();
        let person = world.lot(world.people.len());
        if let Some(ground) = world.grounds.get(world.lot(world.grounds.len())) {
            match world.lot(4) {
                0 => world.look_at_shared(ground, node).await,
                1 => world.look_at_title(ground, person, node).await,
                _ => world.look_at_open(ground, person, node).await,
            }
        }
        pace.await;
    }
}
