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

impl Ratio {
    /// The ratio reaches its target.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.target.is_met(self.ratio)
    }

    fn verdict(&self) -> &'static str {
        if self.is_met() { "met" } else { "MISSED" }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, "≥ {bound:.2}"),
            Self::AtMost(bound) => write!(f, "≤ {bound:.2}"),
        }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.name)?;
        writeln!(f, "  measured  {}", self.measured)?;
        writeln!(f, "  baseline  {}", self.baseline)?;
        write!(f, "  ratio     {:.2}  (target {}: {})", self.ratio, self.target, self.verdict())
    }
}

/// All ratios in one table.
pub struct Summary<'a>(pub &'a [Ratio]);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|ratio| ratio.name.chars().count()).max().unwrap_or(0);
        writeln!(f, "{:width$}  ratio  target  verdict", "summary")?;
        for ratio in self.0 {
            writeln!(
                f,
                "{:width$}  {:5.2}  {:6}  {}",
                ratio.name,
                ratio.ratio,
                ratio.target.to_string(),
                ratio.verdict()
            )?;
        }
        let met = self.0.iter().filter(|ratio| ratio.is_met()).count();
        write!(f, "{met} of {} targets met", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_what_was_met() {
        let ratio =
            |name, ratio, target| Ratio { name, measured: String::new(), baseline: String::new(), ratio, target };
        let ratios = [ratio("fast", 0.75, Target::AtLeast(0.6)), ratio("short enough", 2.5, Target::AtMost(2.0))];
        let wanted = "summary       ratio  target  verdict\n\
                      fast           0.75  ≥ 0.60  met\n\
                      short enough   2.50  ≤ 2.00  MISSED\n\
                      1 of 2 targets met";
        assert_eq!(Summary(&ratios).to_string(), wanted);
    }
}
