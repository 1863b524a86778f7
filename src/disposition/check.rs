//! Whether what an agent wants to record makes sense. Pure: the account's items and the day are arguments.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::{Disposition, DisputeOpened, Field, PromiseTaken, Wrap};
use crate::{
    disposition::Category,
    error::{Error, Result},
    ids::InstalmentId,
    ledger::OpenItem,
};

/// A promise is at most this many days away, whatever limits are set.
const PROMISE_DAYS: u64 = 366;

/// A callback is at most this many days away.
const CALLBACK_DAYS: i64 = 180;

const LONGEST_NOTE: usize = 4000;

/// What a recording is checked against.
pub(super) struct Situation<'a> {
    /// The chosen entry of the catalogue.
    pub(super) disposition: &'a Disposition,
    /// The account's open items, oldest first; `None`: the call has no account.
    pub(super) items: Option<&'a [OpenItem]>,
    /// Open items less unapplied cash, minor units.
    pub(super) owed_minor: i64,
    /// The policy asks who is speaking first, and nobody has confirmed it.
    pub(super) stranger: bool,
    /// The number on the line is a contact point of the account.
    pub(super) number_is_known: bool,
    pub(super) now: DateTime<Utc>,
    pub(super) today: NaiveDate,
}

/// Passes, or names the first field that is wrong and its range.
pub(super) fn check(wrap: &Wrap, situation: &Situation<'_>) -> Result<()> {
    known_party(situation)?;
    required(wrap, situation.disposition)?;
    if let Some(note) = &wrap.note
        && note.chars().count() > LONGEST_NOTE
    {
        return Err(Error::invalid("note", "at most 4000 characters"));
    }
    let Some(items) = situation.items else { return without_account(wrap) };
    belong("items", wrap.items.iter().copied(), items)?;
    if let Some(promise) = &wrap.promise {
        right_party("promise", situation)?;
        check_promise(promise, items, situation.owed_minor, situation.today)?;
    }
    if wrap.plan.is_some() {
        right_party("plan", situation)?;
        if wrap.promise.is_some() {
            return Err(Error::invalid("plan", "either a promise or a plan"));
        }
    }
    if let Some(dispute) = &wrap.dispute {
        right_party("dispute", situation)?;
        check_dispute(dispute, items)?;
    }
    if let Some(at) = wrap.callback_at {
        check_callback(at, situation.now)?;
    }
    if wrap.callback_mine && wrap.callback_at.is_none() {
        return Err(Error::invalid("callback_mine", "only with callback_at"));
    }
    if wrap.number_invalid && !situation.number_is_known {
        return Err(Error::invalid("number_invalid", "the number is not a contact point of the account"));
    }
    Ok(())
}

/// Where the policy asks for the identity first, nobody talks of the debt, and so agrees on nothing, with a stranger.
fn known_party(situation: &Situation<'_>) -> Result<()> {
    if situation.stranger && situation.disposition.category == Category::RightParty {
        return Err(Error::invalid(
            "code",
            "right_party only once it is confirmed who was speaking (identity_confirmed)",
        ));
    }
    Ok(())
}

fn required(wrap: &Wrap, disposition: &Disposition) -> Result<()> {
    for field in &disposition.required {
        let given = match field {
            Field::Note => wrap.note.as_ref().is_some_and(|note| !note.trim().is_empty()),
            Field::Promise => wrap.promise.is_some(),
            Field::CallbackAt => wrap.callback_at.is_some(),
            Field::Dispute => wrap.dispute.is_some(),
            Field::Items => !wrap.items.is_empty(),
            Field::Plan => wrap.plan.is_some(),
        };
        if !given {
            return Err(Error::invalid(field.as_str(), format!("required by the disposition {}", disposition.code)));
        }
    }
    Ok(())
}

/// A call from an unknown number has no account on which anything could be recorded.
fn without_account(wrap: &Wrap) -> Result<()> {
    let given = [
        ("items", !wrap.items.is_empty()),
        ("promise", wrap.promise.is_some()),
        ("plan", wrap.plan.is_some()),
        ("dispute", wrap.dispute.is_some()),
        ("callback_at", wrap.callback_at.is_some()),
        ("number_invalid", wrap.number_invalid),
        ("note", wrap.note.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => Err(Error::invalid(field, "the call belongs to no account")),
        None => Ok(()),
    }
}

fn right_party(field: &str, situation: &Situation<'_>) -> Result<()> {
    if situation.disposition.category == Category::RightParty {
        Ok(())
    } else {
        Err(Error::invalid(field, "only with a disposition of the category right_party"))
    }
}

/// A promise is for open items of the account, no more than is owed, and of a day to come.
pub(crate) fn check_promise(
    promise: &PromiseTaken,
    items: &[OpenItem],
    owed_minor: i64,
    today: NaiveDate,
) -> Result<()> {
    belong("promise.items", promise.items.iter().copied(), items)?;
    let named = |item: &&OpenItem| promise.items.is_empty() || promise.items.contains(&item.instalment);
    let open: i64 = items.iter().filter(named).map(|item| item.open.minor).sum();
    let most = open.min(owed_minor);
    if !(1..=most).contains(&promise.amount_minor) {
        let range =
            if most > 0 { format!("1 to {most} minor units, which are owed") } else { "nothing is owed".to_owned() };
        return Err(Error::invalid("promise.amount_minor", range));
    }
    let last = today + Days::new(PROMISE_DAYS);
    if !(today..=last).contains(&promise.due_on) {
        return Err(Error::invalid("promise.due_on", format!("{today} to {last}")));
    }
    Ok(())
}

/// A dispute is about open items of the account, and what is not disputed of them yet.
pub(crate) fn check_dispute(dispute: &DisputeOpened, items: &[OpenItem]) -> Result<()> {
    if dispute.items.is_empty() {
        return Err(Error::invalid("dispute.items", "at least one"));
    }
    belong("dispute.items", dispute.items.iter().map(|item| item.id), items)?;
    for disputed in &dispute.items {
        let most = items
            .iter()
            .find(|item| item.instalment == disputed.id)
            .map_or(0, |item| item.open.minor - item.disputed.minor);
        if !(1..=most).contains(&disputed.amount_minor) {
            let range = format!("1 to {most} minor units, which are open and not disputed yet");
            return Err(Error::invalid("dispute.items.amount_minor", range));
        }
        if disputed.lines.len() > 200 || disputed.lines.iter().any(|line| *line < 1) {
            return Err(Error::invalid("dispute.items.lines", "numbers of lines, 1 or more; at most 200"));
        }
    }
    Ok(())
}

fn check_callback(at: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
    if at > now && at <= now + TimeDelta::days(CALLBACK_DAYS) {
        Ok(())
    } else {
        Err(Error::invalid("callback_at", "later than now, at most 180 days away"))
    }
}

/// Each id is an open item of the account, and stands once.
fn belong(field: &str, ids: impl Iterator<Item = InstalmentId>, items: &[OpenItem]) -> Result<()> {
    let mut seen = Vec::new();
    for id in ids {
        if !items.iter().any(|item| item.instalment == id) {
            return Err(Error::invalid(field, format!("{id} is no open item of the account")));
        }
        if seen.contains(&id) {
            return Err(Error::invalid(field, format!("{id} stands twice")));
        }
        seen.push(id);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        disposition::{Consequence, DisputedItem},
        ids::InvoiceId,
        money::{Currency, Money},
    };

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 2).unwrap()
    }

    fn now() -> DateTime<Utc> {
        today().and_hms_opt(15, 0, 0).unwrap().and_utc()
    }

    fn item(open: i64, disputed: i64) -> OpenItem {
        let usd = |minor| Money::new(minor, Currency::USD);
        OpenItem {
            instalment: InstalmentId::generate(),
            invoice: InvoiceId::generate(),
            invoice_number: "4711".to_owned(),
            seq: 1,
            issued_on: today(),
            due_on: today(),
            po_number: None,
            amount: usd(open),
            open: usd(open),
            disputed: usd(disputed),
        }
    }

    fn disposition(required: &[Field], category: Category) -> Disposition {
        Disposition {
            code: "x".to_owned(),
            label: "X".to_owned(),
            category,
            required: required.to_vec(),
            consequence: Consequence::RetryAfter { minutes: None },
            hotkey: None,
            automatic: false,
        }
    }

    fn wrap() -> Wrap {
        Wrap {
            code: "x".to_owned(),
            note: None,
            items: Vec::new(),
            promise: None,
            plan: None,
            callback_at: None,
            callback_mine: false,
            dispute: None,
            do_not_call: false,
            number_invalid: false,
        }
    }

    fn promise(amount_minor: i64, due_on: NaiveDate) -> Wrap {
        Wrap { promise: Some(PromiseTaken { amount_minor, due_on, items: Vec::new(), besides: false }), ..wrap() }
    }

    fn wrong(wrap: &Wrap, items: &[OpenItem]) -> Option<String> {
        wrong_for(wrap, items, &disposition(&[], Category::RightParty))
    }

    fn situation<'a>(disposition: &'a Disposition, items: Option<&'a [OpenItem]>) -> Situation<'a> {
        let open: i64 = items.unwrap_or_default().iter().map(|item| item.open.minor).sum();
        Situation {
            disposition,
            items,
            owed_minor: open - 100,
            stranger: false,
            number_is_known: items.is_some(),
            now: now(),
            today: today(),
        }
    }

    fn wrong_for(wrap: &Wrap, items: &[OpenItem], disposition: &Disposition) -> Option<String> {
        match check(wrap, &situation(disposition, Some(items))) {
            Ok(()) => None,
            Err(Error::Invalid { field, .. }) => Some(field),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_promise_is_of_what_is_owed_and_not_far_away() {
        let items = [item(1000, 0), item(500, 0)];
        let last = today() + Days::new(PROMISE_DAYS);
        for (amount, due_on) in [(1, today()), (1400, last)] {
            assert_eq!(wrong(&promise(amount, due_on), &items), None);
        }
        for amount in [0, -1, 1401, i64::MAX] {
            assert_eq!(wrong(&promise(amount, today()), &items).as_deref(), Some("promise.amount_minor"));
        }
        for due_on in [today() - Days::new(1), last + Days::new(1)] {
            assert_eq!(wrong(&promise(1, due_on), &items).as_deref(), Some("promise.due_on"));
        }
    }

    #[test]
    fn a_promise_for_some_items_is_at_most_what_is_open_on_them() {
        let items = [item(1000, 0), item(500, 0)];
        let on_second = |amount_minor| {
            let promise =
                PromiseTaken { amount_minor, due_on: today(), items: vec![items[1].instalment], besides: false };
            Wrap { promise: Some(promise), ..wrap() }
        };
        assert_eq!(wrong(&on_second(500), &items), None);
        assert_eq!(wrong(&on_second(501), &items).as_deref(), Some("promise.amount_minor"));
    }

    #[test]
    fn items_belong_to_the_account_and_stand_once() {
        let items = [item(1000, 0)];
        let (own, foreign) = (items[0].instalment, InstalmentId::generate());
        assert_eq!(wrong(&Wrap { items: vec![own], ..wrap() }, &items), None);
        assert_eq!(wrong(&Wrap { items: vec![foreign], ..wrap() }, &items).as_deref(), Some("items"));
        assert_eq!(wrong(&Wrap { items: vec![own, own], ..wrap() }, &items).as_deref(), Some("items"));
    }

    #[test]
    fn a_dispute_takes_what_is_open_and_undisputed() {
        let items = [item(1000, 300)];
        let dispute = |amount_minor, reason: &str| Wrap {
            dispute: Some(DisputeOpened {
                reason: reason.to_owned(),
                items: vec![DisputedItem { id: items[0].instalment, amount_minor, lines: Vec::new() }],
            }),
            ..wrap()
        };
        assert_eq!(wrong(&dispute(700, "price"), &items), None);
        assert_eq!(wrong(&dispute(701, "price"), &items).as_deref(), Some("dispute.items.amount_minor"));
        assert_eq!(wrong(&dispute(0, "price"), &items).as_deref(), Some("dispute.items.amount_minor"));
    }

    #[test]
    fn a_callback_lies_ahead() {
        let at = |delta| Wrap { callback_at: Some(now() + delta), ..wrap() };
        assert_eq!(wrong(&at(TimeDelta::seconds(1)), &[]), None);
        assert_eq!(wrong(&at(TimeDelta::days(180)), &[]), None);
        assert_eq!(wrong(&at(TimeDelta::zero()), &[]).as_deref(), Some("callback_at"));
        assert_eq!(wrong(&at(TimeDelta::days(181)), &[]).as_deref(), Some("callback_at"));
        assert_eq!(wrong(&Wrap { callback_mine: true, ..wrap() }, &[]).as_deref(), Some("callback_mine"));
    }

    #[test]
    fn required_fields_are_named() {
        let all = [Field::Note, Field::Promise, Field::CallbackAt, Field::Dispute, Field::Items, Field::Plan];
        for field in all {
            let entry = disposition(&[field], Category::RightParty);
            assert_eq!(wrong_for(&wrap(), &[], &entry).as_deref(), Some(field.as_str()));
        }
        let blank = Wrap { note: Some("  ".to_owned()), ..wrap() };
        let entry = disposition(&[Field::Note], Category::RightParty);
        assert_eq!(wrong_for(&blank, &[], &entry).as_deref(), Some("note"));
    }

    #[test]
    fn a_stranger_is_no_right_party() {
        let stranger = |category| {
            let entry = disposition(&[], category);
            let situation = Situation { stranger: true, ..situation(&entry, Some(&[])) };
            check(&wrap(), &situation).is_ok()
        };
        assert!(!stranger(Category::RightParty));
        assert!(stranger(Category::ThirdParty) && stranger(Category::WrongParty));
    }

    #[test]
    fn only_the_right_party_promises() {
        let entry = disposition(&[], Category::ThirdParty);
        assert_eq!(wrong_for(&promise(1, today()), &[item(1000, 0)], &entry).as_deref(), Some("promise"));
    }

    #[test]
    fn without_an_account_nothing_can_be_recorded_on_it() {
        let entry = disposition(&[], Category::WrongParty);
        let situation = situation(&entry, None);
        assert!(check(&wrap(), &situation).is_ok());
        assert!(check(&Wrap { note: Some("x".to_owned()), ..wrap() }, &situation).is_err());
    }
}
