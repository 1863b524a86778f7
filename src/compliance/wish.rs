//! Times and places at which a debtor does not want to be called. They bind whatever the law of the place
//! (12 CFR 1006.6(b)(1), (b)(3), 1006.14(h); FCA CONC 7.9.3).

use chrono::{DateTime, NaiveDate, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hours;
use crate::campaign::HoursRule;

/// A wish as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = ContactWish)]
pub enum Wish {
    /// Not in this span of the week, in the debtor's own zones.
    NotAt {
        /// Days of the week, `Mon` to `Sun`.
        #[schema(value_type = Vec<String>)]
        days: Vec<Weekday>,
        /// From, included, `HH:MM:SS`.
        #[schema(value_type = String, example = "12:00:00")]
        from: NaiveTime,
        /// To, excluded, `HH:MM:SS`, later than `from`.
        #[schema(value_type = String, example = "13:00:00")]
        to: NaiveTime,
    },
    /// Not on these dates, the last included, in the debtor's own zones.
    NotOn {
        /// First day.
        from: NaiveDate,
        /// Last day.
        to: NaiveDate,
    },
    /// Not on numbers with this label, such as `work`.
    NotWhere {
        /// Label of the contact point.
        label: String,
    },
}

impl Wish {
    /// What is wrong with it, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::NotAt { days, .. } if days.is_empty() => Some(("days", "must name at least one day, Mon to Sun")),
            Self::NotAt { from, to, .. } if from >= to => Some(("to", "must be later than `from`, on the same day")),
            Self::NotOn { from, to } if from > to => Some(("to", "must not be before `from`")),
            Self::NotWhere { label } if !(1..=20).contains(&label.chars().count()) => {
                Some(("label", "must have 1 to 20 characters"))
            }
            _ => None,
        }
    }

    /// Whether it is that numbers with `label` are not called.
    #[must_use]
    pub fn is_place(&self, unwanted: &str) -> bool {
        matches!(self, Self::NotWhere { label } if label.eq_ignore_ascii_case(unwanted))
    }

    /// The end of the unwanted time that `now` lies in, in any of the zones; `None`: the wish allows the moment.
    #[must_use]
    pub fn until(&self, zones: &[Tz], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ends = zones.iter().filter_map(|zone| {
            let day = now.with_timezone(zone).date_naive();
            match self {
                Self::NotAt { days, from, to } => {
                    let rule = HoursRule { days: days.clone(), from: *from, to: *to };
                    hours::end_of_span(&rule, *zone, now)
                }
                Self::NotOn { from, to } if (*from..=*to).contains(&day) => {
                    Some(hours::start_of_day(to.succ_opt()?, *zone))
                }
                Self::NotOn { .. } | Self::NotWhere { .. } => None,
            }
        });
        ends.max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_YORK: Tz = chrono_tz::America::New_York;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn an_inconvenient_time_ends_at_its_minute_in_the_debtors_zone() {
        let lunch = Wish::NotAt {
            days: vec![Weekday::Tue],
            from: "12:00:00".parse().unwrap(),
            to: "14:00:00".parse().unwrap(),
        };
        // Tuesday, summer time
        assert_eq!(lunch.until(&[NEW_YORK], at("2026-03-10T15:59:59Z")), None);
        assert_eq!(lunch.until(&[NEW_YORK], at("2026-03-10T16:00:00Z")), Some(at("2026-03-10T18:00:00Z")));
        assert_eq!(lunch.until(&[NEW_YORK], at("2026-03-10T17:59:59Z")), Some(at("2026-03-10T18:00:00Z")));
        assert_eq!(lunch.until(&[NEW_YORK], at("2026-03-10T18:00:00Z")), None);
        assert_eq!(lunch.until(&[NEW_YORK], at("2026-03-11T16:30:00Z")), None, "another day");
    }

    #[test]
    fn dates_are_those_of_every_zone() {
        let away = Wish::NotOn { from: "2026-03-09".parse().unwrap(), to: "2026-03-10".parse().unwrap() };
        let zones = [NEW_YORK, chrono_tz::America::Los_Angeles];
        assert_eq!(away.until(&zones, at("2026-03-11T06:30:00Z")), Some(at("2026-03-11T07:00:00Z")));
        assert_eq!(away.until(&zones, at("2026-03-11T07:00:00Z")), None);
    }

    #[test]
    fn a_wish_that_says_nothing_is_refused() {
        let never = Wish::NotWhere { label: String::new() };
        assert_eq!(never.fault().map(|(field, _)| field), Some("label"));
    }
}
