//! Calls per second: one bucket for all nodes, so that the carrier never has to queue a call.
//!
//! A call the carrier queues leaves seconds later, when the agent it was meant for is gone.

use std::sync::LazyLock;

use redis::{Script, aio::ConnectionManager};

use crate::{config, error::Result};

/// The bucket; one key, one slot of a cluster.
const KEY: &str = "ll:{carrier}:calls";

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/take.lua")));
static GIVE_BACK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/give_back.lua")));

/// A rate of calls and how many may go at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    interval_us: u64,
    burst: u64,
}

impl Limit {
    /// The limit of all calls that are started at the carrier.
    #[must_use]
    pub fn of(carrier: &config::Carrier) -> Self {
        Self::below(carrier.calls_per_second)
    }

    /// A limit that stays below `calls_per_second` (1 to 100): in no second do more calls go, and 95 % of them at most
    /// in the long run. A quarter of a second's calls may go at once, so a dialer that asks four times a second
    /// or more is not slowed down by it.
    #[must_use]
    pub fn below(calls_per_second: u32) -> Self {
        let allowed = u64::from(calls_per_second.max(1));
        let burst = (allowed / 4).max(1);
        // With `burst` at once, `allowed - burst` more may follow within the second.
        let by_second = 1_000_000 / (allowed - burst + 1) + 1;
        let by_average = 1_000_000 * 100 / (allowed * 95) + 1;
        Self { interval_us: by_second.max(by_average), burst }
    }

    /// The most that [`take`] grants at once.
    #[must_use]
    pub fn burst(self) -> u64 {
        self.burst
    }
}

/// Takes up to `wanted` calls now; answers how many may be placed.
///
/// # Errors
/// If Redis does not answer: then nothing may be placed.
pub async fn take(redis: &ConnectionManager, limit: Limit, wanted: u32) -> Result<u32> {
    let mut redis = redis.clone();
    let granted = TAKE.key(KEY).arg(wanted).arg(limit.interval_us).arg(limit.burst).invoke_async(&mut redis).await?;
    Ok(granted)
}

/// Gives back calls that were taken and not placed, for whichever node asks next.
///
/// # Errors
/// If Redis does not answer: then they are lost, as if they had been placed.
pub async fn give_back(redis: &ConnectionManager, limit: Limit, unused: u32) -> Result<()> {
    if unused == 0 {
        return Ok(());
    }
    let mut redis = redis.clone();
    let _: () = GIVE_BACK.key(KEY).arg(unused).arg(limit.interval_us).invoke_async(&mut redis).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Calls in the busiest second: the burst, and what the rate adds before the second is over.
    fn in_the_busiest_second(limit: Limit) -> u64 {
        limit.burst + (1_000_000 - 1) / limit.interval_us
    }

    #[test]
    fn one_call_a_second_means_never_two_within_a_second() {
        let limit = Limit::below(1);
        assert_eq!(limit.burst, 1);
        assert!(limit.interval_us > 1_000_000);
    }

    proptest! {
        #[test]
        fn no_second_and_no_average_reaches_beyond_the_limit(calls_per_second in 1..=100_u32) {
            let limit = Limit::below(calls_per_second);
            prop_assert!(in_the_busiest_second(limit) <= u64::from(calls_per_second));
            prop_assert!(limit.interval_us * u64::from(calls_per_second) > 1_000_000);
            prop_assert!((1..=u64::from(calls_per_second)).contains(&limit.burst));
        }
    }
}
