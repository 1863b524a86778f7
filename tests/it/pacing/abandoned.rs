//! The ledger of abandoned calls: counted, exported, and judged anew from the stored moments.

use axum::http::StatusCode;
use chrono::TimeDelta;
use ledgerline::{
    agent::Role,
    call::{
        AnsweredBy, End, EndStatus, Event,
        apply::{self, Heard, Source},
    },
    dialer::abandoned,
    floor,
    ids::CallId,
};

use crate::{api::client::Client, scene::Scene};

async fn told(scene: &Scene, call: CallId, event: Event) {
    let heard = Heard::own(Source::Service, call, &format!("{event:?}"), scene.now());
    apply::tell(scene.app(), call, heard, event).await.expect("told");
}

/// Four answers: one is talked to, one finds nobody, one hangs up at once, one is a machine; and a call nobody answers.
async fn an_hour(scene: &Scene) {
    let agent = scene.ready_agent(1).await;
    let talked = scene.dial(&scene.debtor(1).await, "CA01").await;
    scene.answer(&talked, "CA01").await;
    scene.conference(&talked, agent, "CA01", "participant-join", "1").await;
    scene.end(&talked, "CA01").await;
    for (n, waits, machine) in [(2, 5, false), (3, 1, false), (4, 5, true)] {
        let sid = format!("CA0{n}");
        let begun = scene.dial(&scene.debtor(n).await, &sid).await;
        scene.answer(&begun, &sid).await;
        if machine {
            told(scene, begun.call, Event::Detected(AnsweredBy::Machine)).await;
        }
        let at = scene.now() + TimeDelta::seconds(waits);
        told(scene, begun.call, Event::Ended(End { at, status: EndStatus::Completed })).await;
    }
    let rang = scene.dial(&scene.debtor(5).await, "CA05").await;
    scene.hook(&rang, "status", &crate::scene::status("CA05", "no-answer", "2")).await;
}

#[tokio::test]
async fn abandoned_calls_are_counted_shown_on_the_floor_and_exported_with_their_moments() {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    an_hour(&scene).await;

    let counted = abandoned::shares(&scene.app().db, scene.campaign, scene.now()).await.expect("shares");
    assert_eq!((counted.day.answers, counted.day.abandoned), (3, 1), "a machine is no person");
    assert!(counted.day.at_most > counted.day.share, "{counted:?}");
    assert_eq!(counted.month, counted.day);
    let board = floor::refresh(scene.app()).await.expect("a board");
    assert_eq!(board.campaigns[0].abandoned, counted);

    let path = format!("/api/campaigns/{}/abandoned.csv", scene.campaign);
    let file = client.get(&path).await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    let mut rows = csv::Reader::from_reader(file.text.as_bytes());
    assert_eq!(rows.headers().expect("a head"), &abandoned::COLUMNS[..]);
    let rows: Vec<csv::StringRecord> = rows.records().map(|row| row.expect("a row")).collect();
    let verdicts: Vec<(&str, &str)> = rows.iter().map(|row| (&row[7], &row[8])).collect();
    assert_eq!(verdicts, [("0", "no"), ("5000", "yes"), ("1000", "no")], "{}", file.text);

    let answers = abandoned::answers(&scene.app().db, scene.campaign, scene.now() - TimeDelta::hours(24)).await;
    let answers = answers.expect("answers");
    let again = answers.iter().filter(|answer| answer.is_abandoned()).count();
    assert_eq!((answers.len() as u64, again as u64), (counted.day.answers, counted.day.abandoned), "judged anew");
    scene.finish().await;
}

#[tokio::test]
async fn who_is_connected_after_the_limit_counts_as_abandoned() {
    let scene = Scene::start().await;
    let begun = scene.dial(&scene.debtor(1).await, "CA01").await;
    scene.answer(&begun, "CA01").await;
    scene.app().clock.advance(TimeDelta::milliseconds(2_001));
    // The carrier has not asked again yet when an agent gets ready.
    let agent = scene.ready_agent(1).await;
    scene.answer(&begun, "CA01").await;
    scene.conference(&begun, agent, "CA01", "participant-join", "1").await;
    scene.end(&begun, "CA01").await;
    assert_eq!(scene.call(begun.call).await.outcome.as_deref(), Some("completed"));
    let counted = abandoned::shares(&scene.app().db, scene.campaign, scene.now()).await.expect("shares");
    assert_eq!((counted.day.answers, counted.day.abandoned), (1, 1));
    let since = scene.now() - TimeDelta::hours(24);
    let answers = abandoned::answers(&scene.app().db, scene.campaign, since).await.expect("answers");
    assert!(answers[0].is_abandoned(), "judged anew");
    scene.finish().await;
}

#[tokio::test]
async fn old_answers_fall_out_of_the_day_and_then_of_the_month() {
    let scene = Scene::start().await;
    an_hour(&scene).await;
    let shares = async |days| {
        let later = scene.now() + TimeDelta::days(days);
        abandoned::shares(&scene.app().db, scene.campaign, later).await.expect("shares")
    };
    let (tomorrow, next_month) = (shares(1).await, shares(30).await);
    assert_eq!((tomorrow.day.answers, tomorrow.month.answers), (0, 3));
    assert_eq!((next_month.day.answers, next_month.month.answers), (0, 0));
    scene.finish().await;
}

#[tokio::test]
async fn the_ledger_is_for_supervisors_and_says_how_far_it_goes_back() {
    let scene = Scene::start().await;
    let client = Client::new(scene.app()).await;
    let path = format!("/api/campaigns/{}/abandoned.csv", scene.campaign);
    for hours in ["0", "721"] {
        let refused = client.get(&format!("{path}?hours={hours}")).await;
        assert_eq!((refused.status.as_u16(), refused.field()), (422, Some("hours")));
    }
    let agent = client.of(client.user("agent-7", Role::Agent).await).await;
    assert_eq!(agent.get(&path).await.status, StatusCode::FORBIDDEN);
    scene.finish().await;
}
