//! A campaign with accounts to call, agents at desks, and an exchange that keeps what it was asked: what the tests of
//! calls and webhooks play on. Webhooks are posted to the router in process, signed as the carrier signs them.

mod exchange;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use ledgerline::{
    agent::{
        self, Principal, Role,
        at_desk::{self, Ask},
        users::{self, NewUser},
    },
    app::App,
    call::{
        CallbackToken, Facts, State,
        apply::{self, Heard},
        attempt::{self, Attempt, Taker},
        callbacks,
    },
    campaign::{self, Mode, NewCampaign, Settings},
    carrier::{Params, signature, token},
    clock::Clock,
    compliance::{
        self, PermitRequest,
        scope::{Collector, Party, Purpose},
    },
    disposition::catalogue,
    ids::{AccountId, CallId, CampaignId, ContactPointId, DecisionId, LeaseId, PersonId, UserId},
    ledger::{self, NewInvoice},
    money::Currency,
    phone::Phone,
    queue::{Components, Entry, Lane, Leased, Window},
    webhook,
};
use secrecy::SecretString;
use tower::ServiceExt;
use uuid::Uuid;

pub use self::exchange::Exchange;
pub use ledgerline::call::attempt::Begun;

use crate::harness::{AUTH_TOKEN, TestApp, noon};

/// Our number, in every campaign of a scene.
pub const OUR_NUMBER: &str = "+15555550100";

/// What a test plays on. End it with [`Scene::finish`].
pub struct Scene {
    pub test: TestApp,
    pub exchange: Exchange,
    pub campaign: CampaignId,
    router: Router,
}

/// Somebody to call.
#[derive(Clone, Debug)]
pub struct Debtor {
    pub account: AccountId,
    pub person: PersonId,
    pub point: ContactPointId,
    pub number: Phone,
}

/// A call as its row shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    pub state: State,
    pub outcome: Option<String>,
    pub sid: Option<String>,
    pub agent: Option<UserId>,
    pub live: bool,
    pub facts: Facts,
}

/// What a webhook was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    pub body: String,
}

impl Scene {
    /// A running campaign at noon, without accounts and agents.
    pub async fn start() -> Self {
        Self::start_by(Clock::manual(noon(), Tz::America__New_York)).await
    }

    /// As [`Scene::start`], by another clock.
    pub async fn start_by(clock: Clock) -> Self {
        let exchange = Exchange::start().await;
        let test = TestApp::start_with(clock, |config| {
            config.carrier.base_url = exchange.address.parse().expect("an address");
        })
        .await;
        catalogue::seed(&test.app.db).await.expect("the catalogue");
        let settings = Settings {
            creditor_name: "Example Receivables".to_owned(),
            caller_ids: vec![OUR_NUMBER.parse().expect("a number")],
            ..Settings::default()
        };
        let new = NewCampaign { name: "Autumn".to_owned(), mode: Mode::Progressive, ratio_milli: 1000, settings };
        let campaign = campaign::create(&test.app, None, new).await.expect("a campaign").id;
        let router = webhook::router(test.app.clone());
        Self { test, exchange, campaign, router }
    }

    pub fn app(&self) -> &App {
        &self.test.app
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.app().clock.now()
    }

    /// An account with one person and one number; `n` tells them apart.
    pub async fn debtor(&self, n: u32) -> Debtor {
        let debtor = Debtor {
            account: AccountId::generate(),
            person: PersonId::generate(),
            point: ContactPointId::generate(),
            number: format!("+1555555{:04}", 1000 + n).parse().expect("a number"),
        };
        let contact = Uuid::now_v7();
        let db = &self.app().db;
        sqlx::query("INSERT INTO person (id, name, created_at) VALUES ($1, $2, $3)")
            .bind(debtor.person.0)
            .bind(format!("Person {n}"))
            .bind(self.now())
            .execute(db)
            .await
            .expect("a person");
        sqlx::query(
            "INSERT INTO account (id, portfolio, number, name, party_kind, currency, country, created_at, updated_at)
             VALUES ($1, 'test', $2, $3, 'commercial', 'USD', 'US', $4, $4)",
        )
        .bind(debtor.account.0)
        .bind(n.to_string())
        .bind(format!("Debtor {n:04} Ltd"))
        .bind(self.now())
        .execute(db)
        .await
        .expect("an account");
        sqlx::query("INSERT INTO contact (id, account_id, person_id, created_at) VALUES ($1, $2, $3, $4)")
            .bind(contact)
            .bind(debtor.account.0)
            .bind(debtor.person.0)
            .bind(self.now())
            .execute(db)
            .await
            .expect("a contact");
        sqlx::query(
            "INSERT INTO contact_point (id, contact_id, account_id, kind, value, country, zones, created_at)
             VALUES ($1, $2, $3, 'phone', $4, 'US', '{America/New_York}', $5)",
        )
        .bind(debtor.point.0)
        .bind(contact)
        .bind(debtor.account.0)
        .bind(debtor.number.as_str())
        .bind(self.now())
        .execute(db)
        .await
        .expect("a number");
        debtor
    }

    /// As [`Scene::debtor`], owing one invoice of `minor` cents that fell due 40 days ago.
    pub async fn owing(&self, n: u32, minor: i64) -> Debtor {
        let debtor = self.debtor(n).await;
        let (now, today) = (self.now(), self.app().clock.business_date());
        let invoice = NewInvoice {
            account: debtor.account,
            number: format!("R-{n:04}"),
            issued_on: today - TimeDelta::days(70),
            po_number: None,
            currency: Currency::USD,
            instalments: vec![(today - TimeDelta::days(40), minor)],
        };
        let mut conn = self.app().db.acquire().await.expect("a connection");
        ledger::store::post_invoice(&mut conn, &invoice, now).await.expect("an invoice");
        ledger::store::refresh_standing(&mut conn, &[debtor.account], now).await.expect("its figures");
        debtor
    }

    /// An agent at a desk with the voice leg up, taking calls of the campaign; `n` tells them apart.
    pub async fn ready_agent(&self, n: u32) -> UserId {
        let new = NewUser {
            login: format!("agent-{n}"),
            name: format!("Agent {n}"),
            role: Role::Agent,
            password: SecretString::from("a password for tests"),
            device: None,
            department: None,
            team: None,
        };
        let agent = users::create(&self.app().db, new, self.now()).await.expect("a user").id;
        let boss = Principal { user: agent, role: Role::Supervisor, name: String::new(), login: String::new() };
        agent::assign(self.app(), &boss, agent, Some(self.campaign)).await.expect("assigned");
        let session = at_desk::come(self.app(), agent).await.expect("at the desk").session;
        let line = format!("CAagent{n}");
        let from = format!("client:{}", token::identity(agent));
        let form = [("CallSid", line.as_str()), ("AccountSid", "AC01"), ("From", &from), ("CallStatus", "ringing")];
        let parked = self.post(&format!("{}/agent", callbacks::PATH), &form).await;
        assert!(parked.body.contains("<Conference"), "{parked:?}");
        at_desk::ask(self.app(), agent, session, &Ask::Ready).await.expect("ready");
        self.test.settle().await;
        agent
    }

    /// A committed attempt on the debtor.
    pub async fn attempt(&self, debtor: &Debtor) -> Begun {
        self.try_attempt(debtor).await.expect("nothing is live")
    }

    pub async fn try_attempt(&self, debtor: &Debtor) -> ledgerline::error::Result<Begun> {
        let now = self.now();
        let request = permissive(debtor, now);
        let leased = Leased {
            lease: LeaseId::generate(),
            entry: Entry {
                account: debtor.account,
                person: debtor.person,
                contact_point: debtor.point,
                lane: Lane::PastDue,
                score: 0,
                components: Components::default(),
                collectible_minor: 1,
                window: Window::new([Tz::America__New_York]),
            },
            expires_at: now,
        };
        let mut tx = self.app().db.begin().await?;
        let receipt = compliance::judge(request, &self.app().policies, now);
        let permit = compliance::store::keep(&mut tx, self.campaign, receipt).await?.expect("nothing forbids it");
        let attempt = Attempt {
            campaign: self.campaign,
            leased: &leased,
            to: &debtor.number,
            from: &OUR_NUMBER.parse().expect("a number"),
            bridge_limit_ms: 2_000,
            answer_chance: 1.0,
            taker: Taker::Whoever,
        };
        let begun = attempt::begin(&mut tx, permit, &attempt, now).await?;
        tx.commit().await?;
        Ok(begun)
    }

    /// A committed attempt that the carrier took as `sid`.
    pub async fn dial(&self, debtor: &Debtor, sid: &str) -> Begun {
        let begun = self.attempt(debtor).await;
        let heard = Heard::create(begun.call, Some(sid.to_owned()), self.now());
        apply::tell(self.app(), begun.call, heard, ledgerline::call::Event::CreateAccepted).await.expect("told");
        begun
    }

    /// Posts a webhook about a call to the address it was given for `kind`.
    pub async fn hook(&self, begun: &Begun, kind: &str, form: &[(&str, &str)]) -> Answer {
        self.post(&address(begun.call, &begun.token, kind), form).await
    }

    /// The debtor picks up.
    pub async fn answer(&self, begun: &Begun, sid: &str) -> Answer {
        self.hook(begun, "answer", &line(sid, "in-progress")).await
    }

    /// The debtor's line is over.
    pub async fn end(&self, begun: &Begun, sid: &str) -> Answer {
        self.hook(begun, "status", &status(sid, "completed", "3")).await
    }

    /// The debtor's line enters, or leaves, the agent's conference.
    pub async fn conference(&self, begun: &Begun, agent: UserId, sid: &str, event: &str, sequence: &str) -> Answer {
        let label = format!("call-{}", begun.call);
        let form = [
            ("ConferenceSid", "CF01"),
            ("AccountSid", "AC01"),
            ("StatusCallbackEvent", event),
            ("CallSid", sid),
            ("ParticipantLabel", &label),
            ("SequenceNumber", sequence),
            ("ReasonParticipantLeft", "participant_hung_up"),
        ];
        self.post(&format!("{}/conference?agent={agent}", callbacks::PATH), &form).await
    }

    /// Posts a form as the carrier does, with a good signature.
    pub async fn post(&self, path_and_query: &str, form: &[(&str, &str)]) -> Answer {
        let body = encode(form);
        let url = format!("{}{path_and_query}", self.app().config.public_url.as_str().trim_end_matches('/'));
        let signature = signature::sign(&SecretString::from(AUTH_TOKEN), &url, &Params::parse(body.as_bytes()));
        self.post_signed(path_and_query, body, Some(&signature)).await
    }

    pub async fn post_signed(&self, path_and_query: &str, body: String, signature: Option<&str>) -> Answer {
        let mut request = Request::post(path_and_query)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8");
        if let Some(signature) = signature {
            request = request.header(signature::HEADER, signature);
        }
        let request = request.body(Body::from(body)).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("no error");
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.expect("a small body");
        Answer { status, body: String::from_utf8(body.to_vec()).expect("text") }
    }

    /// The call as its row shows it.
    pub async fn call(&self, call: CallId) -> Shown {
        let (state, outcome, sid, agent, live, facts): (String, _, _, Option<Uuid>, _, serde_json::Value) =
            sqlx::query_as("SELECT state, outcome, sid, agent_id, live, facts FROM call WHERE id = $1")
                .bind(call.0)
                .fetch_one(&self.app().db)
                .await
                .expect("the call");
        let state = State::from_name(&state).expect("a state");
        let facts = serde_json::from_value(facts).expect("facts");
        Shown { state, outcome, sid, agent: agent.map(UserId), live, facts }
    }

    /// The state of an agent by name.
    pub async fn agent_state(&self, agent: UserId) -> String {
        self.value("SELECT state FROM agent WHERE user_id = $1", agent.0).await
    }

    /// The code under which a call was disposed of.
    pub async fn disposition(&self, call: CallId) -> Option<String> {
        sqlx::query_scalar("SELECT code FROM call_disposition WHERE call_id = $1")
            .bind(call.0)
            .fetch_optional(&self.app().db)
            .await
            .expect("a disposition or none")
    }

    /// How many raw events are stored.
    pub async fn events(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM call_event").fetch_one(&self.app().db).await.expect("a count")
    }

    async fn value(&self, query: &'static str, id: Uuid) -> String {
        sqlx::query_scalar(query).bind(id).fetch_one(&self.app().db).await.expect("a row")
    }

    pub async fn finish(self) {
        self.test.finish().await;
    }
}

/// A clock that starts at noon and runs on.
pub fn running_clock() -> Clock {
    Clock::starting_at(noon(), Tz::America__New_York)
}

/// Path and query of a webhook about a call.
pub fn address(call: CallId, token: &CallbackToken, kind: &str) -> String {
    format!("{}/{kind}?call={call}&t={}", callbacks::PATH, token.as_str())
}

/// The carrier asks what to do with a line.
pub fn line<'a>(sid: &'a str, status: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("CallSid", sid), ("AccountSid", "AC01"), ("CallStatus", status), ("Direction", "outbound-api")]
}

/// The carrier reports the progress of a line.
pub fn status<'a>(sid: &'a str, status: &'a str, sequence: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut form = line(sid, status);
    form.extend([("CallbackSource", "call-progress-events"), ("SequenceNumber", sequence)]);
    form
}

/// Machine detection reports.
pub fn amd<'a>(sid: &'a str, verdict: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("CallSid", sid), ("AccountSid", "AC01"), ("AnsweredBy", verdict), ("MachineDetectionDuration", "3900")]
}

pub fn encode(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

fn permissive(debtor: &Debtor, now: DateTime<Utc>) -> PermitRequest {
    PermitRequest {
        decision: DecisionId::generate(),
        account: debtor.account,
        contact_point: debtor.point,
        person: debtor.person,
        policy: "house".to_owned(),
        party: Party::Business,
        collector: Collector::First,
        purpose: Purpose::Collection,
        jurisdictions: ["US".to_owned()].into(),
        languages: Vec::new(),
        agent_reserved: false,
        open_minor: 1_000_000,
        currency: Currency::USD,
        do_not_call: None,
        consent_revoked_at: None,
        label: "work".to_owned(),
        at_work: true,
        language: None,
        wishes: Vec::new(),
        history: Vec::new(),
        consented_at: None,
        hours: Settings::default().hours,
        limits: Settings::default().limits,
        list: Settings::default().list,
        business_date: now.date_naive(),
        open: true,
        collectible_minor: 1_000_000,
        open_promise_on: None,
        hold: None,
        in_call: false,
        callable: true,
        zones: vec![Tz::America__New_York],
        account_attempts: 0,
        not_before: None,
        at_debtors_wish: false,
    }
}
