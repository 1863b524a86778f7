//! One agent and one debtor with a dozen open invoices.

use chrono::{Days, TimeDelta};
use secrecy::ExposeSecret;
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    pop::{Ringing, until},
    rig::{Connection, Rig},
};
use crate::{
    agent::{self, Principal, Role, leg, session, users},
    call::{CallbackToken, Create, Facts, callbacks},
    campaign::{self, Mode, NewCampaign, Settings},
    disposition::{self, Wrap},
    ids::{AccountId, CallId, CampaignId, ContactPointId, PersonId},
    ledger,
};

/// Open invoices of the debtor.
const INVOICES: i32 = 12;

/// The carrier's id of the agent's leg.
const LEG: &str = "CA000000000000000000000000000000ff";

/// What the agent records: a disposition without required fields.
const OUTCOME: &str = "no_commitment";

/// Who is on the telephone.
pub(super) struct People {
    /// Bearer token of the agent.
    pub(super) token: String,
    agent: Principal,
    campaign: CampaignId,
    account: AccountId,
    person: PersonId,
    contact_point: ContactPointId,
}

/// Creates them.
pub(super) async fn create(rig: &Rig) -> anyhow::Result<People> {
    let app = &rig.app;
    let new = NewCampaign {
        name: "Bench".to_owned(),
        mode: Mode::Progressive,
        ratio_milli: 1000,
        settings: Settings {
            caller_ids: vec!["+15555550100".parse()?],
            creditor_name: "Example Trading".to_owned(),
            ..Settings::default()
        },
    };
    let campaign = campaign::create(app, None, new).await?.id;
    let user = users::NewUser {
        login: "bench".to_owned(),
        name: "Bench".to_owned(),
        role: Role::Supervisor,
        password: "not a secret".to_owned().into(),
        device: None,
        department: None,
        team: None,
    };
    let user = users::create(&app.db, user, app.clock.now()).await?;
    let principal = Principal { user: user.id, role: user.role, name: user.name, login: user.login };
    agent::assign(app, &principal, principal.user, Some(campaign)).await?;
    let session = session::issue_bearer(app, principal.user, "bench", TimeDelta::hours(1)).await?;
    let (account, person, contact_point) = debtor(rig).await?;
    let token = session.token.expose_secret().to_owned();
    Ok(People { token, agent: principal, campaign, account, person, contact_point })
}

async fn debtor(rig: &Rig) -> anyhow::Result<(AccountId, PersonId, ContactPointId)> {
    let (account, person, point) = (AccountId::generate(), PersonId::generate(), ContactPointId::generate());
    let now = rig.app.clock.now();
    let oldest = rig.app.clock.business_date() - Days::new(200);
    sqlx::query(
        "WITH a AS (INSERT INTO account (id, portfolio, number, name, party_kind, currency, created_at, updated_at)
               VALUES ($1, 'bench', '1', 'Debtor 0001', 'commercial', 'USD', $4, $4)),
           p AS (INSERT INTO person (id, name, created_at) VALUES ($2, 'Payables', $4)),
           c AS (INSERT INTO contact (id, account_id, person_id, created_at) VALUES ($2, $1, $2, $4))
         INSERT INTO contact_point (id, contact_id, account_id, kind, value, zones, created_at)
         VALUES ($3, $2, $1, 'phone', '+15555550123', '{America/New_York}', $4)",
    )
    .bind(account.0)
    .bind(person.0)
    .bind(point.0)
    .bind(now)
    .execute(&rig.app.db)
    .await?;
    for number in 0..INVOICES {
        sqlx::query(
            "WITH v AS (INSERT INTO invoice (id, account_id, number, issued_on, currency, created_at)
                   VALUES ($1, $2, $3, $4, 'USD', $5)),
               i AS (INSERT INTO instalment (id, invoice_id, account_id, seq, due_on) VALUES ($1, $1, $2, 1, $4))
             INSERT INTO posting (account_id, kind, instalment_id, amount_minor, currency, business_date, recorded_at)
             VALUES ($2, 'invoice', $1, 12345, 'USD', $4, $5)",
        )
        .bind(Uuid::now_v7())
        .bind(account.0)
        .bind(format!("INV-{number}"))
        .bind(oldest + TimeDelta::days(15 * i64::from(number)))
        .bind(now)
        .execute(&rig.app.db)
        .await?;
    }
    let mut conn = rig.app.db.acquire().await?;
    ledger::store::refresh_standing(&mut conn, &[account], now).await?;
    Ok((account, person, point))
}

impl People {
    /// The agent's voice leg is parked.
    pub(super) async fn leg_is_up(&self, rig: &Rig) -> anyhow::Result<()> {
        until("the agent's conference", || async { Ok(leg::up(&rig.app, self.agent.user, LEG).await?) }).await?;
        Ok(())
    }

    /// Waits until the agent would be picked for a call.
    pub(super) async fn until_ready(&self, rig: &Rig) -> anyhow::Result<()> {
        until("the agent to be ready", || async {
            Ok((agent::ready::count(&rig.app, self.campaign).await? == 1).then_some(()))
        })
        .await
    }

    /// The agent records what the call led to, and is ready for the next one.
    pub(super) async fn record(&self, rig: &Rig, call: CallId) -> anyhow::Result<()> {
        let wrap: Wrap = serde_json::from_value(serde_json::json!({ "code": OUTCOME }))?;
        disposition::record(&rig.app, &self.agent, call, wrap, &call.to_string()).await?;
        Ok(())
    }

    /// A call that rings at the debtor's, with its pop prepared.
    pub(super) async fn ringing_call(&self, rig: &Rig, number: usize) -> anyhow::Result<Ringing> {
        let call = Ringing { id: CallId::generate(), token: CallbackToken::generate() };
        let facts = Facts { create: Create::Accepted, ..Facts::outbound(2000) };
        sqlx::query(
            "INSERT INTO call (id, campaign_id, account_id, person_id, contact_point_id, direction, to_number,
                 from_number, callback_token, facts, state, live, created_at, heard_at)
             VALUES ($1, $2, $3, $4, $5, 'outbound', $6, '+15555550100', $7, $8, 'dialing', true, $9, $9)",
        )
        .bind(call.id.0)
        .bind(self.campaign.0)
        .bind(self.account.0)
        .bind(self.person.0)
        .bind(self.contact_point.0)
        .bind(format!("+1556{number:07}"))
        .bind(call.token.as_str())
        .bind(Json(facts))
        .bind(rig.app.clock.now())
        .execute(&rig.app.db)
        .await?;
        let url = callbacks::status_url(&rig.app.config, call.id, &call.token);
        let sid = format!("CA{}", call.id.0.simple());
        let ringing = [("CallSid", &*sid), ("CallStatus", "ringing"), ("SequenceNumber", "1")];
        Connection::open(rig.address).await?.post(&rig.webhook(&url, &ringing)).await?;
        until("the pop to be prepared", || async { Ok(rig.app.recent.pop(call.id).map(drop)) }).await?;
        // A debtor takes seconds to pick up: what the call before has led to is done by then.
        until("the effects of the call before", || async {
            let left = sqlx::query_scalar::<_, bool>("SELECT EXISTS (SELECT FROM outbox)");
            Ok((!left.fetch_one(&rig.app.db).await?).then_some(()))
        })
        .await?;
        Ok(call)
    }
}
