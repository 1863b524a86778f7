//! How a measurement is printed.

use std::fmt;

/// Whether more or less of the ratio is better, and where the target lies.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
}

/// A measured value beside its baseline.
#[derive(Clone, Debug)]
pub struct Ratio {
    /// What was measured.
    pub name: &'static str,
    /// The value, with its unit.
    pub measured: String,
    /// The baseline and how it was measured, with its unit.
    pub baseline: String,
    /// The measured value divided by the baseline.
    pub ratio: f64,
    /// What the ratio should be.
    pub target: Target,
}

impl Target {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(least) => ratio >= least,
            Self::AtMost(most) => ratio <= most,
        }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, bound) = match self.target {
            Target::AtLeast(bound) => ("≥", bound),
            Target::AtMost(bound) => ("≤", bound),
        };
        let verdict = if self.target.is_met(self.ratio) { "met" } else { "MISSED" };
        writeln!(f, "{}", self.name)?;
        writeln!(f, "  measured  {}", self.measured)?;
        writeln!(f, "  baseline  {}", self.baseline)?;
        write!(f, "  ratio     {:.2}  (target {sign} {bound:.2}: {verdict})", self.ratio)
    }
}
