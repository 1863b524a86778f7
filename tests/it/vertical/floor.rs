//! A call centre for one test: the service, the emulated carrier, and simulated agents; its time runs three times as fast
//! as ours, the people's thirty times.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use chrono_tz::Tz;
use ledgerline::{
    agent::{
        self, Principal, Role,
        users::{self, NewUser, User},
    },
    campaign::{self, Limits, ListRule, Mode, NewCampaign, RetryMinutes, Settings},
    carrier::{CallUpdate, twilio::rest::ParticipantRecord},
    clock::Clock,
    disposition::catalogue,
    emulator::{
        self, Emulator,
        agents::{self, Habits, Tally},
        faults::Faults,
    },
    error::Error,
    ids::{CallId, CampaignId},
    import::{
        ImportJob,
        generate::{Portfolio, generate},
        import_file,
        mapping::Mapping,
    },
    queue,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::harness::{AUTH_TOKEN, TestApp, noon};

const ACCOUNTS: u64 = 40;
const AGENTS: usize = 4;
const CALLER_ID: &str = "+12125550100";
const PASSWORD: &str = "a-password-for-tests";
/// The service's seconds in one of ours: its nodes vouch for sockets every 10 s of ours, and after 45 s of its own it
/// takes an agent for gone.
const TIME_LAPSE: u32 = 3;
/// How long all accounts may take, in our time.
const PATIENCE: Duration = Duration::from_secs(150);

/// A call centre at work.
pub struct Floor {
    pub service: TestApp,
    carrier: Emulator,
    campaign: CampaignId,
    stop: CancellationToken,
    agents: JoinHandle<()>,
    time: JoinHandle<()>,
}

impl Floor {
    /// Takes a portfolio in, seats the agents, and starts to dial through a carrier with these faults.
    pub async fn open(faults: Faults) -> Self {
        Self::open_with(|config| config.faults = faults).await
    }

    /// As [`Floor::open`], with a carrier and people of this kind.
    pub async fn open_with(tune: impl FnOnce(&mut emulator::Config)) -> Self {
        // Hawaii is open, and New York is not closed yet.
        let clock = Clock::manual(noon() + TimeDelta::hours(2), Tz::America__New_York);
        let carrier = emulator::start(carrier(tune), clock.clone()).await.expect("a carrier");
        let base_url = carrier.base_url.clone();
        let mut service = TestApp::start_with(clock.clone(), |config| config.carrier.base_url = base_url).await;
        let campaign = prepare(&service).await;
        service.serve();
        let stop = CancellationToken::new();
        let team = agents::Config {
            service: service.url("/").parse().expect("an address"),
            logins: (0..AGENTS).map(|seat| (login(seat), PASSWORD.into())).collect(),
            seed: 3,
            speed: 30.0,
            wrap_up: Duration::from_secs(10),
            pause_chance: 0.05,
            habits: Habits { promise: 40, callback: 0, retry: 40, dispute: 10, end: 10 },
        };
        let agents = tokio::spawn(agents::run(team, Arc::new(Tally::default()), stop.clone()));
        let time = tokio::spawn(async move {
            let mut last = Instant::now();
            loop {
                tokio::time::sleep(Duration::from_millis(10)).await;
                let passed = TimeDelta::from_std(last.elapsed() * TIME_LAPSE).expect("a short time");
                last = Instant::now();
                clock.advance(passed);
            }
        });
        Self { service, carrier, campaign, stop, agents, time }
    }

    /// Accounts that may be dialled, by the queue.
    pub async fn ready(&self) -> u64 {
        const TRIES: usize = 100;
        for _ in 0..TRIES {
            // The service's own dialer may be building it at this very moment, or begin to after us.
            match queue::rebuild(&self.service.app, self.campaign).await {
                Ok(_) => {
                    let depth = queue::depth(&self.service.app, self.campaign).await.expect("a queue");
                    let ready = depth.values().sum();
                    if ready > 0 {
                        return ready;
                    }
                }
                Err(error) => assert!(matches!(error, Error::Conflict(_)), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        0
    }

    /// Calls so far.
    pub async fn calls(&self) -> i64 {
        self.count("SELECT count(*) FROM call").await
    }

    /// A supervisor with a device that can be called.
    pub async fn supervisor(&self) -> Principal {
        let User { id, name, login, .. } = user(&self.service, "supervisor".to_owned(), Role::Supervisor).await;
        Principal { user: id, role: Role::Supervisor, name, login }
    }

    /// A call on which agent and debtor talk.
    pub async fn talk(&self) -> CallId {
        let bridged = "SELECT id FROM call WHERE state = 'bridged' ORDER BY id LIMIT 1";
        let some = async || sqlx::query_scalar(bridged).fetch_optional(&self.service.app.db).await.expect("calls");
        self.until("somebody talks", async || some().await.is_some_and(|_: uuid::Uuid| true)).await;
        CallId(some().await.expect("they talk on"))
    }

    /// Who takes part in the conference of a call, the supervisors only.
    pub async fn supervisors_of(&self, call: CallId) -> Vec<ParticipantRecord> {
        let carrier = &self.service.app.carrier;
        let conference: String = sqlx::query_scalar("SELECT conference FROM call WHERE id = $1")
            .bind(call.0)
            .fetch_one(&self.service.app.db)
            .await
            .expect("a conference");
        let mut found = Vec::new();
        for conference in carrier.find_conferences(&conference).await.expect("conferences") {
            found.extend(carrier.list_participants(&conference.sid).await.expect("participants"));
        }
        found.retain(|each| each.label.as_deref().is_some_and(|label| label.starts_with("supervisor")));
        found
    }

    /// No more calls are dialled, and every debtor's line is ended.
    pub async fn hang_up(&self) {
        campaign::pause(&self.service.app, None, self.campaign).await.expect("a pause");
        let up = "SELECT sid FROM call WHERE live AND state <> 'wrapping' AND sid IS NOT NULL";
        let over = async || {
            let lines: Vec<String> = sqlx::query_scalar(up).fetch_all(&self.service.app.db).await.expect("lines");
            for line in lines {
                let line = line.parse().expect("a line");
                // It may have ended by itself.
                let _ = self.service.app.carrier.update_call(&line, &CallUpdate::Complete).await;
            }
            self.count("SELECT count(*) FROM call WHERE state <> 'done'").await == 0
        };
        self.until("every line is over", over).await;
    }

    /// A number from the database.
    pub async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.service.app.db).await.expect("a count")
    }

    /// Waits for so many calls.
    pub async fn until_calls(&self, wanted: i64) {
        self.until("there are enough calls", async || self.calls().await >= wanted).await;
    }

    /// Waits until the queue is empty and every call is done.
    pub async fn work_off(&self) {
        let done = async || {
            let depth = queue::depth(&self.service.app, self.campaign).await.expect("a queue");
            let open = self.count("SELECT count(*) FROM call WHERE state <> 'done'").await;
            open == 0 && depth.values().sum::<u64>() == 0 && self.calls().await > 0
        };
        self.until("the queue is worked off", done).await;
    }

    pub async fn until(&self, what: &str, reached: impl AsyncFn() -> bool) {
        let began = Instant::now();
        while !reached().await {
            let in_time = began.elapsed() < PATIENCE;
            assert!(in_time, "{what}: not within {PATIENCE:?}\n{}", self.picture().await);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Where everything stands, for a person to look at.
    async fn picture(&self) -> String {
        let calls: Vec<(String, i64)> =
            sqlx::query_as("SELECT state || coalesce(' ' || outcome, ''), count(*) FROM call GROUP BY 1")
                .fetch_all(&self.service.app.db)
                .await
                .expect("calls");
        let agents: Vec<(String, String, bool)> = sqlx::query_as("SELECT state, leg_state, connected FROM agent")
            .fetch_all(&self.service.app.db)
            .await
            .expect("agents");
        let depth = queue::depth(&self.service.app, self.campaign).await.expect("a queue");
        format!("calls {calls:?}\nagents {agents:?}\nqueue {depth:?}\ncarrier {}", self.carrier.statistics())
    }

    /// Redis forgets everything.
    pub async fn wipe_redis(&self) {
        let mut redis = self.service.app.redis.clone();
        redis::cmd("FLUSHALL").query_async::<()>(&mut redis).await.expect("an empty Redis");
    }

    /// One call for each account, one line at the carrier for each call, one disposition for each, every attempt counted.
    pub async fn assert_nothing_lost_or_doubled(&self) {
        let calls = self.calls().await;
        let twice =
            "SELECT count(*) FROM (SELECT account_id FROM call GROUP BY account_id HAVING count(*) > 1) AS twice";
        assert_eq!(self.count(twice).await, 0, "an account was called twice");
        let disposed = self.count("SELECT count(*) FROM call_disposition").await;
        assert_eq!(disposed, calls, "every call has one disposition");
        let numbers: Vec<String> = sqlx::query_scalar("SELECT to_number FROM call WHERE direction = 'outbound'")
            .fetch_all(&self.service.app.db)
            .await
            .expect("numbers");
        let mut lines: HashMap<String, u64> = HashMap::new();
        for number in self.carrier.dialled().into_iter().filter(|number| number.starts_with('+')) {
            *lines.entry(number).or_default() += 1;
        }
        let doubled: BTreeMap<_, _> = lines.iter().filter(|(_, lines)| **lines > 1).collect();
        assert!(doubled.is_empty(), "a number rang twice: {doubled:?}");
        let unknown: Vec<_> = lines.keys().filter(|number| !numbers.contains(number)).collect();
        assert!(unknown.is_empty(), "a line that no call knows of: {unknown:?}");
        let attempts = self.count("SELECT coalesce(sum(attempts), 0)::bigint FROM campaign_account").await;
        assert_eq!(attempts, calls, "every attempt is counted");
    }

    /// Sends everybody home; what is left behind fails the test.
    pub async fn close(self) {
        campaign::pause(&self.service.app, None, self.campaign).await.expect("a pause");
        self.stop.cancel();
        self.agents.await.expect("the agents leave");
        self.time.abort();
        self.service.finish().await;
        self.carrier.stop().await;
    }
}

fn carrier(tune: impl FnOnce(&mut emulator::Config)) -> emulator::Config {
    let line = ["carrier", "--listen", "127.0.0.1:0", "--auth-token", AUTH_TOKEN, "--calls-per-second", "100"];
    let mut config = emulator::Config::parse_line(line).expect("a command line");
    config.speed = 30.0;
    // Patient people: a loaded test machine is slower than the carrier they live at.
    config.population.patience_seconds = 150.0;
    config.population.human = 0.6;
    tune(&mut config);
    config
}

/// A portfolio, agents and a campaign that calls every account once.
async fn prepare(service: &TestApp) -> CampaignId {
    let app = &service.app;
    catalogue::seed(&app.db).await.expect("dispositions");
    let as_of = app.clock.business_date();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("vertical-{}.csv", uuid::Uuid::now_v7()));
    let portfolio = Portfolio { accounts: ACCOUNTS, seed: 5, as_of };
    generate(portfolio, File::create(&file).expect("a file")).expect("a portfolio");
    let job = ImportJob::new(&file, Mapping::load("portfolio").expect("a shipped mapping"), as_of);
    let report = import_file(&app.db, &app.clock, &job, |_| {}).await.expect("an import");
    assert_eq!((report.accounts, report.counts.rejected), (ACCOUNTS, 0));
    std::fs::remove_file(&file).expect("it was made");

    let admin = user(service, "admin".to_owned(), Role::Admin).await;
    let by = Principal { user: admin.id, role: Role::Admin, name: admin.name, login: admin.login };
    let weeks = 30_000;
    let settings = Settings {
        list: ListRule { include_not_yet_due: true, ..ListRule::default() },
        caller_ids: vec![CALLER_ID.parse().expect("a number")],
        creditor_name: "Example Receivables".to_owned(),
        retry: RetryMinutes {
            busy: weeks,
            no_answer: weeks,
            machine: weeks,
            failed: weeks,
            abandoned: weeks,
            canceled: weeks,
            contact: weeks,
        },
        limits: Limits { wrap_up_seconds: 300, ..Limits::default() },
        ..Settings::default()
    };
    let new = NewCampaign { name: "Vertical".to_owned(), mode: Mode::Progressive, ratio_milli: 1000, settings };
    let campaign = campaign::create(app, Some(by.user), new).await.expect("a campaign").id;
    for seat in 0..AGENTS {
        let agent = user(service, login(seat), Role::Agent).await;
        agent::assign(app, &by, agent.id, Some(campaign)).await.expect("a seat");
    }
    campaign::start(app, Some(by.user), campaign).await.expect("it starts");
    campaign
}

async fn user(service: &TestApp, login: String, role: Role) -> User {
    let device = Some(format!("client:{login}"));
    let new =
        NewUser { name: login.clone(), login, role, password: PASSWORD.into(), device, department: None, team: None };
    users::create(&service.app.db, new, service.app.clock.now()).await.expect("a user")
}

fn login(seat: usize) -> String {
    format!("agent{seat}")
}
