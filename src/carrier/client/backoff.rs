//! How long to wait before asking again.

use std::time::Duration;

/// How often a request is repeated at most.
pub const MAX_REPEATS: u32 = 5;
/// The longest wait.
pub const LONGEST: Duration = Duration::from_secs(30);

const FIRST: Duration = Duration::from_millis(100);

/// The wait before repetition `n` (from 0): 100 ms × 2ⁿ, up to 10 % more or less by `jitter` (-1 to 1), at least what
/// the carrier asked for, 30 s at most. `None` after [`MAX_REPEATS`].
#[must_use]
pub fn wait(n: u32, jitter: f64, asked_for: Option<Duration>) -> Option<Duration> {
    if n >= MAX_REPEATS {
        return None;
    }
    let exponential = FIRST * 2_u32.pow(n);
    let jittered = exponential.mul_f64(1.0 + 0.1 * jitter.clamp(-1.0, 1.0));
    Some(jittered.max(asked_for.unwrap_or_default()).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_and_stops() {
        let waits: Vec<_> = (0..7).map_while(|n| wait(n, 0.0, None)).map(|wait| wait.as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600]);
    }

    #[test]
    fn jitter_is_a_tenth() {
        assert_eq!(wait(0, 1.0, None), Some(Duration::from_millis(110)));
        assert_eq!(wait(0, -1.0, None), Some(Duration::from_millis(90)));
    }

    #[test]
    fn honours_what_the_carrier_asks_for_within_the_cap() {
        assert_eq!(wait(0, 0.0, Some(Duration::from_secs(3))), Some(Duration::from_secs(3)));
        assert_eq!(wait(0, 0.0, Some(Duration::from_mins(10))), Some(LONGEST));
        assert_eq!(wait(3, 0.0, Some(Duration::ZERO)), Some(Duration::from_millis(800)));
    }
}
