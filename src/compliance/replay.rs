//! Giving verdicts again: one by the rules it was given by, many by rules that are being considered.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use super::{
    Finding, PermitRequest, Receipt, Refusal,
    book::{Book, Policies},
    judge, store,
};
use crate::{
    error::Result,
    ids::{AccountId, CampaignId, DecisionId},
};

/// Receipts tried by one call; the newest come first.
pub const MOST: usize = 20_000;
/// Receipts read at once.
const AT_ONCE: usize = 500;
/// Changed verdicts that are named one by one, of each rule.
const NAMED: usize = 10;

/// A receipt, and what comes out when its verdict is given again by the rules of its day.
#[derive(Serialize, ToSchema)]
pub struct Replayed {
    /// The decision.
    pub decision: DecisionId,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// SHA-256 of the rules.
    pub policy_version: String,
    /// What was asked: ids and counts, no names or numbers.
    #[schema(value_type = Object)]
    pub asked: PermitRequest,
    /// What every rule found.
    pub findings: Vec<Finding>,
    /// The refusal; absent: permitted.
    pub refusal: Option<Refusal>,
    /// The rules as kept under that version give the very same findings and verdict.
    pub confirmed: bool,
}

/// What changed rules would have said to what was permitted, and to what was refused.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Tried {
    /// Verdicts given again.
    pub verdicts: u64,
    /// Calls among them that were permitted.
    pub permitted: u64,
    /// Of those, how many would have been refused.
    pub would_refuse: u64,
    /// Of those that were refused, how many would have been permitted.
    pub would_permit: u64,
    /// The newly refused by rule.
    pub by_rule: BTreeMap<String, u64>,
    /// Verdicts that would change, up to 10 of each rule, newest first.
    pub changed: Vec<Changed>,
    /// There were more receipts than are tried at once; the newest were.
    pub cut_off: bool,
}

/// A verdict that would change.
#[derive(Debug, Serialize, ToSchema)]
pub struct Changed {
    /// The decision.
    pub decision: DecisionId,
    /// Its account.
    pub account: AccountId,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// The rule that refused it.
    pub was: Option<String>,
    /// The rule that would refuse it.
    pub becomes: Option<String>,
}

/// Gives a verdict again by the rules it was given by.
///
/// # Errors
/// [`crate::error::Error::NotFound`].
pub async fn replay(db: &PgPool, decision: DecisionId) -> Result<Replayed> {
    let mut conn = db.acquire().await?;
    let receipt = store::receipt(&mut conn, decision).await?;
    let policies = Policies::of(store::book(&mut conn, Some(&receipt.policy_version)).await?);
    let again = judge(receipt.request.clone(), &policies, receipt.at);
    let confirmed = again == receipt;
    let Receipt { request, at, policy_version, findings, refusal } = receipt;
    Ok(Replayed { decision, at, policy_version, asked: request, findings, refusal, confirmed })
}

/// Gives the verdicts of the last `days` again by the rules of `book`; of one campaign, or of all.
///
/// # Errors
/// If Postgres fails.
pub async fn try_out(
    db: &PgPool,
    book: Book,
    campaign: Option<CampaignId>,
    days: u16,
    now: DateTime<Utc>,
) -> Result<Tried> {
    let policies = Policies::of(book);
    let since = now - TimeDelta::days(days.into());
    let (mut tried, mut after) = (Tried::default(), None);
    let mut seen = 0;
    loop {
        let page = {
            let mut conn = db.acquire().await?;
            store::receipts_since(&mut conn, campaign, since, after, i64::try_from(AT_ONCE).unwrap_or(i64::MAX)).await?
        };
        let (full, last) = (page.len() == AT_ONCE, page.last().map(|one| (one.at, one.request.decision)));
        seen += page.len();
        for receipt in page {
            tried.add(receipt, &policies);
        }
        if !full || seen >= MOST {
            tried.cut_off = full;
            return Ok(tried);
        }
        after = last;
        // Other work of this node goes first.
        tokio::task::yield_now().await;
    }
}

impl Tried {
    fn add(&mut self, receipt: Receipt, policies: &Policies) {
        let (decision, account, at) = (receipt.request.decision, receipt.request.account, receipt.at);
        let was = receipt.refusal.map(|refusal| refusal.rule);
        let becomes = judge(receipt.request, policies, at).refusal.map(|refusal| refusal.rule);
        self.verdicts += 1;
        self.permitted += u64::from(was.is_none());
        match (&was, &becomes) {
            (None, Some(rule)) => {
                self.would_refuse += 1;
                *self.by_rule.entry(rule.clone()).or_default() += 1;
            }
            (Some(_), None) => self.would_permit += 1,
            _ => return,
        }
        // Newly refused by this rule, or no longer.
        let alike = |one: &&Changed| (&one.was, &one.becomes) == (&was, &becomes);
        if self.changed.iter().filter(alike).count() < NAMED {
            self.changed.push(Changed { decision, account, at, was, becomes });
        }
    }
}
