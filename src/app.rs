//! What every use case, handler and loop holds.

use std::sync::Arc;

use sqlx::PgPool;

use crate::{clock::Clock, config::Config, floor};

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
    /// The tempo.
    pub redis: redis::aio::ConnectionManager,
    /// Opens the connections that only listen to a channel of Redis.
    pub redis_client: redis::Client,
    /// What the supervisors of this node see.
    pub floor: floor::Board,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
