//! What was promised at the end of a day, judged by what was known then: what became of a promise later is not looked at.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgConnection;

use crate::{
    error::Result,
    ids::{AccountId, InstalmentId, PromiseId},
    ledger::store::stored_currency,
    money::Currency,
    promise::{
        Until, credited,
        evaluate::{Credited, Paid, Status, Terms, evaluate},
        paid,
    },
    report::{AsOf, forecast::OpenPromise},
};

/// What is judged together: a cent of an account keeps one of its promises.
#[derive(Default)]
struct Ground {
    terms: Vec<Terms>,
    of: Vec<About>,
    paid: Vec<Paid>,
    credited: Vec<Credited>,
}

/// What is known of a promise besides its terms.
struct About {
    currency: Currency,
    /// Nothing was known to have become of it. That is all there is to know where another system did not say what it is for.
    unsettled: bool,
    kept: i64,
    matured: i64,
}

/// Promises that were open at the end of the day, with what was still to come of each; those of an account in the order
/// in which they take what is paid.
pub async fn open_promises(conn: &mut PgConnection, as_of: AsOf, portfolio: Option<&str>) -> Result<Vec<OpenPromise>> {
    let mut grounds = taken(conn, as_of, portfolio).await?;
    let account_of: HashMap<InstalmentId, AccountId> = grounds
        .iter()
        .flat_map(|(account, ground)| ground.terms.iter().flat_map(|terms| &terms.items).map(|item| (*item, *account)))
        .collect();
    let accounts: Vec<AccountId> = grounds.keys().copied().collect();
    let until = Some(Until { day: as_of.day, known_at: as_of.known_at });
    for paid in paid(conn, &accounts, until).await? {
        if let Some(ground) = account_of.get(&paid.item).and_then(|account| grounds.get_mut(account)) {
            ground.paid.push(paid);
        }
    }
    for credited in credited(conn, &accounts, until).await? {
        if let Some(ground) = account_of.get(&credited.item).and_then(|account| grounds.get_mut(account)) {
            ground.credited.push(credited);
        }
    }
    let mut open = Vec::new();
    for (account, ground) in grounds {
        let judged = evaluate(&ground.terms, &ground.paid, &ground.credited, as_of.day);
        for ((terms, about), judged) in ground.terms.into_iter().zip(ground.of).zip(judged) {
            let named = !terms.items.is_empty();
            if judged.status == Status::Open && (named || about.unsettled) {
                open.push(OpenPromise {
                    account,
                    items: terms.items,
                    currency: about.currency,
                    minor: terms.amount_minor - judged.credited_minor - judged.paid_minor,
                    deadline: terms.deadline,
                    kept: about.kept,
                    matured: about.matured,
                });
            }
        }
    }
    Ok(open)
}

/// Every promise taken by then, of accounts that have one whose time was not over.
async fn taken(conn: &mut PgConnection, as_of: AsOf, portfolio: Option<&str>) -> Result<BTreeMap<AccountId, Ground>> {
    let rows = sqlx::query!(
        r#"WITH promiser AS (
               SELECT DISTINCT account_id FROM promise
               WHERE taken_at::date <= $1 AND taken_at <= $2 AND deadline_on >= $1 AND (NOT withdrawn OR withdrawn_on > $1)
                 AND ($3::text IS NULL OR account_id IN (SELECT id FROM account WHERE portfolio = $3))
           ), past AS (
               SELECT account_id, count(*) AS matured, count(*) FILTER (WHERE status = 'kept') AS kept FROM promise
               WHERE deadline_on < $1 AND status NOT IN ('open', 'cancelled') AND account_id IN (SELECT account_id FROM promiser)
               GROUP BY 1
           )
           SELECT p.id AS "id: PromiseId", p.account_id AS "account: AccountId", p.currency::text AS "currency!",
                  p.amount_minor, p.tolerance_minor, p.taken_at, p.deadline_on, p.cleared_only,
                  CASE WHEN p.withdrawn_on <= $1 THEN p.withdrawn_on END AS withdrawn_on,
                  p.settled_at IS NULL OR p.settled_at > $2 OR p.settled_at::date > $1 AS "unsettled!",
                  array(SELECT instalment_id FROM promise_item WHERE promise_id = p.id) AS "items!: Vec<InstalmentId>",
                  coalesce(h.kept, 0) AS "kept!", coalesce(h.matured, 0) AS "matured!"
           FROM promiser c JOIN promise p ON p.account_id = c.account_id LEFT JOIN past h ON h.account_id = c.account_id
           WHERE p.taken_at::date <= $1 AND p.taken_at <= $2 AND (NOT p.withdrawn OR p.withdrawn_on IS NOT NULL)
           ORDER BY p.taken_at, p.deadline_on, p.id"#,
        as_of.day,
        as_of.known_at,
        portfolio
    )
    .fetch_all(conn)
    .await?;
    let mut grounds: BTreeMap<AccountId, Ground> = BTreeMap::new();
    for row in rows {
        let ground = grounds.entry(row.account).or_default();
        ground.terms.push(Terms {
            id: row.id,
            amount_minor: row.amount_minor,
            tolerance_minor: row.tolerance_minor,
            taken_at: row.taken_at,
            deadline: row.deadline_on,
            cleared_only: row.cleared_only,
            withdrawn_on: row.withdrawn_on,
            items: row.items,
        });
        let currency = stored_currency(&row.currency)?;
        ground.of.push(About { currency, unsettled: row.unsettled, kept: row.kept, matured: row.matured });
    }
    Ok(grounds)
}
