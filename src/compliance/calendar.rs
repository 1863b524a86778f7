//! Public holidays, worked out for any year from how the law writes them.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

/// A calendar of holidays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// Where it comes from.
    pub cite: String,
    /// Its days.
    pub days: Vec<Holiday>,
}

/// A holiday.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holiday {
    /// What it is called.
    pub name: String,
    /// When it is.
    #[serde(flatten)]
    pub rule: DayRule,
}

/// How the day of a holiday is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DayRule {
    /// So many days after Easter Sunday of the western churches; negative: before.
    Easter {
        /// Days.
        easter: i8,
    },
    /// The nth of a weekday in a month; `-1`: the last.
    Nth {
        /// 1 to 12.
        month: u8,
        /// Day of the week.
        weekday: Weekday,
        /// 1 to 5, or -1.
        nth: i8,
    },
    /// The last such weekday before a day of a month.
    Before {
        /// 1 to 12.
        month: u8,
        /// Day of the week.
        weekday: Weekday,
        /// Day of the month, itself excluded.
        before: u8,
    },
    /// A day of a month.
    Fixed {
        /// 1 to 12.
        month: u8,
        /// Day of the month.
        day: u8,
        /// Where it is kept if it falls on a weekend.
        #[serde(default)]
        observed: Observed,
    },
}

/// Where a fixed holiday is kept that falls on a weekend; the day itself stays a holiday.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observed {
    /// Nowhere else.
    #[default]
    ItsDay,
    /// On the Friday before a Saturday, the Monday after a Sunday.
    NearestWeekday,
    /// On the next day that is no weekend.
    NextMonday,
    /// Christmas or Boxing Day: on the first days after the two that are no weekend, one each.
    AfterBoxingDay,
}

impl Calendar {
    /// The name of the holiday on `day`, if it is one.
    #[must_use]
    pub fn holiday(&self, day: NaiveDate) -> Option<&str> {
        self.days.iter().find(|holiday| holiday.rule.is_on(day)).map(|holiday| holiday.name.as_str())
    }
}

impl DayRule {
    /// Whether it can ever be.
    #[must_use]
    pub fn is_possible(self) -> bool {
        let month_of = |month: u8| (1..=12).contains(&month);
        match self {
            Self::Easter { easter } => (-60..=60).contains(&easter),
            Self::Nth { month, nth, .. } => month_of(month) && matches!(nth, -1 | 1..=5),
            Self::Before { month, before, .. } => month_of(month) && (8..=31).contains(&before),
            Self::Fixed { month, day, .. } => NaiveDate::from_ymd_opt(2024, month.into(), day.into()).is_some(),
        }
    }

    fn is_on(self, day: NaiveDate) -> bool {
        // A holiday of the first days of January may be kept in the year before, and the other way round.
        (day.year() - 1..=day.year() + 1).any(|year| self.in_year(year).contains(&Some(day)))
    }

    /// The day itself, and where it is kept besides.
    fn in_year(self, year: i32) -> [Option<NaiveDate>; 2] {
        match self {
            Self::Easter { easter: days } => [shifted(easter(year), days), None],
            Self::Nth { month, weekday, nth } => [nth_weekday(year, month.into(), weekday, nth), None],
            Self::Before { month, weekday, before } => {
                let last = NaiveDate::from_ymd_opt(year, month.into(), before.into()).and_then(|day| day.pred_opt());
                [last.and_then(|last| last.iter_days().rev().find(|day| day.weekday() == weekday)), None]
            }
            Self::Fixed { month, day, observed } => {
                let day = NaiveDate::from_ymd_opt(year, month.into(), day.into());
                [day, day.and_then(|day| observed.of(day))]
            }
        }
    }
}

impl Observed {
    fn of(self, day: NaiveDate) -> Option<NaiveDate> {
        let days = match (self, day.weekday()) {
            (Self::NearestWeekday, Weekday::Sat) => -1,
            (Self::NearestWeekday | Self::NextMonday, Weekday::Sun) => 1,
            // Of Christmas and Boxing Day the first is kept after the second.
            (Self::NextMonday, Weekday::Sat) | (Self::AfterBoxingDay, Weekday::Sat | Weekday::Sun) => 2,
            _ => return None,
        };
        shifted(Some(day), days)
    }
}

fn nth_weekday(year: i32, month: u32, weekday: Weekday, nth: i8) -> Option<NaiveDate> {
    if let Ok(nth) = u8::try_from(nth) {
        return NaiveDate::from_weekday_of_month_opt(year, month, weekday, nth);
    }
    (1..=5).rev().find_map(|nth| NaiveDate::from_weekday_of_month_opt(year, month, weekday, nth))
}

fn shifted(day: Option<NaiveDate>, days: i8) -> Option<NaiveDate> {
    let by = Days::new(days.unsigned_abs().into());
    if days < 0 { day?.checked_sub_days(by) } else { day?.checked_add_days(by) }
}

/// Easter Sunday of the Gregorian calendar (the anonymous algorithm of 1876).
fn easter(year: i32) -> Option<NaiveDate> {
    let golden = year % 19;
    let (century, of_century) = (year / 100, year % 100);
    let leap_less = century / 4;
    let moon = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - leap_less - moon + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let correction = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * correction + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(days / 31).ok()?, u32::try_from(days % 31 + 1).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn easter_is_found() {
        for (year, date) in [(2024, "2024-03-31"), (2025, "2025-04-20"), (2026, "2026-04-05"), (2038, "2038-04-25")] {
            assert_eq!(easter(year), Some(day(date)));
        }
    }

    #[test]
    fn each_kind_of_rule_finds_its_day() {
        let good_friday = DayRule::Easter { easter: -2 };
        assert!(good_friday.is_on(day("2026-04-03")) && !good_friday.is_on(day("2026-04-04")));
        let thanksgiving = DayRule::Nth { month: 11, weekday: Weekday::Thu, nth: 4 };
        assert!(thanksgiving.is_on(day("2026-11-26")) && !thanksgiving.is_on(day("2026-11-19")));
        let memorial_day = DayRule::Nth { month: 5, weekday: Weekday::Mon, nth: -1 };
        assert!(memorial_day.is_on(day("2026-05-25")));
        let victoria_day = DayRule::Before { month: 5, weekday: Weekday::Mon, before: 25 };
        assert!(victoria_day.is_on(day("2026-05-18")) && !victoria_day.is_on(day("2026-05-25")));
    }

    #[test]
    fn a_holiday_on_a_weekend_is_kept_besides_where_the_rule_says() {
        let fourth = |observed| DayRule::Fixed { month: 7, day: 4, observed };
        // a Saturday in 2026
        assert!(fourth(Observed::NearestWeekday).is_on(day("2026-07-03")));
        assert!(fourth(Observed::NextMonday).is_on(day("2026-07-06")));
        assert!(!fourth(Observed::ItsDay).is_on(day("2026-07-03")));
        assert!(fourth(Observed::NearestWeekday).is_on(day("2026-07-04")));
        // 26 December 2026 is a Saturday, 25 December 2027 is one
        let christmas = |day| DayRule::Fixed { month: 12, day, observed: Observed::AfterBoxingDay };
        assert!(christmas(26).is_on(day("2026-12-28")));
        assert!(christmas(25).is_on(day("2027-12-27")) && christmas(26).is_on(day("2027-12-28")));
        assert!(christmas(25).is_on(day("2022-12-27")), "a Sunday: kept after Boxing Day");
        // the first of January 2028 is a Saturday: kept in the year before
        let new_year = DayRule::Fixed { month: 1, day: 1, observed: Observed::NearestWeekday };
        assert!(new_year.is_on(day("2027-12-31")));
    }
}
