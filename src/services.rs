//! Postgres and Redis: those that the configuration names, or private ones in the data directory.
//!
//! The private ones are the real servers, run as child processes on Unix sockets that only their own user can open.
//! They start and end with the service: on a signal in good order, and on a crash because the kernel tells them that
//! their parent is gone. Postgres keeps its data between starts. Redis keeps nothing: all it holds is rebuilt from
//! Postgres, and a queue that is rebuilt cannot be stale.

mod binaries;
mod child;
mod identity;
mod lock;
mod orphan;
mod owner;
mod place;
mod postgres;
mod redis;

use secrecy::SecretString;

use crate::{config::Stores, db};
use lock::{Held, Lock};
use owner::{Owner, Wanted};
use place::Place;

/// Stores that can be connected to. Dropping it stops the private ones, as [`Running::stop`] does, but blocks meanwhile.
#[derive(Debug)]
pub struct Running {
    /// Address of Postgres.
    pub database_url: SecretString,
    /// Address of Redis.
    pub redis_url: SecretString,
    owner: Option<Owner>,
}

/// For the service: starts what `stores` does not name.
///
/// # Errors
/// If another process uses the data directory, a server program is missing, or a private store does not start.
pub async fn start(stores: &Stores) -> anyhow::Result<Running> {
    match private(stores)? {
        None => Ok(Running::new(stores, None, None)),
        Some((place, Ok(lock))) => own(stores, place, lock).await,
        Some((_, Err(held))) => Err(held.into()),
    }
}

/// For commands: the stores of a service that runs on the same data directory, else as [`start`].
///
/// # Errors
/// As [`start`], except that the data directory may be in use.
pub async fn reach(stores: &Stores) -> anyhow::Result<Running> {
    match private(stores)? {
        None => Ok(Running::new(stores, None, None)),
        Some((place, Ok(lock))) => own(stores, place, lock).await,
        Some((place, Err(held))) => {
            tracing::info!(process = held.process, "using the stores of the service that is running");
            let running = Running::new(stores, Some(&place), None);
            let wanted = Wanted::of(stores);
            tokio::task::spawn_blocking(move || owner::wait_for_another(&place, wanted)).await??;
            Ok(running)
        }
    }
}

/// The place of the private stores and the right to it, where at least one is wanted.
fn private(stores: &Stores) -> anyhow::Result<Option<(Place, Result<Lock, Held>)>> {
    let wanted = Wanted::of(stores);
    if !wanted.postgres && !wanted.redis {
        return Ok(None);
    }
    let place = Place::prepare(&stores.data_dir)?;
    let lock = Lock::take(place.base())?;
    Ok(Some((place, lock)))
}

async fn own(stores: &Stores, place: Place, lock: Lock) -> anyhow::Result<Running> {
    let wanted = Wanted::of(stores);
    let mut running = Running::new(stores, Some(&place), None);
    running.owner = Some(Owner::start(place, lock, wanted).await?);
    if wanted.postgres {
        db::create_if_missing(&running.database_url).await?;
    }
    Ok(running)
}

impl Wanted {
    fn of(stores: &Stores) -> Self {
        Self { postgres: stores.database_url.is_none(), redis: stores.redis_url.is_none() }
    }
}

impl Running {
    fn new(stores: &Stores, place: Option<&Place>, owner: Option<Owner>) -> Self {
        let or_private = |given: &Option<SecretString>, private: fn(&Place) -> String| {
            given.clone().unwrap_or_else(|| place.map(private).unwrap_or_default().into())
        };
        Self {
            database_url: or_private(&stores.database_url, postgres::url),
            redis_url: or_private(&stores.redis_url, redis::url),
            owner,
        }
    }

    /// Waits until a private store ends by itself, and says which.
    pub async fn died(&self) -> String {
        match &self.owner {
            Some(owner) => owner.died().await,
            None => std::future::pending().await,
        }
    }

    /// Stops the private stores in good order, and returns when their processes are gone.
    pub async fn stop(mut self) {
        if let Some(owner) = self.owner.take() {
            owner.stop().await;
        }
    }
}
