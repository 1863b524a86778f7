//! What a verdict needs beyond the account's place in the queue: who is called where, what they wish, what was tried.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{history::Past, scope::Party, wish::Wish};
use crate::{
    ids::{AccountId, ContactPointId, PersonId},
    money::Currency,
};

/// The circumstances of one number of an account.
#[derive(Clone, Debug)]
pub struct Circumstances {
    /// The account.
    pub account: AccountId,
    /// The number.
    pub contact_point: ContactPointId,
    /// Who is reached there.
    pub person: PersonId,
    /// Who owes.
    pub party: Party,
    /// Currency of the debt.
    pub currency: Currency,
    /// Every jurisdiction that the number or the address points to.
    pub jurisdictions: BTreeSet<String>,
    /// Label of the number.
    pub label: String,
    /// Nobody has marked the number as of no use.
    pub valid: bool,
    /// The level of the do-not-call list that bars it.
    pub do_not_call: Option<String>,
    /// Every zone where the debtor may be; empty where one is not known, so that nothing is called at a wrong hour.
    pub zones: Vec<Tz>,
    /// Language the debtor speaks.
    pub language: Option<String>,
    /// What the debtor does not want.
    pub wishes: Vec<Wish>,
    /// Attempts and calls, newest first.
    pub history: Vec<Past>,
    /// When the person consented to be called more often, unless that was taken back.
    pub asked_at: Option<DateTime<Utc>>,
    /// When the consent to be called on this number was withdrawn, unless it was given again.
    pub consent_revoked_at: Option<DateTime<Utc>>,
    /// When the person agreed to be called back on this number at a time that has come.
    pub callback_made_at: Option<DateTime<Utc>>,
}
