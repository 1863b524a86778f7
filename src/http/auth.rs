//! Who is asking, as the type of a handler's argument: a handler that takes a [`Supervisor`] is only ever run for one.

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{
    agent::{Principal, Role, session},
    app::App,
    error::Error,
};

use super::problem::Problem;

/// Anybody who is logged in, other departments included.
pub struct Anybody(pub Principal);

/// A caller, a supervisor or an administrator.
pub struct Agent(pub Principal);

/// A supervisor or an administrator.
pub struct Supervisor(pub Principal);

/// An administrator.
pub struct Admin(pub Principal);

impl FromRequestParts<App> for Anybody {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        principal(parts, app, Role::Department).await.map(Self)
    }
}

impl FromRequestParts<App> for Agent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        principal(parts, app, Role::Agent).await.map(Self)
    }
}

impl FromRequestParts<App> for Supervisor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        principal(parts, app, Role::Supervisor).await.map(Self)
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        principal(parts, app, Role::Admin).await.map(Self)
    }
}

async fn principal(parts: &Parts, app: &App, role: Role) -> Result<Principal, Problem> {
    let (session::Token::Bearer(token) | session::Token::Cookie(token)) =
        session::token_of(&parts.headers).ok_or(Error::Unauthenticated)?;
    let principal = session::authenticate(app, token).await?;
    principal.must_be(role)?;
    tracing::Span::current().record("user", tracing::field::display(principal.user));
    Ok(principal)
}
