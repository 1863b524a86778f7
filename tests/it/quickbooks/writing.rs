//! What is written there, and that it counts once.

use axum::http::StatusCode;
use chrono::TimeDelta;
use ledgerline::{
    cash::receive::{Apply, Receipt, receive},
    ids::{InstalmentId, PaymentId, UserId},
    ledger::{self, Document, Reversal, Source, Way},
    money::{Currency, Money},
    quickbooks::step::Done,
};
use serde_json::json;

use super::{Scene, server::Meddle};

/// A company with an invoice of 100.00, read to the end.
async fn scene() -> Scene {
    let scene = Scene::connected().await;
    scene.there.customer("20");
    scene.there.invoice("70", "20", "1070", 10_000);
    scene.there.invoice("71", "20", "1071", 4_000);
    scene.sync().await;
    scene
}

impl Scene {
    async fn instalment(&self, number: &str) -> InstalmentId {
        sqlx::query_scalar("SELECT i.id FROM instalment i JOIN invoice v ON v.id = i.invoice_id WHERE v.number = $1")
            .bind(number)
            .fetch_one(&self.test.app.db)
            .await
            .expect("an instalment")
    }

    async fn boss(&self) -> UserId {
        sqlx::query_scalar("SELECT id FROM users WHERE login = 'admin-1'")
            .fetch_one(&self.test.app.db)
            .await
            .expect("one")
    }

    /// Money comes in here, so much of it for invoice 1070.
    async fn pay(&self, minor: i64, applied: i64) -> PaymentId {
        let receipt = Receipt {
            account: self.account("20").await,
            amount: Money::new(minor, Currency::USD),
            received_on: self.test.app.clock.business_date(),
            method: "transfer".to_owned(),
            reference: "RF 1070".to_owned(),
            remitted: Vec::new(),
            apply: if applied > 0 {
                Apply::Items(vec![(self.instalment("1070").await, applied)])
            } else {
                Apply::OnAccount
            },
        };
        let (boss, app) = (self.boss().await, &self.test.app);
        let mut tx = app.db.begin().await.expect("a transaction");
        let received = receive(&mut tx, &receipt, boss, app.clock.business_date(), app.clock.now()).await;
        tx.commit().await.expect("committed");
        received.expect("received").payment
    }

    async fn take_back(&self, payment: PaymentId) {
        let reversal =
            Reversal { document: Document::Payment(payment), reason: "a mistake".to_owned(), returned: false };
        let (boss, app) = (self.boss().await, &self.test.app);
        let mut tx = app.db.begin().await.expect("a transaction");
        ledger::reverse(&mut tx, &reversal, boss, app.clock.business_date(), app.clock.now())
            .await
            .expect("taken back");
        tx.commit().await.expect("committed");
    }

    /// Decides about the one conflict there is.
    async fn decide(&self, decision: &str) {
        let conflicts = self.writes("conflict").await;
        assert_eq!(conflicts.len(), 1, "{conflicts:?}");
        let path = format!("/api/quickbooks/writes/{}", conflicts[0]["id"].as_str().expect("an id"));
        let decided = self.admin.post(&path, &json!({ "decision": decision, "note": "looked at it" })).await;
        assert_eq!(decided.status, StatusCode::OK, "{}", decided.text);
    }

    async fn reason(&self) -> String {
        let conflicts = self.writes("conflict").await;
        conflicts.first().map(|one| one["reason"].as_str().expect("a reason").to_owned()).unwrap_or_default()
    }
}

#[tokio::test]
async fn a_payment_recorded_here_is_written_there_once_and_does_not_come_back_as_cash() {
    let scene = scene().await;
    scene.pay(6_505, 5_505).await;
    scene.sync().await;
    assert_eq!(scene.there.balance("70"), 4_495);
    let payments = scene.there.payments();
    assert_eq!((payments.len(), payments[0].total, payments[0].customer.as_str()), (1, 6_505, "20"));
    for _ in 0..2 {
        scene.sync().await;
    }
    assert_eq!(scene.there.payments().len(), 1);
    assert_eq!(scene.cash().await, (1, 6_505), "it is ours");
    assert_eq!(scene.owes("20").await, (4_495 + 4_000, 1_000));
    // Cash of others on the same invoice is theirs.
    scene.there.put("Payment", "300", "20", None, 2_000, &[("Invoice", "70", 2_000)]);
    scene.sync().await;
    assert_eq!(scene.cash().await, (2, 8_505));
    assert_eq!(scene.owes("20").await, (2_495 + 4_000, 1_000));
    assert_eq!(scene.writes("same").await.len(), 1);
    scene.test.finish().await;
}

#[tokio::test]
async fn what_is_applied_or_taken_back_here_later_follows_there() {
    let scene = scene().await;
    let payment = scene.pay(5_000, 0).await;
    scene.sync().await;
    assert_eq!(scene.there.balance("70"), 10_000, "on account");
    let (instalment, app) = (scene.instalment("1070").await, &scene.test.app);
    scene.test.app.clock.advance(TimeDelta::minutes(1));
    let mut tx = app.db.begin().await.expect("a transaction");
    let way = Way::specified("by hand", None);
    ledger::apply(
        &mut tx,
        Source::Payment(payment),
        instalment,
        3_000,
        &way,
        app.clock.business_date(),
        app.clock.now(),
    )
    .await
    .expect("applied");
    tx.commit().await.expect("committed");
    // Somebody checks it off there in the same moment: that is nothing to us.
    scene.there.books().meddle = Some(Meddle::Note);
    scene.sync().await;
    assert_eq!((scene.there.balance("70"), scene.there.payments().len()), (7_000, 1), "{}", scene.reason().await);
    assert!(scene.there.payments()[0].note.ends_with("checked"), "what others wrote stays");
    scene.test.app.clock.advance(TimeDelta::minutes(1));
    scene.take_back(payment).await;
    scene.sync().await;
    assert_eq!((scene.there.balance("70"), scene.there.payments()[0].total), (10_000, 0));
    scene.sync().await;
    assert_eq!(scene.cash().await, (0, 0));
    assert_eq!(scene.owes("20").await, (14_000, 0));
    scene.test.finish().await;
}

#[tokio::test]
async fn a_payment_that_others_changed_is_left_to_a_person() {
    let scene = scene().await;
    let payment = scene.pay(5_000, 5_000).await;
    scene.sync().await;
    scene.test.app.clock.advance(TimeDelta::minutes(1));
    scene.take_back(payment).await;
    scene.there.books().meddle = Some(Meddle::Total(5_100));
    scene.sync().await;
    assert!(scene.reason().await.contains("51.00 USD"), "{}", scene.reason().await);
    assert_eq!(scene.there.balance("70"), 5_000, "nothing is written over");
    scene.decide("retry").await;
    scene.sync().await;
    assert_eq!((scene.reason().await, scene.there.balance("70")), (String::new(), 10_000));
    scene.test.finish().await;
}

#[tokio::test]
async fn a_payment_deleted_there_is_noticed_and_set_aside() {
    let scene = scene().await;
    scene.pay(5_000, 5_000).await;
    scene.sync().await;
    scene.sync().await;
    let id = scene.there.payments()[0].id.clone();
    scene.there.delete(&id);
    scene.sync().await;
    assert!(scene.reason().await.contains("deleted there"));
    scene.decide("set_aside").await;
    scene.sync().await;
    assert!(scene.there.payments().is_empty());
    let aside = scene.writes("aside").await;
    assert_eq!((aside.len(), &aside[0]["note"]), (1, &json!("looked at it")));
    scene.test.finish().await;
}

#[tokio::test]
async fn a_lost_answer_doubles_nothing() {
    let scene = scene().await;
    scene.pay(5_000, 5_000).await;
    scene.there.books().lose_answer = true;
    assert_eq!(scene.sync_once().await, Done::Failed);
    assert_eq!(scene.writes("sent").await.len(), 1);
    assert_eq!(scene.there.payments().len(), 1, "it was done all the same");
    scene.sync().await;
    scene.sync().await;
    assert_eq!((scene.there.payments().len(), scene.there.balance("70")), (1, 5_000));
    assert_eq!(scene.writes("same").await.len(), 1, "{}", scene.reason().await);
    assert_eq!(scene.cash().await, (1, 5_000));
    // A request that never arrived is sent again.
    scene.pay(1_000, 1_000).await;
    scene.there.books().refuse = vec![503, 0];
    scene.sync_once().await;
    scene.there.books().refuse.clear();
    scene.sync().await;
    scene.sync().await;
    assert_eq!((scene.there.payments().len(), scene.there.balance("70")), (2, 4_000));
    scene.test.finish().await;
}

#[tokio::test]
async fn a_closed_period_is_noticed_by_reading_back() {
    let scene = scene().await;
    scene.there.books().closed_through = Some(scene.test.app.clock.business_date());
    scene.pay(5_000, 5_000).await;
    scene.sync().await;
    assert!(scene.reason().await.contains("closed there?"), "{}", scene.reason().await);
    assert_eq!(scene.company().await["conflicts"], json!(1));
    scene.sync().await;
    assert_eq!(scene.writes("conflict").await.len(), 1, "it is not tried again by itself");
    scene.there.books().closed_through = None;
    scene.decide("retry").await;
    scene.sync().await;
    scene.sync().await;
    assert_eq!((scene.reason().await, scene.there.balance("70")), (String::new(), 5_000));
    assert_eq!(scene.cash().await, (1, 5_000));
    scene.test.finish().await;
}

#[tokio::test]
async fn an_invoice_is_not_paid_twice_over() {
    let scene = scene().await;
    scene.there.put("Payment", "300", "20", None, 8_000, &[("Invoice", "70", 8_000)]);
    scene.pay(5_000, 5_000).await;
    scene.sync().await;
    assert!(scene.reason().await.contains("20.00 USD left there"), "{}", scene.reason().await);
    assert_eq!(scene.there.payments().len(), 1);
    scene.decide("set_aside").await;
    scene.test.finish().await;
}
