//! What every use case, handler and loop holds.

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;
use sqlx::PgPool;

use crate::{
    agent, answer, call, carrier, cash,
    clock::Clock,
    compliance::{self, book::Policies},
    config::Config,
    credit, db, desk, dialer, dispute,
    error::Result,
    escalation, floor,
    lifecycle::Lifecycle,
    message, outbox, outgoing, plan, promise, queue, quickbooks, reminder, report, services, task, telemetry, tempo,
    worker,
};

/// The running service; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of a running service.
pub struct Parts {
    /// How it runs.
    pub config: Config,
    /// What it takes for the present.
    pub clock: Clock,
    /// The truth.
    pub db: PgPool,
    /// The truth, for what the carrier waits for: statements that go by keys alone ([`db::by_keys`]).
    pub by_keys: PgPool,
    /// The truth, for what may be done once more after a crash of the database ([`db::relaxed`]).
    pub relaxed: PgPool,
    /// The tempo.
    pub redis: redis::aio::ConnectionManager,
    /// Opens the connections that only listen to a channel of Redis.
    pub redis_client: redis::Client,
    /// What the supervisors of this node see.
    pub floor: floor::Board,
    /// The stages of its shutdown, and the tasks that are waited for.
    pub lifecycle: Lifecycle,
    /// Wakes the loops that carry out effects; rung after every commit that enqueued one.
    pub outbox: outbox::Bell,
    /// What the carrier told and no transaction has taken up yet.
    pub told: call::group::Inbox,
    /// Calls that this node has had to do with a moment ago.
    pub recent: call::recent::Recent,
    /// What only makes things quicker, and is not kept.
    pub hints: call::hints::Hints,
    /// The telephone network.
    pub carrier: carrier::Client,
    /// The desks connected to this node.
    pub desk: desk::hub::Hub,
    /// The rules that every call has to pass.
    pub policies: Policies,
    /// Wakes the dialer: an agent is ready, or a campaign was started.
    pub dialer: dialer::Bell,
    /// How likely calls are answered, as far as this node knows.
    pub answers: answer::Answers,
    /// The mail server.
    pub mail: message::smtp::Mailer,
    /// Tells other systems.
    pub webhooks: outgoing::deliver::Client,
    /// The live connection to `QuickBooks Online`.
    pub quickbooks: quickbooks::client::Client,
    /// What this node knows of the queues' buckets.
    pub buckets: queue::Buckets,
}

impl App {
    /// Connects to Redis and puts the parts together.
    ///
    /// # Errors
    /// If Redis cannot be reached, a policy pack is wrong, or the configuration contradicts itself.
    pub async fn build(config: Config, clock: Clock, db: PgPool, redis_url: &SecretString) -> Result<Self> {
        let policies = Policies::load(config.policies.as_deref())?;
        let changed = {
            let mut conn = db.acquire().await?;
            compliance::store::note_version(&mut conn, &policies, clock.now()).await?;
            message::library::seed(&mut conn, clock.now()).await?;
            compliance::store::forget_other_policies(&mut conn, &policies.version).await?
        };
        let answers = answer::Answers::default();
        answers.replace(answer::load(&db).await?);
        let parts = Parts {
            answers,
            redis: tempo::connect(redis_url).await?,
            redis_client: tempo::client(redis_url)?,
            floor: floor::Board::default(),
            lifecycle: Lifecycle::default(),
            outbox: outbox::Bell::default(),
            told: call::group::Inbox::default(),
            recent: call::recent::Recent::default(),
            hints: call::hints::Hints::default(),
            carrier: carrier::Client::new(&config.carrier)?,
            desk: desk::hub::Hub::default(),
            mail: message::smtp::Mailer::new(&config.mail)?,
            webhooks: outgoing::deliver::Client::new(&config.webhooks)?,
            quickbooks: quickbooks::client::Client::new(&config.quickbooks)?,
            policies,
            dialer: dialer::Bell::default(),
            buckets: queue::Buckets::default(),
            by_keys: db::by_keys(&db),
            relaxed: db::relaxed(&db),
            config,
            clock,
            db,
        };
        let app = Self(Arc::new(parts));
        if changed {
            queue::forget_all(&app).await?;
        }
        Ok(app)
    }

    /// Connects to the stores, brings the schema up to date, and puts the parts together.
    ///
    /// # Errors
    /// If a store cannot be reached or a migration fails.
    pub async fn open(config: Config, services: &services::Running) -> Result<Self> {
        let db = db::connect(&services.database_url, config.stores.db_connections).await?;
        db::migrate(&db).await?;
        let clock = config.clock();
        Self::build(config, clock, db, &services.redis_url).await
    }

    /// Closes the connections to Postgres, once nothing uses them any more.
    pub async fn close(&self) {
        self.by_keys.close().await;
        self.relaxed.close().await;
        self.db.close().await;
    }
}

/// Starts every loop of the service; each ends with its stage of `lifecycle`.
pub fn spawn_workers(app: &App, lifecycle: &Lifecycle) {
    floor::spawn(app, lifecycle);
    dialer::spawn(app, lifecycle);
    answer::learn::spawn(app, lifecycle);
    agent::spawn(app, lifecycle);
    desk::spawn(app, lifecycle);
    promise::spawn(app, lifecycle);
    report::schedule::spawn(app, lifecycle);
    reminder::spawn(app, lifecycle);
    credit::spawn(app, lifecycle);
    escalation::spawn(app, lifecycle);
    dispute::spawn(app, lifecycle);
    cash::spawn(app, lifecycle);
    plan::spawn(app, lifecycle);
    task::spawn(app, lifecycle);
    quickbooks::step::spawn(app, lifecycle);
    worker::spawn(lifecycle, "metrics", Duration::from_secs(5), Arc::default(), || async {
        telemetry::metrics().run_upkeep();
        Ok(())
    });
    outbox::worker::spawn(app, lifecycle);
    call::hints::spawn(app, lifecycle);
    call::sweeper::spawn(app, lifecycle);
}

/// Chooses the TLS implementation of this process. Calling it again does no harm.
pub fn install_tls() {
    // Refused when it has been chosen already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
