//! Webhooks that come at the same time are committed together, and nobody suffers for another.

use std::pin::pin;

use axum::http::StatusCode;
use futures_util::{
    future::{join_all, poll_immediate},
    join,
};
use ledgerline::call::{CallbackToken, State};
use sqlx::Connection;

use crate::scene::{Answer, Begun, Debtor, Scene, address, status};

const CALLS: u32 = 20;

struct Dialled {
    debtor: Debtor,
    begun: Begun,
    sid: String,
}

async fn dial(scene: &Scene, calls: u32) -> Vec<Dialled> {
    let mut dialled = Vec::new();
    for n in 1..=calls {
        let (debtor, sid) = (scene.debtor(n).await, format!("CA{n:02}"));
        let begun = scene.dial(&debtor, &sid).await;
        dialled.push(Dialled { debtor, begun, sid });
    }
    dialled
}

async fn tell(scene: &Scene, call: &Dialled, what: &str, sequence: &str) -> Answer {
    scene.hook(&call.begun, "status", &status(&call.sid, what, sequence)).await
}

fn all_are(answers: &[Answer], wanted: StatusCode) -> bool {
    answers.iter().all(|answer| answer.status == wanted)
}

#[tokio::test]
async fn webhooks_of_the_same_and_of_other_calls_are_committed_together() {
    let scene = Scene::start().await;
    let calls = dial(&scene, CALLS).await;
    let before = scene.events().await;
    let ends = ["busy", "no-answer", "completed", "failed"];
    let told = calls.iter().zip(ends.iter().cycle()).flat_map(|(call, end)| {
        let all = [("ringing", "1"), ("in-progress", "2"), (*end, "3")];
        let told = all.into_iter().filter(|(what, _)| *what != "in-progress" || *end == "completed");
        told.map(|(what, sequence)| tell(&scene, call, what, sequence)).collect::<Vec<_>>()
    });
    let answers = join_all(told).await;
    assert!(all_are(&answers, StatusCode::NO_CONTENT), "{answers:?}");
    assert_eq!(scene.events().await - before, i64::try_from(answers.len()).expect("few"));
    // What was dialled one by one, in transactions of their own, does not count.
    let commits: i64 = sqlx::query_scalar("SELECT count(DISTINCT xmin::text) FROM call_event WHERE source = 'status'")
        .fetch_one(&scene.app().db)
        .await
        .expect("a count");
    assert!(commits < i64::try_from(answers.len()).expect("few"), "{commits} commits");
    for (call, end) in calls.iter().zip(ends.iter().cycle()) {
        let shown = scene.call(call.begun.call).await;
        assert_eq!((shown.state, shown.outcome), (State::Done, Some(end.replace('-', "_"))));
        let code = if *end == "completed" { "hung_up".to_owned() } else { end.replace('-', "_") };
        assert_eq!(scene.disposition(call.begun.call).await, Some(code.clone()));
        let rests: Option<String> =
            sqlx::query_scalar("SELECT not_before_why FROM campaign_account WHERE account_id = $1 AND not_before > $2")
                .bind(call.debtor.account.0)
                .bind(scene.now())
                .fetch_one(&scene.app().db)
                .await
                .expect("the account in the campaign");
        assert_eq!(rests, Some(code));
    }
    scene.finish().await;
}

#[tokio::test]
async fn a_wrong_token_among_good_ones_stores_nothing_and_keeps_nobody() {
    let scene = Scene::start().await;
    let calls = dial(&scene, CALLS).await;
    let before = scene.events().await;
    let stolen = address(calls[3].begun.call, &CallbackToken::generate(), "status");
    let form = status(&calls[3].sid, "in-progress", "9");
    let good = join_all(calls.iter().map(|call| tell(&scene, call, "ringing", "1")));
    let (answers, refused) = join!(good, scene.post(&stolen, &form));
    assert!(all_are(&answers, StatusCode::NO_CONTENT), "{answers:?}");
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(scene.events().await - before, i64::from(CALLS));
    assert_eq!(scene.call(calls[3].begun.call).await.state, State::Ringing);
    end_all(scene, &calls).await;
}

#[tokio::test]
async fn the_same_event_many_times_at_once_is_stored_once() {
    let scene = Scene::start().await;
    let calls = dial(&scene, 3).await;
    tell(&scene, &calls[0], "ringing", "1").await;
    let (before, version) = (scene.events().await, version(&scene, &calls[1]).await);
    // Some known from before, some known only from each other.
    let told = (0..4).flat_map(|_| calls.iter().map(|call| tell(&scene, call, "ringing", "1")));
    let answers = join_all(told).await;
    assert!(all_are(&answers, StatusCode::NO_CONTENT), "{answers:?}");
    assert_eq!(scene.events().await - before, 2);
    assert_eq!(self::version(&scene, &calls[1]).await - version, 1, "told once");
    end_all(scene, &calls).await;
}

#[tokio::test]
async fn one_that_cannot_be_stored_fails_alone() {
    let scene = Scene::start().await;
    let calls = dial(&scene, CALLS).await;
    let debtor = scene.debtor(CALLS + 1).await;
    // A call that claims another call's line: two calls cannot have the same one.
    let thief = Dialled { begun: scene.attempt(&debtor).await, debtor, sid: calls[0].sid.clone() };
    let before = scene.events().await;
    let good = join_all(calls.iter().map(|call| tell(&scene, call, "ringing", "1")));
    let (answers, refused) = join!(good, tell(&scene, &thief, "ringing", "7"));
    assert!(all_are(&answers, StatusCode::NO_CONTENT), "{answers:?}");
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "the carrier asks again");
    assert_eq!(scene.events().await - before, i64::from(CALLS));
    assert_eq!(scene.call(thief.begun.call).await.state, State::Dialing);
    scene.end(&thief.begun, "CA99").await;
    end_all(scene, &calls).await;
}

#[tokio::test]
async fn a_call_that_is_locked_keeps_only_its_own_webhook_waiting() {
    let scene = Scene::start().await;
    let calls = dial(&scene, 6).await;
    let mut elsewhere = scene.app().db.acquire().await.expect("a connection");
    let mut lock = elsewhere.begin().await.expect("a transaction");
    sqlx::query("SELECT FROM call WHERE id = $1 FOR UPDATE")
        .bind(calls[0].begun.call.0)
        .execute(&mut *lock)
        .await
        .expect("locked");
    {
        let mut waits = pin!(tell(&scene, &calls[0], "ringing", "1"));
        assert!(poll_immediate(waits.as_mut()).await.is_none());
        let answers = join_all(calls[1..].iter().map(|call| tell(&scene, call, "ringing", "1"))).await;
        assert!(all_are(&answers, StatusCode::NO_CONTENT), "{answers:?}");
        assert!(poll_immediate(waits.as_mut()).await.is_none(), "it is not told yet");
        lock.rollback().await.expect("given up");
        assert_eq!(waits.await.status, StatusCode::NO_CONTENT);
        assert_eq!(scene.call(calls[0].begun.call).await.state, State::Ringing);
    }
    drop(elsewhere);
    end_all(scene, &calls).await;
}

#[tokio::test]
async fn a_call_with_an_agent_frees_it_among_others_without() {
    let scene = Scene::start().await;
    let agent = scene.ready_agent(1).await;
    let calls = dial(&scene, 6).await;
    scene.answer(&calls[2].begun, &calls[2].sid).await;
    scene.conference(&calls[2].begun, agent, &calls[2].sid, "participant-join", "1").await;
    assert_eq!(scene.agent_state(agent).await, "on_call");
    let answers = join_all(calls.iter().map(|call| tell(&scene, call, "completed", "5"))).await;
    assert!(all_are(&answers, StatusCode::NO_CONTENT), "{answers:?}");
    assert_eq!(scene.agent_state(agent).await, "wrap_up");
    assert_eq!(scene.call(calls[2].begun.call).await.state, State::Wrapping);
    assert_eq!(scene.disposition(calls[2].begun.call).await, None, "the agent records it");
    assert_eq!(scene.disposition(calls[1].begun.call).await.as_deref(), Some("hung_up"));
    scene.finish().await;
}

#[tokio::test]
async fn what_was_taken_in_is_committed_though_the_request_goes_away_and_the_service_stops() {
    let scene = Scene::start().await;
    let calls = dial(&scene, 6).await;
    {
        let mut requests: Vec<_> = calls.iter().map(|call| Box::pin(tell(&scene, call, "ringing", "1"))).collect();
        for request in &mut requests {
            assert!(poll_immediate(request.as_mut()).await.is_none());
        }
    }
    scene.app().lifecycle.stop_workers().await;
    for call in &calls {
        assert_eq!(scene.call(call.begun.call).await.state, State::Ringing);
    }
    end_all(scene, &calls).await;
}

async fn version(scene: &Scene, call: &Dialled) -> i64 {
    sqlx::query_scalar("SELECT version FROM call WHERE id = $1")
        .bind(call.begun.call.0)
        .fetch_one(&scene.app().db)
        .await
        .expect("the call")
}

async fn hang_up(scene: &Scene, calls: &[Dialled]) {
    let answers = join_all(calls.iter().map(|call| tell(scene, call, "no-answer", "5"))).await;
    assert!(all_are(&answers, StatusCode::NO_CONTENT), "{answers:?}");
}

async fn end_all(scene: Scene, calls: &[Dialled]) {
    hang_up(&scene, calls).await;
    for call in calls {
        assert_eq!(scene.call(call.begun.call).await.state, State::Done);
    }
    scene.finish().await;
}
