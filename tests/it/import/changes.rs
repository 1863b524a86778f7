//! What a second file changes, and what it does not.

use ledgerline::{account, ledger, queue};

use super::{Folder, counts, day, everything, figures_agree, open, open_items, take_in};
use crate::harness::TestApp;

const HEADER: &str =
    "Customer No,Customer,State,Phone,Invoice No,Instalment,Invoice Date,Due Date,Amount,Disputed,Paid On,Paid";

fn file(rows: &[&str]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

#[tokio::test]
async fn a_changed_row_is_followed_by_reversal_and_new_posting() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let first = [
        "7,Debtor 0007 Ltd,NY,212 555 0107,A1,,2026-01-05,2026-02-04,100.00,,,",
        "7,Debtor 0007 Ltd,NY,212 555 0107,A2,,2026-01-05,2026-02-04,50.00,,,",
    ];
    let path = folder.put("in.csv", file(&first));
    assert_eq!(counts(&take_in(&app.app, &open_items(&path)).await), (2, 0, 0, 0));

    let second = ["7,Debtor 0007 Ltd,NY,212 555 0107,A1,,2026-01-05,2026-02-14,80.50,,,", first[1]];
    let path = folder.put("in.csv", file(&second));
    let report = take_in(&app.app, &open_items(&path)).await;
    assert_eq!(counts(&report), (0, 1, 1, 0));
    assert_eq!(open(&report, "USD"), (13_050, 2));
    let postings: Vec<(i64, Option<i64>)> =
        sqlx::query_as("SELECT amount_minor, reverses FROM posting ORDER BY id").fetch_all(&app.app.db).await.unwrap();
    let amounts: Vec<i64> = postings.iter().map(|(minor, _)| *minor).collect();
    assert_eq!(amounts, [10_000, 5_000, -10_000, 8_050], "nothing is overwritten");
    assert!(postings[2].1.is_some(), "the third reverses the first");
    let due: chrono::NaiveDate = sqlx::query_scalar("SELECT min(due_on) FROM open_item WHERE invoice_number = 'A1'")
        .fetch_one(&app.app.db)
        .await
        .unwrap();
    assert_eq!(due, day("2026-02-14"));
    figures_agree(&app.app).await;
    app.finish().await;
}

#[tokio::test]
async fn a_now_settled_item_gets_its_payment_and_its_dispute_ends() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let path = folder.put("in.csv", file(&["7,D,NY,,A1,,2026-01-05,2026-02-04,100.00,yes,,"]));
    let mut conn = app.app.db.acquire().await.unwrap();
    take_in(&app.app, &open_items(&path)).await;
    let account = account::store::search(&mut conn, &account::Search::All, None, 10).await.unwrap().remove(0).id;
    let figures = ledger::store::figures(&mut conn, account).await.unwrap().unwrap();
    assert_eq!((figures.disputed.minor, figures.collectible.minor), (10_000, 0));

    let part_paid = folder.put("in.csv", file(&["7,D,NY,,A1,,2026-01-05,2026-02-04,100.00,yes,2026-03-01,40.00"]));
    assert_eq!(open(&take_in(&app.app, &open_items(&part_paid)).await, "USD"), (6_000, 1));
    let settled = folder.put("in.csv", file(&["7,D,NY,,A1,,2026-01-05,2026-02-04,100.00,yes,2026-03-05,"]));
    assert_eq!(open(&take_in(&app.app, &open_items(&settled)).await, "USD"), (0, 0));
    let before = everything(&app.app).await;
    take_in(&app.app, &open_items(&settled)).await;
    assert_eq!(everything(&app.app).await, before);
    let status: String = sqlx::query_scalar("SELECT status FROM dispute").fetch_one(&app.app.db).await.unwrap();
    assert_eq!(status, "withdrawn");
    figures_agree(&app.app).await;
    drop(conn);
    app.finish().await;
}

#[tokio::test]
async fn cash_beyond_the_item_and_credit_notes_stay_unapplied() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let rows = [
        "7,D,NY,,A1,,2026-01-05,2026-02-04,100.00,,2026-03-01,130.00",
        "7,D,NY,,A2,,2026-01-05,2026-02-04,50.00,,,",
        "7,D,NY,,C1,,2026-01-05,2026-02-04,-5.00,,,",
    ];
    let path = folder.put("in.csv", file(&rows));
    take_in(&app.app, &open_items(&path)).await;
    let (open, unapplied, collectible): (i64, i64, i64) =
        sqlx::query_as("SELECT open_minor, unapplied_minor, collectible_minor FROM account_standing")
            .fetch_one(&app.app.db)
            .await
            .unwrap();
    assert_eq!((open, unapplied, collectible), (5_000, 3_500, 1_500));
    let before = everything(&app.app).await;
    take_in(&app.app, &open_items(&path)).await;
    assert_eq!(everything(&app.app).await, before);
    app.finish().await;
}

#[tokio::test]
async fn instalments_of_one_invoice_are_items_of_their_own() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let rows = ["7,D,NY,,A1,1,2026-01-05,2026-02-04,60.00,,2026-02-01,", "7,D,NY,,A1,2,2026-01-05,2026-03-04,40.00,,,"];
    let path = folder.put("in.csv", file(&rows));
    let report = take_in(&app.app, &open_items(&path)).await;
    assert_eq!(counts(&report), (2, 0, 0, 0));
    assert_eq!(open(&report, "USD"), (4_000, 1));
    let more = folder.put("in.csv", file(&["7,D,NY,,A1,3,2026-01-05,2026-04-04,10.00,,,"]));
    assert_eq!(open(&take_in(&app.app, &open_items(&more)).await, "USD"), (5_000, 2));
    let invoices: i64 = sqlx::query_scalar("SELECT count(*) FROM invoice").fetch_one(&app.app.db).await.unwrap();
    assert_eq!(invoices, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_new_number_goes_first_and_a_new_address_moves_the_zones() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let path = folder.put("in.csv", file(&["7,D,NY,212 555 0107,A1,,2026-01-05,2026-02-04,60.00,,,"]));
    take_in(&app.app, &open_items(&path)).await;
    let path = folder.put("in.csv", file(&["7,D,CA,415 555 0108,A1,,2026-01-05,2026-02-04,60.00,,,"]));
    assert_eq!(counts(&take_in(&app.app, &open_items(&path)).await), (0, 1, 0, 0));
    let points: Vec<(String, Vec<String>)> = sqlx::query_as("SELECT value, zones FROM contact_point ORDER BY position")
        .fetch_all(&app.app.db)
        .await
        .unwrap();
    let (west, both) =
        (vec!["America/Los_Angeles".to_owned()], vec!["America/Los_Angeles".to_owned(), "America/New_York".to_owned()]);
    assert_eq!(points, [("+14155550108".to_owned(), west), ("+12125550107".to_owned(), both)]);
    app.finish().await;
}

#[tokio::test]
async fn a_file_that_says_the_same_again_mends_zones_and_the_place_in_the_queue() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let campaign = crate::portfolio::campaign(&app.app, "main", ledgerline::campaign::Mode::Progressive).await;
    let path = folder.put("in.csv", file(&["7,D,NY,212 555 0107,A1,,2026-01-05,2026-02-04,60.00,,,"]));
    take_in(&app.app, &open_items(&path)).await;
    // as an earlier version worked them out
    sqlx::query("UPDATE contact_point SET zones = '{Pacific/Honolulu}'").execute(&app.app.db).await.unwrap();
    app.settle().await;
    assert!(queue::keep_up(&app.app, &campaign).await.expect("kept up"));
    let is_open = async || {
        let page = queue::next(&app.app, campaign.id, None, 10).await.expect("a page");
        page.items.iter().map(|entry| entry.open).collect::<Vec<_>>()
    };
    assert_eq!(is_open().await, [false], "it is early in Honolulu");
    assert_eq!(counts(&take_in(&app.app, &open_items(&path)).await), (0, 1, 0, 0));
    app.settle().await;
    assert_eq!(is_open().await, [true], "it is noon in New York");
    assert_eq!(counts(&take_in(&app.app, &open_items(&path)).await), (0, 0, 1, 0), "once");
    app.finish().await;
}

#[tokio::test]
async fn contacts_come_from_all_rows_of_an_account_each_once() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let row = |contact: &str, invoice: &str| format!("7,D,{contact},{invoice},2026-01-05,2026-02-04,60.00");
    let file = |rows: &[String]| {
        let header = "Customer No,Customer,Contact,Phone,Email,Invoice No,Invoice Date,Due Date,Amount";
        folder.put("in.csv", format!("{header}\n{}\n", rows.join("\n")))
    };
    let reached = async || -> Vec<(String, String)> {
        sqlx::query_as(
            "SELECT p.name, coalesce(string_agg(t.value, ' ' ORDER BY t.position), '') FROM contact c
             JOIN person p ON p.id = c.person_id LEFT JOIN contact_point t ON t.contact_id = c.id
             GROUP BY c.id, p.name ORDER BY c.id",
        )
        .fetch_all(&app.app.db)
        .await
        .expect("contacts")
    };
    let person = |name: &str, points: &str| (name.to_owned(), points.to_owned());
    let rows = [
        row("Payables,212 555 0107,pay@example.com", "A1"),
        row("Payables,212 555 0108,", "A2"),
        row("Approver,212 555 0109,", "A3"),
        row(",212 555 0107,other@example.com", "A4"),
    ];
    assert_eq!(counts(&take_in(&app.app, &open_items(&file(&rows))).await), (4, 0, 0, 0));
    let all = [
        person("Payables", "+12125550107 pay@example.com +12125550108 other@example.com"),
        person("Approver", "+12125550109"),
    ];
    assert_eq!(reached().await, all, "a row without a name is about the first contact");
    let mut turned = rows.clone();
    turned.reverse();
    assert_eq!(counts(&take_in(&app.app, &open_items(&file(&turned[1..]))).await), (0, 0, 3, 0), "in any order");
    assert_eq!(reached().await, all);

    let later = [row("Accounts,212 555 0107,", "A1"), row("Approver,212 555 0110,", "A3")];
    assert_eq!(counts(&take_in(&app.app, &open_items(&file(&later))).await), (0, 2, 0, 0));
    let renamed = [person("Accounts", &all[0].1), person("Approver", "+12125550109 +12125550110")];
    assert_eq!(reached().await, renamed, "the first row gives the first contact its name");
    app.finish().await;
}

#[tokio::test]
async fn queues_follow_account_by_account_or_all_anew() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    crate::portfolio::campaign(&app.app, "main", ledgerline::campaign::Mode::Progressive).await;
    app.settle().await;
    let rows = |count: usize, amount: &str| -> String {
        let row = |n| format!("{n},Debtor {n},NY,,A{n},,2026-01-05,2026-02-04,{amount},,,\n");
        (0..count).map(row).collect::<Vec<_>>().concat()
    };
    for (count, amount, expected) in [(2, "10.00", 2), (2, "10.00", 0), (1_001, "11.00", 1)] {
        let path = folder.put("in.csv", format!("{HEADER}\n{}", rows(count, amount)));
        take_in(&app.app, &open_items(&path)).await;
        let queued: Vec<String> =
            sqlx::query_scalar("SELECT dedupe_key FROM outbox").fetch_all(&app.app.db).await.unwrap();
        assert_eq!(queued.len(), expected, "{count} accounts");
        assert_eq!(queued.contains(&"rebuild_queues".to_owned()), count > 1_000);
        app.settle().await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_file_leaves_alone_what_it_has_no_column_for() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let put = |header: &str, row: &str| folder.put("in.csv", format!("{header}\n{row}\n"));
    let narrow = "Customer No,Customer,Phone,Invoice No,Invoice Date,Due Date,Amount";
    let row = "7,Debtor 0007 Ltd,212 555 0107,A1,2026-01-05,2026-02-04,100.00";
    take_in(&app.app, &open_items(&put(narrow, row))).await;
    let staff = crate::agents::fixture::user(&app.app, "agent1", ledgerline::agent::Role::Agent).await;
    sqlx::query(
        "UPDATE account SET stated_zone = 'America/Denver', language = 'es', party_kind = 'consumer', region = 'CO',
             postal_code = '80202', city = 'Denver', country = 'CA', terms = '30 days', owner_id = $1",
    )
    .bind(staff.user)
    .execute(&app.app.db)
    .await
    .unwrap();
    let mut conn = app.app.db.acquire().await.unwrap();
    let moved = account::store::search(&mut conn, &account::Search::All, None, 10).await.unwrap().remove(0);
    let moved = account::store::get(&mut conn, moved.id).await.unwrap();
    account::store::rezone(&mut conn, &moved).await.unwrap();
    drop(conn);
    sqlx::query("UPDATE contact SET role = 'approver'").execute(&app.app.db).await.unwrap();
    sqlx::query("UPDATE person SET name = 'Mr. Payables'").execute(&app.app.db).await.unwrap();
    let before = everything(&app.app).await;
    assert_eq!(counts(&take_in(&app.app, &open_items(&put(narrow, row))).await), (0, 0, 1, 0));
    assert_eq!(everything(&app.app).await, before, "zone, language, kind, address, terms, owner, contact");

    let wide = format!("{narrow},State,Owner Login");
    let path = put(&wide, &format!("{row},,"));
    assert_eq!(counts(&take_in(&app.app, &open_items(&path)).await), (0, 1, 0, 0));
    let now: (Option<String>, Option<uuid::Uuid>, Option<String>, Option<String>) =
        sqlx::query_as("SELECT region, owner_id, stated_zone, language FROM account")
            .fetch_one(&app.app.db)
            .await
            .unwrap();
    let said = |text: &str| Some(text.to_owned());
    assert_eq!(now, (None, None, said("America/Denver"), said("es")), "a column that is there and empty says so");
    app.finish().await;
}

#[tokio::test]
async fn the_owner_of_an_account_comes_by_login_and_nobody_else_is_taken() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let agent = crate::agents::fixture::user(&app.app, "agent1", ledgerline::agent::Role::Agent).await;
    crate::agents::fixture::user(&app.app, "boss", ledgerline::agent::Role::Supervisor).await;
    let header = "Customer No,Customer,Owner Login,Invoice No,Invoice Date,Due Date,Amount";
    let row = |nth: u32, login: &str| format!("{nth},D,{login},A{nth},2026-01-05,2026-02-04,100.00");
    let rows = [row(1, "Agent1"), row(2, "boss"), row(3, "nobody"), row(4, "")];
    let path = folder.put("in.csv", format!("{header}\n{}\n", rows.join("\n")));
    let report = take_in(&app.app, &open_items(&path)).await;
    assert_eq!(counts(&report), (2, 0, 0, 2));
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(report.rejects.unwrap()).unwrap();
    for (refused, line) in reader.records().map(Result::unwrap).zip(["3", "4"]) {
        assert_eq!([&refused[0], &refused[1], &refused[2]], [line, "Owner Login", "no agent has this login"]);
    }
    let owners: Vec<(String, Option<uuid::Uuid>)> =
        sqlx::query_as("SELECT number, owner_id FROM account ORDER BY number").fetch_all(&app.app.db).await.unwrap();
    assert_eq!(owners, [("1".to_owned(), Some(agent.user.0)), ("4".to_owned(), None)]);
    app.finish().await;
}

#[tokio::test]
async fn other_terms_of_payment_are_in_the_time_line() {
    let (app, folder) = (TestApp::start().await, Folder::new());
    let boss = crate::money::user(&app.app, ledgerline::agent::Role::Supervisor).await;
    let mapping = |text: &str| ledgerline::import::mapping::Mapping::parse("terms", text).expect("a mapping");
    let text = "row = 'invoice'\n[account]\nnumber = 'No'\ncurrency = { value = 'USD' }\nterms = 'Terms'\n\
                [invoice]\nnumber = 'Invoice'\nissued_on = 'On'\ndue_on = 'Due'\namount = 'Amount'\n";
    let put = async |terms: &str| {
        let path =
            folder.put("in.csv", format!("No,Terms,Invoice,On,Due,Amount\n7,{terms},A1,2026-01-05,2026-02-04,1.00\n"));
        take_in(&app.app, &ledgerline::import::ImportJob::new(&path, mapping(text), day("2026-03-10"))).await
    };
    for terms in ["NET30", "NET30", "NET60"] {
        put(terms).await;
    }
    let mut conn = app.app.db.acquire().await.unwrap();
    let account = account::store::search(&mut conn, &account::Search::All, None, 10).await.unwrap().remove(0).id;
    let back = ledgerline::credit::NewTerms {
        terms: Some("NET30".to_owned()),
        reason: "as agreed".to_owned(),
        ..ledgerline::credit::NewTerms::default()
    };
    app.app.clock.advance(chrono::TimeDelta::minutes(1));
    ledgerline::credit::change_terms(&app.app, boss, account, &back).await.unwrap();
    let line = account::store::timeline(&mut conn, account, None, 100).await.unwrap();
    let told: Vec<_> = line.iter().filter(|entry| entry.what == "terms").map(|entry| entry.text.as_deref()).collect();
    assert_eq!(told, [Some("NET30: as agreed"), Some("NET60: by an import")]);
    drop(conn);
    app.finish().await;
}
