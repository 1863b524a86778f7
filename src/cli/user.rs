//! `ledgerline user`: who may log in.

use anyhow::Context;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use clap::{Args, Subcommand};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    agent::{
        Role, session,
        users::{self, Change, NewUser, User},
    },
    app::App,
    config::Config,
    ids::UserId,
    services,
};

/// What to do, on the stores of the service with these settings; they may stand before the action or after it.
#[derive(Debug, Args)]
#[command(mut_args(|setting| setting.global(true)))]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,

    /// As for `ledgerline serve`.
    #[command(flatten)]
    pub config: Config,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Create a user; prints a password unless one is given.
    Add {
        /// Log-in name: 1 to 64 characters of a-z, 0-9 and . _ - @
        login: String,
        /// department, agent, supervisor or admin; each may do what those before it may.
        #[arg(long, value_parser = role)]
        role: Role,
        /// Name to show, 1 to 120 characters; the login if not given.
        #[arg(long)]
        name: Option<String>,
        /// Where the agent's voice leg rings: `+15550100`, `sip:…` or `client:…`; not given: the softphone dials in.
        #[arg(long)]
        device: Option<String>,
        /// With the role department: its code, such as billing or legal.
        #[arg(long)]
        department: Option<String>,
        /// What reports sum up by, 1 to 64 characters.
        #[arg(long)]
        team: Option<String>,
        /// Read the password (10 to 200 characters) from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Change a user; what is not given stays. An empty text takes a device, department or team away.
    Change {
        /// Log-in name.
        login: String,
        /// department, agent, supervisor or admin; another one than before ends the user's sessions.
        #[arg(long, value_parser = role)]
        role: Option<Role>,
        /// Name to show, 1 to 120 characters.
        #[arg(long)]
        name: Option<String>,
        /// Where the agent's voice leg rings.
        #[arg(long)]
        device: Option<String>,
        /// With the role department: its code.
        #[arg(long)]
        department: Option<String>,
        /// What reports sum up by.
        #[arg(long)]
        team: Option<String>,
    },
    /// List the users.
    List,
    /// Set a new password and end the user's sessions; prints the password unless one is given.
    Password {
        /// Log-in name.
        login: String,
        /// Read the password (10 to 200 characters) from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Let a user log in no more, and end its sessions.
    Disable {
        /// Log-in name.
        login: String,
    },
    /// Let a user who was disabled log in again.
    Enable {
        /// Log-in name.
        login: String,
    },
    /// Print a bearer token for a program that acts for a user.
    Token {
        /// Log-in name.
        login: String,
        /// What it is for, at most 120 characters.
        #[arg(long, default_value = "command line")]
        label: String,
        /// How long it is valid, 1 to 366 days.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=366))]
        days: u16,
    },
}

/// Carries the action out.
///
/// # Errors
/// If the stores cannot be reached, or the action is refused.
pub async fn run(options: Options) -> anyhow::Result<()> {
    let services = services::reach(&options.config.stores).await?;
    let app = App::open(options.config, &services).await?;
    let outcome = act(&app, options.action).await;
    app.close().await;
    services.stop().await;
    outcome
}

async fn act(app: &App, action: Action) -> anyhow::Result<()> {
    match action {
        Action::Add { login, role, name, device, department, team, password_stdin } => {
            let password = Password::choose(password_stdin)?;
            let name = name.unwrap_or_else(|| login.clone());
            let new = NewUser { login, name, role, password: password.secret.clone(), device, department, team };
            let user = users::create(&app.db, new, app.clock.now()).await?;
            println!("{} {} may log in{}.", role.as_str(), user.login, password.told());
        }
        Action::Change { login, role, name, device, department, team } => {
            let user = of_login(app, &login).await?;
            let or =
                |given: Option<String>, kept| given.map_or(kept, |text| Some(text).filter(|text| !text.is_empty()));
            let change = Change {
                name: name.unwrap_or(user.name),
                role: role.unwrap_or(user.role),
                device: or(device, user.device),
                department: or(department, user.department),
                team: or(team, user.team),
            };
            // Whoever runs this is nobody's log-in.
            users::change(&app.db, UserId::generate(), user.id, change).await?;
            println!("{login} is changed.");
        }
        Action::List => {
            for user in users::list(&app.db).await? {
                let state = if user.disabled_at.is_some() { "disabled" } else { "" };
                let team = user.team.unwrap_or_default();
                println!("{:<24} {:<12} {:<30} {team:<20} {state}", user.login, user.role.as_str(), user.name);
            }
        }
        Action::Password { login, password_stdin } => {
            let password = Password::choose(password_stdin)?;
            users::set_password(&app.db, of_login(app, &login).await?.id, password.secret.clone()).await?;
            println!("{login} has a new password{}.", password.told());
        }
        Action::Disable { login } => {
            users::disable(&app.db, of_login(app, &login).await?.id, app.clock.now()).await?;
            println!("{login} cannot log in any more.");
        }
        Action::Enable { login } => {
            users::enable(&app.db, of_login(app, &login).await?.id).await?;
            println!("{login} may log in again.");
        }
        Action::Token { login, label, days } => {
            let user = of_login(app, &login).await?;
            let session = session::issue_bearer(app, user.id, &label, TimeDelta::days(days.into())).await?;
            println!("{}", session.token.expose_secret());
        }
    }
    Ok(())
}

async fn of_login(app: &App, login: &str) -> anyhow::Result<User> {
    let users = users::list(&app.db).await?;
    users.into_iter().find(|user| user.login == login).with_context(|| format!("there is no user {login}"))
}

fn role(name: &str) -> Result<Role, &'static str> {
    Role::from_name(name).ok_or("department, agent, supervisor or admin")
}

/// A password, and whether the caller of the command knows it yet.
struct Password {
    secret: SecretString,
    generated: bool,
}

impl Password {
    fn choose(from_stdin: bool) -> anyhow::Result<Self> {
        if from_stdin {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).context("reading the password")?;
            return Ok(Self { secret: line.trim_end_matches(['\r', '\n']).to_owned().into(), generated: false });
        }
        let random: [u8; 12] = rand::random();
        Ok(Self { secret: URL_SAFE_NO_PAD.encode(random).into(), generated: true })
    }

    fn told(&self) -> String {
        if self.generated { format!(" with the password {}", self.secret.expose_secret()) } else { String::new() }
    }
}
