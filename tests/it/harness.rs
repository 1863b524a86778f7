//! One service for one test: a database and a Redis of its own, a clock it sets, a server where it asks for one.

mod left_over;
mod stores;

use std::net::SocketAddr;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::Parser;
use ledgerline::{
    app::App,
    call,
    cli::{
        Cli, Command,
        serve::{self, Server},
    },
    clock::Clock,
    config::Config,
    db, outbox, services,
};
use tokio::net::TcpListener;

/// The auth token that signs the webhooks of tests.
pub const AUTH_TOKEN: &str = "a-token-for-tests-only";

/// A manual clock starts here: a Tuesday, 13:00 in New York and 10:00 in Los Angeles.
pub fn noon() -> DateTime<Utc> {
    "2026-03-10T17:00:00Z".parse().expect("a constant time")
}

/// The service of one test. End it with [`TestApp::finish`].
pub struct TestApp {
    /// The service.
    pub app: App,
    /// Where [`TestApp::serve`] answers; `config.public_url` names it from the start.
    pub address: SocketAddr,
    listener: Option<TcpListener>,
    server: Option<Server>,
    redis: services::Running,
    database: stores::Database,
}

impl TestApp {
    /// A service at [`noon`] by a manual clock, with an empty schema, and no loop running.
    pub async fn start() -> Self {
        Self::start_with(Clock::manual(noon(), Tz::America__New_York), |_| {}).await
    }

    /// As [`TestApp::start`], by another clock and with changes to the configuration.
    pub async fn start_with(clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let database = stores::Database::create().await;
        let redis = database.own_redis().await;
        let mut config = config(address);
        change(&mut config);
        let db = db::connect(&database.url, config.stores.db_connections).await.expect("the test's database");
        let app = App::build(config, clock, db, &redis.redis_url).await.expect("the parts fit");
        Self { app, address, listener: Some(listener), server: None, redis, database }
    }

    /// A second node on the same stores and the same clock, no loop running.
    pub async fn another_node(&self) -> App {
        self.with_config(self.app.config.clone()).await
    }

    /// The same service with another configuration.
    pub async fn with_config(&self, config: Config) -> App {
        let (clock, db) = (self.app.clock.clone(), self.app.db.clone());
        App::build(config, clock, db, &self.redis.redis_url).await.expect("the parts fit")
    }

    /// Starts the loops, and answers HTTP requests and sockets at `address`.
    pub fn serve(&mut self) {
        let listener = self.listener.take().expect("serve() once");
        self.server = Some(serve::start_on(&self.app, listener).expect("the server starts"));
    }

    /// Stops the service as a signal does, and starts it anew on the same stores and at the same address.
    pub async fn restart(&mut self) {
        let server = self.server.take().expect("it serves");
        let (config, clock) = (self.app.config.clone(), self.app.clock.clone());
        serve::drain(&self.app).await;
        serve::stop(self.app.clone(), server).await;
        let db = db::connect(&self.database.url, config.stores.db_connections).await.expect("the test's database");
        self.app = App::build(config, clock, db, &self.redis.redis_url).await.expect("the parts fit");
        self.listener = Some(TcpListener::bind(self.address).await.expect("the address is free again"));
        self.serve();
    }

    /// `http://` address of a path of the service.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Carries out what is due in the outbox, and what that leads to. For tests without loops.
    pub async fn settle(&self) {
        const ROUNDS: usize = 100;
        for _ in 0..ROUNDS {
            let mut done = 0;
            call::hints::step(&self.app).await.expect("hints are carried out");
            for lane in [outbox::Lane::House, outbox::Lane::Carrier, outbox::Lane::Outside] {
                done += outbox::worker::step(&self.app, lane).await.expect("the outbox works");
            }
            if done == 0 {
                return;
            }
        }
        panic!("effects led to new effects for {ROUNDS} rounds");
    }

    /// Stops the service and fails if it leaves work behind: outbox rows, leases, reserved agents.
    pub async fn finish(mut self) {
        self.settle().await;
        self.close().await;
        // The end of its sockets and loops may have led to effects, and one may have failed for want of a connection.
        self.make_retries_due().await;
        self.settle().await;
        let found = left_over::of(&self.app).await;
        self.app.close().await;
        self.redis.stop().await;
        self.database.drop().await;
        assert!(found.is_empty(), "left over: {}", found.join(", "));
    }

    /// The time until the next try passes.
    async fn make_retries_due(&self) {
        sqlx::query("UPDATE outbox SET run_at = least(run_at, $1), claimed_until = NULL WHERE failed_at IS NULL")
            .bind(self.app.clock.now())
            .execute(&self.app.db)
            .await
            .expect("outbox");
    }

    /// Stops the loops and the server; the stores stay.
    async fn close(&mut self) {
        self.app.lifecycle.stop_serving();
        if let Some(server) = self.server.take() {
            server.ended().await;
        }
        self.app.lifecycle.stop_workers().await;
    }
}

/// The configuration of a test: nothing of the developer's environment gets in.
fn config(address: SocketAddr) -> Config {
    let public_url = format!("http://{address}");
    let line = [
        "ledgerline",
        "serve",
        "--public-url",
        &public_url,
        "--zone",
        "America/New_York",
        "--base-url",
        "http://127.0.0.1:9",
        "--account-sid",
        "AC00000000000000000000000000000001",
        "--auth-token",
        AUTH_TOKEN,
        "--calls-per-second",
        "100",
        "--db-connections",
        "8",
        "--drain-seconds",
        "2",
    ];
    match Cli::parse_from(line).command {
        Command::Serve(config) => *config,
        other => panic!("not the service: {other:?}"),
    }
}
