//! Who lives in a test's cluster: two contexts that must never meet.

use zebu_app::App;
use zebu_app::operator::contexts::{self, NewContext};
use zebu_app::operator::groups::{self, NewGroup};
use zebu_app::operator::users::{self, NewUser};
use zebu_app::operator::{self, AccessSpec, Foundation, Named};
use zebu_model::{ContextId, GroupId, UserId};

/// The context of names without mapping.
pub const CONTEXT: ContextId = ContextId(1);
/// The other tenant; its login mapping is `other`.
pub const OTHER_CONTEXT: ContextId = ContextId(2);
/// `anna` in [`CONTEXT`].
pub const ANNA: UserId = UserId(3);
/// `ben` in [`CONTEXT`].
pub const BEN: UserId = UserId(4);
/// `eve@other` in [`OTHER_CONTEXT`].
pub const EVE: UserId = UserId(3);
/// A group in [`CONTEXT`] whose only member is Ben.
pub const TEAM: GroupId = GroupId(5);
/// Everybody's password.
pub const PASSWORD: &str = "secret";

fn user(login: &str, given_name: &str) -> NewUser {
    let (given_name, surname) = (given_name.to_owned(), "Test".to_owned());
    let user = NewUser::of(login, &given_name, &format!("{login}@example.test"), PASSWORD);
    NewUser { given_name, surname, ..user }
}

async fn settle_context(app: &App, id: ContextId, name: &str) {
    let new = NewContext {
        name: Some(name.to_owned()),
        access: AccessSpec::combination("all"),
        ..NewContext::of(id, -1, user("oxadmin", "Admin"))
    };
    contexts::create(app, &new, false).await.unwrap();
}

async fn settle_user(app: &App, context: ContextId, id: UserId, login: &str, given_name: &str) {
    let made = users::create(app, context, &user(login, given_name), false).await.unwrap();
    assert_eq!(made.id, id);
}

/// Creates the two contexts with their users.
pub(crate) async fn settle(app: &App, on: &Foundation) {
    operator::lay(app, on).await.unwrap();
    settle_context(app, CONTEXT, "defaultcontext").await;
    settle_user(app, CONTEXT, ANNA, "anna", "Anna").await;
    settle_user(app, CONTEXT, BEN, "ben", "Ben").await;
    let team = NewGroup {
        name: "team".to_owned(),
        display_name: "The team".to_owned(),
        members: vec![Named::Id(BEN)],
    };
    assert_eq!(groups::create(app, CONTEXT, &team, false).await.unwrap().id, TEAM);
    settle_context(app, OTHER_CONTEXT, "other").await;
    settle_user(app, OTHER_CONTEXT, EVE, "eve", "Eve").await;
}
