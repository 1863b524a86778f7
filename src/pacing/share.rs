//! The share of abandoned calls, and how far above it the truth may lie.

use serde::Serialize;
use utoipa::ToSchema;

/// 95 % of a normal distribution lie below so many deviations.
const Z: f64 = 1.645;

/// Abandoned calls among the answers by people.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Share {
    /// Calls that a person answered.
    pub answers: u64,
    /// Those of them abandoned.
    pub abandoned: u64,
    /// Abandoned over answers; 0 without answers.
    pub share: f64,
    /// The chance behind it is at most this, with 95 % confidence (Wilson's upper bound); 1 without answers.
    pub at_most: f64,
}

/// The windows of the law: a day, and thirty of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = AbandonedCalls)]
pub struct Abandoned {
    /// The last 24 hours.
    pub day: Share,
    /// The last 30 days.
    pub month: Share,
}

impl Share {
    /// From counts.
    #[must_use]
    pub fn of(abandoned: u64, answers: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts of calls")]
        let (gone, n) = (abandoned as f64, answers as f64);
        if answers == 0 {
            return Self { answers, abandoned, share: 0.0, at_most: 1.0 };
        }
        let share = gone / n;
        let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let at_most = (share + Z * Z / (2.0 * n) + spread) / (1.0 + Z * Z / n);
        Self { answers, abandoned, share, at_most: at_most.min(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_comes_closer_with_more_answers() {
        let (few, many) = (Share::of(3, 100), Share::of(300, 10_000));
        assert!((few.share - many.share).abs() < 1e-12);
        assert!((few.at_most - 0.072).abs() < 0.001, "{few:?}");
        assert!((many.at_most - 0.033).abs() < 0.001, "{many:?}");
        assert!((Share::of(0, 0).at_most - 1.0).abs() < 1e-12);
    }
}
