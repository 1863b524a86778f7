//! The rules in force, and trying changed ones.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State},
};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    account,
    app::App,
    compliance::{
        replay::{self, Tried},
        scope::{Collector, Party, Purpose},
    },
    error::Error,
    http::{
        auth::{Agent, Supervisor},
        extract::Body,
        page,
        problem::{Problem, Problems, Result},
    },
    ids::{AccountId, CampaignId},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(packs)).routes(routes!(source)).routes(routes!(sandbox))
}

/// The rules in force.
#[derive(Serialize, ToSchema)]
struct InForce {
    /// Their SHA-256.
    version: String,
    /// The packs, by name.
    packs: Vec<Described>,
}

/// A pack in a few words.
#[derive(Serialize, ToSchema)]
struct Described {
    /// Unique name.
    name: String,
    /// Raised by every change.
    version: u32,
    /// What it is.
    title: String,
    /// What to know about it.
    note: String,
    /// A campaign may name it as its policy.
    base: bool,
    /// Kinds of debtor it protects.
    parties: Vec<Party>,
    /// Roles of the collector it binds.
    collectors: Vec<Collector>,
    /// Purposes of calls it is about.
    purposes: Vec<Purpose>,
    /// Where.
    jurisdictions: Vec<String>,
    /// Its rules, each with its source.
    rules: BTreeMap<String, String>,
}

/// The packs in force. None of them is legal advice.
#[utoipa::path(get, path = "/api/policy", tag = "policy", responses((status = 200, body = InForce), Problems))]
async fn packs(State(app): State<App>, _: Agent) -> Json<InForce> {
    let packs = app.policies.book.packs().iter().map(|pack| {
        let applies = pack.applies.clone();
        let (parties, collectors, purposes, jurisdictions) = applies
            .map(|one| (one.parties, one.collectors, one.purposes, one.jurisdictions.into_iter().collect()))
            .unwrap_or_default();
        Described {
            name: pack.name.clone(),
            version: pack.version,
            title: pack.title.clone(),
            note: pack.note.clone(),
            base: pack.is_base(),
            parties,
            collectors,
            purposes,
            jurisdictions,
            rules: pack.rules.iter().map(|rule| (rule.id.clone(), rule.cite.clone())).collect(),
        }
    });
    Json(InForce { version: app.policies.version.to_string(), packs: packs.collect() })
}

/// The file of a pack.
#[derive(Serialize, ToSchema)]
struct Source {
    /// Name of the pack; `calendars` for the holidays.
    name: String,
    /// TOML, as `docs/POLICY.md` describes it.
    text: String,
}

/// The file of a pack in force, to change it and try the change.
#[utoipa::path(get, path = "/api/policy/{name}", tag = "policy", params(("name" = String, Path)),
    responses((status = 200, body = Source), Problems))]
async fn source(State(app): State<App>, _: Agent, Path(name): Path<String>) -> Result<Json<Source>> {
    let sources = &app.policies.sources;
    let unknown = || {
        let known: Vec<&str> = sources.keys().map(String::as_str).collect();
        Problem::invalid("name", format!("expected one of {}", known.join(", ")))
    };
    let text = sources.get(&name).ok_or_else(unknown)?.clone();
    Ok(Json(Source { name, text }))
}

/// A policy to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SandboxTrial)]
struct Trial {
    /// How many days back, 1 to 90.
    #[schema(minimum = 1, maximum = 90)]
    days: u16,
    /// Only the calls of this campaign; absent: of all.
    #[serde(default)]
    campaign: Option<CampaignId>,
    /// Packs to put in place of those of the same name, or besides: file name and TOML, 1 to 40.
    packs: BTreeMap<String, String>,
    /// Where to go on: `next` of the answer before. Opaque.
    #[serde(default)]
    cursor: Option<String>,
}

/// What came of the trial.
#[derive(Serialize, ToSchema)]
struct TrialResult {
    /// Counts, and verdicts that would change.
    #[serde(flatten)]
    tried: Tried,
    /// The accounts of those verdicts.
    accounts: Vec<account::Summary>,
    /// Give this as `cursor` to try the verdicts before these; absent: there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Gives the verdicts of the last days again by a changed policy, and says what it would have refused; up to 20,000 of them
/// at once, the newest first. Changes nothing.
#[utoipa::path(post, path = "/api/policy/sandbox", tag = "policy", request_body = Trial,
    responses((status = 200, body = TrialResult), Problems))]
async fn sandbox(State(app): State<App>, _: Supervisor, Body(trial): Body<Trial>) -> Result<Json<TrialResult>> {
    if !(1..=90).contains(&trial.days) {
        return Err(Problem::invalid("days", "expected 1 to 90"));
    }
    if !(1..=40).contains(&trial.packs.len()) {
        return Err(Problem::invalid("packs", "expected 1 to 40 files"));
    }
    let book = app.policies.book.with(trial.packs.iter().map(|(file, text)| (file.as_str(), text.as_str())))?;
    let trial = replay::Trial {
        book,
        campaign: trial.campaign,
        since: app.clock.now() - TimeDelta::days(trial.days.into()),
        after: page::after(trial.cursor.as_deref())?,
        most: replay::MOST,
    };
    let (tried, next) = replay::try_out(&app.db, trial).await?;
    let mut accounts: Vec<AccountId> = tried.changed.iter().map(|one| one.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let mut conn = app.db.acquire().await.map_err(Error::from)?;
    let accounts = account::store::summaries(&mut conn, &accounts).await?;
    Ok(Json(TrialResult { tried, accounts, next: next.as_ref().map(page::cursor).transpose()? }))
}
