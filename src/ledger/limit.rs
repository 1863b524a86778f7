//! Who may post how much. The limits are data: a table by role, kind and currency.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{document::AdjustmentKind, post::Authority, store::approvals};
use crate::{
    error::{Error, Result},
    ids::UserId,
    money::Money,
};

/// A kind of posting that has a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// Money that came in.
    Payment,
    /// A credit note.
    CreditNote,
    /// An adjustment of a kind.
    Adjustment(AdjustmentKind),
    /// Money paid back.
    Refund,
    /// The taking back of something.
    Reversal,
}

impl Limited {
    /// The name used in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::CreditNote => "credit_note",
            Self::Adjustment(kind) => kind.as_str(),
            Self::Refund => "refund",
            Self::Reversal => "reversal",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "payment" => Some(Self::Payment),
            "credit_note" => Some(Self::CreditNote),
            "refund" => Some(Self::Refund),
            "reversal" => Some(Self::Reversal),
            kind => AdjustmentKind::from_name(kind).map(Self::Adjustment),
        }
    }
}

/// How much a role may post by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostingLimit {
    /// The role.
    pub role: String,
    /// `payment`, `credit_note`, `refund`, `reversal` or the kind of an adjustment.
    pub kind: String,
    /// The currency; `***`: every currency that has no line of its own.
    pub currency: String,
    /// Minor units; `null`: no limit. A role without a line may post nothing.
    pub most_minor: Option<i64>,
}

/// Who answers for the posting: whoever posts it, if the limit reaches, else whoever approved it.
///
/// # Errors
/// [`Error::Conflict`] if no limit reaches, or if somebody approved their own posting.
pub(super) async fn authority(
    conn: &mut PgConnection,
    by: UserId,
    approved_by: Option<UserId>,
    what: Limited,
    amount: Money,
) -> Result<Authority> {
    if approved_by == Some(by) {
        return Err(Error::Conflict("nobody approves their own posting".to_owned()));
    }
    for user in std::iter::once(by).chain(approved_by) {
        let most = approvals::most(conn, user, what.as_str(), amount.currency).await?;
        if most.is_some_and(|most| most.is_none_or(|most| amount.minor <= most)) {
            return Ok(Authority { by, approved_by, limit_minor: most.flatten() });
        }
    }
    let kind = what.as_str();
    Err(Error::Conflict(format!("{kind} of {amount} is above the limit: it needs the approval of another person")))
}

/// Whether the user may post that without anybody's approval.
///
/// # Errors
/// Those of Postgres.
pub async fn reaches(conn: &mut PgConnection, user: UserId, what: Limited, amount: Money) -> Result<bool> {
    let most = approvals::most(conn, user, what.as_str(), amount.currency).await?;
    Ok(most.is_some_and(|most| most.is_none_or(|most| amount.minor <= most)))
}
