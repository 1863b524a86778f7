//! The dialer: from the ready agent to the carrier, and what may go wrong between.

mod caps;
pub mod carrier;
mod dialling;
mod interleaved;
mod loss;
mod preview;
mod refusals;
mod refused;

use ledgerline::{
    app::App,
    campaign::{self, Campaign, Mode, State},
    clock::Clock,
    ids::{AccountId, CampaignId, UserId},
};

use self::carrier::Carrier;
use crate::{
    harness::{self, TestApp},
    portfolio,
};

/// A service whose carrier is `carrier`.
pub async fn start(carrier: &Carrier) -> TestApp {
    let url = carrier.url.parse().expect("an address");
    let clock = Clock::manual(harness::noon(), chrono_tz::America::New_York);
    TestApp::start_with(clock, |config| config.carrier.base_url = url).await
}

/// A running campaign with so many ready agents.
pub async fn running(app: &App, mode: Mode, agents: u32) -> Campaign {
    let campaign = portfolio::campaign(app, "first", mode).await;
    for _ in 0..agents {
        ready_agent(app, campaign.id).await;
    }
    let campaign = campaign::start(app, None, campaign.id).await.expect("started");
    assert_eq!(campaign.state, State::Running);
    campaign
}

/// An agent of the campaign, ready, the voice leg up.
pub async fn ready_agent(app: &App, campaign: CampaignId) -> UserId {
    let agent = UserId::generate();
    sqlx::query(
        "WITH u AS (INSERT INTO users (id, login, name, role, password_hash, created_at)
                    VALUES ($1, $1::text, 'Agent', 'agent', '', $3))
         INSERT INTO agent (user_id, campaign_id, state, since, connected, leg_state, conference)
         VALUES ($1, $2, 'ready', $3, true, 'up', 'desk-test')",
    )
    .bind(agent)
    .bind(campaign)
    .bind(app.clock.now())
    .execute(&app.db)
    .await
    .expect("an agent");
    agent
}

/// Every verdict on the account: permitted, or the rule that forbade it.
async fn verdicts(app: &App, account: AccountId) -> Vec<(bool, Option<String>)> {
    sqlx::query_as("SELECT permitted, rule FROM dial_decision WHERE account_id = $1 ORDER BY id")
        .bind(account)
        .fetch_all(&app.db)
        .await
        .expect("verdicts")
}

/// The carrier hangs up on every line that is up, as far as the service is concerned: the calls are over.
pub async fn all_over(app: &App) {
    use ledgerline::call::{End, EndStatus, Event, apply};
    let live: Vec<ledgerline::ids::CallId> =
        sqlx::query_scalar("SELECT id FROM call WHERE live").fetch_all(&app.db).await.expect("calls");
    for call in live {
        let at = app.clock.now();
        let heard = apply::Heard::own(apply::Source::Status, call, "over", at);
        let end = Event::Ended(End { at, status: EndStatus::NoAnswer });
        apply::tell(app, call, heard, end).await.expect("told");
    }
}
