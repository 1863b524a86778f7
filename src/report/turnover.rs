//! How quickly what is sold is paid: the ratios of the trade, as pure functions. A ratio whose denominator is nothing is
//! undefined, which is not 0.

use serde::Serialize;
use utoipa::ToSchema;

use crate::money::Currency;

/// A figure with what it was made of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Ratio {
    /// How it is worked out.
    pub definition: &'static str,
    /// Above the line: minor units, minor units times days, or a count.
    pub numerator: i128,
    /// Below the line: minor units or a count.
    pub denominator: i128,
    /// The ratio, in the unit that the definition names; `null` where the denominator is not more than 0.
    pub value: Option<f64>,
}

impl Ratio {
    /// Undefined where the denominator is not more than 0.
    #[must_use]
    pub fn new(definition: &'static str, numerator: i128, denominator: i128) -> Self {
        let value = (denominator > 0).then(|| to_float(numerator) / to_float(denominator));
        Self { definition, numerator, denominator, value }
    }
}

/// Only for the ratio that is shown: the amounts beside it are exact.
#[expect(clippy::cast_precision_loss, reason = "a ratio has no more digits than a float holds")]
fn to_float(minor: i128) -> f64 {
    minor as f64
}

/// What the ratios of a period are made of, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its days.
    pub days: u16,
    /// Owed when it began.
    pub beginning_minor: i64,
    /// Owed at its end.
    pub ending_minor: i64,
    /// Of that, open items that are not past due, credits that are applied to nothing taken off.
    pub current_minor: i64,
    /// Invoiced in it, credit notes taken off.
    pub sales_minor: i64,
    /// Days and sales of calendar months, the latest first, the first one up to the end of the period.
    pub months: Vec<(u16, i64)>,
}

/// The ratios of a period in one currency.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Receivables {
    /// The currency.
    pub currency: Currency,
    /// Owed at the end, minor units.
    pub receivables_minor: i64,
    /// Of that, not past due.
    pub current_minor: i64,
    /// Invoiced in the period, credit notes taken off.
    pub sales_minor: i64,
    /// Days sales outstanding, in days.
    pub dso: Ratio,
    /// Days sales outstanding by counting back the months whose sales are still owed, in days; `null` where the months
    /// known do not reach far enough.
    pub countback_dso: Ratio,
    /// Days sales outstanding if everybody paid when due, in days.
    pub best_possible_dso: Ratio,
    /// Average days delinquent: DSO less best possible DSO, in days.
    pub average_days_delinquent: Ratio,
    /// Collection effectiveness index, in percent.
    pub collection_effectiveness: Ratio,
}

impl Period {
    /// The ratios.
    #[must_use]
    pub fn ratios(&self, currency: Currency) -> Receivables {
        let dso = Ratio::new("receivables / sales × days", self.over(self.ending_minor), self.sales_minor.into());
        let best = Ratio::new(
            "receivables not past due / sales × days",
            self.over(self.current_minor),
            self.sales_minor.into(),
        );
        Receivables {
            currency,
            receivables_minor: self.ending_minor,
            current_minor: self.current_minor,
            sales_minor: self.sales_minor,
            dso,
            countback_dso: countback(self.ending_minor, &self.months),
            best_possible_dso: best,
            average_days_delinquent: Ratio::new(
                "receivables past due / sales × days",
                self.over(self.ending_minor) - self.over(self.current_minor),
                self.sales_minor.into(),
            ),
            collection_effectiveness: self.effectiveness(),
        }
    }

    fn over(&self, minor: i64) -> i128 {
        i128::from(minor) * i128::from(self.days)
    }

    /// Of what could have been collected, how much was, in percent; sales are those of an average month of 30 days.
    fn effectiveness(&self) -> Ratio {
        // All times the days, so that the month's share of the sales stays whole.
        let scaled = |minor: i64| i128::from(minor) * i128::from(self.days);
        let monthly = i128::from(self.sales_minor) * i128::from(self.days.min(30));
        let collectible = scaled(self.beginning_minor) + monthly;
        Ratio::new(
            "(beginning + monthly sales − ending) / (beginning + monthly sales − ending not past due) × 100",
            (collectible - scaled(self.ending_minor)) * 100,
            collectible - scaled(self.current_minor),
        )
    }
}

/// Walks back through the months: each whose sales are all still owed counts in full, the one where what is owed runs
/// out by its share.
fn countback(owed_minor: i64, months: &[(u16, i64)]) -> Ratio {
    const DEFINITION: &str =
        "days of the latest months whose sales make up the receivables, the last month by its share";
    let (mut left, mut counted) = (i128::from(owed_minor.max(0)), 0_i128);
    for (days, sales) in months {
        let (days, sales) = (i128::from(*days), i128::from(*sales).max(0));
        if left == 0 {
            break;
        }
        if left < sales {
            return Ratio::new(DEFINITION, counted * sales + left * days, sales);
        }
        left -= sales;
        counted += days;
    }
    Ratio::new(DEFINITION, counted, i128::from(left == 0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn period() -> Period {
        Period {
            days: 30,
            beginning_minor: 100_000,
            ending_minor: 120_000,
            current_minor: 100_000,
            sales_minor: 1_000_000,
            months: vec![(30, 1_000_000)],
        }
    }

    fn close(value: Option<f64>, expected: f64) {
        assert!(value.is_some_and(|value| (value - expected).abs() < 1e-9), "{value:?} is not {expected}");
    }

    #[test]
    fn a_worked_example() {
        let ratios = period().ratios(Currency::USD);
        close(ratios.dso.value, 3.6);
        close(ratios.best_possible_dso.value, 3.0);
        close(ratios.average_days_delinquent.value, 0.6);
        close(ratios.countback_dso.value, 3.6);
        close(ratios.collection_effectiveness.value, 98.0);
    }

    #[test]
    fn without_sales_there_is_no_dso_rather_than_none() {
        let ratios = Period { sales_minor: 0, months: vec![(30, 0)], ..period() }.ratios(Currency::USD);
        assert_eq!(
            (ratios.dso.value, ratios.average_days_delinquent.value, ratios.countback_dso.value),
            (None, None, None)
        );
        let nothing = Period { beginning_minor: 0, ending_minor: 0, current_minor: 0, sales_minor: 0, ..period() };
        assert_eq!(nothing.ratios(Currency::USD).collection_effectiveness.value, None);
    }

    #[test]
    fn counting_back_goes_on_through_a_seasonal_peak() {
        close(countback(150, &[(31, 100), (30, 200), (31, 50)]).value, 31.0 + 0.25 * 30.0);
        close(countback(300, &[(31, 100), (30, 200)]).value, 61.0);
        close(countback(0, &[(31, 100)]).value, 0.0);
        assert_eq!(countback(301, &[(31, 100), (30, 200)]).value, None, "older sales are not known");
    }

    proptest! {
        #[test]
        fn whoever_owes_more_is_slower(owed in 0_i64..1_000_000, more in 1_i64..1000, sales in prop::collection::vec(1_i64..100_000, 1..24)) {
            let months: Vec<_> = sales.iter().map(|sales| (30, *sales)).collect();
            if let (Some(less), Some(slower)) = (countback(owed, &months).value, countback(owed + more, &months).value) {
                prop_assert!(slower >= less);
            }
        }
    }
}
