//! Calls from the answer to the disposition: agents, waiting, machines, losses, and the carrier's silence.

use chrono::TimeDelta;
use ledgerline::{
    call::{
        Event, State,
        apply::{self, Heard, Source, Verdict},
        callbacks, sweeper,
    },
    error::Error,
};
use serde_json::json;

use crate::scene::{OUR_NUMBER, Scene, amd, line, status};

#[tokio::test]
async fn an_answer_finds_an_agent_and_the_talk_ends_in_wrap_up() {
    let scene = Scene::start().await;
    let (debtor, agent) = (scene.debtor(1).await, scene.ready_agent(1).await);
    let begun = scene.dial(&debtor, "CA01").await;
    scene.hook(&begun, "status", &status("CA01", "ringing", "1")).await;
    scene.test.settle().await;
    let answer = scene.answer(&begun, "CA01").await;
    assert!(answer.body.contains("<Dial") && answer.body.contains(">desk-"), "{}", answer.body);
    assert!(!answer.body.contains(debtor.number.as_str()), "no personal data in a document");
    let sent: bool = sqlx::query_scalar("SELECT pop_sent_at IS NOT NULL FROM call WHERE id = $1")
        .bind(begun.call.0)
        .fetch_one(&scene.app().db)
        .await
        .expect("the call");
    assert!(sent, "the pop is out before the carrier is answered");
    assert_eq!(
        (scene.call(begun.call).await.agent, scene.agent_state(agent).await.as_str()),
        (Some(agent), "reserved")
    );

    scene.conference(&begun, agent, "CA01", "participant-join", "1").await;
    assert_eq!(scene.call(begun.call).await.state, State::Bridged);
    assert_eq!(scene.agent_state(agent).await, "on_call");

    scene.conference(&begun, agent, "CA01", "participant-leave", "2").await;
    assert_eq!(scene.call(begun.call).await.state, State::Wrapping);
    assert_eq!(scene.agent_state(agent).await, "wrap_up");
    scene.end(&begun, "CA01").await;
    assert_eq!(scene.disposition(begun.call).await, None, "the agent records it");

    let now = scene.now();
    let disposed = Heard::own(Source::Desk, begun.call, "disposed", now);
    apply::tell(scene.app(), begun.call, disposed, Event::Disposed).await.expect("told");
    assert_eq!(scene.call(begun.call).await.state, State::Done);
    assert_eq!(scene.agent_state(agent).await, "ready");
    scene.finish().await;
}

#[tokio::test]
async fn two_answers_race_for_one_agent_and_the_other_debtor_waits() {
    let scene = Scene::start().await;
    let agent = scene.ready_agent(1).await;
    let (one, two) = (scene.debtor(1).await, scene.debtor(2).await);
    let (first, second) = (scene.dial(&one, "CA01").await, scene.dial(&two, "CA02").await);
    let (a, b) = tokio::join!(scene.answer(&first, "CA01"), scene.answer(&second, "CA02"));
    let bridged = [&a, &b].iter().filter(|answer| answer.body.contains("<Conference")).count();
    let waiting = [&a, &b].iter().filter(|answer| answer.body.contains("<Pause")).count();
    assert_eq!((bridged, waiting), (1, 1), "{a:?} {b:?}");
    let states = [scene.call(first.call).await, scene.call(second.call).await];
    assert_eq!(states.iter().filter(|call| call.agent == Some(agent)).count(), 1);
    assert_eq!(states.iter().filter(|call| call.state == State::Held).count(), 1);
    scene.end(&first, "CA01").await;
    scene.end(&second, "CA02").await;
    scene.finish().await;
}

#[tokio::test]
async fn a_debtor_who_waited_in_vain_hears_who_called_and_is_abandoned() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let begun = scene.dial(&debtor, "CA01").await;
    let waits = scene.answer(&begun, "CA01").await.body;
    assert!(waits.contains("<Pause length=\"2\"") && waits.contains("/hold?"), "{waits}");
    scene.app().clock.advance(TimeDelta::seconds(2));
    let message = scene.hook(&begun, "hold", &line("CA01", "in-progress")).await;
    assert!(message.body.contains("Example Receivables") && message.body.contains("<Hangup"), "{message:?}");
    assert_eq!(scene.hook(&begun, "hold", &line("CA01", "in-progress")).await, message, "asked again");
    // Too late for the agent who comes now.
    let agent = scene.ready_agent(1).await;
    assert_eq!((scene.agent_state(agent).await.as_str(), scene.call(begun.call).await.agent), ("ready", None));
    scene.end(&begun, "CA01").await;
    assert_eq!(scene.call(begun.call).await.outcome.as_deref(), Some("abandoned"));
    assert_eq!(scene.disposition(begun.call).await.as_deref(), Some("abandoned"));
    scene.finish().await;
}

#[tokio::test]
async fn an_agent_who_gets_ready_takes_the_debtor_who_waits() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let begun = scene.dial(&debtor, "CA01").await;
    scene.answer(&begun, "CA01").await;
    let agent = scene.ready_agent(1).await;
    assert_eq!(scene.agent_state(agent).await, "reserved");
    let told = scene.exchange.told("CA01");
    assert!(told.len() == 1 && told[0].contains("/answer?"), "moved once: {told:?}");
    let moved = scene.answer(&begun, "CA01").await;
    assert!(moved.body.contains("<Conference"), "{moved:?}");
    scene.conference(&begun, agent, "CA01", "participant-join", "1").await;
    assert_eq!(scene.agent_state(agent).await, "on_call");
    scene.end(&begun, "CA01").await;
    scene.finish().await;
}

#[tokio::test]
async fn a_machine_is_hung_up_on_and_its_agent_is_free_once_the_line_is_down() {
    let scene = Scene::start().await;
    let (debtor, agent) = (scene.debtor(1).await, scene.ready_agent(1).await);
    let begun = scene.dial(&debtor, "CA01").await;
    scene.answer(&begun, "CA01").await;
    scene.conference(&begun, agent, "CA01", "participant-join", "1").await;
    scene.hook(&begun, "amd", &amd("CA01", "machine_start")).await;
    assert_eq!(scene.agent_state(agent).await, "on_call", "the machine is still in the conference");
    scene.test.settle().await;
    assert_eq!(scene.exchange.told("CA01"), ["completed"]);
    scene.end(&begun, "CA01").await;
    let shown = scene.call(begun.call).await;
    assert_eq!((shown.state, shown.outcome.as_deref()), (State::Done, Some("machine")));
    assert_eq!(scene.agent_state(agent).await, "ready");
    assert_eq!(scene.disposition(begun.call).await.as_deref(), Some("machine"));
    scene.finish().await;
}

#[tokio::test]
async fn the_agents_word_saves_a_person_whom_detection_took_for_a_machine() {
    let scene = Scene::start().await;
    let (debtor, agent) = (scene.debtor(1).await, scene.ready_agent(1).await);
    let begun = scene.dial(&debtor, "CA01").await;
    scene.answer(&begun, "CA01").await;
    scene.conference(&begun, agent, "CA01", "participant-join", "1").await;
    scene.hook(&begun, "amd", &amd("CA01", "machine_start")).await;
    let word = Heard::own(Source::Desk, begun.call, "human", scene.now());
    apply::tell(scene.app(), begun.call, word, Event::HumanConfirmed).await.expect("told");
    scene.test.settle().await;
    assert_eq!(scene.exchange.told("CA01"), Vec::<String>::new(), "the hang-up looked again before it acted");
    assert_eq!(scene.call(begun.call).await.state, State::Bridged);
    scene.end(&begun, "CA01").await;
    scene.finish().await;
}

#[tokio::test]
async fn giving_up_a_line_that_is_answered_meanwhile_ends_it() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let begun = scene.dial(&debtor, "CA01").await;
    scene.exchange.stands("CA01", "in-progress");
    let given_up = Heard::own(Source::Supervisor, begun.call, "end asked", scene.now());
    apply::tell(scene.app(), begun.call, given_up, Event::EndAsked).await.expect("told");
    scene.test.settle().await;
    assert_eq!(scene.exchange.told("CA01"), ["canceled", "completed"]);
    let too_late = scene.answer(&begun, "CA01").await;
    assert!(!too_late.body.contains("<Dial") && too_late.body.contains("<Hangup"), "{too_late:?}");
    scene.end(&begun, "CA01").await;
    scene.finish().await;
}

#[tokio::test]
async fn an_answer_after_the_end_reserves_nobody() {
    let scene = Scene::start().await;
    let (debtor, agent) = (scene.debtor(1).await, scene.ready_agent(1).await);
    let begun = scene.dial(&debtor, "CA01").await;
    scene.end(&begun, "CA01").await;
    let late = scene.answer(&begun, "CA01").await;
    assert!(late.status.is_success() && !late.body.contains("<Dial"), "{late:?}");
    assert_eq!((scene.agent_state(agent).await.as_str(), scene.call(begun.call).await.agent), ("ready", None));
    scene.finish().await;
}

#[tokio::test]
async fn a_caller_reaches_an_agent_with_the_account() {
    let scene = Scene::start().await;
    let (debtor, agent) = (scene.debtor(1).await, scene.ready_agent(1).await);
    let form = caller("CA90", debtor.number.as_str());
    let answer = scene.post(&format!("{}/inbound", callbacks::PATH), &form).await;
    assert!(answer.body.contains("<Conference"), "{answer:?}");
    let (call, account): (uuid::Uuid, uuid::Uuid) =
        sqlx::query_as("SELECT id, account_id FROM call WHERE sid = 'CA90' AND direction = 'inbound'")
            .fetch_one(&scene.app().db)
            .await
            .expect("the call");
    assert_eq!(account, debtor.account.0);
    assert_eq!(scene.agent_state(agent).await, "reserved");
    let again = scene.post(&format!("{}/inbound", callbacks::PATH), &form).await;
    assert_eq!(again, answer, "the same request gets the same answer");
    // The number's own status address carries no call: the line is known by its id.
    let over = scene.post(&format!("{}/status", callbacks::PATH), &status("CA90", "completed", "3")).await;
    assert!(over.status.is_success());
    assert_eq!(scene.call(ledgerline::ids::CallId(call)).await.state, State::Wrapping);
    scene.finish().await;
}

#[tokio::test]
async fn a_caller_for_whom_nobody_is_free_is_called_back() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    for _ in 0..2 {
        let answer = scene.post(&format!("{}/inbound", callbacks::PATH), &caller("CA90", debtor.number.as_str())).await;
        assert!(answer.body.contains("call you back") && answer.body.contains("<Hangup"), "{answer:?}");
    }
    scene.app().clock.advance(TimeDelta::seconds(20));
    scene.post(&format!("{}/status", callbacks::PATH), &status("CA90", "completed", "3")).await;
    let due: Vec<bool> =
        sqlx::query_scalar("SELECT due_at <= $2 FROM callback WHERE account_id = $1 AND status = 'open'")
            .bind(debtor.account.0)
            .bind(scene.now())
            .fetch_all(&scene.app().db)
            .await
            .expect("callbacks");
    assert_eq!(due, [true], "one, and due at once");
    let stranger = scene.post(&format!("{}/inbound", callbacks::PATH), &caller("CA91", "anonymous")).await;
    assert!(stranger.body.contains("call again later"), "{stranger:?}");
    scene.post(&format!("{}/status", callbacks::PATH), &status("CA91", "completed", "3")).await;
    scene.finish().await;
}

#[tokio::test]
async fn a_second_attempt_on_a_live_account_person_or_number_is_impossible() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let begun = scene.attempt(&debtor).await;
    assert!(matches!(scene.try_attempt(&debtor).await, Err(Error::Conflict(_))));
    let attempts: i32 = sqlx::query_scalar("SELECT attempts FROM campaign_account WHERE account_id = $1")
        .bind(debtor.account.0)
        .fetch_one(&scene.app().db)
        .await
        .expect("a count");
    assert_eq!(attempts, 1, "what was not begun is not counted");
    scene.hook(&begun, "status", &status("CA01", "busy", "2")).await;
    scene.attempt(&debtor).await;
    sqlx::query("UPDATE call SET live = false").execute(&scene.app().db).await.expect("tidied up");
    scene.finish().await;
}

#[tokio::test]
async fn an_attempt_whose_answer_was_lost_is_found_and_adopted_and_never_dialled_again() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let begun = scene.attempt(&debtor).await;
    scene.app().clock.advance(TimeDelta::seconds(25));
    scene.exchange.lists(json!({
        "sid": "CA55", "account_sid": "AC01", "status": "no-answer", "direction": "outbound-api",
        "to": debtor.number.as_str(), "from": OUR_NUMBER,
        "date_created": scene.now().to_rfc2822(),
    }));
    assert!(matches!(scene.try_attempt(&debtor).await, Err(Error::Conflict(_))), "it may be ringing");
    sweeper::step(scene.app()).await.expect("a look");
    let shown = scene.call(begun.call).await;
    assert_eq!((shown.sid.as_deref(), shown.outcome.as_deref()), (Some("CA55"), Some("no_answer")));
    assert!(shown.facts.counts_as_attempt());
    scene.finish().await;
}

#[tokio::test]
async fn an_attempt_without_a_trace_is_given_up_after_a_while_and_counts() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let begun = scene.attempt(&debtor).await;
    for minutes in [1, 3] {
        scene.app().clock.advance(TimeDelta::minutes(minutes));
        sweeper::step(scene.app()).await.expect("a look");
        assert_eq!(scene.call(begun.call).await.state, State::Dialing);
    }
    scene.app().clock.advance(TimeDelta::minutes(2));
    sweeper::step(scene.app()).await.expect("a look");
    let shown = scene.call(begun.call).await;
    assert_eq!((shown.state, shown.outcome.as_deref()), (State::Done, Some("failed")));
    assert!(shown.facts.counts_as_attempt());
    scene.finish().await;
}

#[tokio::test]
async fn the_carrier_is_asked_about_a_line_that_has_gone_silent() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let begun = scene.dial(&debtor, "CA01").await;
    scene.hook(&begun, "status", &status("CA01", "ringing", "1")).await;
    scene.exchange.stands("CA01", "completed");
    sweeper::step(scene.app()).await.expect("a look");
    assert_eq!(scene.call(begun.call).await.state, State::Ringing, "not silent yet");
    scene.app().clock.advance(TimeDelta::seconds(60));
    sweeper::step(scene.app()).await.expect("a look");
    assert_eq!(scene.call(begun.call).await.state, State::Done);
    scene.finish().await;
}

#[tokio::test]
async fn a_debtor_whom_the_carrier_forgot_to_ask_about_hears_the_message() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let begun = scene.dial(&debtor, "CA01").await;
    scene.answer(&begun, "CA01").await;
    scene.app().clock.advance(TimeDelta::seconds(6));
    sweeper::step(scene.app()).await.expect("a look");
    scene.test.settle().await;
    let told = scene.exchange.told("CA01");
    assert!(told.len() == 1 && told[0].contains("Example Receivables"), "{told:?}");
    scene.end(&begun, "CA01").await;
    assert_eq!(scene.call(begun.call).await.outcome.as_deref(), Some("abandoned"));
    scene.finish().await;
}

#[tokio::test]
async fn a_line_whose_agent_is_gone_does_not_strand_the_debtor() {
    let scene = Scene::start().await;
    let (debtor, agent) = (scene.debtor(1).await, scene.ready_agent(1).await);
    let begun = scene.dial(&debtor, "CA01").await;
    scene.answer(&begun, "CA01").await;
    scene.conference(&begun, agent, "CA01", "participant-join", "1").await;
    sqlx::query("UPDATE agent SET state = 'offline', call_id = NULL").execute(&scene.app().db).await.expect("gone");
    sweeper::step(scene.app()).await.expect("a look");
    scene.test.settle().await;
    assert_eq!(scene.exchange.told("CA01"), ["completed"]);
    scene.end(&begun, "CA01").await;
    assert_eq!(scene.call(begun.call).await.state, State::Done);
    scene.finish().await;
}

#[tokio::test]
async fn the_same_word_twice_is_a_duplicate() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let begun = scene.attempt(&debtor).await;
    let heard = || Heard::create(begun.call, Some("CA01".to_owned()), scene.now());
    let told = apply::tell(scene.app(), begun.call, heard(), Event::CreateAccepted).await.expect("told");
    assert_eq!(told, Verdict::Applied);
    let again = apply::tell(scene.app(), begun.call, heard(), Event::CreateUnknown).await.expect("told");
    assert_eq!(again, Verdict::Duplicate);
    scene.end(&begun, "CA01").await;
    scene.finish().await;
}

fn caller<'a>(sid: &'a str, from: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("CallSid", sid),
        ("AccountSid", "AC01"),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
        ("From", from),
        ("To", OUR_NUMBER),
    ]
}

#[tokio::test]
async fn an_answer_goes_to_who_promised_to_call_back_then_to_the_owner_then_to_the_longest_idle() {
    let scene = Scene::start().await;
    let debtor = scene.debtor(1).await;
    let mut agents = Vec::new();
    for n in 1..=4 {
        agents.push(scene.ready_agent(n).await);
        scene.app().clock.advance(TimeDelta::seconds(1));
    }
    let db = &scene.app().db;
    sqlx::query("UPDATE account SET owner_id = $1").bind(agents[1]).execute(db).await.expect("an owner");
    for (agent, minutes) in [(agents[2], 15), (agents[3], 16)] {
        sqlx::query(
            "INSERT INTO callback (id, account_id, agent_id, due_at, status, created_at)
             VALUES (gen_random_uuid(), $1, $2, $3, 'open', $4)",
        )
        .bind(debtor.account)
        .bind(agent)
        .bind(scene.now() + TimeDelta::minutes(minutes))
        .bind(scene.now())
        .execute(db)
        .await
        .expect("a callback");
    }
    for (sid, expected, nth) in [("CA01", agents[2], "1"), ("CA02", agents[1], "2"), ("CA03", agents[0], "3")] {
        let begun = scene.dial(&debtor, sid).await;
        let answer = scene.answer(&begun, sid).await;
        assert!(answer.body.contains("<Conference"), "{answer:?}");
        assert_eq!(scene.call(begun.call).await.agent, Some(expected));
        scene.conference(&begun, expected, sid, "participant-join", nth).await;
        scene.end(&begun, sid).await;
        // Who has had the debtor takes a pause.
        let pause = sqlx::query("UPDATE agent SET next_reason = 'break' WHERE user_id = $1").bind(expected);
        pause.execute(db).await.expect("a pause is asked for");
        let heard = Heard::own(Source::Desk, begun.call, "disposed", scene.now());
        apply::tell(scene.app(), begun.call, heard, Event::Disposed).await.expect("told");
        scene.test.settle().await;
    }
    scene.finish().await;
}
