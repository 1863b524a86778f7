//! The main job from end to end: a portfolio is taken in, queued, dialled, bridged, popped, and disposed of, by way of real
//! webhooks from the emulated carrier and real desks; undisturbed, and with everything that may go wrong.

mod floor;

use ledgerline::{agent::supervise, emulator::faults::Faults};

use floor::Floor;

#[tokio::test(flavor = "multi_thread")]
async fn every_account_is_called_once_and_what_is_said_moves_it_in_the_queue() {
    let floor = Floor::open(Faults::default()).await;
    let waiting = floor.ready().await;
    assert!(waiting > 20, "the portfolio fills the queue: {waiting}");
    floor.work_off().await;

    floor.assert_nothing_lost_or_doubled().await;
    let talked = floor.count("SELECT count(*) FROM call WHERE outcome = 'completed' AND agent_id IS NOT NULL").await;
    assert!(talked > 3, "people were talked to: {talked}");
    let unseen = floor.count("SELECT count(*) FROM call WHERE bridged_at IS NOT NULL AND pop_acked_at IS NULL").await;
    assert_eq!(unseen, 0, "every agent saw the account of the call");
    let late = floor.count("SELECT count(*) FROM call WHERE bridged_at IS NOT NULL AND pop_sent_at > bridged_at").await;
    assert_eq!(late, 0, "the screen comes before the voice");
    let promises = floor.count("SELECT count(*) FROM promise WHERE call_id IS NOT NULL").await;
    let held = floor.count("SELECT count(*) FROM account_standing WHERE open_promise_on IS NOT NULL").await;
    assert!(promises > 0 && held > 0, "somebody promised to pay, and is held out of the queue: {promises}, {held}");
    floor.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_that_are_doubled_reordered_late_and_lost_lose_and_double_nothing() {
    let faults = Faults {
        duplicate: 0.2,
        reorder: 0.2,
        delay: 0.2,
        delay_ms: 400,
        drop: 0.1,
        too_many: 0.05,
        create_timeout: 0.05,
        ..Faults::default()
    };
    let floor = Floor::open(faults).await;
    floor.work_off().await;
    floor.assert_nothing_lost_or_doubled().await;
    floor.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_of_dialling_loses_and_doubles_nothing() {
    let mut floor = Floor::open(Faults::default()).await;
    for _ in 0..2 {
        floor.until_calls(floor.calls().await + 5).await;
        floor.service.restart().await;
    }
    floor.work_off().await;
    floor.assert_nothing_lost_or_doubled().await;
    floor.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_wiped_in_the_middle_is_filled_again_and_nobody_is_called_twice() {
    let floor = Floor::open(Faults::default()).await;
    for _ in 0..2 {
        floor.until_calls(floor.calls().await + 5).await;
        floor.wipe_redis().await;
    }
    floor.work_off().await;
    floor.assert_nothing_lost_or_doubled().await;
    floor.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_listens_whispers_barges_and_goes_with_the_call() {
    let floor = Floor::open_with(|carrier| {
        (carrier.population.human, carrier.population.mistaken) = (1.0, 0.0);
        // Conversations that are over only when the test ends them.
        carrier.population.talk_seconds = 60_000.0;
    })
    .await;
    let app = &floor.service.app;
    let boss = floor.supervisor().await;
    let call = floor.talk().await;

    let until = async |what: &str, muted: bool, coaching: bool| {
        let there = async || {
            let heard = floor.supervisors_of(call).await;
            heard.len() == 1 && heard.iter().all(|each| (each.muted, each.coaching) == (muted, coaching))
        };
        floor.until(what, there).await;
    };
    supervise::listen(app, &boss, call).await.expect("listening");
    until("the supervisor listens", true, false).await;
    supervise::whisper(app, &boss, call).await.expect("whispering");
    until("the agent hears the supervisor", false, true).await;
    supervise::barge(app, &boss, call).await.expect("talking");
    until("everybody hears the supervisor", false, false).await;
    supervise::leave(app, &boss, call).await.expect("leaving");
    floor.until("the supervisor is gone", async || floor.supervisors_of(call).await.is_empty()).await;
    let talking = floor.count("SELECT count(*) FROM call WHERE state = 'bridged'").await;
    assert!(talking > 0, "the talk goes on");

    supervise::listen(app, &boss, call).await.expect("listening again");
    until("the supervisor listens again", true, false).await;
    floor.hang_up().await;
    let open = "SELECT count(*) FROM call_leg WHERE ended_at IS NULL";
    floor.until("the supervisor goes with the call", async || floor.count(open).await == 0).await;
    floor.close().await;
}
