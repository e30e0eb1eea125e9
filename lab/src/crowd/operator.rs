//! Who changes accounts and the group through the admin daemon, one command after another: takes the module for files from somebody,
//! disables an account, and gives both back a moment later.

use super::heard::Heard;
use super::rights::{ENABLED, MODULE, YES};
use super::world::{World, lock};
use crate::checks::record::{Bits, Operation, Outcome, Register};
use crate::load::{Answer, Sent, Silence, send};
use bytes::Bytes;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// `oxadmin:secret`, as the header has it.
const BASIC: &str = "Basic b3hhZG1pbjpzZWNyZXQ=";
/// Between two commands. Each changes what the rights of the whole context rest on: more of them would leave little to remember.
const PACE: Duration = Duration::from_millis(600);

/// Asks the admin daemon for a command.
pub(crate) async fn command(daemon: SocketAddr, name: &str, options: &Value) -> Heard {
    let sent = Sent {
        method: "POST",
        target: format!("/admin/v1/{name}"),
        cookies: "",
        authorization: Some(BASIC),
        content_type: Some("application/json"),
        body: Bytes::from(options.to_string()),
    };
    match send(daemon, sent).await {
        Err(Silence::NotSent(said)) => Heard::of(Answer::NotSent(said)),
        Err(Silence::Broken(said)) => Heard::of(Answer::None(said)),
        Err(silence @ Silence::Hung) => Heard::of(Answer::Hung(silence.to_string())),
        Ok(got) => {
            let Ok(answer) = serde_json::from_slice::<Value>(&got.body) else {
                return Heard::Unknown(format!("{name}: status {}", got.status));
            };
            match answer.get("error") {
                None => Heard::Done(answer),
                Some(error) => {
                    let code = error.get("code").and_then(Value::as_str).unwrap_or("no code");
                    Heard::of_words(format!("{code} {name}: {error}"))
                }
            }
        }
    }
}

/// Works until the crowd stops. Each of several has people of their own, so that what one takes no other gives back.
pub(crate) async fn run(world: Arc<World>, daemon: SocketAddr, own: Vec<usize>) {
    while !world.stopped() && !own.is_empty() {
        // tidy-allow(sleep): a pace, not a wait
        let pace = tokio::time::sleep(PACE);
        if let Some(person) = own.get(world.lots.below(own.len())) {
            match world.lots.below(10) {
                0 => account(&world, daemon, *person, MODULE).await,
                1 => account(&world, daemon, *person, ENABLED).await,
                2..5 => account(&world, daemon, *person, ENABLED | MODULE).await,
                lot => member(&world, daemon, *person, lot % 2 == 0).await,
            }
        }
        pace.await;
    }
    for person in own {
        account(&world, daemon, person, ENABLED | MODULE).await;
    }
}

async fn account(world: &World, daemon: SocketAddr, person: usize, bits: Bits) {
    let options = json!({
        "contextid": 1,
        "userid": world.person(person).user,
        "mailenabled": bits & ENABLED != 0,
        "access-infostore": bits & MODULE != 0,
    });
    let register = world.person(person).state;
    change(world, daemon, ("change account", "changeuser"), options, register, bits).await;
    if bits != ENABLED | MODULE {
        let options = json!({
            "contextid": 1, "userid": world.person(person).user, "mailenabled": true, "access-infostore": true
        });
        let bits = ENABLED | MODULE;
        change(world, daemon, ("change account", "changeuser"), options, register, bits).await;
    }
}

async fn member(world: &World, daemon: SocketAddr, person: usize, put_in: bool) {
    let which = if put_in { "addmembers" } else { "removemembers" };
    let options = json!({"contextid": 1, "groupid": world.group, which: [world.person(person).user]});
    let (register, bits) = (world.person(person).member, if put_in { YES } else { 0 });
    change(world, daemon, ("change group", "changegroup"), options, register, bits).await;
}

async fn change(
    world: &World,
    daemon: SocketAddr,
    (kind, name): (&'static str, &str),
    options: Value,
    register: Register,
    bits: Bits,
) {
    let changes = vec![world.change(register, bits)];
    let begun = world.now();
    let heard = command(daemon, name, &options).await;
    let ended = world.now();
    let who = format!("the operator, {name} {options}");
    let mut said = String::new();
    let outcome = match heard {
        Heard::Done(_) => Outcome::Done,
        Heard::Failed(words) => {
            said = words;
            Outcome::Failed
        }
        Heard::Unknown(words) => {
            said = words;
            Outcome::Unknown
        }
        Heard::Hung(words) => {
            said = words;
            lock(&world.hung).push(who.clone());
            Outcome::Unknown
        }
        Heard::Refused(_, words) => {
            world.strange(format!("{who}: {words}"));
            said = words;
            Outcome::Unknown
        }
    };
    world.enter(Operation { kind, who, begun, ended, outcome, said, changes, sights: Vec::new() });
}
