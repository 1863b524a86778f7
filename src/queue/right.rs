//! Exclusive rights in Redis that lapse by themselves: who rebuilds a queue, who paces a campaign, who dials a person.

use std::sync::LazyLock;

use redis::Script;
use uuid::Uuid;

use crate::{app::App, error::Result};

static HOLD: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/hold.lua")));
static LET_GO: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/let_go.lua")));

/// A right that one holder at a time may have.
#[derive(Debug)]
pub struct Right {
    key: String,
    holder: String,
}

impl Right {
    /// The right kept at `key`, for a holder that nobody else is.
    #[must_use]
    pub fn new(key: String) -> Self {
        Self::of(key, Uuid::now_v7().to_string())
    }

    /// The right kept at `key`, for `holder`.
    #[must_use]
    pub fn of(key: String, holder: String) -> Self {
        Self { key, holder }
    }

    /// Who it is for.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// Takes the right for some milliseconds, or keeps it if it is held already. False: somebody else has it.
    ///
    /// # Errors
    /// If Redis fails.
    pub async fn take(&self, app: &App, for_ms: u64) -> Result<bool> {
        self.hold(app, for_ms, true).await
    }

    /// Keeps the right for some milliseconds more. False: it has lapsed.
    ///
    /// # Errors
    /// If Redis fails.
    pub async fn keep(&self, app: &App, for_ms: u64) -> Result<bool> {
        self.hold(app, for_ms, false).await
    }

    /// Gives the right up, if it is held.
    ///
    /// # Errors
    /// If Redis fails.
    pub async fn let_go(&self, app: &App) -> Result<()> {
        Ok(LET_GO.key(&self.key).arg(&self.holder).invoke_async(&mut app.redis.clone()).await?)
    }

    async fn hold(&self, app: &App, for_ms: u64, anew: bool) -> Result<bool> {
        let mut hold = HOLD.key(&self.key);
        hold.arg(&self.holder).arg(for_ms).arg(u8::from(anew));
        Ok(hold.invoke_async(&mut app.redis.clone()).await?)
    }
}
