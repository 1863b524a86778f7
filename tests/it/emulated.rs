//! The live service against the simulator: twenty simulated agents at an emulated carrier, twenty times as fast as life,
//! and then the same calls dialled once more by the simulator, with the same pacer. The people are hard to reach, so that
//! another way of dialling would be told apart: one line an agent leaves the simulated floor well below the live one.
//!
//! A test binary of its own: cargo runs test binaries one after the other, so that nothing else takes the time it measures.

#[expect(dead_code, reason = "the other tests use the rest of it")]
mod harness;
#[expect(dead_code, reason = "the other tests use the rest of it")]
mod portfolio;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use ledgerline::{
    agent::{
        self, Principal, Role,
        users::{self, NewUser},
    },
    app::App,
    campaign::{self, Campaign, Mode, NewCampaign, RetryMinutes, Settings},
    clock::Clock,
    dialer::what_if::{self, Question},
    disposition::catalogue,
    emulator::{
        self,
        agents::{self, Habits, Tally},
    },
    pacing::{contender::Name, replay::Outcome},
};
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{AUTH_TOKEN, TestApp, noon},
    portfolio::Debtor,
};

const AGENTS: usize = 20;
const SPEED: f64 = 20.0;
const PASSWORD: &str = "a-password-for-tests";
/// More than can be dialled before [`CLOSES`]: a pacer that has all the time in the world for its list takes no risk.
const ACCOUNTS: usize = 1_600;
/// When the campaign's hours end: it begins at 15:00.
const CLOSES: NaiveTime = NaiveTime::from_hms_opt(15, 7, 0).expect("a time of day");
/// An hour of the people's time.
const TIME: Duration = Duration::from_mins(3);
/// How far the occupancies may lie apart, in points.
const APART: f64 = 3.0;

/// A busy machine holds up the service, which lives twenty times as fast, and not the simulator: then it is tried again.
const TRIES: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn the_emulated_floor_is_as_busy_as_the_simulated_one() {
    let mut told = Vec::new();
    for _ in 0..TRIES {
        let Occupancies { emulated, simulated, one_line_an_agent } = occupancies().await;
        let apart = 100.0 * (emulated - simulated);
        let figures = format!(
            "emulated {emulated:.3}, simulated {simulated:.3}: {apart:.1} points apart; \
             one line an agent, simulated: {one_line_an_agent:.3}"
        );
        println!("{figures}");
        if apart.abs() < APART && 100.0 * (emulated - one_line_an_agent) > APART {
            return;
        }
        told.push(figures);
    }
    panic!("{told:?}");
}

/// How busy the agents were.
struct Occupancies {
    /// On the live floor.
    emulated: f64,
    /// What the simulator makes of the same hour with the same pacer.
    simulated: f64,
    /// What it makes of it with one line for each ready agent.
    one_line_an_agent: f64,
}

async fn occupancies() -> Occupancies {
    let clock = Clock::starting_at(noon() + TimeDelta::hours(2), Tz::America__New_York);
    let carrier = emulator::start(people(), clock.clone()).await.expect("a carrier");
    let base_url = carrier.base_url.clone();
    let mut service = TestApp::start_with(clock, |config| config.carrier.base_url = base_url).await;
    let campaign = prepare(&service.app).await;
    service.serve();
    let stop = CancellationToken::new();
    let team = tokio::spawn(agents::run(team(&service), Arc::new(Tally::default()), stop.clone()));
    tokio::time::sleep(TIME).await;
    let (until, emulated) = (service.app.clock.now(), occupancy(&service.app).await);
    campaign::pause(&service.app, None, campaign.id).await.expect("a pause");
    until_nobody_talks(&service.app).await;
    end_the_day(&service.app, until).await;
    let simulated = dialled_again(&service.app, &campaign, Name::Predictive).await;
    let one_line_an_agent = dialled_again(&service.app, &campaign, Name::Progressive).await.occupancy;
    stop.cancel();
    team.await.expect("the agents leave");
    service.finish().await;
    carrier.stop().await;
    assert!(simulated.share.answers > 60, "too few answers to compare: {simulated:?}");
    Occupancies { emulated, simulated: simulated.occupancy, one_line_an_agent }
}

/// Share of their time that agents have been in a call or its wrap-up so far, by the log of presence. Who is reserved has a
/// call already: the simulator connects at once, the service in a fraction of a second, which is long at this speed.
async fn occupancy(app: &App) -> f64 {
    sqlx::query_scalar(
        "WITH span AS (SELECT state, coalesce(lead(at) OVER (PARTITION BY user_id ORDER BY id), $1) - at AS lasted
                       FROM agent_log)
         SELECT (extract(epoch FROM sum(lasted) FILTER (WHERE state IN ('reserved', 'on_call', 'wrap_up')))
                 / extract(epoch FROM sum(lasted) FILTER (WHERE state IN ('ready', 'reserved', 'on_call', 'wrap_up'))))::float8
         FROM span",
    )
    .bind(app.clock.now())
    .fetch_one(&app.db)
    .await
    .expect("agents at work")
}

/// For the simulator everybody goes home when the measurement ends, and not after the last call.
async fn end_the_day(app: &App, at: DateTime<Utc>) {
    sqlx::query(
        "WITH gone AS (DELETE FROM agent_log WHERE at > $1)
         INSERT INTO agent_log (user_id, campaign_id, state, at)
         SELECT DISTINCT user_id, campaign_id, 'paused', $1 FROM agent_log WHERE campaign_id IS NOT NULL",
    )
    .bind(at)
    .execute(&app.db)
    .await
    .expect("the log is ours");
}

/// The recorded calls as the simulator dials them with `pacer`.
async fn dialled_again(app: &App, campaign: &Campaign, pacer: Name) -> Outcome {
    let starts = app.config.carrier.calls_per_second;
    let day = app.clock.business_date();
    let asked = Question { day, pacer: Some(pacer), ratio_milli: None, starts, seed: 1 };
    let found = what_if::ask(&app.db, &app.clock, campaign, asked, what_if::BOUNDED).await.expect("a recorded day");
    found.pacers.into_iter().next().expect("the one that was asked for")
}

/// One in five answers; a conversation takes eleven minutes, half a minute of ours.
fn people() -> emulator::Config {
    let line = ["carrier", "--listen", "127.0.0.1:0", "--auth-token", AUTH_TOKEN, "--calls-per-second", "100"];
    let mut config = emulator::Config::parse_line(line).expect("a command line");
    config.speed = SPEED;
    let people = &mut config.population;
    (people.human, people.machine, people.mistaken) = (0.2, 0.0, 0.0);
    (people.talk_seconds, people.talk_spread) = (600.0, 0.5);
    // Who waits for an agent waits in our time, not in theirs, and as long as the service says: its clock is ours.
    people.patience_seconds = 12.0 * SPEED;
    config.pauses_as_told = true;
    config
}

fn team(service: &TestApp) -> agents::Config {
    agents::Config {
        service: service.url("/").parse().expect("an address"),
        logins: (0..AGENTS).map(|seat| (login(seat), PASSWORD.into())).collect(),
        seed: 3,
        speed: SPEED,
        wrap_up: Duration::from_mins(1),
        pause_chance: 0.0,
        habits: Habits { promise: 20, callback: 0, retry: 80, dispute: 0, end: 0 },
    }
}

/// Accounts, agents, and a running campaign that calls every account once.
async fn prepare(app: &App) -> Campaign {
    catalogue::seed(&app.db).await.expect("dispositions");
    for _ in 0..ACCOUNTS {
        portfolio::add(app, &Debtor::default()).await;
    }
    let once = 30_000;
    let retry = RetryMinutes {
        busy: once,
        no_answer: once,
        machine: once,
        failed: once,
        abandoned: once,
        canceled: once,
        contact: once,
    };
    let caller_ids = vec!["+12125550100".parse().expect("a number")];
    let creditor_name = "Example Trading".to_owned();
    let mut settings = Settings { caller_ids, retry, creditor_name, ..Settings::default() };
    settings.hours[0].to = CLOSES;
    let new = NewCampaign { name: "Emulated".to_owned(), mode: Mode::Predictive, ratio_milli: 1000, settings };
    let admin = user(app, "admin", Role::Admin).await;
    let campaign = campaign::create(app, Some(admin.user), new).await.expect("a campaign");
    for seat in 0..AGENTS {
        let agent = user(app, &login(seat), Role::Agent).await;
        agent::assign(app, &admin, agent.user, Some(campaign.id)).await.expect("a seat");
    }
    campaign::start(app, Some(admin.user), campaign.id).await.expect("it starts")
}

async fn user(app: &App, login: &str, role: Role) -> Principal {
    let new = NewUser {
        login: login.to_owned(),
        name: login.to_owned(),
        role,
        department: None,
        team: None,
        password: PASSWORD.into(),
        device: Some(format!("client:{login}")),
    };
    let user = users::create(&app.db, new, app.clock.now()).await.expect("a user");
    Principal { user: user.id, role, name: user.name, login: user.login }
}

async fn until_nobody_talks(app: &App) {
    let began = Instant::now();
    while sqlx::query_scalar::<_, i64>("SELECT count(*) FROM call WHERE state <> 'done'")
        .fetch_one(&app.db)
        .await
        .expect("a count")
        > 0
    {
        assert!(began.elapsed() < Duration::from_mins(3), "calls do not end");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn login(seat: usize) -> String {
    format!("agent{seat}")
}
