//! The stores of a test: one Postgres for the whole run with a database for each test, and a Redis for each test.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use ledgerline::{config::Stores, db, services};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::sync::OnceCell;
use url::Url;

/// Postgres to use instead of a private one; the user must be allowed to create databases.
const GIVEN: &str = "TEST_DATABASE_URL";

/// What all tests of a run share.
struct Shared {
    /// Address of the maintenance database.
    server: Url,
    /// Databases of this run are named with this.
    prefix: String,
    /// Where each test's Redis has its directory.
    directory: PathBuf,
    /// Kept for ever: when this process ends, the kernel ends the stores.
    _postgres: services::Running,
}

static SHARED: OnceCell<Shared> = OnceCell::const_new();

/// A test's database.
pub(super) struct Database {
    name: String,
    pub(super) url: SecretString,
    redis_directory: PathBuf,
}

impl Database {
    /// A database with the schema and nothing in it.
    pub(super) async fn create() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let shared = SHARED.get_or_init(start).await;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}_{number}", shared.prefix);
        // A template that nobody changes is copied as it lies on the disk, not written through the log once more.
        let create = format!("CREATE DATABASE {name} TEMPLATE {}_template STRATEGY file_copy", shared.prefix);
        run(&shared.server, &create).await;
        let url = String::from(of_database(&shared.server, &name)).into();
        Self { name, url, redis_directory: shared.directory.join(number.to_string()) }
    }

    /// A Redis that nobody else uses.
    pub(super) async fn own_redis(&self) -> services::Running {
        let _ = std::fs::remove_dir_all(&self.redis_directory);
        let stores = stores(&self.redis_directory, Some(self.url.clone()));
        services::start(&stores).await.expect("the test's Redis starts")
    }

    /// Drops the database. A test that fails leaves it, for a person to look at until the next run.
    pub(super) async fn drop(self) {
        let shared = SHARED.get().expect("it was created");
        run(&shared.server, &format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
        let _ = std::fs::remove_dir_all(&self.redis_directory);
    }
}

/// Starts Postgres and makes the template that every test's database is copied from.
async fn start() -> Shared {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("it");
    let given = std::env::var(GIVEN).ok().map(SecretString::from);
    let (slot, postgres) = start_in_free_slot(&base, given.clone()).await;
    let server: Url = postgres.database_url.expose_secret().parse().expect("an address");
    let server = of_database(&server, "postgres");
    // Tests against a given Postgres may run beside those of others; in a private one all databases are ours.
    let prefix = if given.is_some() { format!("test_{}", std::process::id()) } else { "test".to_owned() };
    if given.is_none() {
        // What tests write need not outlive the machine, and making a database touches hundreds of files.
        run(&server, "ALTER SYSTEM SET fsync = off").await;
        run(&server, "SELECT pg_reload_conf()").await;
    }
    for old in databases_like(&server, &format!("{prefix}\\_%")).await {
        run(&server, &format!("DROP DATABASE {old} WITH (FORCE)")).await;
    }
    let template = format!("{prefix}_template");
    run(&server, &format!("CREATE DATABASE {template}")).await;
    let address: String = of_database(&server, &template).into();
    let pool = db::connect(&address.into(), 2).await.expect("the template");
    db::migrate(&pool).await.expect("the migrations apply");
    pool.close().await;
    Shared { server, prefix, directory: slot.join("redis"), _postgres: postgres }
}

/// Runs that go on at the same time (another terminal, another runner) take the next directory. The data directories
/// are kept, because starting on one that exists is ten times as fast.
async fn start_in_free_slot(base: &Path, given: Option<SecretString>) -> (PathBuf, services::Running) {
    const SLOTS: usize = 16;
    let mut complaint = None;
    for slot in (0..SLOTS).map(|number| base.join(number.to_string())) {
        let mut stores = stores(&slot, given.clone());
        // Only Postgres is shared; this Redis is never connected to.
        stores.redis_url = Some("redis://127.0.0.1:9".to_owned().into());
        match services::start(&stores).await {
            Ok(running) => return (slot, running),
            Err(error) => complaint = Some(error),
        }
    }
    panic!("no private Postgres for the tests: {:#}", complaint.expect("it was tried"));
}

fn stores(directory: &Path, database_url: Option<SecretString>) -> Stores {
    Stores { database_url, redis_url: None, data_dir: directory.to_owned(), db_connections: 2 }
}

fn of_database(server: &Url, name: &str) -> Url {
    let mut url = server.clone();
    url.set_path(name);
    url
}

async fn connect(server: &Url) -> PgConnection {
    let options = PgConnectOptions::from_url(server).expect("an address");
    options.connect().await.expect("the maintenance database")
}

async fn run(server: &Url, statement: &str) {
    let mut connection = connect(server).await;
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.expect("a statement of our own");
    connection.close().await.expect("it was open");
}

async fn databases_like(server: &Url, pattern: &str) -> Vec<String> {
    let mut connection = connect(server).await;
    sqlx::query_scalar("SELECT datname FROM pg_database WHERE datname LIKE $1")
        .bind(pattern)
        .fetch_all(&mut connection)
        .await
        .expect("a list of databases")
}
