//! `/api/users`: who may log in. For administrators.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    agent::{
        Role,
        users::{self, Change, NewUser, User},
    },
    app::App,
    error::Error,
    ids::UserId,
};

use super::{
    auth::Admin,
    extract::{Body, Id, Query},
    page::{Page, Paging},
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(change, disable))
        .routes(routes!(set_password))
        .routes(routes!(enable))
}

/// A user to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// Lower case, 1 to 64 characters of `a-z 0-9 . _ - @`.
    login: String,
    /// Name to show, 1 to 120 characters.
    name: String,
    /// What the user may do.
    role: Role,
    /// 10 to 200 characters.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// Where the voice leg rings: `+1555…`, `sip:…` or `client:…`; absent: the softphone dials in.
    #[serde(default)]
    device: Option<String>,
    /// With the role `department`: the code of its department.
    #[serde(default)]
    department: Option<String>,
    /// What reports sum up by, 1 to 64 characters.
    #[serde(default)]
    team: Option<String>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// 10 to 200 characters.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Lists the users by log-in name.
#[utoipa::path(get, path = "/api/users", tag = "users", params(Paging),
    responses((status = 200, body = Page<User>), Problems))]
async fn list(State(app): State<App>, _: Admin, Query(paging): Query<Paging>) -> Result<Json<Page<User>>> {
    let (limit, after) = (paging.limit()?, paging.after::<String>()?);
    let surplus = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
    let users = users::list(&app.db).await?.into_iter();
    let users = users.filter(|user| after.as_ref().is_none_or(|after| user.login > *after)).take(surplus).collect();
    Ok(Json(Page::of(users, limit, |user| user.login.clone())?))
}

/// Creates a user.
#[utoipa::path(post, path = "/api/users", tag = "users", request_body = Create,
    responses((status = 201, body = User), Problems))]
async fn create(State(app): State<App>, _: Admin, Body(new): Body<Create>) -> Result<impl IntoResponse> {
    let Create { login, name, role, password, device, department, team } = new;
    let new = NewUser { login, name, role, password, device, department, team };
    let user = users::create(&app.db, new, app.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(user)))
}

/// Changes a user: everything is given, and what is left out is taken away.
#[utoipa::path(put, path = "/api/users/{id}", tag = "users", params(("id" = UserId, Path)),
    request_body = Change, responses((status = 200, body = User), Problems))]
async fn change(
    State(app): State<App>,
    Admin(by): Admin,
    Id(user): Id<UserId>,
    Body(change): Body<Change>,
) -> Result<Json<User>> {
    Ok(Json(users::change(&app.db, by.user, user, change).await?))
}

/// Lets a user who was disabled log in again.
#[utoipa::path(post, path = "/api/users/{id}/enable", tag = "users", params(("id" = UserId, Path)),
    responses((status = 204), Problems))]
async fn enable(State(app): State<App>, _: Admin, Id(user): Id<UserId>) -> Result<StatusCode> {
    users::enable(&app.db, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets a new password; the user's sessions end.
#[utoipa::path(put, path = "/api/users/{id}/password", tag = "users", params(("id" = UserId, Path)),
    request_body = NewPassword, responses((status = 204), Problems))]
async fn set_password(
    State(app): State<App>,
    _: Admin,
    Id(user): Id<UserId>,
    Body(new): Body<NewPassword>,
) -> Result<StatusCode> {
    users::set_password(&app.db, user, new.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets a user log in no more; its sessions end.
#[utoipa::path(delete, path = "/api/users/{id}", tag = "users", params(("id" = UserId, Path)),
    responses((status = 204), Problems))]
async fn disable(State(app): State<App>, Admin(by): Admin, Id(user): Id<UserId>) -> Result<StatusCode> {
    if by.user == user {
        return Err(Error::Conflict("an administrator cannot disable itself".to_owned()).into());
    }
    users::disable(&app.db, user, app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
