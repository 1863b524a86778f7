//! The order in which entries are listed and lent.

use std::{cmp::Reverse, collections::HashSet};

use chrono::TimeDelta;
use ledgerline::{
    app::App,
    campaign::{self, Campaign},
    clock::Clock,
    ids::AccountId,
    queue::{self, Lane, Placement, placement, score},
};

use super::{accounts, built, claim, upcoming, wipe};
use crate::{
    harness::{TestApp, noon},
    portfolio::{self, Debtor},
};

const ZONES: [&[&str]; 4] = [
    &["America/New_York"],
    &["America/Chicago"],
    &["America/Denver", "America/Phoenix"],
    &["America/New_York", "America/Chicago"],
];

/// Accounts that owe and age differently, some of them equal, spread over four windows.
async fn many(app: &App, n: i64) {
    sqlx::query(
        "WITH made AS (
             SELECT i, gen_random_uuid() AS account, gen_random_uuid() AS person, gen_random_uuid() AS contact
             FROM generate_series(1, $1) i
         ), p AS (INSERT INTO person SELECT person, 'Payables', $2 FROM made),
            a AS (INSERT INTO account (id, portfolio, number, name, party_kind, currency, created_at, updated_at)
                  SELECT account, 'test', i::text, 'Debtor Ltd', 'commercial', 'USD', $2, $2 FROM made),
            c AS (INSERT INTO contact (id, account_id, person_id, created_at) SELECT contact, account, person, $2 FROM made),
            n AS (INSERT INTO contact_point (id, contact_id, account_id, kind, value, zones, created_at)
                  SELECT gen_random_uuid(), contact, account, 'phone', '+1555' || (1000000 + i),
                         string_to_array(($4::text[])[1 + i % 4], ','), $2 FROM made)
         INSERT INTO account_standing
         SELECT account, 1, 1000 * (i % 997), 0, 0, 1000 * (i % 997), $3 - (i % 211)::integer, NULL,
                (i % 5 / 4)::integer, 0, i % 5 = 4, $2 FROM made",
    )
    .bind(n)
    .bind(app.clock.now())
    .bind(app.clock.business_date())
    .bind(ZONES.map(|zones| zones.join(",")).to_vec())
    .execute(&app.db)
    .await
    .expect("a portfolio");
}

/// The same order worked out without Redis: place every account, and sort.
async fn sorted(app: &App, campaign: &Campaign) -> Vec<AccountId> {
    let (now, today) = (app.clock.now(), app.clock.business_date());
    let ids: Vec<AccountId> = sqlx::query_scalar("SELECT id FROM account").fetch_all(&app.db).await.expect("ids");
    let mut conn = app.db.acquire().await.expect("a connection");
    let standings = queue::store::standings_of(&mut conn, campaign, &ids, now).await.expect("standings");
    let mut entries = Vec::new();
    let book = app.answers.book();
    for standing in &standings {
        if let Placement::Ready(entry) = placement::place(standing, &campaign.settings, now, today) {
            let hour =
                score::answer_chance(campaign.settings.weights.answer_chance, book.profile(), &entry.window, now);
            entries.push((
                entry.lane,
                Reverse(entry.score + u32::from(hour)),
                Reverse(entry.collectible_minor),
                entry.account,
            ));
        }
    }
    entries.sort_unstable();
    entries.into_iter().map(|entry| entry.3).collect()
}

#[tokio::test]
async fn ten_thousand_entries_are_lent_in_the_order_of_a_sort() {
    let test = TestApp::start().await;
    let app = &test.app;
    many(app, 10_000).await;
    let campaign = built(app).await;
    let wanted = sorted(app, &campaign).await;
    assert!(wanted.len() > 9_900, "only {} of them are ready", wanted.len());
    let mut lent = Vec::new();
    for n in (1..).map(|n: u32| n * 37 % 100 + 1) {
        let leased = claim(app, &campaign, n).await;
        if leased.is_empty() {
            break;
        }
        lent.extend(accounts(&leased));
        queue::settle(app, &campaign, &leased).await.expect("settled");
    }
    let first_difference = lent.iter().zip(&wanted).position(|(lent, wanted)| lent != wanted);
    assert_eq!((first_difference, lent.len()), (None, wanted.len()));
    test.finish().await;
}

#[tokio::test]
async fn what_is_listed_next_is_what_is_lent_next() {
    let test = TestApp::start().await;
    let app = &test.app;
    many(app, 1_000).await;
    let campaign = built(app).await;
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = queue::next(app, campaign.id, cursor.as_deref(), 73).await.expect("a page");
        listed.extend(page.items.iter().map(|entry| (entry.account, entry.lane, entry.score, entry.components)));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(
        listed.iter().map(|entry| entry.0).collect::<HashSet<_>>().len(),
        listed.len(),
        "nobody is listed twice"
    );
    let leased = claim(app, &campaign, 1_000).await;
    let lent: Vec<_> = leased
        .iter()
        .map(|leased| &leased.entry)
        .map(|entry| (entry.account, entry.lane, entry.score, entry.components))
        .collect();
    assert_eq!(lent, listed);
    queue::release(app, &campaign, &leased).await.expect("released");
    test.finish().await;
}

#[tokio::test]
async fn lanes_go_before_scores() {
    let test = TestApp::start().await;
    let app = &test.app;
    let owes = |owes_minor| Debtor { owes_minor, ..Debtor::default() };
    let rich = portfolio::add(app, &owes(90_000_000)).await.account;
    let reminded = portfolio::add(app, &owes(200)).await.account;
    let called_back = portfolio::add(app, &owes(100)).await.account;
    portfolio::promise(app, reminded, app.clock.business_date()).await;
    portfolio::callback(app, called_back, app.clock.now()).await;
    let campaign = built(app).await;
    let page = queue::next(app, campaign.id, None, 10).await.expect("a page");
    let found: Vec<_> = page.items.iter().map(|entry| (entry.account, entry.lane)).collect();
    assert_eq!(found, [(called_back, Lane::CallbackDue), (reminded, Lane::PromiseDue), (rich, Lane::PastDue)]);
    let depth = queue::depth(app, campaign.id).await.expect("depth");
    assert_eq!(depth.values().copied().collect::<Vec<_>>(), [1, 0, 1, 0, 1, 0]);
    test.finish().await;
}

#[tokio::test]
async fn windows_open_and_close() {
    let test = TestApp::start().await;
    let app = &test.app;
    let in_zone = |zone| Debtor { zones: vec![zone], ..Debtor::default() };
    let east = portfolio::add(app, &in_zone("America/New_York")).await.account;
    let west = portfolio::add(app, &in_zone("Pacific/Honolulu")).await.account;
    let campaign = built(app).await;
    // 13 h in New York, 7 h in Honolulu
    assert_eq!(upcoming(app, &campaign).await, [east]);
    let page = queue::next(app, campaign.id, None, 10).await.expect("a page");
    let later = page.items.last().expect("the west");
    assert_eq!((later.account, later.open), (west, false));
    assert_eq!(later.opens_at, app.clock.now() + TimeDelta::hours(1));
    let lent = claim(app, &campaign, 10).await;
    assert_eq!(accounts(&lent), [east], "a closed window lends nothing");
    queue::release(app, &campaign, &lent).await.expect("released");
    app.clock.advance(TimeDelta::hours(7));
    assert_eq!(upcoming(app, &campaign).await, [west], "20 h in New York, 14 h in Honolulu");
    test.finish().await;
}

#[tokio::test]
async fn a_queue_that_was_wiped_is_refused_and_then_the_same_again() {
    let test = TestApp::start().await;
    let app = &test.app;
    many(app, 500).await;
    let campaign = built(app).await;
    let before = upcoming(app, &campaign).await;
    wipe(app).await;
    assert!(queue::claim(app, &campaign, 1).await.expect("an answer").is_none(), "an empty Redis is no empty queue");
    assert!(queue::keep_up(app, &campaign).await.expect("kept up"));
    assert_eq!(upcoming(app, &campaign).await, before);
    test.finish().await;
}

#[tokio::test]
async fn a_new_day_places_everybody_anew() {
    let test = TestApp::start().await;
    let app = &test.app;
    let due_today = portfolio::add(app, &Debtor { age_days: 0, ..Debtor::default() }).await.account;
    let campaign = built(app).await;
    assert!(upcoming(app, &campaign).await.is_empty(), "what is due today is not past due");
    app.clock.advance(TimeDelta::days(1));
    assert!(queue::keep_up(app, &campaign).await.expect("kept up"));
    assert_eq!(upcoming(app, &campaign).await, [due_today]);
    test.finish().await;
}

#[tokio::test]
async fn a_window_is_no_wider_than_the_hours_of_the_pack_that_the_campaign_names() {
    let packs = std::env::temp_dir().join(format!("ledgerline-packs-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(&packs).expect("a directory");
    let afternoons = "name = 'afternoons'\nversion = 1\ntitle = 'Afternoons'\nnote = 'Not legal advice.'\nbase = true\n[[rule]]\n\
                      id = 'hours'\ncite = 'house rule'\n\
                      hours = { windows = [{ days = ['Tue'], from = '14:00:00', to = '16:00:00' }] }\n";
    std::fs::write(packs.join("afternoons.toml"), afternoons).expect("a pack");
    let house = include_str!("../../../policies/house.toml");
    std::fs::write(packs.join("house.toml"), house).expect("a pack");
    // Tuesday, 13:00 in New York
    let clock = Clock::manual(noon(), chrono_tz::America::New_York);
    let test = TestApp::start_with(clock, |config| config.policies = Some(packs.clone())).await;
    let app = &test.app;
    portfolio::add(app, &Debtor::default()).await;
    let campaign = built(app).await;
    let settings = campaign::Settings { policy: "afternoons".to_owned(), ..campaign.settings.clone() };
    campaign::update_settings(app, None, campaign.id, campaign.version, settings).await.expect("changed");
    let campaign = portfolio::again(app, campaign.id).await;
    assert!(queue::keep_up(app, &campaign).await.expect("kept up"));

    assert!(claim(app, &campaign, 1).await.is_empty(), "the campaign's hours alone would allow it");
    let page = queue::next(app, campaign.id, None, queue::PAGE).await.expect("a page");
    assert_eq!((page.items[0].open, page.items[0].opens_at), (false, noon() + TimeDelta::hours(1)));
    app.clock.advance(TimeDelta::hours(1));
    let leased = claim(app, &campaign, 1).await;
    assert_eq!(leased.len(), 1, "at two");
    queue::release(app, &campaign, &leased).await.expect("released");
    test.finish().await;
    std::fs::remove_dir_all(&packs).expect("removed");
}
