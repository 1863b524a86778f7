//! Users, a campaign, an account with invoices, and a call at every stage, made through the service's own functions.

use chrono::{NaiveDate, TimeDelta};
use ledgerline::{
    agent::{self, Principal, Role, at_desk, presence, session, users},
    app::App,
    call::{
        self, End, EndStatus, Event, Facts,
        apply::{Heard, Source, tell, tell_in},
    },
    campaign::Settings,
    ids::{AccountId, CallId, CampaignId, ContactId, ContactPointId, InstalmentId, PersonId, UserId},
    ledger::{self, NewInvoice},
    money::Currency,
};
use secrecy::ExposeSecret;
use uuid::Uuid;

pub const PASSWORD: &str = "a password for tests";

/// An account of two invoices, 1,000.00 and 500.00 USD.
pub struct Account {
    pub id: AccountId,
    pub point: ContactPointId,
    pub items: Vec<InstalmentId>,
}

pub async fn user(app: &App, login: &str, role: Role) -> Principal {
    let new = users::NewUser {
        login: login.to_owned(),
        name: login.to_owned(),
        role,
        password: PASSWORD.into(),
        device: None,
        department: None,
        team: None,
    };
    let user = users::create(&app.db, new, app.clock.now()).await.expect("a new user");
    Principal { user: user.id, role, name: user.name, login: user.login }
}

/// A token that lets a program act for the user.
pub async fn bearer(app: &App, user: UserId) -> String {
    let session = session::issue_bearer(app, user, "test", TimeDelta::hours(1)).await.expect("a token");
    session.token.expose_secret().to_owned()
}

pub async fn campaign(app: &App) -> CampaignId {
    let id = CampaignId::generate();
    sqlx::query(
        "INSERT INTO campaign (id, name, state, mode, ratio_milli, settings, created_at, updated_at)
         VALUES ($1, $2, 'paused', 'progressive', 1000, $3, $4, $4)",
    )
    .bind(id)
    .bind(id.to_string())
    .bind(serde_json::to_value(Settings::default()).expect("settings are JSON"))
    .bind(app.clock.now())
    .execute(&app.db)
    .await
    .expect("a campaign");
    id
}

pub async fn account(app: &App, number: &str) -> Account {
    let (id, person, contact) = (AccountId::generate(), PersonId::generate(), ContactId::generate());
    let (point, now) = (ContactPointId::generate(), app.clock.now());
    for statement in [
        "INSERT INTO person (id, name, created_at) VALUES ($2, 'Payables', $6)",
        "INSERT INTO account (id, portfolio, number, name, party_kind, currency, created_at, updated_at)
         VALUES ($1, 'test', $5, 'Debtor ' || $5, 'commercial', 'USD', $6, $6)",
        "INSERT INTO contact (id, account_id, person_id, created_at) VALUES ($3, $1, $2, $6)",
        "INSERT INTO contact_point (id, contact_id, account_id, kind, value, zones, created_at)
         VALUES ($4, $3, $1, 'phone', '+1555555' || $5, '{America/New_York}', $6)",
    ] {
        // Every statement takes all six, so that one list of values serves them all.
        let used = format!(
            "WITH given AS (SELECT $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::text, $6::timestamptz) {statement}"
        );
        sqlx::query(sqlx::AssertSqlSafe(used))
            .bind(id)
            .bind(person)
            .bind(contact)
            .bind(point)
            .bind(number)
            .bind(now)
            .execute(&app.db)
            .await
            .expect("an account");
    }
    let mut tx = app.db.begin().await.expect("a transaction");
    for (invoice, minor) in [("1", 100_000), ("2", 50_000)] {
        let issued_on = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date");
        let new = NewInvoice {
            account: id,
            number: invoice.to_owned(),
            issued_on,
            po_number: None,
            currency: Currency::USD,
            instalments: vec![(issued_on + TimeDelta::days(30), minor)],
        };
        ledger::store::post_invoice(&mut tx, &new, now).await.expect("an invoice");
    }
    ledger::store::refresh_standing(&mut tx, &[id], now).await.expect("figures");
    let items = ledger::store::open_items(&mut tx, id).await.expect("items");
    tx.commit().await.expect("a commit");
    Account { id, point, items: items.iter().map(|item| item.instalment).collect() }
}

/// An agent at a desk (whose socket is not opened), with a voice leg, assigned to the campaign, and ready.
pub async fn ready_agent(app: &App, login: &str, campaign: CampaignId) -> Principal {
    let agent = user(app, login, Role::Agent).await;
    let at_work = at_desk::come(app, agent.user).await.expect("at a desk");
    agent::leg::up(app, agent.user, &format!("CA-{login}")).await.expect("a leg");
    assign(app, agent.user, campaign).await;
    at_desk::ask(app, agent.user, at_work.session, &at_desk::Ask::Ready).await.expect("ready");
    agent
}

pub async fn assign(app: &App, agent: UserId, campaign: CampaignId) {
    let by = Principal { role: Role::Supervisor, ..nobody(agent) };
    agent::assign(app, &by, agent, Some(campaign)).await.expect("assigned");
}

fn nobody(user: UserId) -> Principal {
    Principal { user, role: Role::Agent, name: String::new(), login: String::new() }
}

/// A call that the carrier has accepted.
pub async fn dialed_call(app: &App, campaign: CampaignId, account: &Account) -> CallId {
    let id = CallId::generate();
    sqlx::query(
        "INSERT INTO call (id, campaign_id, account_id, contact_point_id, direction, to_number, from_number,
                           callback_token, facts, state, live, created_at, heard_at)
         SELECT $1, $2, $3, p.id, 'outbound', p.value, '+15555550199', $4, $5, 'planned', true, $6, $6
         FROM contact_point p WHERE p.id = $7",
    )
    .bind(id)
    .bind(campaign)
    .bind(account.id)
    .bind(Uuid::new_v4().simple().to_string())
    .bind(serde_json::to_value(Facts::outbound(2000)).expect("facts are JSON"))
    .bind(app.clock.now())
    .bind(account.point)
    .execute(&app.db)
    .await
    .expect("a call");
    told(app, id, Event::Dialed).await;
    told(app, id, Event::CreateAccepted).await;
    id
}

/// A call on which the agent, who was ready, talks.
pub async fn talk(app: &App, campaign: CampaignId, account: &Account, agent: UserId) -> CallId {
    let id = dialed_call(app, campaign, account).await;
    told(app, id, Event::Answered).await;
    let now = app.clock.now();
    let mut tx = app.db.begin().await.expect("a transaction");
    let heard = Heard::own(Source::Service, id, "assigned", now);
    tell_in(&mut tx, id, &heard, &Event::AgentAssigned(agent)).await.expect("told");
    let reserved = agent::change(&mut tx, agent, presence::Event::Reserved(id), now, None).await.expect("changed");
    assert!(reserved.is_some(), "the agent was not ready");
    tx.commit().await.expect("a commit");
    told(app, id, Event::CustomerJoined).await;
    id
}

/// A call whose talk is over, and whose disposition is outstanding.
pub async fn wrapping(app: &App, campaign: CampaignId, account: &Account, agent: UserId) -> CallId {
    let id = talk(app, campaign, account, agent).await;
    ended(app, id, EndStatus::Completed).await;
    id
}

pub async fn ended(app: &App, call: CallId, status: EndStatus) {
    told(app, call, Event::Ended(End { at: app.clock.now(), status })).await;
}

pub async fn told(app: &App, id: CallId, event: call::Event) {
    let heard = Heard::own(Source::Service, id, &format!("{event:?}"), app.clock.now());
    tell(app, id, heard, event).await.expect("told");
}

/// The name of the agent's state.
pub async fn state_of(app: &App, agent: UserId) -> &'static str {
    agent::store::get(&app.db, agent).await.expect("read").expect("an agent").presence.state.name()
}

/// The number of rows of a table.
pub async fn count(app: &App, table: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
        .fetch_one(&app.db)
        .await
        .expect("a count")
}
