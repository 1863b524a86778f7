use super::*;

fn day(number: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, number).unwrap()
}

/// An invoice over 100.00, due on the 10th.
fn item() -> Item {
    Item {
        number: "1".to_owned(),
        series: String::new(),
        seq: 1,
        issued_on: day(1),
        due_on: day(10),
        minor: 10_000,
        po_number: None,
        disputed: None,
        paid: None,
    }
}

/// That invoice as it was taken in.
fn known() -> Known {
    Known {
        instalment: Uuid::from_u128(1),
        invoice: Uuid::from_u128(2),
        series: String::new(),
        issued_on: day(1),
        po_number: None,
        due_on: day(10),
        posting: Some(Posting { id: 7, minor: 10_000 }),
        paid: None,
        allocated_minor: 0,
        dispute: Dispute::None,
    }
}

fn price(minor: Option<i64>) -> Disputed {
    Disputed { reason: "price".to_owned(), minor }
}

fn paid(on: u32, minor: Option<i64>) -> Paid {
    Paid { on: day(on), minor }
}

fn payment(on: u32, minor: i64) -> Payment {
    Payment { id: Uuid::from_u128(3), on: day(on), minor }
}

#[test]
fn a_new_item_is_posted_paid_and_disputed_as_the_file_says() {
    let part_paid = Item { paid: Some(paid(5, Some(4_000))), disputed: Some(price(None)), ..item() };
    let expected = Plan {
        new: true,
        post: Some(10_000),
        pay: Some(Pay { on: day(5), minor: 4_000, applied_minor: 4_000 }),
        dispute: Some(Contest::Open(6_000)),
        ..Plan::default()
    };
    assert_eq!(plan(None, &part_paid, day(20)), expected);
}

#[test]
fn a_disputed_part_leaves_the_rest_and_is_never_more_than_is_open() {
    let of = |minor, paid: Option<Paid>| {
        plan(None, &Item { disputed: Some(price(Some(minor))), paid, ..item() }, day(20)).dispute
    };
    assert_eq!(of(2_000, None), Some(Contest::Open(2_000)));
    assert_eq!(of(2_000, Some(paid(5, Some(9_000)))), Some(Contest::Open(1_000)), "10.00 are open");
    let contested = Known { dispute: Dispute::Open(Uuid::nil(), 10_000), ..known() };
    let now = plan(Some(&contested), &Item { disputed: Some(price(Some(2_000))), ..item() }, day(20));
    assert_eq!(now.dispute, Some(Contest::Resize(Uuid::nil(), 2_000)));
}

#[test]
fn nothing_owed_and_nothing_known_is_nothing() {
    assert!(plan(None, &Item { minor: 0, ..item() }, day(20)).is_empty());
}

#[test]
fn what_agrees_changes_nothing() {
    assert!(plan(Some(&known()), &item(), day(20)).is_empty());
    let settled = Known { paid: Some(payment(5, 10_000)), ..known() };
    assert!(plan(Some(&settled), &Item { paid: Some(paid(5, None)), ..item() }, day(20)).is_empty());
    let contested = Known { dispute: Dispute::Open(Uuid::nil(), 10_000), ..known() };
    assert!(plan(Some(&contested), &Item { disputed: Some(Disputed::default()), ..item() }, day(20)).is_empty());
}

#[test]
fn another_amount_reverses_and_posts_anew() {
    let changes = plan(Some(&known()), &Item { minor: 9_000, ..item() }, day(20));
    assert_eq!(changes, Plan { unpost: Some(7), post: Some(9_000), ..Plan::default() });
    let gone = plan(Some(&known()), &Item { minor: 0, ..item() }, day(20));
    assert_eq!(gone, Plan { unpost: Some(7), ..Plan::default() });
}

#[test]
fn another_amount_of_a_settled_item_settles_it_anew() {
    let settled = Known { paid: Some(payment(5, 10_000)), ..known() };
    let changes = plan(Some(&settled), &Item { minor: 9_000, paid: Some(paid(5, None)), ..item() }, day(20));
    assert_eq!(changes.unpay, Some(Uuid::from_u128(3)));
    assert_eq!(changes.pay, Some(Pay { on: day(5), minor: 9_000, applied_minor: 9_000 }));
}

#[test]
fn a_now_settled_item_gets_its_payment_and_its_dispute_ends() {
    let contested = Known { dispute: Dispute::Open(Uuid::from_u128(9), 10_000), ..known() };
    let changes = plan(
        Some(&contested),
        &Item { paid: Some(paid(12, None)), disputed: Some(Disputed::default()), ..item() },
        day(20),
    );
    assert_eq!(changes.pay, Some(Pay { on: day(12), minor: 10_000, applied_minor: 10_000 }));
    assert_eq!(changes.dispute, Some(Contest::End(Uuid::from_u128(9))));
}

#[test]
fn a_payment_that_the_file_takes_back_is_reversed_but_one_that_it_cannot_know_stays() {
    let settled = Known { paid: Some(payment(12, 10_000)), ..known() };
    assert_eq!(plan(Some(&settled), &item(), day(20)).unpay, Some(Uuid::from_u128(3)));
    assert!(plan(Some(&settled), &item(), day(11)).is_empty(), "the file is of the 11th, the payment of the 12th");
}

#[test]
fn a_file_settles_only_what_others_have_left() {
    let half = Known { allocated_minor: 6_000, ..known() };
    let changes = plan(Some(&half), &Item { paid: Some(paid(12, None)), ..item() }, day(20));
    assert_eq!(changes.pay, Some(Pay { on: day(12), minor: 4_000, applied_minor: 4_000 }));
}

#[test]
fn what_is_paid_beyond_the_item_stays_unapplied() {
    let changes = plan(Some(&known()), &Item { paid: Some(paid(12, Some(12_500))), ..item() }, day(20));
    assert_eq!(changes.pay, Some(Pay { on: day(12), minor: 12_500, applied_minor: 10_000 }));
}

#[test]
fn a_decided_dispute_is_not_opened_again() {
    let decided = Known { dispute: Dispute::Closed, ..known() };
    assert!(plan(Some(&decided), &Item { disputed: Some(Disputed::default()), ..item() }, day(20)).is_empty());
}

#[test]
fn header_and_due_date_are_followed() {
    let changes = plan(Some(&known()), &Item { due_on: day(15), po_number: Some("PO".to_owned()), ..item() }, day(20));
    assert_eq!(changes, Plan { header: true, due: true, ..Plan::default() });
}
