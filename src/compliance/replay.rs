//! Giving verdicts again: one by the rules it was given by, many by rules that are being considered.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
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

/// Receipts tried by one call; the newest come first, and the next call goes on after them.
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
}

/// What is tried.
#[derive(Debug)]
pub struct Trial {
    /// The rules to try.
    pub book: Book,
    /// Verdicts for the calls of this campaign; absent: of all.
    pub campaign: Option<CampaignId>,
    /// Verdicts given since.
    pub since: DateTime<Utc>,
    /// Only those before this one.
    pub after: Option<Place>,
    /// Verdicts at most, a multiple of 500 unless it is less.
    pub most: usize,
}

/// Where a receipt stands among the others.
pub type Place = (DateTime<Utc>, DecisionId);

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

/// Gives verdicts again by other rules, the newest first; with the place to go on at, if there are more.
///
/// # Errors
/// If Postgres fails.
pub async fn try_out(db: &PgPool, trial: Trial) -> Result<(Tried, Option<Place>)> {
    let Trial { book, campaign, since, mut after, most } = trial;
    let policies = Policies::of(book);
    let at_once = most.min(AT_ONCE);
    let (mut tried, mut seen) = (Tried::default(), 0);
    loop {
        let page = {
            let mut conn = db.acquire().await?;
            store::receipts_since(&mut conn, campaign, since, after, i64::try_from(at_once).unwrap_or(i64::MAX)).await?
        };
        let full = page.len() == at_once;
        after = page.last().map(|one| (one.at, one.request.decision));
        seen += page.len();
        for receipt in page {
            tried.add(receipt, &policies);
        }
        if !full || seen >= most {
            return Ok((tried, after.filter(|_| full)));
        }
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
