//! The normal distribution.

/// Chance that a normal variable with this mean and variance lies below `bound`.
#[must_use]
pub fn below(bound: f64, mean: f64, variance: f64) -> f64 {
    if variance < 1e-9 {
        return if mean < bound { 1.0 } else { 0.0 };
    }
    cumulative((bound - mean) / variance.sqrt())
}

/// The distribution function; the error is below 1e-7 (Abramowitz and Stegun 26.2.17).
fn cumulative(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let tail = 0.398_942_280_401_432_7 * (-z * z / 2.0).exp();
    let series = 1.330_274_429_f64.mul_add(t, -1.821_255_978).mul_add(t, 1.781_477_937).mul_add(t, -0.356_563_782);
    let above = tail * t * series.mul_add(t, 0.319_381_530);
    if z > 0.0 { 1.0 - above } else { above }
}
