//! When how much of a plan is due. Pure.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PlanTaken;
use crate::{
    business_day::BusinessDays,
    error::{Error, Result},
};

/// How often an instalment is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PlanRhythm)]
pub enum Rhythm {
    /// Every seven days.
    Weekly,
    /// Every fourteen days.
    Fortnightly,
    /// On the same day of every month, or its last one; from a month's last day on, on every month's last day.
    Monthly,
}

/// A part of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PlanPart)]
pub struct Due {
    /// A business day.
    pub due_on: NaiveDate,
    /// Minor units, more than 0.
    pub amount_minor: i64,
}

/// The down payment, if there is one, and the instalments. All instalments are the same but the last one, which takes what
/// is left over. Days are rolled to business days and rise strictly.
///
/// # Errors
/// [`Error::Invalid`] naming the field and the range.
pub fn schedule(plan: &PlanTaken, days: &BusinessDays, today: NaiveDate) -> Result<Vec<Due>> {
    let count = i64::from(plan.instalments);
    let rest = plan.total_minor - plan.down_minor;
    if !(1..=250).contains(&count) {
        return Err(Error::invalid("plan.instalments", "1 to 250 besides the down payment"));
    }
    if plan.down_minor < 0 || rest < count {
        let most = (plan.total_minor - count).max(0);
        return Err(Error::invalid(
            "plan.down_minor",
            format!("0 to {most} minor units, so that some is left for the rest"),
        ));
    }
    let last = today + Days::new(366);
    if !(today..=last).contains(&plan.first_on) {
        return Err(Error::invalid("plan.first_on", format!("{today} to {last}")));
    }
    let mut parts = Vec::with_capacity(usize::from(plan.instalments) + 1);
    if plan.down_minor > 0 {
        let on = plan.down_on.unwrap_or(today);
        if on < today || on >= plan.first_on {
            return Err(Error::invalid("plan.down_on", format!("{today} or later, and before the first instalment")));
        }
        parts.push(Due { due_on: days.roll(on), amount_minor: plan.down_minor });
    }
    let each = rest / count;
    for nth in 0..plan.instalments {
        let is_last = nth + 1 == plan.instalments;
        let amount_minor = if is_last { rest - each * (count - 1) } else { each };
        let earliest = parts.last().map_or(today, |before| before.due_on + Days::new(1));
        parts.push(Due { due_on: days.roll(nth_day(plan, nth).max(earliest)), amount_minor });
    }
    Ok(parts)
}

/// The day of an instalment before it is rolled, 0 first.
fn nth_day(plan: &PlanTaken, nth: u16) -> NaiveDate {
    let first = plan.first_on;
    match plan.rhythm {
        Rhythm::Weekly => first + Days::new(7 * u64::from(nth)),
        Rhythm::Fortnightly => first + Days::new(14 * u64::from(nth)),
        Rhythm::Monthly => {
            let day = first + Months::new(nth.into());
            if is_last_of_month(first) { last_of_month(day) } else { day }
        }
    }
}

fn is_last_of_month(day: NaiveDate) -> bool {
    (day + Days::new(1)).month() != day.month()
}

fn last_of_month(day: NaiveDate) -> NaiveDate {
    day.iter_days().take(31).take_while(|next| next.month() == day.month()).last().unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn plan(total_minor: i64, instalments: u16, first_on: &str, rhythm: Rhythm) -> PlanTaken {
        PlanTaken {
            total_minor,
            covers_minor: None,
            down_minor: 0,
            down_on: None,
            first_on: day(first_on),
            rhythm,
            instalments,
            items: Vec::new(),
            postdated: false,
            on_break: None,
        }
    }

    fn parts(plan: &PlanTaken) -> Vec<(String, i64)> {
        let parts = schedule(plan, &BusinessDays::default(), day("2026-01-05")).unwrap();
        parts.into_iter().map(|part| (part.due_on.to_string(), part.amount_minor)).collect()
    }

    fn owned(parts: &[(&str, i64)]) -> Vec<(String, i64)> {
        parts.iter().map(|(day, minor)| ((*day).to_owned(), *minor)).collect()
    }

    #[test]
    fn the_last_instalment_takes_what_is_left_over() {
        let weekly = plan(10_000, 3, "2026-01-12", Rhythm::Weekly);
        assert_eq!(parts(&weekly), owned(&[("2026-01-12", 3_333), ("2026-01-19", 3_333), ("2026-01-26", 3_334)]));
    }

    #[test]
    fn from_a_months_last_day_on_every_months_last_day() {
        let monthly = plan(400, 4, "2026-01-31", Rhythm::Monthly);
        // Both 31 January and 28 February are Saturdays.
        let expected = [("2026-02-02", 100), ("2026-03-02", 100), ("2026-03-31", 100), ("2026-04-30", 100)];
        assert_eq!(parts(&monthly), owned(&expected));
        let from_february = plan(300, 3, "2026-02-28", Rhythm::Monthly);
        assert_eq!(parts(&from_february)[1].0, "2026-03-31");
        let on_the_thirtieth = plan(300, 3, "2026-01-30", Rhythm::Monthly);
        assert_eq!(parts(&on_the_thirtieth)[1].0, "2026-03-02", "28 February, a Saturday, rolled");
        assert_eq!(parts(&on_the_thirtieth)[2].0, "2026-03-30", "and back on its day");
    }

    #[test]
    fn a_down_payment_comes_first_and_holidays_are_rolled() {
        let book = crate::compliance::book::Book::shipped().unwrap();
        let days = BusinessDays::keeping(book.calendar("us_federal").cloned());
        let plan = PlanTaken { down_minor: 400, ..plan(1_000, 2, "2026-07-03", Rhythm::Fortnightly) };
        let parts = schedule(&plan, &days, day("2026-07-01")).unwrap();
        let expected = [("2026-07-01", 400), ("2026-07-06", 300), ("2026-07-17", 300)];
        let expected = expected.map(|(on, amount_minor)| Due { due_on: day(on), amount_minor });
        assert_eq!(parts, expected, "Independence Day is kept on Friday the 3rd");
    }

    #[test]
    fn a_wrong_field_is_named() {
        let good = plan(1_000, 3, "2026-02-02", Rhythm::Weekly);
        let fault = |plan: PlanTaken| match schedule(&plan, &BusinessDays::default(), day("2026-01-05")) {
            Err(Error::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(fault(PlanTaken { instalments: 0, ..good.clone() }), "plan.instalments");
        assert_eq!(fault(PlanTaken { down_minor: 998, ..good.clone() }), "plan.down_minor");
        assert_eq!(fault(PlanTaken { down_minor: -1, ..good.clone() }), "plan.down_minor");
        assert_eq!(fault(PlanTaken { first_on: day("2026-01-04"), ..good.clone() }), "plan.first_on");
        let down_on = Some(day("2026-02-02"));
        assert_eq!(fault(PlanTaken { down_minor: 1, down_on, ..good }), "plan.down_on");
    }

    proptest! {
        #[test]
        fn it_adds_up_rises_and_is_due_on_business_days(
            total in 500_i64..1_000_000_000, down in 0_i64..200, count in 1_u16..250, offset in 0_u64..300, rhythm in 0_u8..3,
        ) {
            let book = crate::compliance::book::Book::shipped().unwrap();
            let days = BusinessDays::keeping(book.calendar("england_and_wales").cloned());
            let today = day("2026-01-05");
            let rhythm = [Rhythm::Weekly, Rhythm::Fortnightly, Rhythm::Monthly][usize::from(rhythm)];
            let first_on = today + Days::new(offset + 1);
            let plan = PlanTaken { down_minor: down, first_on, ..plan(total, count, "2026-02-02", rhythm) };
            let parts = schedule(&plan, &days, today).unwrap();
            prop_assert_eq!(parts.iter().map(|part| part.amount_minor).sum::<i64>(), total);
            prop_assert_eq!(parts.len(), usize::from(count) + usize::from(down > 0));
            prop_assert!(parts.iter().all(|part| days.contains(part.due_on) && part.due_on >= today));
            prop_assert!(parts.windows(2).all(|pair| pair[0].due_on < pair[1].due_on), "{:?}", parts);
            let instalments = &parts[usize::from(down > 0)..];
            let least = (total - down) / i64::from(count);
            prop_assert!(instalments.iter().all(|part| part.amount_minor >= least), "none is below the others");
            prop_assert!(instalments.last().unwrap().amount_minor < least + i64::from(count));
        }
    }
}
