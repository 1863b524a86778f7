//! The ledger: figures of an account under random histories, and what is refused.

use chrono::NaiveDate;
use ledgerline::{
    app::App,
    error::Error,
    ids::{AccountId, InstalmentId, PaymentId},
    ledger::{Aging, AllocationMode, NewInvoice, NewPayment, store},
    money::{Currency, Money},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use crate::{harness::TestApp, money};

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 10).unwrap()
}

async fn account(app: &App) -> AccountId {
    let id = AccountId::generate();
    sqlx::query(
        "INSERT INTO account (id, portfolio, number, name, party_kind, currency, created_at, updated_at)
         VALUES ($1, 'test', $2, 'Debtor', 'commercial', 'USD', $3, $3)",
    )
    .bind(id.0)
    .bind(Uuid::now_v7().to_string())
    .bind(app.clock.now())
    .execute(&app.db)
    .await
    .unwrap();
    id
}

/// How much of a payment went to which item.
type Allocated = Vec<(usize, i64)>;

/// What the ledger should come to, kept by adding and subtracting alone.
#[derive(Default)]
struct Model {
    items: Vec<(InstalmentId, NaiveDate, i64)>,
    payments: Vec<(PaymentId, i64, Allocated)>,
}

impl Model {
    fn open(&self) -> i64 {
        self.items.iter().map(|(_, _, left)| left).sum()
    }

    fn unapplied(&self) -> i64 {
        self.payments.iter().map(|(_, left, _)| left).sum()
    }
}

async fn act(app: &App, account: AccountId, model: &mut Model, rng: &mut StdRng) {
    let mut tx = app.db.begin().await.unwrap();
    let now = app.clock.now();
    match rng.random_range(0..5) {
        0 | 1 => {
            let parts: Vec<(NaiveDate, i64)> = (0..rng.random_range(1..=3))
                .map(|_| (today() - chrono::TimeDelta::days(rng.random_range(-60..200)), rng.random_range(1..100_000)))
                .collect();
            let new = NewInvoice {
                account,
                number: Uuid::now_v7().to_string(),
                issued_on: today(),
                po_number: None,
                currency: Currency::USD,
                instalments: parts.clone(),
            };
            let invoice = store::post_invoice(&mut tx, &new, now).await.unwrap();
            let ids: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM instalment WHERE invoice_id = $1 ORDER BY seq")
                .bind(invoice.0)
                .fetch_all(&mut *tx)
                .await
                .unwrap();
            model.items.extend(ids.into_iter().zip(parts).map(|(id, (due, minor))| (InstalmentId(id), due, minor)));
        }
        2 => {
            let minor = rng.random_range(1..150_000);
            let new = NewPayment {
                account,
                amount: Money::new(minor, Currency::USD),
                received_on: today(),
                method: "transfer".to_owned(),
                reference: String::new(),
            };
            let payment = store::record_payment(&mut tx, &new, now).await.unwrap();
            model.payments.push((payment, minor, Vec::new()));
        }
        3 => {
            let pair = (rng.random_range(0..64), rng.random_range(0..64));
            let (Some(item), Some(payment)) = (model.items.get_mut(pair.0), model.payments.get_mut(pair.1)) else {
                return;
            };
            let most = item.2.min(payment.1);
            if most > 0 {
                let minor = rng.random_range(1..=most);
                store::allocate(&mut tx, payment.0, item.0, minor, AllocationMode::Specified, today(), now)
                    .await
                    .unwrap();
                item.2 -= minor;
                payment.1 -= minor;
                payment.2.push((pair.0, minor));
            }
        }
        _ => {
            if model.payments.is_empty() {
                return;
            }
            let (payment, _, applied) = model.payments.remove(rng.random_range(0..model.payments.len()));
            money::returned(app, payment).await.unwrap();
            for (item, minor) in applied {
                model.items[item].2 += minor;
            }
        }
    }
    store::refresh_standing(&mut tx, &[account], now).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn figures_are_what_the_history_adds_up_to() {
    let app = TestApp::start().await;
    for seed in 0..8 {
        let mut rng = StdRng::seed_from_u64(seed);
        let account = account(&app.app).await;
        let mut model = Model::default();
        for _ in 0..30 {
            act(&app.app, account, &mut model, &mut rng).await;
            let mut conn = app.app.db.acquire().await.unwrap();
            let Some(figures) = store::figures(&mut conn, account).await.unwrap() else { continue };
            let items = store::open_items(&mut conn, account).await.unwrap();
            let oldest = model.items.iter().filter(|(_, _, left)| *left > 0).map(|(_, due, _)| *due).min();
            assert_eq!(figures.open.minor, model.open(), "seed {seed}");
            assert_eq!(figures.unapplied.minor, model.unapplied(), "seed {seed}");
            assert_eq!(figures.collectible.minor, model.open() - model.unapplied(), "seed {seed}");
            assert_eq!(figures.oldest_due_on, oldest, "seed {seed}");
            assert_eq!(usize::try_from(figures.open_items).unwrap(), items.len(), "seed {seed}");
            assert_eq!(Aging::of(&items, today()).total(), model.open(), "seed {seed}: every cent in a bucket");
            assert!(items.is_sorted_by_key(|item| item.due_on), "seed {seed}: oldest first");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn what_does_not_add_up_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let (account, now) = (account(&app.app).await, app.app.clock.now());
    let mut conn = app.app.db.acquire().await.unwrap();
    let invoice = |number: &str, minor| NewInvoice {
        account,
        number: number.to_owned(),
        issued_on: today(),
        po_number: None,
        currency: Currency::USD,
        instalments: vec![(today(), minor)],
    };
    store::post_invoice(&mut conn, &invoice("1", 1_000), now).await.unwrap();
    let again = store::post_invoice(&mut conn, &invoice("1", 5), now).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "the number is taken");
    let nothing = store::post_invoice(&mut conn, &invoice("2", 0), now).await;
    assert!(matches!(nothing, Err(Error::Invalid { .. })), "nothing is owed");

    let new = NewPayment {
        account,
        amount: Money::new(600, Currency::USD),
        received_on: today(),
        method: "card".to_owned(),
        reference: String::new(),
    };
    let payment = store::record_payment(&mut conn, &new, now).await.unwrap();
    let item = store::open_items(&mut conn, account).await.unwrap().remove(0).instalment;
    let mode = AllocationMode::OldestFirst;
    for minor in [0, -1, 601] {
        let refused = store::allocate(&mut conn, payment, item, minor, mode, today(), now).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{minor}");
    }
    store::allocate(&mut conn, payment, item, 600, mode, today(), now).await.unwrap();
    assert_eq!(store::open_items(&mut conn, account).await.unwrap()[0].open.minor, 400);
    money::returned(&app.app, payment).await.unwrap();
    assert_eq!(store::open_items(&mut conn, account).await.unwrap()[0].open.minor, 1_000);
    let twice = money::returned(&app.app, payment).await;
    assert!(matches!(twice, Err(Error::Conflict(_))), "once is enough");
    let overwritten = sqlx::query("UPDATE posting SET amount_minor = 1").execute(&mut *conn).await;
    assert!(overwritten.is_err(), "postings are append-only");
    drop(conn);
    app.finish().await;
}
