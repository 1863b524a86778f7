//! Log-in, presence, who is ready, the timer of the wrap-up, and agents who are gone.

pub mod fixture;

use chrono::TimeDelta;
use ledgerline::{
    agent::{self, Role, at_desk, presence::Event, ready, session, supervise, users, vanished, wrap_timer},
    error::Error,
    ids::CallId,
};
use secrecy::ExposeSecret;

use self::fixture::PASSWORD;
use crate::harness::TestApp;

#[tokio::test]
async fn a_log_in_opens_a_session_that_use_prolongs_and_idleness_ends() {
    let test = TestApp::start().await;
    let app = &test.app;
    fixture::user(app, "agent1", Role::Agent).await;
    let session = session::log_in(app, " Agent1 ", &PASSWORD.into()).await.expect("a session");
    let token = session.token.expose_secret();
    for _ in 0..3 {
        app.clock.advance(TimeDelta::hours(11));
        assert_eq!(session::authenticate(app, token).await.expect("used within 12 hours").login, "agent1");
    }
    app.clock.advance(TimeDelta::hours(13));
    assert!(matches!(session::authenticate(app, token).await, Err(Error::Unauthenticated)));
    test.finish().await;
}

#[tokio::test]
async fn the_database_holds_no_token_and_no_password() {
    let test = TestApp::start().await;
    fixture::user(&test.app, "agent1", Role::Agent).await;
    let session = session::log_in(&test.app, "agent1", &PASSWORD.into()).await.expect("a session");
    let stored: Vec<u8> =
        sqlx::query_scalar("SELECT token_hash FROM session").fetch_one(&test.app.db).await.expect("one");
    assert_ne!(stored, session.token.expose_secret().as_bytes());
    let hash: String =
        sqlx::query_scalar("SELECT password_hash FROM users").fetch_one(&test.app.db).await.expect("one");
    assert!(hash.starts_with("$argon2id$"));
    test.finish().await;
}

#[tokio::test]
async fn logging_out_and_disabling_end_sessions_at_once() {
    let test = TestApp::start().await;
    let app = &test.app;
    let user = fixture::user(app, "agent1", Role::Agent).await;
    let (first, second) = (fixture::bearer(app, user.user).await, fixture::bearer(app, user.user).await);
    session::log_out(app, &first).await.expect("logged out");
    assert!(matches!(session::authenticate(app, &first).await, Err(Error::Unauthenticated)));
    assert!(session::authenticate(app, &second).await.is_ok());
    users::disable(&app.db, user.user, app.clock.now()).await.expect("disabled");
    assert!(matches!(session::authenticate(app, &second).await, Err(Error::Unauthenticated)));
    let again = session::log_in(app, "agent1", &PASSWORD.into()).await;
    assert!(matches!(again, Err(Error::Unauthenticated)));
    test.finish().await;
}

#[tokio::test]
async fn guessing_is_throttled_also_for_a_login_that_does_not_exist() {
    let test = TestApp::start().await;
    let app = &test.app;
    fixture::user(app, "agent1", Role::Agent).await;
    for login in ["agent1", "nobody"] {
        for _ in 0..10 {
            let guess = session::log_in(app, login, &"a wrong password".into()).await;
            assert!(matches!(guess, Err(Error::Unauthenticated)));
        }
        let next = session::log_in(app, login, &PASSWORD.into()).await;
        assert!(matches!(next, Err(Error::Throttled { seconds: 1..=900 })), "{next:?}");
    }
    test.finish().await;
}

#[tokio::test]
async fn the_owner_is_picked_first_and_else_who_has_been_idle_longest() {
    let test = TestApp::start().await;
    let app = &test.app;
    let campaign = fixture::campaign(app).await;
    let mut agents = Vec::new();
    for login in ["agent1", "agent2", "agent3"] {
        agents.push(fixture::ready_agent(app, login, campaign).await.user);
        app.clock.advance(TimeDelta::seconds(1));
    }
    test.settle().await;
    assert_eq!(ready::count(app, campaign).await.expect("a count"), 3);
    let pick = async |owner| ready::pick(app, campaign, owner).await.expect("a pick");
    assert_eq!(pick(Some(agents[2])).await, Some(agents[2]));
    assert_eq!(pick(Some(agents[2])).await, Some(agents[0]), "the owner is busy");
    assert_eq!(pick(None).await, Some(agents[1]));
    assert_eq!(pick(None).await, None);
    test.finish().await;
}

#[tokio::test]
async fn a_wiped_redis_is_rebuilt_and_a_stale_one_does_no_harm() {
    let test = TestApp::start().await;
    let app = &test.app;
    let campaign = fixture::campaign(app).await;
    let agent = fixture::ready_agent(app, "agent1", campaign).await.user;
    test.settle().await;
    redis::cmd("FLUSHALL").query_async::<()>(&mut app.redis.clone()).await.expect("wiped");
    assert_eq!(ready::pick(app, campaign, None).await.expect("a pick"), Some(agent));

    // Picked, and paused before the reservation: Postgres says no.
    let session = agent::store::get(&app.db, agent).await.expect("read").expect("an agent").session;
    at_desk::ask(app, agent, session, &at_desk::Ask::Pause("lunch".to_owned())).await.expect("paused");
    let mut conn = app.db.acquire().await.expect("a connection");
    let reserved = agent::change(&mut conn, agent, Event::Reserved(CallId::generate()), app.clock.now(), None).await;
    assert_eq!(reserved.expect("changed"), None);
    drop(conn);
    test.finish().await;
}

#[tokio::test]
async fn a_pause_takes_the_agent_out_before_the_outbox_runs() {
    let test = TestApp::start().await;
    let app = &test.app;
    let campaign = fixture::campaign(app).await;
    let agent = fixture::ready_agent(app, "agent1", campaign).await.user;
    test.settle().await;
    let session = agent::store::get(&app.db, agent).await.expect("read").expect("an agent").session;
    at_desk::ask(app, agent, session, &at_desk::Ask::Pause("lunch".to_owned())).await.expect("paused");
    assert_eq!(ready::pick(app, campaign, None).await.expect("a pick"), None);
    let old = at_desk::ask(app, agent, session - 1, &at_desk::Ask::Ready).await;
    assert!(matches!(old, Err(Error::Conflict(_))), "an older log-in can do nothing");
    test.finish().await;
}

#[tokio::test]
async fn an_agent_without_a_voice_leg_is_not_offered() {
    let test = TestApp::start().await;
    let app = &test.app;
    let campaign = fixture::campaign(app).await;
    let agent = fixture::ready_agent(app, "agent1", campaign).await.user;
    test.settle().await;
    agent::leg::down(app, agent, "CA-another").await.expect("told");
    test.settle().await;
    assert_eq!(ready::count(app, campaign).await.expect("a count"), 1, "another leg's end is not ours");
    agent::leg::down(app, agent, "CA-agent1").await.expect("told");
    test.settle().await;
    assert_eq!(ready::count(app, campaign).await.expect("a count"), 0);
    test.finish().await;
}

#[tokio::test]
async fn the_wrap_up_ends_by_the_services_clock() {
    let test = TestApp::start().await;
    let app = &test.app;
    let campaign = fixture::campaign(app).await;
    let account = fixture::account(app, "0012").await;
    let agent = fixture::ready_agent(app, "agent1", campaign).await.user;
    let call = fixture::wrapping(app, campaign, &account, agent).await;
    assert_eq!(fixture::state_of(app, agent).await, "wrap_up");

    let session = agent::store::get(&app.db, agent).await.expect("read").expect("an agent").session;
    at_desk::ask(app, agent, session, &at_desk::Ask::ExtendWrapUp).await.expect("a minute more");
    app.clock.advance(TimeDelta::seconds(119));
    assert_eq!(wrap_timer::step(app).await.expect("a step"), 0);
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(wrap_timer::step(app).await.expect("a step"), 1);
    assert_eq!(wrap_timer::step(app).await.expect("a step"), 0, "once");

    assert_eq!(fixture::state_of(app, agent).await, "ready");
    let (code, state): (String, String) = sqlx::query_as(
        "SELECT d.code, c.state FROM call_disposition d JOIN call c ON c.id = d.call_id WHERE c.id = $1",
    )
    .bind(call)
    .fetch_one(&app.db)
    .await
    .expect("recorded");
    assert_eq!((code.as_str(), state.as_str()), ("not_recorded", "done"));
    test.finish().await;
}

#[tokio::test]
async fn a_wrap_up_lasts_fifteen_minutes_at_most() {
    let test = TestApp::start().await;
    let app = &test.app;
    let campaign = fixture::campaign(app).await;
    let account = fixture::account(app, "0012").await;
    let agent = fixture::ready_agent(app, "agent1", campaign).await.user;
    fixture::wrapping(app, campaign, &account, agent).await;
    let session = agent::store::get(&app.db, agent).await.expect("read").expect("an agent").session;
    let mut granted = 0;
    while at_desk::ask(app, agent, session, &at_desk::Ask::ExtendWrapUp).await.is_ok() {
        granted += 1;
    }
    assert_eq!(granted, 14, "one minute to begin with");
    app.clock.advance(at_desk::LONGEST_WRAP_UP);
    assert_eq!(wrap_timer::step(app).await.expect("a step"), 1);
    test.finish().await;
}

#[tokio::test]
async fn an_agent_whose_desk_is_gone_too_long_is_off_line() {
    let test = TestApp::start().await;
    let app = &test.app;
    let campaign = fixture::campaign(app).await;
    let agent = fixture::ready_agent(app, "agent1", campaign).await.user;
    let session = agent::store::get(&app.db, agent).await.expect("read").expect("an agent").session;
    at_desk::lose_socket(app, agent, session).await.expect("lost");
    assert_eq!(ready::pick(app, campaign, None).await.expect("a pick"), None, "not offered from this moment");
    app.clock.advance(vanished::SOCKET_TOLERANCE);
    vanished::step(app).await.expect("a step");
    assert_eq!(fixture::state_of(app, agent).await, "ready", "still tolerated");
    app.clock.advance(TimeDelta::seconds(1));
    vanished::step(app).await.expect("a step");
    assert_eq!(fixture::state_of(app, agent).await, "offline");
    // The carrier of this test takes no requests: what ends the leg stays in the outbox.
    let ends: i64 =
        sqlx::query_scalar("DELETE FROM outbox WHERE dedupe_key LIKE 'end_agent_leg %' RETURNING 1::bigint")
            .fetch_one(&app.db)
            .await
            .expect("the leg is ended");
    assert_eq!(ends, 1);
    test.finish().await;
}

#[tokio::test]
async fn a_supervisor_pauses_and_logs_out_an_agent_and_an_agent_may_not() {
    let test = TestApp::start().await;
    let app = &test.app;
    let campaign = fixture::campaign(app).await;
    let agent = fixture::ready_agent(app, "agent1", campaign).await;
    let supervisor = fixture::user(app, "supervisor1", Role::Supervisor).await;
    let pause = || supervise::Forced::Paused { reason: "training".to_owned() };
    let own = supervise::force_state(app, &agent, agent.user, pause()).await;
    assert!(matches!(own, Err(Error::Forbidden)));
    let empty = supervise::Forced::Paused { reason: " ".to_owned() };
    let wrong = supervise::force_state(app, &supervisor, agent.user, empty).await;
    assert!(matches!(wrong, Err(Error::Invalid { .. })));
    let unknown = supervise::force_state(app, &supervisor, supervisor.user, pause()).await;
    assert!(matches!(unknown, Err(Error::NotFound(_))));

    supervise::force_state(app, &supervisor, agent.user, pause()).await.expect("paused");
    assert_eq!(ready::pick(app, campaign, None).await.expect("a pick"), None);
    let logged: (uuid::Uuid, uuid::Uuid) =
        sqlx::query_as("SELECT by_user, campaign_id FROM agent_log ORDER BY id DESC LIMIT 1")
            .fetch_one(&app.db)
            .await
            .expect("logged");
    assert_eq!(logged, (supervisor.user.0, campaign.0), "who did it, and for which campaign the agent worked");
    assert_eq!(fixture::count(app, "audit").await, 1);

    sqlx::query("UPDATE agent SET leg_state = 'down', leg_sid = NULL").execute(&app.db).await.expect("no leg to end");
    supervise::force_state(app, &supervisor, agent.user, supervise::Forced::Offline).await.expect("offline");
    assert_eq!(fixture::state_of(app, agent.user).await, "offline");
    test.finish().await;
}
