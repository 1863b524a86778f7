//! The account page of an account with 5,000 open items, beside reading the same items from the view and nothing else.

use std::time::Instant;

use anyhow::{Context, ensure};
use chrono::{Days, TimeDelta};
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::{
    report::{Ratio, Target},
    rig::Rig,
};
use crate::{
    agent::{
        Role, session,
        users::{self, NewUser},
    },
    ids::AccountId,
    ledger,
};

/// Open items of the account.
const ITEMS: i32 = 5_000;
/// Times that each is asked for.
const ROUNDS: usize = 40;

/// Asks for the account as its page does, one request after the other.
///
/// # Errors
/// If the service refuses, or does not give every item.
pub async fn run(rig: &Rig) -> anyhow::Result<Ratio> {
    let account = large_account(rig).await?;
    let token = token(rig).await?;
    let url = format!("http://{}/api/accounts/{account}", rig.address);
    let client = reqwest::Client::new();
    let (mut page, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let answer = client.get(&url).bearer_auth(&token).send().await?.error_for_status()?.bytes().await?;
        page.push(begun.elapsed().as_secs_f64());
        ensure!(answer.len() > 1_000_000, "5,000 items are more than {} bytes", answer.len());
        let begun = Instant::now();
        let rows = sqlx::query("SELECT * FROM open_item WHERE account_id = $1 ORDER BY due_on")
            .bind(account.0)
            .fetch_all(&rig.app.db)
            .await?;
        bare.push(begun.elapsed().as_secs_f64());
        ensure!(rows.len() == usize::try_from(ITEMS)?, "every item");
    }
    let (page, bare) = (median(&mut page).context("a round")?, median(&mut bare).context("a round")?);
    Ok(Ratio {
        name: "account page with 5,000 open items",
        measured: format!("{:.1} ms, median of {ROUNDS}", page * 1e3),
        baseline: format!("{:.1} ms: the same items by one query, median", bare * 1e3),
        ratio: page / bare,
        target: Target::AtMost(2.0),
    })
}

fn median(seconds: &mut [f64]) -> Option<f64> {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied()
}

async fn token(rig: &Rig) -> anyhow::Result<String> {
    let new = NewUser {
        login: "bench-account".to_owned(),
        name: "Bench".to_owned(),
        role: Role::Agent,
        password: "a password for the bench".to_owned().into(),
        device: None,
        department: None,
        team: None,
    };
    let user = users::create(&rig.app.db, new, rig.app.clock.now()).await?;
    let session = session::issue_bearer(&rig.app, user.id, "bench", TimeDelta::hours(1)).await?;
    Ok(session.token.expose_secret().to_owned())
}

async fn large_account(rig: &Rig) -> anyhow::Result<AccountId> {
    let (account, now) = (AccountId::generate(), rig.app.clock.now());
    let oldest = rig.app.clock.business_date() - Days::new(200);
    sqlx::query(
        "INSERT INTO account (id, portfolio, number, name, party_kind, currency, created_at, updated_at)
         VALUES ($1, 'bench', 'large', 'Debtor 5000', 'commercial', 'USD', $2, $2)",
    )
    .bind(account.0)
    .bind(now)
    .execute(&rig.app.db)
    .await?;
    let ids: Vec<Uuid> = (0..ITEMS).map(|_| Uuid::now_v7()).collect();
    sqlx::query(
        "WITH n AS (SELECT id, nth FROM unnest($1::uuid[]) WITH ORDINALITY AS n (id, nth)),
           v AS (INSERT INTO invoice (id, account_id, number, issued_on, currency, created_at)
                 SELECT id, $2, 'LARGE-' || nth, $3, 'USD', $4 FROM n),
           i AS (INSERT INTO instalment (id, invoice_id, account_id, seq, due_on)
                 SELECT id, id, $2, 1, $3 + (nth % 250)::integer FROM n)
         INSERT INTO posting (account_id, kind, instalment_id, amount_minor, currency, business_date, recorded_at)
         SELECT $2, 'invoice', id, 12345, 'USD', $3, $4 FROM n",
    )
    .bind(&ids)
    .bind(account.0)
    .bind(oldest)
    .bind(now)
    .execute(&rig.app.db)
    .await?;
    let mut conn = rig.app.db.acquire().await?;
    ledger::store::refresh_standing(&mut conn, &[account], now).await?;
    Ok(account)
}
