//! Money: random histories of everything that posts, what the database refuses by itself, limits and approvals.

mod history;
mod limits;
mod refused;

use chrono::NaiveDate;
use ledgerline::{
    agent::Role,
    app::App,
    error::Result,
    ids::{AccountId, InstalmentId, PaymentId, UserId},
    ledger::{NewInvoice, NewPayment, post, store},
    money::{Currency, Money},
};
use uuid::Uuid;

/// Somebody of a role.
pub async fn user(app: &App, role: Role) -> UserId {
    let id = UserId::generate();
    sqlx::query(
        "INSERT INTO users (id, login, name, role, password_hash, created_at) VALUES ($1, $2, 'A user', $3, '', $4)",
    )
    .bind(id.0)
    .bind(id.to_string())
    .bind(role.as_str())
    .bind(app.clock.now())
    .execute(&app.db)
    .await
    .expect("a user");
    id
}

/// An account in dollars.
pub async fn account(app: &App, party_kind: &str) -> AccountId {
    let id = AccountId::generate();
    sqlx::query(
        "INSERT INTO account (id, portfolio, number, name, party_kind, currency, created_at, updated_at)
         VALUES ($1, 'test', $2, 'Debtor', $3, 'USD', $4, $4)",
    )
    .bind(id.0)
    .bind(Uuid::now_v7().to_string())
    .bind(party_kind)
    .bind(app.clock.now())
    .execute(&app.db)
    .await
    .expect("an account");
    id
}

pub fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// An invoice with one instalment for each amount; gives them in order.
pub async fn invoice(app: &App, account: AccountId, on: NaiveDate, parts: &[i64]) -> Vec<InstalmentId> {
    let mut tx = app.db.begin().await.expect("a transaction");
    let new = NewInvoice {
        account,
        number: Uuid::now_v7().to_string(),
        issued_on: on,
        po_number: None,
        currency: Currency::USD,
        instalments: parts.iter().map(|minor| (on, *minor)).collect(),
    };
    let id = store::post_invoice(&mut tx, &new, app.clock.now()).await.expect("an invoice");
    store::refresh_standing(&mut tx, &[account], app.clock.now()).await.expect("figures");
    let items = sqlx::query_scalar::<_, Uuid>("SELECT id FROM instalment WHERE invoice_id = $1 ORDER BY seq")
        .bind(id.0)
        .fetch_all(&mut *tx)
        .await
        .expect("its instalments");
    tx.commit().await.expect("committed");
    items.into_iter().map(InstalmentId).collect()
}

/// The bank takes a payment back.
pub async fn returned(app: &App, payment: PaymentId) -> Result<AccountId> {
    let by = user(app, Role::Supervisor).await;
    let (today, now) = (app.clock.business_date(), app.clock.now());
    let mut tx = app.db.begin().await.expect("a transaction");
    let account = post::bank_returned(&mut tx, payment, "bounced", by, today, now).await?;
    tx.commit().await.expect("committed");
    Ok(account)
}

/// Money received, applied to nothing.
pub async fn payment(app: &App, account: AccountId, on: NaiveDate, minor: i64) -> PaymentId {
    let mut tx = app.db.begin().await.expect("a transaction");
    let new = NewPayment {
        account,
        amount: usd(minor),
        received_on: on,
        method: "transfer".to_owned(),
        reference: String::new(),
    };
    let id = store::record_payment(&mut tx, &new, app.clock.now()).await.expect("a payment");
    store::refresh_standing(&mut tx, &[account], app.clock.now()).await.expect("figures");
    tx.commit().await.expect("committed");
    id
}
