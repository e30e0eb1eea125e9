//! Somebody who signs in, looks around, signs out and comes again: new sessions at a steady pace.

use super::books::Kind;
use super::wire::Line;
use super::world::World;
use std::sync::Arc;
use std::time::Duration;

/// From one sign-in to the next.
const PACE: Duration = Duration::from_millis(700);

/// Comes and goes until the traffic stops.
pub(crate) async fn run(world: Arc<World>, login: String) {
    let mut fronts = world.fronts.iter().cycle();
    while !world.stopped() {
        let Some(front) = fronts.next() else { return };
        // tidy-allow(sleep): a pace, not a wait
        let pace = tokio::time::sleep(PACE);
        if let Ok(guest) = world.sign_in(&login, front).await {
            let mut line = Line::to(front);
            let looks = world.get(Kind::Read, &guest, &mut line, "user?action=get").await;
            let out = world.get(Kind::Write, &guest, &mut line, "login?action=logout").await;
            drop((looks, out));
        }
        pace.await;
    }
}
