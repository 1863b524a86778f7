//! Accounts: one debtor in one currency, the persons behind it, how to reach them, and what was noted about it.

pub mod change;
pub mod consent;
pub mod facts;
pub mod house_list;
pub mod store;
pub mod timeline;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    call,
    ids::{AccountId, CallId, ContactId, ContactPointId, NoteId, PersonId, UserId},
    money::Currency,
    phone::{Phone, zones::Place},
};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The list it was imported into.
    pub portfolio: String,
    /// Customer number, unique in the portfolio.
    pub number: String,
    /// Debtor's name.
    pub name: String,
    /// `consumer` or `commercial`.
    pub party_kind: String,
    /// Currency of everything it owes.
    pub currency: Currency,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// State or province.
    pub region: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Street and house.
    pub address_line: Option<String>,
    /// Zone the debtor stated (IANA).
    pub stated_zone: Option<String>,
    /// Language to speak (BCP 47).
    pub language: Option<String>,
    /// Terms of payment.
    pub terms: Option<String>,
    /// The agent who owns the relation.
    pub owner: Option<UserId>,
    /// `open` or `closed`.
    pub status: String,
    /// When it was taken in.
    pub created_at: DateTime<Utc>,
    /// Last change of the above.
    pub updated_at: DateTime<Utc>,
}

impl Account {
    /// Where it is, for the calling hours.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        Place {
            country: self.country.as_deref(),
            region: self.region.as_deref(),
            postal: self.postal_code.as_deref(),
            stated: self.stated_zone.as_deref().and_then(|zone| zone.parse().ok()),
        }
    }
}

/// A line of a list of accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Summary {
    /// Its id.
    pub id: AccountId,
    /// The list it was imported into.
    pub portfolio: String,
    /// Customer number.
    pub number: String,
    /// Debtor's name.
    pub name: String,
    /// Currency of the amounts.
    pub currency: Currency,
    /// `open` or `closed`.
    pub status: String,
    /// Sum of open items, minor units.
    pub open_minor: i64,
    /// What a caller may ask for, minor units.
    pub collectible_minor: i64,
    /// Earliest due date among its undisputed items.
    pub oldest_due_on: Option<NaiveDate>,
}

/// What to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// Every account.
    All,
    /// The account number, in full.
    Number(String),
    /// How the name begins, in any case.
    Name(String),
    /// A telephone number of one of its contacts.
    Phone(Phone),
}

/// A person's role at an account, with the ways to reach that person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// The person.
    pub person: PersonId,
    /// The person's name.
    pub name: String,
    /// `payables`, `approver`, `owner`, `guarantor`, `attorney` …
    pub role: String,
    /// Phones, emails and addresses, in the order in which they are tried.
    pub points: Vec<ContactPoint>,
}

/// A phone, email or postal address of a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ContactPoint {
    /// Its id.
    pub id: ContactPointId,
    /// Whose it is.
    pub contact: ContactId,
    /// `phone`, `email` or `postal`.
    pub kind: PointKind,
    /// E.164 for a phone.
    pub value: String,
    /// `work`, `mobile`, `home` …
    pub label: String,
    /// Every zone it may be in (IANA).
    pub zones: Vec<String>,
    /// Order in which it is tried, 0 first.
    pub position: i16,
    /// Why it is not used any more.
    pub invalid_reason: Option<String>,
    /// The number, the person or the account is on the do-not-call list.
    pub do_not_call: bool,
    /// An e-mail address that is opted out of messages.
    pub opted_out: bool,
}

/// Kind of a contact point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum PointKind {
    /// Telephone.
    Phone,
    /// Email.
    Email,
    /// Postal address.
    Postal,
}

/// A contact point to add.
#[derive(Clone, Debug)]
pub struct NewPoint {
    /// Kind.
    pub kind: PointKind,
    /// E.164 for a phone.
    pub value: String,
    /// `work`, `mobile`, `home` …; 1 to 20 characters.
    pub label: String,
}

/// A note on an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Note {
    /// Its id.
    pub id: NoteId,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// Name of who wrote it; `None`: the service.
    pub by: Option<String>,
    /// The call it is about.
    pub call: Option<CallId>,
    /// Text.
    pub body: String,
}

/// A call in the time line of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PastCall {
    /// Its id.
    pub id: CallId,
    /// When it began.
    pub at: DateTime<Utc>,
    /// Who called whom.
    pub direction: call::Direction,
    /// How it ended, once it has.
    pub outcome: Option<call::Outcome>,
    /// Label of its disposition.
    pub disposition: Option<String>,
    /// Name of the agent.
    pub agent: Option<String>,
    /// When the agent and the debtor were connected.
    pub bridged_at: Option<DateTime<Utc>>,
    /// When the line went down.
    pub ended_at: Option<DateTime<Utc>>,
    /// Numbers of the invoices spoken about.
    pub invoices: Vec<String>,
}

/// Whom a wish not to be called covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DoNotCall {
    /// This number, whoever has it.
    Number(Phone),
    /// This person, at any number and account.
    Person(PersonId),
    /// Everybody at this account.
    Account(AccountId),
    /// The house's own list: a number, or with a trailing `*` every number that begins so.
    House(String),
}

impl DoNotCall {
    /// Scope and value as stored.
    #[must_use]
    pub fn stored(&self) -> (&'static str, String) {
        match self {
            Self::Number(phone) => ("number", phone.as_str().to_owned()),
            Self::Person(person) => ("person", person.to_string()),
            Self::Account(account) => ("account", account.to_string()),
            Self::House(value) => ("house", value.clone()),
        }
    }
}

/// Something that was wished, held, consented to or taken back.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Restriction {
    /// `do_not_call:person`, `hold:attorney`, `wish:not_at`, `consent:calls`, `language`, `zone`, `address`, `party_kind`.
    pub what: String,
    /// The particulars, by kind.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
    /// Since when; of a consent, when the debtor said it.
    pub at: DateTime<Utc>,
    /// Who recorded it.
    pub by: Option<String>,
    /// When it was taken back or released.
    pub ended_at: Option<DateTime<Utc>>,
    /// By whom.
    pub ended_by: Option<String>,
}

/// Why an account is not contacted at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum HoldReason {
    /// The debtor asked us to stop.
    Cease,
    /// Represented by an attorney.
    Attorney,
    /// Bankrupt.
    Bankruptcy,
    /// Deceased.
    Deceased,
    /// In a vulnerable situation: stop, and look after it.
    Vulnerable,
    /// In financial hardship.
    Hardship,
    /// With another department or authority.
    Escalated,
    /// Put on hold by a person or a disposition.
    Hold,
}

/// A reason not to contact an account, for a time or for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AccountHold {
    /// Its id.
    pub id: Uuid,
    /// Reason.
    pub reason: HoldReason,
    /// What was said about it.
    pub note: String,
    /// Since when.
    pub from_at: DateTime<Utc>,
    /// Until when; `None`: until released.
    pub until_at: Option<DateTime<Utc>>,
}

/// A hold to place.
#[derive(Clone, Debug)]
pub struct NewHold {
    /// Reason.
    pub reason: HoldReason,
    /// Note, at most 4000 characters.
    pub note: String,
    /// Until when; `None`: until released.
    pub until_at: Option<DateTime<Utc>>,
    /// The call that led to it.
    pub call: Option<CallId>,
}
