//! Who lives in a test's cluster: two contexts that must never meet.

use zebu_app::App;
use zebu_app::provisioning::{
    ContextSpec, Resources, UserSpec, add_member, create_context, create_group, create_user,
};
use zebu_model::access;
use zebu_model::quota::Quota;
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
pub const TEAM: GroupId = GroupId(2);
/// Everybody's password.
pub const PASSWORD: &str = "secret";

fn user(login: &str, given_name: &str) -> UserSpec {
    UserSpec {
        login: login.to_owned(),
        display_name: given_name.to_owned(),
        given_name: given_name.to_owned(),
        surname: "Test".to_owned(),
        email: format!("{login}@example.test"),
        password: PASSWORD.to_owned(),
        access: access::ALL,
    }
}

fn context(id: ContextId, mapping: &str) -> ContextSpec {
    ContextSpec {
        id,
        name: mapping.to_owned(),
        mappings: vec![mapping.to_owned()],
        quota: Quota::Unlimited,
        admin: user("oxadmin", "Admin"),
    }
}

/// Creates the two contexts with their users.
pub(crate) async fn settle(app: &App, on: &Resources) {
    create_context(app, on, &context(CONTEXT, "defaultcontext")).await.unwrap();
    create_user(app, CONTEXT, ANNA, &user("anna", "Anna")).await.unwrap();
    create_user(app, CONTEXT, BEN, &user("ben", "Ben")).await.unwrap();
    create_group(app, CONTEXT, TEAM, "team", "The team").await.unwrap();
    add_member(app, CONTEXT, TEAM, BEN).await.unwrap();
    create_context(app, on, &context(OTHER_CONTEXT, "other")).await.unwrap();
    create_user(app, OTHER_CONTEXT, EVE, &user("eve", "Eve")).await.unwrap();
}
