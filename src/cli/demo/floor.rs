//! Users and the campaign of the demonstration. Making them again changes nothing.

use secrecy::SecretString;

use super::store::Loaded;
use crate::{
    agent::{
        self, Principal, Role,
        users::{self, NewUser, User},
    },
    app::App,
    campaign::{self, Limits, ListRule, Mode, NewCampaign, RetryMinutes, Settings, State},
    error::Error,
};

/// The number the campaign and the agents' lines call from; fictional.
pub(super) const CALLER_ID: &str = "+12125550100";
/// Password of every log-in: the demonstration listens on this machine only.
pub(super) const PASSWORD: &str = "ledgerline-demo";

/// Who sits where.
pub(super) struct Seats {
    /// Log-ins of the simulated agents.
    pub(super) simulated: Vec<(String, SecretString)>,
    /// What is shown.
    pub(super) campaign: String,
}

/// Creates users and the campaign where they are missing, seats the agents, and starts the campaign.
pub(super) async fn prepare(app: &App, loaded: &Loaded, seats: u16) -> anyhow::Result<Seats> {
    let admin = user(app, "admin", "Administrator", Role::Admin).await?;
    user(app, "supervisor", "Supervisor", Role::Supervisor).await?;
    for department in ["sales", "billing", "logistics", "legal"] {
        user(app, department, department, Role::Department).await?;
    }
    let mut agents = vec![user(app, "you", "You", Role::Agent).await?];
    for seat in 1..seats {
        agents.push(user(app, &format!("agent{seat}"), &format!("Agent {seat}"), Role::Agent).await?);
    }
    let by = Principal { user: admin.id, role: Role::Admin, name: admin.name, login: admin.login };
    let campaign = campaign(app, loaded, seats).await?;
    for agent in &agents {
        match agent::assign(app, &by, agent.id, Some(campaign.id)).await {
            // A crash in the middle of a call: the agent is freed when that call is reconciled.
            Ok(()) | Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if campaign.state != State::Running {
        campaign::start(app, Some(by.user), campaign.id).await?;
    }
    let simulated = agents.into_iter().skip(1).map(|agent| (agent.login, PASSWORD.into())).collect();
    Ok(Seats { simulated, campaign: campaign.name })
}

async fn user(app: &App, login: &str, name: &str, role: Role) -> anyhow::Result<User> {
    if let Some(known) = users::list(&app.db).await?.into_iter().find(|user| user.login == login) {
        return Ok(known);
    }
    let new = NewUser {
        login: login.to_owned(),
        name: name.to_owned(),
        role,
        password: PASSWORD.into(),
        device: (role >= Role::Agent).then(|| format!("client:{login}")),
        department: (role == Role::Department).then(|| login.to_owned()),
        team: (role == Role::Agent).then(|| "Demonstration".to_owned()),
    };
    Ok(users::create(&app.db, new, app.clock.now()).await?)
}

async fn campaign(app: &App, loaded: &Loaded, seats: u16) -> anyhow::Result<campaign::Campaign> {
    let shown = loaded.shown().map(|shown| (shown.source.clone(), shown.portfolio.clone()));
    let (source, portfolio) = shown.unwrap_or_default();
    let name = format!("Demonstration: {source}");
    let known = campaign::store::list(&mut *app.db.acquire().await?).await?;
    if let Some(known) = known.into_iter().find(|campaign| campaign.name == name) {
        return Ok(known);
    }
    let new = NewCampaign { name, mode: Mode::Progressive, ratio_milli: 1500, settings: settings(portfolio, seats)? };
    Ok(campaign::create(app, None, new).await?)
}

/// Short rests and the highest attempt limits that the rules allow, so that a hundred accounts last for more than half an hour.
fn settings(portfolio: String, seats: u16) -> anyhow::Result<Settings> {
    Ok(Settings {
        list: ListRule { portfolio: Some(portfolio), include_not_yet_due: true, ..ListRule::default() },
        caller_ids: vec![CALLER_ID.parse()?],
        limits: Limits {
            wrap_up_seconds: 90,
            max_lines: seats * 3,
            attempts_per_number_per_day: 7,
            attempts_per_person_per_week: 7,
            attempts_per_account: 100,
            ..Limits::default()
        },
        retry: RetryMinutes { busy: 2, no_answer: 2, machine: 3, failed: 5, abandoned: 3, canceled: 1, contact: 4 },
        script: "Good morning, this is the receivables desk of Example Trading. May I speak to whoever handles \
                 payables for {name}? I am calling about an open balance of {balance}."
            .to_owned(),
        creditor_name: "Example Trading".to_owned(),
        abandoned_message: "This is Example Trading, 2 1 2, 5 5 5, 0 1 0 0. We are sorry that nobody was free to \
                            speak to you. You may call us back at this number."
            .to_owned(),
        ..Settings::default()
    })
}
