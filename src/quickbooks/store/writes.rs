//! Payments recorded here, and what has become of each there.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, types::Json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::candidates::Candidate;
use crate::{
    error::{Error, Result},
    ids::{PaymentId, UserId},
    ledger::store::stored_currency,
    money::Currency,
    named::named,
    quickbooks::{
        object::{Answered, Kind},
        payment::{self, Face},
        write::Sent,
    },
};

/// What has become of a payment there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = QuickBooksWriteState)]
pub enum State {
    /// It is to be written, changed or taken back.
    Waiting,
    /// That was asked, and there was no answer yet.
    Sent,
    /// It is there as it is here.
    Same,
    /// Somebody has to decide.
    Conflict,
    /// Somebody decided that it is not to be written.
    Aside,
}

named!(State {
    Waiting => "waiting", Sent => "sent", Same => "same", Conflict => "conflict", Aside => "aside",
});

/// Notes how a payment is to be there. One that somebody decides about, or has set aside, stays where it is.
pub async fn want(
    conn: &mut PgConnection,
    realm: &str,
    candidate: &Candidate,
    state: State,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO quickbooks_write AS w (id, realm, account_id, payment_id, state, wanted, reason, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
         ON CONFLICT (payment_id) DO UPDATE SET wanted = excluded.wanted, changed_at = excluded.changed_at,
             state = CASE WHEN w.state IN ('same', 'waiting') THEN excluded.state ELSE w.state END,
             reason = CASE WHEN w.state IN ('same', 'waiting') THEN excluded.reason ELSE w.reason END
         WHERE w.wanted <> excluded.wanted",
        Uuid::now_v7(),
        realm,
        candidate.account.0,
        candidate.payment.0,
        state.as_str(),
        Json(&candidate.wanted) as _,
        reason,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether something was written, or tried to be, for a payment.
pub async fn is_known(conn: &mut PgConnection, payment: PaymentId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM quickbooks_write WHERE payment_id = $1) AS "known!""#,
        payment.0
    )
    .fetch_one(conn)
    .await?)
}

/// A payment with something to do.
pub struct Due {
    pub id: Uuid,
    pub customer: String,
    pub currency: Currency,
    pub reference: String,
    pub wanted: Face,
    pub there: Option<Face>,
    pub sent: Option<Sent>,
    pub request: i32,
    pub qbo_id: Option<String>,
    pub sync_token: Option<String>,
}

/// Payments with something to do, in the order in which they were recorded.
pub async fn due(conn: &mut PgConnection, realm: &str, most: i64) -> Result<Vec<Due>> {
    let rows = sqlx::query!(
        r#"SELECT w.id, a.number, a.currency::text AS "currency!", p.reference, w.wanted AS "wanted: Json<Face>",
                  w.there AS "there: Json<Face>", w.sent AS "sent: Json<Sent>", w.request, w.qbo_id, w.sync_token
           FROM quickbooks_write w JOIN payment p ON p.id = w.payment_id JOIN account a ON a.id = w.account_id
           WHERE w.realm = $1 AND w.state IN ('waiting', 'sent') ORDER BY w.id LIMIT $2"#,
        realm,
        most
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Due {
                id: row.id,
                customer: row.number,
                currency: stored_currency(&row.currency)?,
                reference: row.reference,
                wanted: row.wanted.0,
                there: row.there.map(|face| face.0),
                sent: row.sent.map(|sent| sent.0),
                request: row.request,
                qbo_id: row.qbo_id,
                sync_token: row.sync_token,
            })
        })
        .collect()
}

/// Something is about to be asked: until there is an answer it may have been done.
pub async fn sending(conn: &mut PgConnection, id: Uuid, sent: &Sent, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE quickbooks_write SET state = 'sent', sent = $2, changed_at = $3 WHERE id = $1",
        id,
        Json(sent) as _,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How a payment is there, as far as it is known by now.
pub struct Standing<'a> {
    pub qbo_id: Option<&'a str>,
    pub sync_token: Option<&'a str>,
    pub there: Option<&'a Face>,
}

/// What was asked has been answered: what came of it. Where more is wanted by now it waits again.
pub async fn answered(
    conn: &mut PgConnection,
    id: Uuid,
    state: State,
    reason: &str,
    standing: &Standing<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE quickbooks_write SET state = $2, reason = $3, qbo_id = $4, sync_token = $5, there = coalesce($6, there),
             sent = NULL, request = request + 1, changed_at = $7 WHERE id = $1",
        id,
        state.as_str(),
        reason,
        standing.qbo_id,
        standing.sync_token,
        standing.there.map(Json) as _,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Payments in an answer, as far as they may be ours.
pub struct Seen {
    bodies: HashMap<String, String>,
    marks: HashMap<Uuid, String>,
    deleted: Vec<String>,
}

impl Seen {
    /// Those of an answer.
    pub fn of(answered: &Answered) -> Self {
        let payments = || answered.objects.iter().filter(|object| object.kind == Kind::Payment);
        let deleted = answered.deleted.iter().filter(|(kind, _)| *kind == Kind::Payment);
        Self {
            bodies: payments().map(|object| (object.id.clone(), object.body.clone())).collect(),
            marks: payments().filter_map(|object| Some((object.mark?, object.id.clone()))).collect(),
            deleted: deleted.map(|(_, id)| id.clone()).collect(),
        }
    }
}

/// Recognises what was written from here: by its mark where its answer was lost. Where somebody changed it there since,
/// somebody here has to decide.
pub async fn seen(conn: &mut PgConnection, realm: &str, seen: &Seen, now: DateTime<Utc>) -> Result<()> {
    let (marks, marked): (Vec<Uuid>, Vec<String>) = seen.marks.iter().map(|(mark, id)| (*mark, id.clone())).unzip();
    sqlx::query!(
        "UPDATE quickbooks_write w SET qbo_id = f.id FROM unnest($2::uuid[], $3::text[]) AS f (mark, id)
         WHERE w.realm = $1 AND w.id = f.mark AND w.qbo_id IS NULL",
        realm,
        &marks,
        &marked
    )
    .execute(&mut *conn)
    .await?;
    let ids: Vec<String> = seen.bodies.keys().chain(&seen.deleted).cloned().collect();
    let rows = sqlx::query!(
        r#"SELECT w.id, w.qbo_id AS "qbo_id!", w.there AS "there: Json<Face>", a.currency::text AS "currency!"
           FROM quickbooks_write w JOIN account a ON a.id = w.account_id
           WHERE w.realm = $1 AND w.state = 'same' AND w.qbo_id = ANY ($2)"#,
        realm,
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in rows {
        let (currency, there) = (stored_currency(&row.currency)?, row.there.map(|face| face.0));
        let why = match seen.bodies.get(&row.qbo_id) {
            None => there.filter(|face| face.total != 0).map(|_| "it was deleted there".to_owned()),
            Some(body) => match payment::found(body, currency) {
                Ok(found) if there.is_none_or(|there| there.agrees(&found.face)) => None,
                Ok(found) => Some(payment::changed(&found.face, currency)),
                Err(why) => Some(why),
            },
        };
        if let Some(why) = why {
            ask(conn, row.id, &why, now).await?;
        }
    }
    Ok(())
}

async fn ask(conn: &mut PgConnection, id: Uuid, why: &str, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE quickbooks_write SET state = 'conflict', reason = $2, changed_at = $3 WHERE id = $1",
        id,
        why,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Of which company a payment is.
pub async fn realm(conn: &mut PgConnection, id: Uuid) -> Result<String> {
    Ok(sqlx::query_scalar!("SELECT realm FROM quickbooks_write WHERE id = $1", id).fetch_one(conn).await?)
}

/// Somebody decided. To try again means that what is there now is taken as it is: ours is written over it.
///
/// # Errors
/// [`Error::Conflict`] if there is nothing to decide.
pub async fn decide(
    conn: &mut PgConnection,
    (id, state): (Uuid, State),
    note: &str,
    by: UserId,
    now: DateTime<Utc>,
) -> Result<()> {
    let decided = sqlx::query!(
        "UPDATE quickbooks_write SET state = $2, note = $3, decided_by = $4, decided_at = $5, changed_at = $5, reason = '',
             there = NULL WHERE id = $1 AND state = 'conflict'",
        id,
        state.as_str(),
        note,
        by.0,
        now
    );
    if decided.execute(conn).await?.rows_affected() == 0 {
        return Err(Error::Conflict("nobody has to decide about it".to_owned()));
    }
    Ok(())
}
