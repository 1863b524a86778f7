//! How much of the accepted risk is worth taking: none while the list will be through before its hours end anyway.
//!
//! An abandoned call buys the talk of a later one. Where the entries that are left cannot keep everybody busy until the
//! hours end, there is nothing to buy: a slower pace reaches the same people and abandons hardly anybody.

use super::scene::Scene;

/// Occupancy that is reached without any risk on about every list: one line for each ready agent.
const CALM: f64 = 0.6;
/// Occupancy that wants all the risk that is accepted.
const FULL: f64 = 0.85;

/// Share of the accepted risk to take, 0 to 1. `answer` is the chance that an entry of the list is answered, `handling` the
/// mean talk and wrap-up in seconds, `agents` how many are at work.
#[must_use]
pub fn of(scene: &Scene<'_>, answer: f64, handling: f64, agents: usize) -> f64 {
    let Some(left) = scene.bounds.left.filter(|_| agents > 0) else { return 1.0 };
    let entries = scene.bounds.list.saturating_add(scene.bounds.later);
    #[expect(clippy::cast_precision_loss, reason = "agents of a floor, milliseconds of a day")]
    let staffed = agents as f64 * left.max(1) as f64 / 1000.0;
    let needed = f64::from(entries) * answer * handling / staffed;
    // Steep: half of the risk reaches nearly all of the occupancy.
    ((needed - CALM) / (FULL - CALM)).clamp(0.0, 1.0).powi(3)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pacing::predictive::{Bounds, Demand};

    const HOUR: i64 = 3_600_000;

    fn haste(list: u32, later: u32, left: Option<i64>) -> f64 {
        let bounds = Bounds { list, later, left, ..Bounds::default() };
        let others = Demand::default();
        let scene = Scene { now: 0, agents: &[], lines: &[], waiting: 0, others: &others, bounds, coin: 0.5 };
        of(&scene, 0.25, 144.0, 10)
    }

    /// Ten agents work 36,000 seconds an hour, and an entry takes 36 of them.
    #[test]
    fn the_risk_is_taken_as_far_as_the_list_fills_the_hours() {
        assert!(haste(600, 0, Some(HOUR)) < 1e-9, "60 % of the hour");
        assert!((haste(850, 0, Some(HOUR)) - 1.0).abs() < 1e-9, "85 % of the hour");
        assert!((haste(725, 0, Some(HOUR)) - 0.125).abs() < 1e-9, "half way");
        assert!((haste(600, 250, Some(HOUR)) - 1.0).abs() < 1e-9, "entries that come later count");
    }

    #[test]
    fn without_an_end_or_without_agents_all_of_it_is_taken() {
        assert!((haste(0, 0, None) - 1.0).abs() < 1e-9);
        let bounds = Bounds { list: 0, left: Some(HOUR), ..Bounds::default() };
        let others = Demand::default();
        let scene = Scene { now: 0, agents: &[], lines: &[], waiting: 0, others: &others, bounds, coin: 0.5 };
        assert!((of(&scene, 0.25, 144.0, 0) - 1.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn more_work_or_less_time_never_calms(list in 0_u32..5_000, more in 0_u32..5_000, left in -HOUR..10 * HOUR) {
            let now = haste(list, 0, Some(left));
            prop_assert!((0.0..=1.0).contains(&now));
            prop_assert!(haste(list, more, Some(left)) >= now);
            prop_assert!(haste(list, 0, Some(left - 60_000)) >= now);
        }
    }
}
