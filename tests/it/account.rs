//! Accounts: found, noted on, put on hold, and taken off the telephone.

use ledgerline::{
    account::{DoNotCall, HoldReason, NewHold, NewPoint, PointKind, Search, store},
    agent::Role,
    app::App,
    error::Error,
    ids::AccountId,
    import::{ImportJob, import_file, mapping::Mapping},
    phone::Phone,
};

use crate::harness::TestApp;

/// Three accounts in the order of their names, two of which share a number.
async fn portfolio(app: &App) -> Vec<AccountId> {
    let rows = [
        "1,100%_Parts,NY,212 555 0101,A,2026-01-05,2026-02-04,10.00",
        "2,Debtor 2 Labs,CA,415 555 0102,B,2026-01-05,2026-02-04,20.00",
        "3,debtor 3 Foods,CA,415 555 0102,C,2026-01-05,2026-02-04,30.00",
    ];
    let header = "Customer No,Customer,State,Phone,Invoice No,Invoice Date,Due Date,Amount";
    let path = std::env::temp_dir().join(format!("ledgerline-account-{}.csv", uuid::Uuid::now_v7()));
    std::fs::write(&path, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
    let job = ImportJob::new(&path, Mapping::load("open-items").unwrap(), "2026-03-10".parse().unwrap());
    let report = import_file(&app.db, &app.clock, &job, |_| ()).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(report.counts.new, 3);
    let ids: Vec<uuid::Uuid> =
        sqlx::query_scalar("SELECT id FROM account ORDER BY number").fetch_all(&app.db).await.unwrap();
    ids.into_iter().map(AccountId).collect()
}

async fn found(app: &App, search: Search) -> Vec<String> {
    let mut conn = app.db.acquire().await.unwrap();
    let mut numbers: Vec<String> =
        store::search(&mut conn, &search, None, 10).await.unwrap().into_iter().map(|found| found.number).collect();
    numbers.sort();
    numbers
}

#[tokio::test]
async fn accounts_are_found_by_number_name_and_telephone() {
    let app = TestApp::start().await;
    let ids = portfolio(&app.app).await;
    let phone: Phone = "+14155550102".parse().unwrap();
    assert_eq!(found(&app.app, Search::All).await, ["1", "2", "3"]);
    assert_eq!(found(&app.app, Search::Number("2".to_owned())).await, ["2"]);
    assert_eq!(found(&app.app, Search::Name("DEBTOR".to_owned())).await, ["2", "3"]);
    assert_eq!(found(&app.app, Search::Name("100%_".to_owned())).await, ["1"]);
    assert_eq!(found(&app.app, Search::Name("1__%".to_owned())).await, [""; 0], "no wild cards");
    assert_eq!(found(&app.app, Search::Phone(phone.clone())).await, ["2", "3"]);
    let mut conn = app.app.db.acquire().await.unwrap();
    assert_eq!(store::by_phone(&mut conn, &phone).await.unwrap().len(), 2);

    let first = store::search(&mut conn, &Search::All, None, 2).await.unwrap();
    let rest = store::search(&mut conn, &Search::All, Some(first[1].id), 2).await.unwrap();
    assert_eq!((first.len(), rest.len()), (2, 1), "page by page");
    assert!(first.iter().all(|summary| summary.id != rest[0].id));
    assert_eq!(store::get(&mut conn, ids[1]).await.unwrap().name, "Debtor 2 Labs");
    assert!(matches!(store::get(&mut conn, AccountId::generate()).await, Err(Error::NotFound("account"))));
    drop(conn);
    app.finish().await;
}

#[tokio::test]
async fn contacts_get_points_with_zones_each_once() {
    let app = TestApp::start().await;
    let ids = portfolio(&app.app).await;
    let now = app.app.clock.now();
    let mut conn = app.app.db.acquire().await.unwrap();
    let account = store::get(&mut conn, ids[0]).await.unwrap();
    let contact = store::add_contact(&mut conn, ids[0], "Accounts payable", "approver", now).await.unwrap();
    let new = NewPoint { kind: PointKind::Phone, value: "+14235550103".to_owned(), label: "mobile".to_owned() };
    store::add_point(&mut conn, &account, contact, &new, now).await.unwrap();
    let twice = store::add_point(&mut conn, &account, contact, &new, now).await;
    assert!(matches!(twice, Err(Error::Conflict(_))));
    let other = store::get(&mut conn, ids[1]).await.unwrap();
    let foreign = store::add_point(&mut conn, &other, contact, &new, now).await;
    assert!(matches!(foreign, Err(Error::NotFound("contact"))), "of another account");
    let bad = NewPoint { value: "423 555 0103".to_owned(), ..new.clone() };
    assert!(matches!(store::add_point(&mut conn, &account, contact, &bad, now).await, Err(Error::Invalid { .. })));

    let contacts = store::contacts(&mut conn, ids[0]).await.unwrap();
    let point = &contacts[1].points[0];
    assert_eq!(
        (point.position, point.zones.as_slice()),
        (1, ["America/Chicago", "America/New_York"].map(str::to_owned).as_slice())
    );
    store::set_point_invalid(&mut conn, point.id, Some("disconnected"), now).await.unwrap();
    let contacts = store::contacts(&mut conn, ids[0]).await.unwrap();
    assert_eq!(contacts[1].points[0].invalid_reason.as_deref(), Some("disconnected"));
    drop(conn);
    app.finish().await;
}

#[tokio::test]
async fn a_wish_not_to_be_called_covers_number_person_and_account() {
    let app = TestApp::start().await;
    let ids = portfolio(&app.app).await;
    let now = app.app.clock.now();
    let by = crate::agents::fixture::user(&app.app, "agent1", Role::Agent).await.user;
    let mut conn = app.app.db.acquire().await.unwrap();
    let person = store::contacts(&mut conn, ids[0]).await.unwrap()[0].person;
    let wishes = [
        (DoNotCall::Number("+14155550102".parse().unwrap()), vec![ids[1], ids[2]]),
        (DoNotCall::Person(person), vec![ids[0]]),
        (DoNotCall::Account(ids[0]), vec![ids[0]]),
    ];
    for (wish, mut covered) in wishes {
        let mut touched = store::do_not_call(&mut conn, &wish, "asked for it", None, None, now).await.unwrap();
        touched.sort();
        covered.sort();
        assert_eq!(touched, covered, "{wish:?}");
        store::do_not_call(&mut conn, &wish, "asked again", None, None, now).await.unwrap();
        for account in &covered {
            let contacts = store::contacts(&mut conn, *account).await.unwrap();
            assert!(contacts[0].points[0].do_not_call, "{wish:?}");
        }
        store::revoke_do_not_call(&mut conn, &wish, by, now).await.unwrap();
        for account in &covered {
            let contacts = store::contacts(&mut conn, *account).await.unwrap();
            assert!(!contacts[0].points[0].do_not_call, "{wish:?} was taken back");
        }
        assert!(matches!(store::revoke_do_not_call(&mut conn, &wish, by, now).await, Err(Error::NotFound(_))));
    }
    drop(conn);
    app.finish().await;
}

#[tokio::test]
async fn holds_and_notes_come_and_go_in_order() {
    let app = TestApp::start().await;
    let ids = portfolio(&app.app).await;
    let now = app.app.clock.now();
    let by = crate::agents::fixture::user(&app.app, "agent1", Role::Agent).await.user;
    let mut conn = app.app.db.acquire().await.unwrap();
    let hold = |until_at| NewHold { reason: HoldReason::Attorney, note: String::new(), until_at, call: None };
    assert!(matches!(
        store::place_hold(&mut conn, ids[0], &hold(Some(now)), None, now).await,
        Err(Error::Invalid { .. })
    ));
    let id = store::place_hold(&mut conn, ids[0], &hold(None), None, now).await.unwrap();
    let later = now + chrono::TimeDelta::days(1);
    store::place_hold(&mut conn, ids[0], &hold(Some(later)), None, now).await.unwrap();
    assert_eq!(store::holds(&mut conn, ids[0], now).await.unwrap().len(), 2);
    assert_eq!(store::holds(&mut conn, ids[0], later).await.unwrap().len(), 1, "one has ended by itself");
    assert_eq!(store::release_hold(&mut conn, id, by, now).await.unwrap(), ids[0]);
    assert!(store::holds(&mut conn, ids[0], later).await.unwrap().is_empty());

    for (minutes, text) in [(0, "first"), (1, "second"), (2, "third")] {
        let at = now + chrono::TimeDelta::minutes(minutes);
        store::add_note(&mut conn, ids[0], None, None, text, at).await.unwrap();
    }
    let notes = store::notes(&mut conn, ids[0], None, 2).await.unwrap();
    assert_eq!(notes.iter().map(|note| note.body.as_str()).collect::<Vec<_>>(), ["third", "second"]);
    let rest = store::notes(&mut conn, ids[0], Some(notes[1].id), 2).await.unwrap();
    assert_eq!(rest.iter().map(|note| note.body.as_str()).collect::<Vec<_>>(), ["first"]);
    let long = "x".repeat(4001);
    for text in ["", "  ", long.as_str()] {
        assert!(matches!(store::add_note(&mut conn, ids[0], None, None, text, now).await, Err(Error::Invalid { .. })));
    }
    drop(conn);
    app.finish().await;
}
