//! What several tests begin with.

use serde_json::{Value, json};
use zebu_kit::Client;

/// Full rights, as owners have them.
pub(crate) const OWNER: u32 = 403_710_016;
/// Seeing and reading.
pub(crate) const VIEWER: u32 = 257;
/// Creating, reading, changing and deleting.
pub(crate) const AUTHOR: u32 = 4_227_332;

/// The id of the caller's own file folder.
pub(crate) async fn home(client: &Client) -> String {
    let columns = [("parent", "10"), ("columns", "1,308,2")];
    let answer = client.get("folders", "list", &columns).await.data();
    let me = client.get("user", "get", &[]).await.data()["id"].clone();
    let rows = answer.as_array().unwrap();
    let own = rows.iter().find(|row| row[1] == json!(true) && row[2] == me).expect("a home folder");
    own[0].as_str().unwrap().to_owned()
}

/// Makes a folder; answers its id.
pub(crate) async fn folder(client: &Client, parent: &str, title: &str) -> String {
    let body = json!({"title": title, "module": "infostore"});
    let answer = client.put("folders", "new", &[("folder_id", parent)], body).await;
    answer.data().as_str().unwrap().to_owned()
}

/// Permissions: who, whether that is a group, what.
pub(crate) fn permissions(entries: &[(u32, bool, u32)]) -> Value {
    let entry =
        |(entity, group, bits): &(u32, bool, u32)| json!({"entity": entity, "group": group, "bits": bits});
    entries.iter().map(entry).collect()
}

/// Gives a folder these permissions; answers the new stamp.
pub(crate) async fn share(client: &Client, folder: &str, entries: &[(u32, bool, u32)]) -> i64 {
    let body = json!({"permissions": permissions(entries)});
    let answer = client.put("folders", "update", &[("id", folder)], body).await;
    answer.data();
    answer.timestamp()
}

/// The bytes of a file.
pub(crate) async fn content(client: &Client, id: &str) -> Vec<u8> {
    let answer = client.get("infostore", "document", &[("id", id)]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body.to_vec()
}
