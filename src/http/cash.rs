//! `/api/cash`: bank statements, runs that apply a batch of payments, differences, and the tie to the general ledger.

use axum::{Json, body::Bytes, extract::State, http::StatusCode};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    cash::{
        difference::{self, Difference, Outcome},
        lines::{self, BankLine, Decision, LineState, Loaded, ProposedLine},
        run::{self, Run, RunLine},
        statement::mapping::StatementMapping,
        store::{self, lines::StatementSummary, policies::CashPolicy},
        tie::{self, Control, Tied},
    },
    error::Error,
    ids::{AccountId, BankLineId, CashRunId, DifferenceId, StatementId},
    money::Currency,
};

use super::{
    auth::{Admin, Supervisor},
    extract::{Body, Id, Query},
    page::{self, Page, Paging},
    problem::{Problem, Problems, Result},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(statements))
        .routes(routes!(bank_lines))
        .routes(routes!(decide))
        .routes(routes!(runs, preview))
        .routes(routes!(run_lines))
        .routes(routes!(apply))
        .routes(routes!(discard))
        .routes(routes!(differences))
        .routes(routes!(close))
        .routes(routes!(tied, give))
        .routes(routes!(policies, set_policy))
}

/// What takes whole files, and so larger bodies.
pub(super) fn uploads() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(load))
}

/// A file to take in.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Upload {
    /// Whose customers pay into the account.
    portfolio: String,
    /// The file's name, at most 200 characters.
    #[serde(default)]
    name: String,
    /// For CSV and XLSX: `bank`, `bank-semicolon` or `payments`.
    mapping: Option<String>,
    /// For CSV: the bank account.
    bank_account: Option<String>,
}

/// Takes a bank statement in: camt.053, camt.054, BAI2 or OFX, which it recognises, or CSV and XLSX by a mapping. The body is
/// the file, at most 20 MiB. What was taken in before changes nothing.
#[utoipa::path(post, path = "/api/cash/statements", tag = "cash", params(Upload),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = [Loaded]), Problems))]
async fn load(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Query(upload): Query<Upload>,
    bytes: Bytes,
) -> Result<Json<Vec<Loaded>>> {
    if upload.name.chars().count() > 200 {
        return Err(Problem::invalid("name", "expected at most 200 characters"));
    }
    let mapping = upload.mapping()?;
    let file =
        lines::File { portfolio: &upload.portfolio, name: &upload.name, bytes: &bytes, mapping: mapping.as_ref() };
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    let loaded = lines::load(&mut tx, file, Some(by.user), app.clock.now()).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(Json(loaded))
}

impl Upload {
    fn mapping(&self) -> Result<Option<StatementMapping>> {
        let Some(name) = self.mapping.as_deref().filter(|name| !name.is_empty()) else { return Ok(None) };
        let known = || StatementMapping::shipped().collect::<Vec<_>>().join(", ");
        let mapping = StatementMapping::named(name);
        let mut mapping =
            mapping.ok_or_else(|| Problem::invalid("mapping", format!("expected one of {}", known())))??;
        if self.bank_account.as_ref().is_some_and(|account| !account.is_empty()) {
            mapping.bank_account.clone_from(&self.bank_account);
        }
        Ok(Some(mapping))
    }
}

/// Part of a list of a portfolio.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct OfPortfolio {
    /// Whose customers; everybody's unless given.
    portfolio: Option<String>,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// Entries at most, 1 to 200; 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// The statements that were taken in, the newest first, and how far each is worked off.
#[utoipa::path(get, path = "/api/cash/statements", tag = "cash", params(OfPortfolio),
    responses((status = 200, body = Page<StatementSummary>), Problems))]
async fn statements(
    State(app): State<App>,
    _: Supervisor,
    Query(wanted): Query<OfPortfolio>,
) -> Result<Json<Page<StatementSummary>>> {
    let limit = page::limit(wanted.limit)?;
    let before = page::after::<StatementId>(wanted.cursor.as_deref())?;
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let found = store::lines::statements(&mut conn, wanted.portfolio.as_deref(), before, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(found, limit, |statement| statement.id)?))
}

/// Which lines are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Lines {
    /// Whose customers; everybody's unless given.
    portfolio: Option<String>,
    /// Of which statement.
    statement: Option<StatementId>,
    /// In which state.
    state: Option<LineState>,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// Entries at most, 1 to 200; 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Lines of statements, each with whose it may be, what would be done with it, and why.
#[utoipa::path(get, path = "/api/cash/lines", tag = "cash", params(Lines),
    responses((status = 200, body = Page<ProposedLine>), Problems))]
async fn bank_lines(
    State(app): State<App>,
    _: Supervisor,
    Query(wanted): Query<Lines>,
) -> Result<Json<Page<ProposedLine>>> {
    let limit = page::limit(wanted.limit)?;
    let after = page::after::<BankLineId>(wanted.cursor.as_deref())?;
    let of = store::lines::Wanted {
        portfolio: wanted.portfolio.as_deref(),
        statement: wanted.statement,
        state: wanted.state,
    };
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let found = store::lines::list(&mut conn, &of, after, i64::from(limit) + 1).await?;
    let proposed = lines::proposed(&mut conn, found, app.clock.business_date()).await?;
    Ok(Json(Page::of(proposed, limit, |proposed| proposed.line.id)?))
}

/// Decides on a line that waits or was passed: accept what is proposed, change it, put it on account, leave it
/// unidentified, pass it, or take back the payment that the bank returned.
#[utoipa::path(post, path = "/api/cash/lines/{id}", tag = "cash", params(("id" = BankLineId, Path)),
    request_body = Decision, responses((status = 200, body = BankLine), Problems))]
async fn decide(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<BankLineId>,
    Body(decision): Body<Decision>,
) -> Result<Json<BankLine>> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    let line = lines::decide(&mut tx, id, &decision, by.user, today, now).await?;
    tx.commit().await.map_err(Error::from)?;
    app.outbox.ring();
    Ok(Json(line))
}

/// Runs, the newest first.
#[utoipa::path(get, path = "/api/cash/runs", tag = "cash", params(OfPortfolio),
    responses((status = 200, body = Page<Run>), Problems))]
async fn runs(State(app): State<App>, _: Supervisor, Query(wanted): Query<OfPortfolio>) -> Result<Json<Page<Run>>> {
    let limit = page::limit(wanted.limit)?;
    let before = page::after::<CashRunId>(wanted.cursor.as_deref())?;
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let found = store::runs::list(&mut conn, wanted.portfolio.as_deref(), before, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(found, limit, |run| run.id)?))
}

/// Whose payments.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRun {
    /// Whose payments.
    portfolio: String,
    /// Go on after this account: the last one of a run that had 5000 payments.
    #[serde(default)]
    after: Option<AccountId>,
}

/// A run.
#[derive(Serialize, ToSchema)]
struct Made {
    /// Its id.
    id: CashRunId,
}

/// Proposes what to do with the unapplied payments of a portfolio, at most 5000; applies nothing.
#[utoipa::path(post, path = "/api/cash/runs", tag = "cash", request_body = NewRun,
    responses((status = 201, body = Made), Problems))]
async fn preview(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Body(new): Body<NewRun>,
) -> Result<(StatusCode, Json<Made>)> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    let id = run::preview(&mut tx, &new.portfolio, new.after, Some(by.user), today, now).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

/// What a run proposes, payment by payment, with the reasons.
#[utoipa::path(get, path = "/api/cash/runs/{id}", tag = "cash", params(("id" = CashRunId, Path), Paging),
    responses((status = 200, body = Page<RunLine>), Problems))]
async fn run_lines(
    State(app): State<App>,
    _: Supervisor,
    Id(id): Id<CashRunId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<RunLine>>> {
    let (limit, after) = (paging.limit()?, paging.after::<i32>()?);
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let found = store::runs::lines(&mut conn, id, after, i64::from(limit) + 1).await?;
    Ok(Json(Page::of(found, limit, |line| line.nth)?))
}

/// What was applied.
#[derive(Serialize, ToSchema)]
struct Applied {
    /// Payments that found something.
    payments: usize,
}

/// Applies a run exactly as it was shown; refused if anything has changed in between.
#[utoipa::path(post, path = "/api/cash/runs/{id}/apply", tag = "cash", params(("id" = CashRunId, Path)),
    responses((status = 200, body = Applied), Problems))]
async fn apply(State(app): State<App>, Supervisor(by): Supervisor, Id(id): Id<CashRunId>) -> Result<Json<Applied>> {
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    let payments = run::apply(&mut tx, id, Some(by.user), today, now).await?;
    tx.commit().await.map_err(Error::from)?;
    app.outbox.ring();
    Ok(Json(Applied { payments }))
}

/// Discards a run.
#[utoipa::path(post, path = "/api/cash/runs/{id}/discard", tag = "cash", params(("id" = CashRunId, Path)),
    responses((status = 204), Problems))]
async fn discard(State(app): State<App>, Supervisor(by): Supervisor, Id(id): Id<CashRunId>) -> Result<StatusCode> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    store::runs::discard(&mut conn, id, by.user, app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which differences are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Differing {
    /// Whose customers; everybody's unless given.
    portfolio: Option<String>,
    /// Of which account.
    account: Option<AccountId>,
    /// Closed ones too.
    closed: bool,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// Entries at most, 1 to 200; 50 unless given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Differences between what came and what was expected, the oldest first.
#[utoipa::path(get, path = "/api/cash/differences", tag = "cash", params(Differing),
    responses((status = 200, body = Page<Difference>), Problems))]
async fn differences(
    State(app): State<App>,
    _: Supervisor,
    Query(wanted): Query<Differing>,
) -> Result<Json<Page<Difference>>> {
    let limit = page::limit(wanted.limit)?;
    let after = page::after::<DifferenceId>(wanted.cursor.as_deref())?;
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let found = store::differences::list(
        &mut conn,
        wanted.portfolio.as_deref(),
        wanted.account,
        !wanted.closed,
        after,
        i64::from(limit) + 1,
    )
    .await?;
    Ok(Json(Page::of(found, limit, |difference| difference.id)?))
}

/// How a difference was worked to an end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Close {
    /// What was done about it.
    outcome: Outcome,
    /// How, 1 to 500 characters.
    note: String,
}

/// Closes a difference; who and when are kept.
#[utoipa::path(post, path = "/api/cash/differences/{id}", tag = "cash", params(("id" = DifferenceId, Path)),
    request_body = Close, responses((status = 204), Problems))]
async fn close(
    State(app): State<App>,
    Supervisor(by): Supervisor,
    Id(id): Id<DifferenceId>,
    Body(close): Body<Close>,
) -> Result<StatusCode> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    difference::close(&mut conn, id, close.outcome, &close.note, by.user, app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which tie is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct OfDay {
    /// Whose customers.
    portfolio: String,
    /// The currency.
    #[param(value_type = String)]
    currency: Currency,
    /// At the end of which day; today unless given.
    day: Option<NaiveDate>,
}

/// Holds the sub-ledger against the control total of a day, and names what does not tie.
#[utoipa::path(get, path = "/api/cash/control", tag = "cash", params(OfDay),
    responses((status = 200, body = Tied), Problems))]
async fn tied(State(app): State<App>, _: Supervisor, Query(wanted): Query<OfDay>) -> Result<Json<Tied>> {
    let day = wanted.day.unwrap_or_else(|| app.clock.business_date());
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(tie::tie(&mut conn, &wanted.portfolio, wanted.currency, day).await?))
}

/// Keeps what the general ledger says of a day; the newest word counts.
#[utoipa::path(post, path = "/api/cash/control", tag = "cash", request_body = Control,
    responses((status = 204), Problems))]
async fn give(State(app): State<App>, Supervisor(by): Supervisor, Body(control): Body<Control>) -> Result<StatusCode> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    tie::give(&mut conn, &control, by.user, app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How cash is applied, by portfolio and kind of debtor.
#[utoipa::path(get, path = "/api/cash/policies", tag = "cash", responses((status = 200, body = [CashPolicy]), Problems))]
async fn policies(State(app): State<App>, _: Supervisor) -> Result<Json<Vec<CashPolicy>>> {
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    Ok(Json(store::policies::all(&mut conn).await?))
}

/// Sets how the cash of some debtors is applied.
#[utoipa::path(put, path = "/api/cash/policies", tag = "cash", request_body = CashPolicy,
    responses((status = 204), Problems))]
async fn set_policy(State(app): State<App>, Admin(by): Admin, Body(policy): Body<CashPolicy>) -> Result<StatusCode> {
    let mut tx = app.db.begin().await.map_err(Error::from)?;
    store::policies::set(&mut tx, &policy, by.user, app.clock.now()).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(StatusCode::NO_CONTENT)
}
