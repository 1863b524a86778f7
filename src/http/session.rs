//! `/api/session`: log in, log out, who am I; `/api/tokens`: a bearer token for a program.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{AppendHeaders, IntoResponse},
};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    agent::{Principal, session, users},
    app::App,
    error::Error,
    ids::UserId,
};

use super::{
    auth::{Admin, Anybody},
    extract::Body,
    problem::{Problem, Problems, Result},
};

/// Longest life of a bearer token, in days.
const MAX_TOKEN_DAYS: i64 = 365;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(log_in, log_out, me)).routes(routes!(issue_token))
}

/// A log-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Credentials {
    /// Log-in name, 1 to 64 characters.
    login: String,
    /// Password, 1 to 200 characters.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Who is logged in.
#[derive(Serialize, ToSchema)]
struct Me {
    /// The user.
    #[serde(flatten)]
    principal: Principal,
    /// Code of the user's department, with the role `department`.
    department: Option<String>,
    /// The service's time: countdowns are counted from it.
    now: DateTime<Utc>,
    /// The office's calendar day.
    business_date: chrono::NaiveDate,
    /// The office's time zone (IANA).
    zone: String,
}

/// Logs in with a password; the session is in the cookie that comes back.
#[utoipa::path(post, path = "/api/session", tag = "session", request_body = Credentials,
    responses((status = 200, body = Me), Problems))]
async fn log_in(State(app): State<App>, Body(credentials): Body<Credentials>) -> Result<impl IntoResponse> {
    check_length("login", &credentials.login, 64)?;
    check_length("password", credentials.password.expose_secret(), 200)?;
    let session = session::log_in(&app, &credentials.login, &credentials.password).await?;
    let seconds = (session.expires_at - app.clock.now()).num_seconds();
    let cookie = cookie(&app, session.token.expose_secret(), seconds)?;
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Json(Me::of(&app, session.principal).await?)))
}

/// Logs out: the session ends, wherever it is used.
#[utoipa::path(delete, path = "/api/session", tag = "session", responses((status = 204), Problems))]
async fn log_out(State(app): State<App>, _: Anybody, headers: HeaderMap) -> Result<impl IntoResponse> {
    if let Some(session::Token::Bearer(token) | session::Token::Cookie(token)) = session::token_of(&headers) {
        session::log_out(&app, token).await?;
    }
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, cookie(&app, "", 0)?)])))
}

/// Who is logged in, and what time it is for the service.
#[utoipa::path(get, path = "/api/session", tag = "session", responses((status = 200, body = Me), Problems))]
async fn me(State(app): State<App>, Anybody(principal): Anybody) -> Result<Json<Me>> {
    Ok(Json(Me::of(&app, principal).await?))
}

/// A bearer token to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// The user the program acts for.
    user: UserId,
    /// What it is for, 1 to 80 characters.
    label: String,
    /// Days until it expires, 1 to 365.
    #[schema(minimum = 1, maximum = 365)]
    days: i64,
}

/// A bearer token; it is shown this once.
#[derive(Serialize, ToSchema)]
struct Issued {
    /// Send it as `Authorization: Bearer …`.
    token: String,
    /// When it ends.
    expires_at: DateTime<Utc>,
}

/// Makes a bearer token for a program.
#[utoipa::path(post, path = "/api/tokens", tag = "session", request_body = NewToken,
    responses((status = 201, body = Issued), Problems))]
async fn issue_token(State(app): State<App>, _: Admin, Body(new): Body<NewToken>) -> Result<impl IntoResponse> {
    check_length("label", &new.label, 80)?;
    if !(1..=MAX_TOKEN_DAYS).contains(&new.days) {
        return Err(Problem::invalid("days", format!("expected 1 to {MAX_TOKEN_DAYS}")));
    }
    let session = session::issue_bearer(&app, new.user, &new.label, TimeDelta::days(new.days)).await?;
    let issued = Issued { token: session.token.expose_secret().to_owned(), expires_at: session.expires_at };
    Ok((StatusCode::CREATED, Json(issued)))
}

impl Me {
    async fn of(app: &App, principal: Principal) -> Result<Self> {
        Ok(Self {
            department: users::department(&app.db, principal.user).await?,
            principal,
            now: app.clock.now(),
            business_date: app.clock.business_date(),
            zone: app.clock.house_zone().name().to_owned(),
        })
    }
}

fn check_length(field: &str, text: &str, most: usize) -> Result<()> {
    if (1..=most).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(Problem::invalid(field, format!("expected 1 to {most} characters")))
    }
}

/// The session cookie: out of reach of scripts, and only over TLS where the service is public.
fn cookie(app: &App, token: &str, seconds: i64) -> Result<HeaderValue> {
    let secure = if app.config.public_url.scheme() == "https" { "; Secure" } else { "" };
    let name = session::COOKIE;
    HeaderValue::from_str(&format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"))
        .map_err(|error| Problem::from(Error::internal("setting the session cookie")(error)))
}
