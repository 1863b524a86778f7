//! Approvals: what is above its author's limit waits for another person. Nothing is posted before.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{
    document::{Adjustment, CreditNote, Document, Refund, Reversal},
    limit::{self, Limited},
    post,
    store::{approvals, documents},
};
use crate::{
    agreement::{self, SUPERVISION},
    cash::receive::{self, Receipt},
    error::{Error, Result},
    ids::{AccountId, ApprovalId, UserId},
    money::Money,
    named::named,
    task::{self, NewTask, Owner, Priority},
};

/// Something to post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "post", rename_all = "snake_case")]
pub enum Request {
    /// Money that came in.
    Payment(Receipt),
    /// A credit note.
    CreditNote(CreditNote),
    /// An adjustment.
    Adjustment(Adjustment),
    /// A refund.
    Refund(Refund),
    /// The taking back of something.
    Reversal(Reversal),
}

/// What has become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// It waits.
    Requested,
    /// It was approved and posted.
    Approved,
    /// It was refused.
    Refused,
    /// Whoever asked for it took it back.
    Withdrawn,
}

named!(ApprovalState {
    Requested => "requested", Approved => "approved", Refused => "refused", Withdrawn => "withdrawn",
});

/// A request and what has become of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// Whose account it is about.
    pub account: AccountId,
    /// The account's number.
    pub account_number: String,
    /// What kind of posting.
    pub kind: String,
    /// How much.
    pub amount: Money,
    /// What is to be posted.
    pub request: Request,
    /// What has become of it.
    pub state: ApprovalState,
    /// Who asked.
    pub requested_by: UserId,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// Who decided.
    pub decided_by: Option<UserId>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// What was said about the decision.
    pub note: String,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Submitted {
    /// It was within the limit and is posted; `None`: a reversal, which is no document of its own.
    Posted(Option<Document>),
    /// It waits for another person.
    Waiting(ApprovalId),
}

impl Request {
    fn kind(&self) -> Limited {
        match self {
            Self::Payment(_) => Limited::Payment,
            Self::CreditNote(_) => Limited::CreditNote,
            Self::Adjustment(new) => Limited::Adjustment(new.kind),
            Self::Refund(_) => Limited::Refund,
            Self::Reversal(_) => Limited::Reversal,
        }
    }

    async fn head(&self, conn: &mut PgConnection) -> Result<(AccountId, Money)> {
        match self {
            Self::Payment(new) => Ok((new.account, new.amount)),
            Self::CreditNote(new) => Ok((new.account, new.amount)),
            Self::Adjustment(new) => Ok((new.account, new.amount)),
            Self::Refund(new) => Ok((new.account, new.amount)),
            Self::Reversal(new) => documents::head(conn, new.document).await,
        }
    }

    async fn post(
        &self,
        conn: &mut PgConnection,
        by: UserId,
        approved_by: Option<UserId>,
        today: NaiveDate,
        now: DateTime<Utc>,
    ) -> Result<Option<Document>> {
        Ok(match self {
            Self::Payment(new) => {
                limit::authority(conn, by, approved_by, Limited::Payment, new.amount).await?;
                Some(Document::Payment(receive::receive(conn, new, by, today, now).await?.payment))
            }
            Self::CreditNote(new) => {
                Some(Document::CreditNote(post::credit_with(conn, new, by, approved_by, today, now).await?))
            }
            Self::Adjustment(new) => {
                let new = Adjustment { approved_by, ..new.clone() };
                Some(Document::Adjustment(post::adjust(conn, &new, by, today, now).await?))
            }
            Self::Refund(new) => {
                Some(Document::Refund(post::refund_with(conn, new, by, approved_by, today, now).await?))
            }
            Self::Reversal(new) => {
                post::reverse_with(conn, new, by, approved_by, today, now).await?;
                None
            }
        })
    }
}

/// Posts what is within the limit of `by`, and keeps the rest for another person to approve; a task says so.
///
/// # Errors
/// Those of the posting; [`Error::Invalid`] for an adjustment that says it was approved.
pub async fn submit(
    conn: &mut PgConnection,
    request: &Request,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Submitted> {
    if let Request::Adjustment(Adjustment { approved_by: Some(_), .. }) = request {
        return Err(Error::invalid("approved_by", "leave it out: an approval is given to a request"));
    }
    let (account, amount) = request.head(conn).await?;
    if limit::reaches(conn, by, request.kind(), amount).await? {
        return Ok(Submitted::Posted(request.post(conn, by, None, today, now).await?));
    }
    if amount.minor <= 0 {
        return Err(Error::invalid("amount", "more than 0"));
    }
    let id = ApprovalId::generate();
    approvals::insert(conn, id, account, request.kind().as_str(), amount, request, by, now).await?;
    let task = NewTask {
        account: Some(account),
        kind: task::Kind::Approve,
        owner: Owner::Department(SUPERVISION.to_owned()),
        subject: format!("May {amount} be posted ({})?", request.kind().as_str().replace('_', " ")),
        due_on: agreement::store::business_days(conn, account).await?.after(today, 1),
        priority: Priority::High,
        source: Some(source(id)),
        by: Some(by),
    };
    task::open(conn, &task, now).await?;
    Ok(Submitted::Waiting(id))
}

fn source(id: ApprovalId) -> task::Source {
    task::Source { kind: task::SourceKind::Posting, id: id.0 }
}

/// Takes back what one has asked for oneself.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] if somebody else asked; [`Error::Conflict`] if it was decided.
pub async fn withdraw(conn: &mut PgConnection, id: ApprovalId, by: UserId, now: DateTime<Utc>) -> Result<()> {
    let approval = approvals::lock(conn, id).await?.ok_or(Error::NotFound("approval"))?;
    if approval.requested_by != by {
        return Err(Error::Forbidden);
    }
    if approval.state != ApprovalState::Requested {
        return Err(Error::Conflict("it was decided already".to_owned()));
    }
    approvals::decide(conn, id, ApprovalState::Withdrawn, "", by, now).await?;
    task::close_of(conn, source(id), task::State::Cancelled, "withdrawn", Some(by), now).await
}

/// Decides on a request; approved, it is posted on `today` as asked for.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] if it was decided, if it is one's own, or if the limit of `by` does not reach;
/// those of the posting, if it no longer fits: then it stays open.
pub async fn decide(
    conn: &mut PgConnection,
    id: ApprovalId,
    approve: bool,
    note: &str,
    by: UserId,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Option<Document>> {
    let approval = approvals::lock(conn, id).await?.ok_or(Error::NotFound("approval"))?;
    if approval.state != ApprovalState::Requested {
        return Err(Error::Conflict("it was decided already".to_owned()));
    }
    if approval.requested_by == by {
        return Err(Error::Conflict("another person has to decide on it".to_owned()));
    }
    if !limit::reaches(conn, by, approval.request.kind(), approval.amount).await? {
        return Err(Error::Conflict("it is above your limit too".to_owned()));
    }
    let state = if approve { ApprovalState::Approved } else { ApprovalState::Refused };
    approvals::decide(conn, id, state, note, by, now).await?;
    task::close_of(conn, source(id), task::State::Done, note, Some(by), now).await?;
    if !approve {
        return Ok(None);
    }
    approval.request.post(conn, approval.requested_by, Some(by), today, now).await
}
