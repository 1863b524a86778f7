//! `/api/openapi.json`: the API described by the very list that routes it.

use axum::{Json, Router, routing::get};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{agent::session, app::App};

use super::{
    accounts, agents, calls, campaigns, cash, dispositions, disputes, do_not_call, escalations, export, floor, health,
    invoices, metrics, pacing, payments, periods, plans, policy, postings, promises, queue, quickbooks, reminders,
    reports, schedules, session as sessions, softphone, tasks, templates, users, webhooks,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Ledgerline",
        description = "The staff API. Log in at `/api/session` (cookie), or send a bearer token. Refusals are \
                       `application/problem+json`; lists come in pages with a cursor.",
    ),
    modifiers(&Security),
    tags(
        (name = "session", description = "Log in, log out, tokens for programs"),
        (name = "users", description = "Who may log in"),
        (name = "accounts", description = "The debtors: search, read, notes, contacts, do-not-call, holds"),
        (name = "messages", description = "What is written to debtors: templates, previews, what became of each, bounces"),
        (name = "reminders", description = "Ladders, what would go out today and why not, approval, stops"),
        (name = "credit", description = "Terms, limits, exposure, holds of deliveries, reviews"),
        (name = "documents", description = "Invoices and statements that go out"),
        (name = "campaigns", description = "Whom to call and how: start, pause, drain, ratio"),
        (name = "queue", description = "Who is called next, and why; who is held out, and why"),
        (name = "policy", description = "Whether an account may be called, and why not; receipts; trying changed rules"),
        (name = "calls", description = "Attempts: read, dispose of, hang up"),
        (name = "agreements", description = "Promises, plans, disputes and escalations: what was agreed, what is contested"),
        (name = "tasks", description = "What there is to do, for callers and for other departments; the agreement rules"),
        (name = "dispositions", description = "The catalogue from which an agent chooses"),
        (name = "agents", description = "Presence, and what supervisors do to it"),
        (name = "floor", description = "The live board"),
        (name = "postings", description = "Credit notes, adjustments, refunds, reversals; who may post how much; approvals"),
        (name = "cash", description = "Payments in, bank statements, applying cash, differences, the tie to the general ledger"),
        (name = "reports", description = "What is owed by age, and how quickly it is paid, as of any day"),
        (name = "export", description = "The way back: files that other ledgers take"),
        (name = "webhooks", description = "Other systems that are told what happens"),
        (name = "quickbooks", description = "QuickBooks Online, live: connect, read, write back, conflicts"),
        (name = "periods", description = "Months and years of the books: check, close, reopen"),
        (name = "operation", description = "Health and metrics"),
    )
)]
struct Base;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut Document) {
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(session::COOKIE)));
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("cookie", cookie);
        components.add_security_scheme("bearer", bearer);
        let either = ["cookie", "bearer"].map(|scheme| SecurityRequirement::new(scheme, [""; 0]));
        document.security = Some(either.to_vec());
    }
}

/// Every route of the API.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Base::openapi())
        .merge(sessions::routes())
        .merge(users::routes())
        .merge(accounts::routes())
        .merge(do_not_call::routes())
        // campaigns
        .merge(campaigns::routes())
        .merge(pacing::routes())
        .merge(queue::routes())
        .merge(invoices::routes())
        .merge(postings::routes())
        .merge(payments::routes())
        .merge(cash::routes())
        .merge(reports::routes())
        .merge(templates::routes())
        .merge(periods::routes())
        .merge(schedules::routes())
        .merge(reminders::routes())
        .merge(webhooks::routes())
        .merge(quickbooks::routes())
        .merge(export::routes())
        .merge(policy::routes())
        .merge(calls::routes())
        .merge(dispositions::routes())
        .merge(disputes::routes())
        .merge(escalations::routes())
        .merge(promises::routes())
        .merge(plans::routes())
        .merge(tasks::routes())
        .merge(agents::routes())
        .merge(floor::routes())
        .merge(softphone::routes())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(metrics::metrics))
}

/// The routes that take whole files.
pub(super) fn uploads() -> OpenApiRouter<App> {
    cash::uploads()
}

/// The address of the document.
pub(super) fn router(document: Document) -> Router<App> {
    Router::new().route("/api/openapi.json", get(async || Json(document)))
}
