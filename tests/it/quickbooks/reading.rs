//! What is read there, and what it does to the ledger.

use chrono::TimeDelta;
use ledgerline::quickbooks::step::Done;

use super::Scene;

/// Rows of everything that an import writes.
async fn written(scene: &Scene) -> (i64, i64, i64) {
    sqlx::query_as(
        "SELECT (SELECT count(*) FROM posting), (SELECT count(*) FROM allocation), (SELECT count(*) FROM import_batch)",
    )
    .fetch_one(&scene.test.app.db)
    .await
    .expect("counts")
}

#[tokio::test]
async fn everything_is_read_once_and_then_what_has_changed() {
    let scene = Scene::connected().await;
    let there = &scene.there;
    there.customer("20");
    there.customer("21");
    there.invoice("70", "20", "1070", 10_010);
    there.invoice("71", "21", "1071", 5_000);
    there.put("Payment", "163", "20", None, 6_500, &[("Invoice", "70", 5_500)]);
    scene.sync().await;
    assert_eq!(scene.owes("20").await, (4_510, 1_000), "what is left of a payment is a credit");
    assert_eq!(scene.owes("21").await, (5_000, 0));

    // The same answers again change nothing, and take nothing in.
    let before = written(&scene).await;
    scene.sync().await;
    scene.sync().await;
    assert_eq!(written(&scene).await, before);

    // More is paid, what was left is used up, an invoice is voided, one deleted and one new under its number.
    there.put("Payment", "163", "20", None, 6_500, &[("Invoice", "70", 6_500)]);
    there.invoice("71", "21", "1071", 0);
    there.invoice("72", "21", "1072", 3_000);
    scene.sync().await;
    assert_eq!((scene.owes("20").await, scene.owes("21").await), ((3_510, 0), (3_000, 0)));
    there.delete("72");
    scene.sync().await;
    assert_eq!(scene.owes("21").await, (0, 0));
    there.invoice("73", "21", "1072", 3_100);
    // It moves to the other customer: the first owes it no more.
    there.invoice("70", "21", "1070", 10_010);
    scene.sync().await;
    assert_eq!(scene.owes("20").await.0, 0);
    assert_eq!(scene.owes("21").await.0, 3_100 + 3_510);
    let queries = there.books().asked.iter().filter(|what| *what == "query").count();
    assert_eq!(queries, 8, "a page and a count of each kind, once");
    scene.test.finish().await;
}

#[tokio::test]
async fn a_credit_memo_is_applied_without_becoming_cash() {
    let scene = Scene::connected().await;
    let there = &scene.there;
    there.customer("20");
    there.invoice("70", "20", "1070", 10_000);
    there.put("CreditMemo", "60", "20", Some("60"), 3_000, &[]);
    scene.sync().await;
    assert_eq!(scene.owes("20").await, (10_000, 3_000));
    there.put("Payment", "61", "20", None, 0, &[("Invoice", "70", 3_000), ("CreditMemo", "60", 3_000)]);
    scene.sync().await;
    assert_eq!(scene.owes("20").await, (7_000, 0));
    assert_eq!(scene.cash().await, (0, 0));
    scene.test.finish().await;
}

#[tokio::test]
async fn after_a_month_everything_is_read_again_and_what_is_gone_is_gone() {
    let scene = Scene::connected().await;
    scene.there.customer("20");
    scene.there.invoice("70", "20", "1070", 10_000);
    scene.there.invoice("71", "20", "1071", 1_000);
    scene.sync().await;
    scene.there.delete("71");
    scene.test.app.clock.advance(TimeDelta::days(31));
    scene.there.books().asked.clear();
    scene.sync().await;
    assert!(!scene.there.books().asked.contains(&"cdc".to_owned()), "changes are not kept that long");
    assert_eq!(scene.owes("20").await, (10_000, 0));
    scene.test.finish().await;
}

#[tokio::test]
async fn pages_follow_each_other_and_two_invoices_of_one_number_stay_two() {
    let scene = Scene::connected().await;
    scene.there.customer("20");
    for nth in 0..1003 {
        scene.there.invoice(&format!("{}", 10_000 + nth), "20", &format!("{nth}"), 100);
    }
    scene.there.invoice("20001", "20", "7", 500);
    scene.sync().await;
    assert_eq!(scene.owes("20").await.0, 100_300 + 500);
    scene.test.finish().await;
}

#[tokio::test]
async fn what_is_refused_is_tried_again_later_and_what_cannot_be_taken_in_is_listed() {
    let scene = Scene::connected().await;
    scene.there.customer("20");
    scene.there.invoice("70", "20", "1070", 10_000);
    scene.there.books().refuse = vec![429];
    assert_eq!(scene.sync_once().await, Done::Failed);
    assert!(scene.company().await["error"].as_str().is_some_and(|error| error.contains("60 s of rest")));
    scene.there.books().refuse = vec![500];
    assert_eq!(scene.sync_once().await, Done::Failed);
    scene.sync().await;
    assert_eq!(scene.owes("20").await.0, 10_000);

    scene.there.invoice("71", "20", &"x".repeat(70), 200);
    scene.there.put("Payment", "99", "20", None, 99_999_999_999_999_999, &[]);
    scene.sync().await;
    let problems = scene.admin.get("/api/quickbooks/problems").await.body["items"].clone();
    assert_eq!(problems.as_array().map(Vec::len), Some(1), "{problems}");
    assert!(problems[0]["problem"].as_str().is_some_and(|why| why.contains("minor units")), "{problems}");
    assert_eq!(scene.owes("20").await.0, 10_200);
    scene.test.finish().await;
}
