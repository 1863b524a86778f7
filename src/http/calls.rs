//! `/api/calls`: attempts. Read them, dispose of one, hang up.

mod store;

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    agent::Role,
    app::App,
    call::{
        self, Direction, Event,
        apply::{self, Heard, Source},
    },
    disposition::{self, Recorded, Wrap},
    error::Error,
    ids::{AccountId, CallId, CampaignId, DecisionId, UserId},
};

use super::{
    auth::Agent,
    extract::{Body, Id, IdempotencyKey, Query},
    page::{self, Page},
    problem::{Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read)).routes(routes!(dispose)).routes(routes!(hang_up))
}

/// Which calls are wanted; agents get their own only.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// Only calls of this agent.
    agent: Option<UserId>,
    /// Only calls of this campaign.
    campaign: Option<CampaignId>,
    /// Only calls with this account.
    account: Option<AccountId>,
    /// Only calls in this state.
    state: Option<call::State>,
    /// Only calls that began at or after this moment.
    since: Option<DateTime<Utc>>,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// Entries at most, 1 to 200; 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// A call as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
struct CallView {
    /// Its id.
    id: CallId,
    /// Its campaign.
    campaign: Option<CampaignId>,
    /// The account.
    account: Option<AccountId>,
    /// Its customer number.
    account_number: Option<String>,
    /// Its name.
    account_name: Option<String>,
    /// Who called whom.
    direction: Direction,
    /// The debtor's number (E.164).
    number: String,
    /// Where it stands.
    state: call::State,
    /// How it ended.
    outcome: Option<call::Outcome>,
    /// Its agent.
    agent: Option<UserId>,
    /// The agent's name.
    agent_name: Option<String>,
    /// Code of its disposition.
    disposition: Option<String>,
    /// Label of its disposition.
    disposition_label: Option<String>,
    /// The receipt of the last look that permitted it, `/api/decisions/{id}`; `null`: the debtor called.
    decision: Option<DecisionId>,
    /// When it began.
    created_at: DateTime<Utc>,
    /// When somebody or something picked up.
    answered_at: Option<DateTime<Utc>>,
    /// When the agent and the debtor were connected.
    bridged_at: Option<DateTime<Utc>>,
    /// When the line went down.
    ended_at: Option<DateTime<Utc>>,
    /// When the agent made sure who was speaking.
    identity_confirmed_at: Option<DateTime<Utc>>,
}

/// A call and what was heard about it.
#[derive(Debug, Serialize, ToSchema)]
struct CallWithEvents {
    /// The call.
    call: CallView,
    /// What was heard, in the order in which it came in; at most 500.
    events: Vec<EventView>,
}

/// Something heard about a call. What the carrier sent word for word stays in the database: it is personal data.
#[derive(Debug, Serialize, ToSchema)]
struct EventView {
    /// Who said it: `answer`, `status`, `amd`, `desk` …
    source: String,
    /// What the call made of it.
    verdict: String,
    /// When it came in.
    received_at: DateTime<Utc>,
}

/// Lists calls, newest first.
#[utoipa::path(get, path = "/api/calls", tag = "calls", params(Wanted),
    responses((status = 200, body = Page<CallView>), Problems))]
async fn list(
    State(app): State<App>,
    Agent(by): Agent,
    Query(mut wanted): Query<Wanted>,
) -> Result<Json<Page<CallView>>> {
    let limit = page::limit(wanted.limit)?;
    let before = page::after::<(DateTime<Utc>, CallId)>(wanted.cursor.as_deref())?;
    if by.role == Role::Agent {
        wanted.agent = Some(by.user);
    }
    let calls = store::list(&app.db, &wanted, before, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(calls, limit, |call| (call.created_at, call.id))?))
}

/// Reads a call with its events.
#[utoipa::path(get, path = "/api/calls/{id}", tag = "calls", params(("id" = CallId, Path)),
    responses((status = 200, body = CallWithEvents), Problems))]
async fn read(State(app): State<App>, Agent(by): Agent, Id(id): Id<CallId>) -> Result<Json<CallWithEvents>> {
    let call = store::get(&app.db, id).await?;
    if by.role == Role::Agent && call.agent != Some(by.user) {
        return Err(Error::Forbidden.into());
    }
    Ok(Json(CallWithEvents { call, events: store::events(&app.db, id).await? }))
}

/// Records what a call led to, and everything that follows, at once. Send the same `Idempotency-Key` again to repeat a
/// request whose answer was lost: it is recorded once.
#[utoipa::path(post, path = "/api/calls/{id}/disposition", tag = "calls",
    params(("id" = CallId, Path), ("Idempotency-Key" = String, Header, description = "1 to 128 characters")),
    request_body = Wrap, responses((status = 200, body = Recorded), Problems))]
async fn dispose(
    State(app): State<App>,
    Agent(by): Agent,
    Id(call): Id<CallId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(wrap): Body<Wrap>,
) -> Result<Json<Recorded>> {
    tracing::Span::current().record("call", tracing::field::display(call));
    Ok(Json(disposition::record(&app, &by, call, wrap, &key).await?))
}

/// Ends the line: by the call's agent, or by a supervisor.
#[utoipa::path(post, path = "/api/calls/{id}/hangup", tag = "calls", params(("id" = CallId, Path)),
    responses((status = 204), Problems))]
async fn hang_up(State(app): State<App>, Agent(by): Agent, Id(id): Id<CallId>) -> Result<StatusCode> {
    tracing::Span::current().record("call", tracing::field::display(id));
    let call = store::get(&app.db, id).await?;
    let own = call.agent == Some(by.user);
    if !own && by.role == Role::Agent {
        return Err(Error::Forbidden.into());
    }
    let source = if own { Source::Desk } else { Source::Supervisor };
    apply::tell(&app, id, Heard::own(source, id, "end_asked", app.clock.now()), Event::EndAsked).await?;
    Ok(StatusCode::NO_CONTENT)
}
