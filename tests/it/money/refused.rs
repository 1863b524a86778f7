//! What the database refuses by itself, whoever writes.

use ledgerline::{app::App, ids::InstalmentId};
use uuid::Uuid;

use super::{account, invoice, payment};
use crate::harness::TestApp;

async fn refusal(app: &App, statement: &str) -> String {
    let mut tx = app.db.begin().await.expect("a transaction");
    let refused = match sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut *tx).await {
        Err(refused) => refused,
        Ok(_) => tx.commit().await.expect_err(statement),
    };
    refused.as_database_error().expect("the database said it").message().to_owned()
}

fn allocation(account: Uuid, payment: Uuid, item: InstalmentId, minor: i64) -> String {
    format!(
        "INSERT INTO allocation (account_id, payment_id, instalment_id, amount_minor, mode, business_date, recorded_at)
         VALUES ('{account}', '{payment}', '{item}', {minor}, 'specified', '2026-03-10', '2026-03-10 17:00Z')"
    )
}

fn posting(columns: &str, values: &str) -> String {
    format!(
        "INSERT INTO posting (currency, business_date, recorded_at, {columns})
         VALUES ('USD', '2026-03-10', '2026-03-10 17:00Z', {values})"
    )
}

#[tokio::test]
async fn the_database_refuses_what_does_not_add_up() {
    let test = TestApp::start().await;
    let app = &test.app;
    let today = app.clock.business_date();
    let (mine, other) = (account(app, "consumer").await, account(app, "commercial").await);
    let item = invoice(app, mine, today, &[1_000]).await[0];
    let theirs = invoice(app, other, today, &[1_000]).await[0];
    let (small, large) = (payment(app, mine, today, 300).await, payment(app, mine, today, 5_000).await);
    for (statement, expected) in [
        (allocation(mine.0, small.0, item, 301), "more than there is of payment"),
        (allocation(mine.0, large.0, item, 1_001), "more than is owed on instalment"),
        (allocation(mine.0, small.0, theirs, 100), "foreign key"),
        (allocation(mine.0, small.0, item, -5), "check constraint"),
        (
            posting("account_id, kind, instalment_id, amount_minor", &format!("'{other}', 'invoice', '{item}', 5")),
            "foreign key",
        ),
        (
            posting("account_id, kind, payment_id, amount_minor", &format!("'{mine}', 'refund', '{small}', 5")),
            "check constraint",
        ),
        (
            posting(
                "account_id, kind, payment_id, amount_minor, reverses",
                &format!("'{mine}', 'payment', '{small}', 299, (SELECT id FROM posting WHERE payment_id = '{small}')"),
            ),
            "does not mirror",
        ),
        ("UPDATE payment SET amount_minor = 1".to_owned(), "append-only"),
        ("DELETE FROM posting".to_owned(), "append-only"),
        ("TRUNCATE posting".to_owned(), "append-only"),
        ("TRUNCATE allocation".to_owned(), "append-only"),
        ("TRUNCATE account CASCADE".to_owned(), "append-only"),
        (
            "INSERT INTO posting (account_id, kind, instalment_id, amount_minor, currency, business_date, recorded_at)
             SELECT account_id, kind, instalment_id, 5, 'EUR', business_date, recorded_at FROM posting
             WHERE kind = 'invoice'"
                .to_owned(),
            "foreign key",
        ),
    ] {
        let said = refusal(app, &statement).await;
        assert!(said.contains(expected), "{statement}\n{said}");
    }

    sqlx::query(sqlx::AssertSqlSafe(allocation(mine.0, large.0, item, 600))).execute(&app.db).await.expect("it fits");
    let less =
        posting("account_id, kind, instalment_id, amount_minor", &format!("'{mine}', 'invoice', '{item}', -401"));
    assert!(refusal(app, &less).await.contains("less would be owed"), "at the end of the transaction");
    let back = posting(
        "account_id, kind, payment_id, amount_minor, reverses",
        &format!("'{mine}', 'payment', '{large}', 5000, (SELECT id FROM posting WHERE payment_id = '{large}')"),
    );
    assert!(refusal(app, &back).await.contains("less would be left"), "its allocations have to go first");
    test.finish().await;
}

#[tokio::test]
async fn no_payment_reaches_the_part_that_a_consumer_disputes() {
    let test = TestApp::start().await;
    let app = &test.app;
    let today = app.clock.business_date();
    for (kind, forbidden) in [("consumer", true), ("commercial", false)] {
        let account = account(app, kind).await;
        let item = invoice(app, account, today, &[1_000]).await[0];
        let paid = payment(app, account, today, 1_000).await;
        sqlx::query(
            "WITH d AS (INSERT INTO dispute (id, account_id, reason, status, opened_at) VALUES ($1, $2, 'price', 'open', $3))
             INSERT INTO dispute_item (dispute_id, instalment_id, amount_minor) VALUES ($1, $4, 400)",
        )
        .bind(Uuid::now_v7())
        .bind(account.0)
        .bind(app.clock.now())
        .bind(item.0)
        .execute(&app.db)
        .await
        .expect("disputed");
        if forbidden {
            let said = refusal(app, &allocation(account.0, paid.0, item, 601)).await;
            assert!(said.contains("forbids"), "{said}");
        }
        let most = if forbidden { 600 } else { 1_000 };
        sqlx::query(sqlx::AssertSqlSafe(allocation(account.0, paid.0, item, most))).execute(&app.db).await.expect(kind);
    }
    test.finish().await;
}
