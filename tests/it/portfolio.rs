//! Accounts of tests, written straight into Postgres.

use chrono::{DateTime, Days, NaiveDate, Utc};
use ledgerline::{
    app::App,
    campaign::{self, Campaign, Mode, NewCampaign, Settings},
    ids::{AccountId, CallId, CallbackId, CampaignId, ContactPointId, PersonId, PromiseId},
    ledger,
    money::{Currency, Money},
};
use uuid::Uuid;

/// What an account is made with.
#[derive(Clone, Debug)]
pub struct Debtor {
    /// What it owes, minor units.
    pub owes_minor: i64,
    /// Days past due at the start of the test.
    pub age_days: u64,
    /// Zones of its number.
    pub zones: Vec<&'static str>,
    /// Who is reached; `None`: a person of its own.
    pub person: Option<PersonId>,
}

/// An account as made.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    pub account: AccountId,
    pub person: PersonId,
}

impl Default for Debtor {
    fn default() -> Self {
        Self { owes_minor: 50_000, age_days: 10, zones: vec!["America/New_York"], person: None }
    }
}

/// Adds an account with one invoice and one number.
pub async fn add(app: &App, debtor: &Debtor) -> Made {
    let now = app.clock.now();
    let (account, person) = (AccountId::generate(), debtor.person.unwrap_or_else(PersonId::generate));
    let (contact, point) = (Uuid::now_v7(), ContactPointId::generate());
    let mut tx = app.db.begin().await.expect("a transaction");
    // The whole suffix of the id: numbers must not repeat.
    let digits = account.0.as_u128() % 10_000_000_000;
    sqlx::query(
        "WITH p AS (INSERT INTO person (id, name, created_at) VALUES ($2, 'Payables', $7) ON CONFLICT DO NOTHING),
              a AS (INSERT INTO account (id, portfolio, number, name, party_kind, currency, created_at, updated_at)
                    VALUES ($1, 'test', $1::text, 'Debtor Ltd', 'commercial', 'USD', $7, $7)),
              c AS (INSERT INTO contact (id, account_id, person_id, created_at) VALUES ($3, $1, $2, $7))
         INSERT INTO contact_point (id, contact_id, account_id, kind, value, zones, created_at)
         VALUES ($4, $3, $1, 'phone', $5, $6, $7)",
    )
    .bind(account)
    .bind(person)
    .bind(contact)
    .bind(point)
    .bind(format!("+1555{digits:010}"))
    .bind(&debtor.zones)
    .bind(now)
    .execute(&mut *tx)
    .await
    .expect("an account");
    let due_on = app.clock.business_date() - Days::new(debtor.age_days);
    invoice(&mut tx, account, debtor.owes_minor, due_on, now).await;
    ledger::store::refresh_standing(&mut tx, &[account], now).await.expect("its figures");
    tx.commit().await.expect("committed");
    Made { account, person }
}

async fn invoice(conn: &mut sqlx::PgConnection, account: AccountId, minor: i64, due_on: NaiveDate, now: DateTime<Utc>) {
    let (invoice, instalment) = (Uuid::now_v7(), Uuid::now_v7());
    sqlx::query(
        "WITH i AS (INSERT INTO invoice (id, account_id, number, issued_on, currency, created_at)
                    VALUES ($1, $3, $1::text, $5, 'USD', $6)),
              n AS (INSERT INTO instalment (id, invoice_id, account_id, seq, due_on) VALUES ($2, $1, $3, 1, $5))
         INSERT INTO posting (account_id, kind, instalment_id, amount_minor, currency, business_date, recorded_at)
         VALUES ($3, 'invoice', $2, $4, 'USD', $5, $6)",
    )
    .bind(invoice)
    .bind(instalment)
    .bind(account)
    .bind(minor)
    .bind(due_on)
    .bind(now)
    .execute(conn)
    .await
    .expect("an invoice");
}

/// A payment of everything reaches the books; nobody tells the queue.
pub async fn pay_all(app: &App, account: AccountId) {
    let now = app.clock.now();
    let mut tx = app.db.begin().await.expect("a transaction");
    let owed: i64 = sqlx::query_scalar("SELECT open_minor FROM account_standing WHERE account_id = $1")
        .bind(account)
        .fetch_one(&mut *tx)
        .await
        .expect("figures");
    let owed = Money::new(owed, Currency::USD);
    sqlx::query(
        "INSERT INTO posting (account_id, kind, amount_minor, currency, business_date, recorded_at)
         VALUES ($1, 'payment', $2, 'USD', $3, $4)",
    )
    .bind(account)
    .bind(-owed.minor)
    .bind(app.clock.business_date())
    .bind(now)
    .execute(&mut *tx)
    .await
    .expect("a payment");
    ledger::store::refresh_standing(&mut tx, &[account], now).await.expect("its figures");
    tx.commit().await.expect("committed");
}

/// A promise of the account is taken; nobody tells the queue.
pub async fn promise(app: &App, account: AccountId, due_on: NaiveDate) {
    let now = app.clock.now();
    let mut tx = app.db.begin().await.expect("a transaction");
    sqlx::query(
        "INSERT INTO promise (id, account_id, amount_minor, currency, due_on, deadline_on, status, taken_at)
         VALUES ($1, $2, 100, 'USD', $3, $3::date + 1, 'open', $4)",
    )
    .bind(PromiseId::generate())
    .bind(account)
    .bind(due_on)
    .bind(now)
    .execute(&mut *tx)
    .await
    .expect("a promise");
    ledger::store::refresh_standing(&mut tx, &[account], now).await.expect("its figures");
    tx.commit().await.expect("committed");
}

/// A callback is agreed; nobody tells the queue.
pub async fn callback(app: &App, account: AccountId, due_at: DateTime<Utc>) {
    sqlx::query("INSERT INTO callback (id, account_id, due_at, status, created_at) VALUES ($1, $2, $3, 'open', $4)")
        .bind(CallbackId::generate())
        .bind(account)
        .bind(due_at)
        .bind(app.clock.now())
        .execute(&app.db)
        .await
        .expect("a callback");
}

/// Live calls of an account.
pub async fn live_calls(app: &App, account: AccountId) -> Vec<CallId> {
    sqlx::query_scalar("SELECT id FROM call WHERE account_id = $1 AND live")
        .bind(account)
        .fetch_all(&app.db)
        .await
        .expect("calls")
}

/// A campaign that may dial all day, every day.
pub async fn campaign(app: &App, name: &str, mode: Mode) -> Campaign {
    let mut settings = Settings {
        caller_ids: vec!["+15555550100".parse().expect("a number")],
        creditor_name: "Example Receivables".to_owned(),
        ..Settings::default()
    };
    settings.hours[0].days.extend([chrono::Weekday::Sat, chrono::Weekday::Sun]);
    let new = NewCampaign { name: name.to_owned(), mode, ratio_milli: 1000, settings };
    campaign::create(app, None, new).await.expect("a campaign")
}

/// The campaign as it is now.
pub async fn again(app: &App, campaign: CampaignId) -> Campaign {
    campaign::store::get(&mut app.db.acquire().await.expect("a connection"), campaign).await.expect("a campaign")
}
