//! `ledgerline demo`: the whole call centre on one machine, with an emulated carrier, agents, and a seat for you.

mod clock;
mod floor;
mod portfolio;
mod screen;
mod store;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use clap::Args;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use url::Url;

use super::serve;
use crate::{
    app::App,
    clock::Clock,
    config::{Carrier, Config, Mail, QuickBooks, Stores, Webhooks},
    db,
    disposition::catalogue,
    emulator::{self, Emulator, agents},
    lifecycle::Signals,
    services,
};

/// The office is in New York: debtors of all zones of the United States are called from there.
const OFFICE: Tz = Tz::America__New_York;
/// How often a line with figures is printed.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// What to show.
#[derive(Debug, Args)]
pub struct Options {
    /// CSV file to show, in a data directory of its own below the named one; without a file a portfolio is made up.
    #[arg(long, env = "DATA")]
    pub data: Option<PathBuf>,

    /// How to read it: a mapping file, or the name of a shipped one; found by the columns where it is not given.
    #[arg(long)]
    pub mapping: Option<String>,

    /// The portfolio's day (YYYY-MM-DD); a day inside the file's time span where it is not given.
    #[arg(long)]
    pub as_of: Option<NaiveDate>,

    /// Seats, yours included; 2 to 50.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=50))]
    pub agents: u16,

    /// How much faster than life people ring, talk and write, 0.5 to 20.
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,

    /// Port of the pages and the API.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,

    /// Do not open a browser.
    #[arg(long)]
    pub no_browser: bool,

    /// Where the stores are.
    #[command(flatten)]
    pub stores: Stores,
}

/// Runs until Ctrl-C.
///
/// # Errors
/// If it cannot start, or a part of the service failed.
pub async fn run(mut options: Options) -> anyhow::Result<()> {
    if let Some(file) = &options.data {
        options.stores.data_dir = directory_of(&options.stores.data_dir, file);
    }
    let address = SocketAddr::from(([127, 0, 0, 1], options.port));
    let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
    screen::step("starting Postgres and Redis");
    let services = services::start(&options.stores).await?;
    let (loaded, opening) = prepare(&options, &services).await?;

    let carrier = start_carrier(&options, opening).await?;
    let config = config(&options, &carrier, opening, listener.local_addr()?)?;
    let app = App::open(config, &services).await?;
    let seats = floor::prepare(&app, &loaded, options.agents).await?;
    let outcome = open(&options, app, listener, services, seats).await;
    carrier.stop().await;
    screen::step("stopped");
    outcome
}

/// A file has days of its own, often years ago, and time in an installation only goes on: each file is shown in a data
/// directory of its own.
fn directory_of(data_dir: &Path, file: &Path) -> PathBuf {
    data_dir.join(format!("demo-{}", file.file_stem().unwrap_or_default().to_string_lossy()))
}

/// Serves with agents at their desks, until it is told to stop.
async fn open(
    options: &Options,
    app: App,
    listener: TcpListener,
    services: services::Running,
    seats: floor::Seats,
) -> anyhow::Result<()> {
    let signals = Signals::listen()?;
    let server = serve::start_on(&app, listener)?;
    let url = Url::parse(&format!("http://{}", server.address))?;
    let (stop, tasks) = (app.lifecycle.serving(), TaskTracker::new());
    let team = agents::Config {
        service: url.clone(),
        logins: seats.simulated.clone(),
        seed: 1,
        speed: options.speed,
        wrap_up: Duration::from_secs(10),
        pause_chance: 0.04,
        // Most conversations settle nothing, so that a small portfolio is not worked off at once.
        habits: agents::Habits { promise: 16, callback: 14, retry: 64, dispute: 3, end: 3 },
    };
    tasks.spawn(agents::run(team, Arc::default(), stop.clone()));
    let elsewhere = options.data.is_some().then_some(options.stores.data_dir.as_path());
    screen::welcome(&url, &seats, &app.clock, elsewhere);
    tasks.spawn(report(app.clone(), stop));
    if !options.no_browser {
        screen::open_browser(&url);
    }
    let outcome = serve::until_stopped(app, server, services, signals).await;
    tasks.close();
    tasks.wait().await;
    outcome
}

/// Migrates, takes the portfolio in if it is not there yet, and works out what time it is to be.
async fn prepare(options: &Options, services: &services::Running) -> anyhow::Result<(store::Loaded, DateTime<Utc>)> {
    let db = db::connect(&services.database_url, 4).await?;
    db::migrate(&db).await?;
    catalogue::seed(&db).await?;
    let mut loaded = store::loaded(&db).await?;
    let source = portfolio::source(options)?;
    if !loaded.portfolios.iter().any(|portfolio| portfolio.source == source.name) {
        // Another portfolio of an installation that is in use is taken in as of the day it is there.
        let as_of = match loaded.as_of {
            Some(day) => clock::opening(clock::morning(day), store::last_event(&db).await?).date_naive(),
            None => clock::weekday(source.as_of),
        };
        let clock = Clock::starting_at(clock::morning(as_of), OFFICE);
        screen::step(&format!("importing {} as of {as_of}", source.name));
        loaded.portfolios.push(portfolio::import(&db, &clock, &source, as_of).await?);
        loaded.as_of.get_or_insert(as_of);
        store::remember(&db, &loaded).await?;
    }
    let day = loaded.as_of.context("a portfolio that was taken in has a day")?;
    let opening = clock::opening(clock::morning(day), store::last_event(&db).await?);
    db.close().await;
    loaded.show = source.name;
    Ok((loaded, opening))
}

async fn start_carrier(options: &Options, opening: DateTime<Utc>) -> anyhow::Result<Emulator> {
    let line = ["carrier", "--listen", "127.0.0.1:0", "--calls-per-second", "10"];
    let mut config = emulator::Config::parse_line(line)?;
    config.speed = options.speed;
    // Short conversations: somebody who looks on for a minute is to see all of it.
    config.population.talk_seconds = 30.0;
    config.population.talk_spread = 0.8;
    config.inbound.voice_url = Some(format!("http://127.0.0.1:{}/webhooks/twilio/inbound", options.port));
    config.inbound.status_url = Some(format!("http://127.0.0.1:{}/webhooks/twilio/status", options.port));
    config.inbound.per_minute = 0.2;
    floor::CALLER_ID.clone_into(&mut config.inbound.to);
    emulator::start(config, Clock::starting_at(opening, OFFICE)).await
}

fn config(options: &Options, carrier: &Emulator, opening: DateTime<Utc>, listen: SocketAddr) -> anyhow::Result<Config> {
    let (account_sid, auth_token) = carrier.credentials();
    Ok(Config {
        listen,
        public_url: Url::parse(&format!("http://{listen}"))?,
        zone: OFFICE,
        clock: Some(opening),
        drain_seconds: 3,
        policies: None,
        stores: options.stores.clone(),
        carrier: Carrier {
            base_url: carrier.base_url.clone(),
            account_sid,
            auth_token,
            previous_auth_token: None,
            api_key: None,
            api_secret: None::<SecretString>,
            twiml_app_sid: None,
            calls_per_second: 5,
            max_lines: None,
            agent_caller_id: Some(floor::CALLER_ID.parse()?),
        },
        mail: Mail::default(),
        webhooks: Webhooks::default(),
        quickbooks: QuickBooks::off()?,
    })
}

/// A line with figures now and then, so that one sees it move without a browser.
async fn report(app: App, stop: tokio_util::sync::CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(REPORT_EVERY) => {}
        }
        match crate::floor::refresh(&app).await {
            Ok(board) => screen::figures(&board, OFFICE),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "no figures"),
        }
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (0.5..=20.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.5 to 20".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_a_data_directory_of_its_own() {
        let of = |file: &str| directory_of(Path::new(".ledgerline"), Path::new(file));
        assert_eq!(of("/home/data/open items.csv"), Path::new(".ledgerline/demo-open items"));
        assert_ne!(of("2012.csv"), of("2013.csv"));
    }
}
