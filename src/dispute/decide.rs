//! What a decision credits. Pure.

use super::{Decision, Item, Ruling};
use crate::{
    error::{Error, Result},
    ids::InstalmentId,
};

/// How many minor units of each item are credited; an item of which nothing is owed any more is left out. `open`: what is
/// still open of an item.
///
/// # Errors
/// [`Error::Invalid`] naming the field.
pub(super) fn credits(
    decision: &Decision,
    items: &[Item],
    open: impl Fn(InstalmentId) -> i64,
) -> Result<Vec<(InstalmentId, i64)>> {
    if !(1..=4000).contains(&decision.answer.trim().chars().count()) {
        return Err(Error::invalid("answer", "1 to 4000 characters"));
    }
    match decision.ruling {
        Ruling::Invalid | Ruling::Withdrawn if decision.credited.is_empty() => Ok(Vec::new()),
        Ruling::Invalid | Ruling::Withdrawn => Err(Error::invalid("credited", "only with partial")),
        Ruling::Valid if !decision.credited.is_empty() => {
            Err(Error::invalid("credited", "only with partial: valid credits all of it"))
        }
        Ruling::Valid => {
            let all = items.iter().map(|item| (item.id, item.amount_minor.min(open(item.id))));
            Ok(all.filter(|(_, minor)| *minor > 0).collect())
        }
        Ruling::Partial => partial(decision, items, open),
    }
}

fn partial(
    decision: &Decision,
    items: &[Item],
    open: impl Fn(InstalmentId) -> i64,
) -> Result<Vec<(InstalmentId, i64)>> {
    let mut credits: Vec<(InstalmentId, i64)> = Vec::new();
    for credited in &decision.credited {
        let most = items.iter().find(|item| item.id == credited.id).map_or(0, |item| item.amount_minor);
        let most = most.min(open(credited.id));
        let twice = credits.iter().any(|(id, _)| *id == credited.id);
        if twice || !(1..=most).contains(&credited.amount_minor) {
            let range = format!("each item once, 1 to {most} minor units: what is disputed and open of it");
            return Err(Error::invalid("credited", range));
        }
        credits.push((credited.id, credited.amount_minor));
    }
    let (credited, disputed) = (total(&credits), items.iter().map(|item| item.amount_minor).sum());
    if (1..disputed).contains(&credited) {
        Ok(credits)
    } else {
        Err(Error::invalid("credited", format!("together more than 0 and less than {disputed} minor units")))
    }
}

/// What is credited altogether, minor units.
pub(super) fn total(credits: &[(InstalmentId, i64)]) -> i64 {
    credits.iter().map(|(_, minor)| minor).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispute::Credited;

    fn items() -> [Item; 2] {
        [700, 300].map(|amount_minor| Item {
            id: InstalmentId::generate(),
            invoice: "1".to_owned(),
            seq: 1,
            amount_minor,
            lines: Vec::new(),
        })
    }

    fn decision(ruling: Ruling, credited: &[(InstalmentId, i64)]) -> Decision {
        let credited = credited.iter().map(|(id, amount_minor)| Credited { id: *id, amount_minor: *amount_minor });
        Decision { ruling, answer: "So it is.".to_owned(), credited: credited.collect(), credit_note: None }
    }

    #[test]
    fn valid_credits_what_is_disputed_and_still_open() {
        let items = items();
        let open = |id| if id == items[0].id { 500 } else { 0 };
        assert_eq!(credits(&decision(Ruling::Valid, &[]), &items, open).unwrap(), [(items[0].id, 500)]);
        assert_eq!(credits(&decision(Ruling::Invalid, &[]), &items, open).unwrap(), []);
        assert_eq!(credits(&decision(Ruling::Withdrawn, &[]), &items, open).unwrap(), []);
    }

    #[test]
    fn a_part_is_more_than_nothing_and_less_than_all_of_what_is_disputed() {
        let items = items();
        let (first, second) = (items[0].id, items[1].id);
        let part = |credited: &[(InstalmentId, i64)]| credits(&decision(Ruling::Partial, credited), &items, |_| 1_000);
        assert_eq!(part(&[(first, 700), (second, 299)]).unwrap(), [(first, 700), (second, 299)]);
        let foreign = InstalmentId::generate();
        let wrongs: [&[(InstalmentId, i64)]; 6] = [
            &[],
            &[(first, 701)],
            &[(first, 0)],
            &[(first, 700), (second, 300)],
            &[(first, 1), (first, 1)],
            &[(foreign, 1)],
        ];
        for wrong in wrongs {
            assert!(matches!(part(wrong), Err(Error::Invalid { field, .. }) if field == "credited"), "{wrong:?}");
        }
    }

    #[test]
    fn credits_and_an_answer_belong_to_the_ruling() {
        let items = items();
        let wrong = decision(Ruling::Invalid, &[(items[0].id, 1)]);
        assert!(matches!(credits(&wrong, &items, |_| 1), Err(Error::Invalid { field, .. }) if field == "credited"));
        let silent = Decision { answer: " ".to_owned(), ..decision(Ruling::Valid, &[]) };
        assert!(matches!(credits(&silent, &items, |_| 1), Err(Error::Invalid { field, .. }) if field == "answer"));
    }
}
