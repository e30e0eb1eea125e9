//! What a crowd works on, made before it begins, while nothing is wrong: the group, each person's two cabinets and their first folders.

use super::Plan;
use super::client::{Client, Session};
use super::folders::FOLDERS;
use super::heard::Heard;
use super::operator::command;
use super::rights::YES;
use super::world::{Somebody, World};
use crate::checks::record::Record;
use crate::load::{Lots, Node, OWNER, Person, standard_folder, text};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Makes everything.
pub(crate) async fn world(plan: &Plan, started: Instant) -> Result<Arc<World>, String> {
    let ways_in: Vec<Node> = plan.nodes.iter().chain([&plan.web_tier]).cloned().collect();
    let pulse = ways_in.iter().map(|_| AtomicU64::new(0)).collect();
    let mut world = World {
        started,
        label: format!("s{}", plan.seed),
        ways_in,
        password: plan.password.clone(),
        people: Vec::new(),
        group: group(plan).await?,
        record: Mutex::new(Record::default()),
        values: Mutex::default(),
        folders: Mutex::default(),
        files: Mutex::default(),
        lots: Lots::from(plan.seed),
        stop: AtomicBool::new(false),
        pulse,
        strange: Mutex::default(),
        hung: Mutex::default(),
    };
    let mut signed_in = Vec::new();
    for login in &plan.people {
        let node = world.way_in(signed_in.len() % plan.nodes.len().max(1)).clone();
        let person = Person::sign_in(&node, login, &plan.password).await;
        let person = person.map_err(|answer| format!("{login} is not let in: {answer:?}"))?;
        let (state, member) = world.registers_of(login, false);
        let cabinets = [cabinet(&node, &person, 1).await?, cabinet(&node, &person, 2).await?];
        world.people.push(Somebody { login: login.clone(), user: person.user, state, member, cabinets });
        signed_in.push(person);
    }
    let world = Arc::new(world);
    for (index, person) in signed_in.into_iter().enumerate() {
        let register = world.register(format!("the first session of {}", person.login), YES);
        let session = Some(Session { person, register, over: false });
        let client = Client { world: Arc::clone(&world), person: index, session };
        for folder in 0..FOLDERS {
            // The last of each person's is for the group.
            let made = client.make_folder(folder + 1 == FOLDERS).await;
            made.ok_or_else(|| format!("a folder of {} was not made", client.somebody().login))?;
        }
    }
    Ok(world)
}

async fn group(plan: &Plan) -> Result<i64, String> {
    let options = json!({"contextid": 1, "name": "crowd", "displayname": "The crowd"});
    match command(plan.admin_daemon, "creategroup", &options).await {
        Heard::Done(answer) => {
            answer.get("id").and_then(Value::as_i64).ok_or_else(|| format!("creategroup: {answer}"))
        }
        other => Err(format!("creategroup: {other:?}")),
    }
}

/// A folder that everybody may look into, below a person's own.
async fn cabinet(node: &Node, person: &Person, number: usize) -> Result<String, String> {
    let own = standard_folder(node, person).await?;
    let permissions = json!([
        {"entity": person.user, "group": false, "bits": OWNER},
        {"entity": 0, "group": true, "bits": 257},
    ]);
    let title = format!("cabinet {number} of {}", person.login);
    let body = json!({"title": title, "module": "infostore", "permissions": permissions});
    let made = person.put(node, &format!("folders?action=new&folder_id={own}"), &body).await;
    Ok(text(&made.data()?))
}
