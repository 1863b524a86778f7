//! A short day on the floor: the service, an emulated carrier that goes wrong, people who answer or do not, and agents
//! at real desks. Whatever happens, every call ends, is disposed of, and lets go of everybody.

use std::{sync::Arc, time::Duration};

use chrono_tz::Tz;
use ledgerline::{
    agent::{self, Principal, Role, users},
    app::App,
    campaign::{self, Mode, NewCampaign, Settings, State},
    carrier::token,
    clock::Clock,
    disposition::catalogue,
    emulator::{self, agents},
    ids::CampaignId,
};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{AUTH_TOKEN, TestApp, noon},
    portfolio::{self, Debtor},
};

const AGENTS: u32 = 3;
const DEBTORS: usize = 40;
/// Calls to see before the day is over.
const CALLS: i64 = 25;
const PASSWORD: &str = "a password for tests";

#[tokio::test]
async fn every_call_of_a_bad_day_ends_and_lets_go_of_everybody() {
    let clock = Clock::starting_at(noon(), Tz::America__New_York);
    let carrier = emulator::start(carrier(), clock.clone()).await.expect("the emulated carrier");
    let mut test = TestApp::start_with(clock, |config| {
        config.carrier.base_url = carrier.base_url.clone();
        config.carrier.agent_caller_id = Some("+15555550199".parse().expect("a number"));
    })
    .await;
    let campaign = prepare(&test.app).await;
    test.serve();
    let (tally, stop) = (Arc::default(), CancellationToken::new());
    let working = tokio::spawn(agents::run(agents(&test), Arc::clone(&tally), stop.clone()));
    campaign::start(&test.app, None, campaign).await.expect("it starts");

    wait(&test.app, "enough calls", |figures| figures.done >= CALLS).await;
    campaign::drain(&test.app, None, campaign).await.expect("it drains");
    wait(&test.app, "every call to end", |figures| figures.live == 0).await;

    assert_all_is_well(&test.app).await;
    assert!(!tally.dispositions().is_empty(), "agents talked to people and recorded what came of it");
    let state: String = sqlx::query_scalar("SELECT state FROM campaign").fetch_one(&test.app.db).await.expect("one");
    assert!([State::Draining.as_str(), State::Paused.as_str()].contains(&state.as_str()));
    stop.cancel();
    working.await.expect("the agents leave");
    carrier.stop().await;
    sqlx::query("DELETE FROM outbox WHERE lane = 'carrier'").execute(&test.app.db).await.expect("no carrier any more");
    test.finish().await;
}

fn carrier() -> emulator::Config {
    emulator::Config::parse_line([
        "carrier",
        "--listen",
        "127.0.0.1:0",
        "--auth-token",
        AUTH_TOKEN,
        "--seed",
        "7",
        "--speed",
        "20",
        "--calls-per-second",
        "100",
        "--human",
        "0.6",
        "--duplicate",
        "0.3",
        "--reorder",
        "0.2",
        "--delay",
        "0.1",
        "--delay-ms",
        "400",
        "--too-many",
        "0.05",
        "--server-error",
        "0.03",
    ])
    .expect("a command line")
}

fn agents(test: &TestApp) -> agents::Config {
    agents::Config {
        service: test.url("/").parse().expect("an address"),
        logins: (1..=AGENTS).map(|n| (format!("agent-{n}"), SecretString::from(PASSWORD))).collect(),
        seed: 7,
        speed: 20.0,
        wrap_up: Duration::from_secs(5),
        pause_chance: 0.1,
        habits: agents::Habits::default(),
    }
}

async fn prepare(app: &App) -> CampaignId {
    catalogue::seed(&app.db).await.expect("the catalogue");
    let settings = Settings {
        caller_ids: vec!["+15555550100".parse().expect("a number")],
        creditor_name: "Example Receivables".to_owned(),
        ..Settings::default()
    };
    let new = NewCampaign { name: "Day".to_owned(), mode: Mode::Ratio, ratio_milli: 2000, settings };
    let campaign = campaign::create(app, None, new).await.expect("a campaign").id;
    for _ in 0..DEBTORS {
        portfolio::add(app, &Debtor::default()).await;
    }
    for n in 1..=AGENTS {
        let new = users::NewUser {
            login: format!("agent-{n}"),
            name: format!("Agent {n}"),
            role: Role::Agent,
            password: SecretString::from(PASSWORD),
            device: Some(format!("client:{}", token::identity(ledgerline::ids::UserId::generate()))),
            department: None,
            team: None,
        };
        let agent = users::create(&app.db, new, app.clock.now()).await.expect("a user").id;
        let boss = Principal { user: agent, role: Role::Supervisor, name: String::new(), login: String::new() };
        agent::assign(app, &boss, agent, Some(campaign)).await.expect("assigned");
    }
    campaign
}

#[derive(Debug, sqlx::FromRow)]
struct Figures {
    live: i64,
    done: i64,
}

async fn wait(app: &App, what: &str, enough: impl Fn(&Figures) -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(90);
    loop {
        let figures: Figures = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE live) AS live, count(*) FILTER (WHERE NOT live) AS done FROM call",
        )
        .fetch_one(&app.db)
        .await
        .expect("figures");
        if enough(&figures) {
            return;
        }
        forget(app).await;
        let in_time = tokio::time::Instant::now() <= deadline;
        assert!(in_time, "waited in vain for {what}: {figures:?}\n{}", picture(app).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A dial that the carrier answered with an error of its own is given up after five minutes. The day is shorter than
/// that: what was dialled in vain counts as dialled long ago.
async fn forget(app: &App) {
    sqlx::query(
        "UPDATE call SET created_at = created_at - interval '6 minutes'
         WHERE live AND sid IS NULL AND facts #>> '{create,is}' = 'unknown' AND created_at > $1 - interval '5 minutes'
           AND created_at < $1 - interval '20 seconds'",
    )
    .bind(app.clock.now())
    .execute(&app.db)
    .await
    .expect("time passes");
}

/// What a person would look at first when the day does not end.
async fn picture(app: &App) -> String {
    let calls: Vec<(String, Option<String>, serde_json::Value)> =
        sqlx::query_as("SELECT state, sid, facts FROM call WHERE live ORDER BY created_at LIMIT 20")
            .fetch_all(&app.db)
            .await
            .expect("calls");
    let agents: Vec<(String, String, bool)> =
        sqlx::query_as("SELECT state, leg_state, connected FROM agent").fetch_all(&app.db).await.expect("agents");
    let effects: Vec<(String, i32, Option<String>)> =
        sqlx::query_as("SELECT dedupe_key, attempts, last_error FROM outbox").fetch_all(&app.db).await.expect("outbox");
    format!("calls {calls:#?}\nagents {agents:?}\neffects {effects:#?}")
}

async fn assert_all_is_well(app: &App) {
    let untold: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM call LEFT JOIN call_disposition d ON d.call_id = call.id WHERE d.call_id IS NULL",
    )
    .fetch_one(&app.db)
    .await
    .expect("a count");
    assert_eq!(untold, 0, "every call is disposed of");
    let overlapping: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM call a JOIN call b ON a.id < b.id AND (a.account_id = b.account_id OR a.agent_id = b.agent_id)
         WHERE a.bridged_at IS NOT NULL AND b.bridged_at IS NOT NULL
           AND tstzrange(a.bridged_at, a.ended_at) && tstzrange(b.bridged_at, b.ended_at)",
    )
    .fetch_one(&app.db)
    .await
    .expect("a count");
    assert_eq!(overlapping, 0, "no agent and no account had two talks at a time");
    let talked: i64 = sqlx::query_scalar("SELECT count(*) FROM call WHERE bridged_at IS NOT NULL")
        .fetch_one(&app.db)
        .await
        .expect("a count");
    assert!(talked > 0, "somebody talked");
}
