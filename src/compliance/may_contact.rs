//! May this account be contacted now? Each number and channel with every rule, its counts, and the next moment.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Finding, Refusal, book::Policies, judge, look, store, wish::Wish};
use crate::{
    account::{self, PointKind},
    campaign::Campaign,
    error::{Error, Result},
    ids::{AccountId, ContactPointId, PersonId},
};

/// Rules that bind letters and messages as well: they are about the account and the person, not about the telephone.
const WRITTEN: [&str; 4] = ["account_open", "hold", "do_not_call", "something_to_collect"];

/// The answer for an account.
#[derive(Serialize, ToSchema)]
pub struct MayContact {
    /// The account.
    pub account: AccountId,
    /// The moment that was asked about.
    pub at: DateTime<Utc>,
    /// SHA-256 of the rules.
    pub policy_version: String,
    /// Every way to reach it.
    pub points: Vec<Point>,
    /// Times and places at which somebody there does not want to be called.
    pub wishes: Vec<Standing>,
}

/// The answer for a number or address.
#[derive(Serialize, ToSchema)]
pub struct Point {
    /// The contact point.
    pub contact_point: ContactPointId,
    /// Who is reached there.
    pub person: PersonId,
    /// `phone`, `email` or `postal`.
    pub channel: PointKind,
    /// E.164 for a phone.
    pub value: String,
    /// `work`, `mobile` …
    pub label: String,
    /// It may be used now.
    pub allowed: bool,
    /// The rule that forbids it longest.
    pub refusal: Option<Refusal>,
    /// Every pack that was asked: the part of the rules' names before the slash.
    pub packs: Vec<String>,
    /// What every rule found.
    pub findings: Vec<Finding>,
}

/// A wish that stands.
#[derive(Serialize, ToSchema)]
pub struct Standing {
    /// Its id.
    pub id: Uuid,
    /// Whose it is; absent: everybody's at the account.
    pub person: Option<PersonId>,
    /// What is not wanted.
    pub wish: Wish,
}

/// Asks every rule about every way to reach the account, as for a call of `campaign`. Keeps no receipt: nothing is dialled.
///
/// # Errors
/// [`Error::NotFound`] without the account, or where the campaign does not list it.
pub async fn ask(
    conn: &mut PgConnection,
    policies: &Policies,
    campaign: &Campaign,
    account: AccountId,
    now: DateTime<Utc>,
    today: NaiveDate,
) -> Result<MayContact> {
    account::store::get(conn, account).await?;
    let contacts = account::store::contacts(conn, account).await?;
    let points: Vec<_> =
        contacts.iter().flat_map(|contact| contact.points.iter().map(move |point| (contact.person, point))).collect();
    let ids: Vec<ContactPointId> = points.iter().map(|(_, point)| point.id).collect();
    let mut requests = look::requests(conn, campaign, &ids, now, today).await?;
    if requests.is_empty() && !ids.is_empty() {
        return Err(Error::NotFound("account in this campaign's list"));
    }
    let answers = points.into_iter().filter_map(|(person, point)| {
        let receipt = judge(requests.remove(&point.id)?, policies, now);
        let mut findings = receipt.findings;
        if point.kind != PointKind::Phone {
            findings.retain(|finding| WRITTEN.contains(&finding.rule.as_str()));
        }
        let refusal = receipt.refusal.filter(|_| point.kind == PointKind::Phone).or_else(|| {
            super::worst(&findings).map(|finding| Refusal {
                rule: finding.rule.clone(),
                cite: finding.cite.clone(),
                facts: finding.facts.clone(),
                next_allowed_at: finding.verdict.until(),
            })
        });
        let mut packs: Vec<String> =
            findings.iter().filter_map(|one| one.rule.split_once('/')).map(|(pack, _)| pack.to_owned()).collect();
        packs.dedup();
        Some(Point {
            contact_point: point.id,
            person,
            channel: point.kind,
            value: point.value.clone(),
            label: point.label.clone(),
            allowed: refusal.is_none(),
            refusal,
            packs,
            findings,
        })
    });
    let points = answers.collect();
    let wishes = store::wishes(conn, account).await?;
    let wishes = wishes.into_iter().map(|(id, person, wish)| Standing { id, person, wish }).collect();
    Ok(MayContact { account, at: now, policy_version: policies.version.to_string(), points, wishes })
}
