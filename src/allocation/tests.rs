use proptest::prelude::*;

use super::*;

fn day(offset: i64) -> NaiveDate {
    "2026-03-10".parse::<NaiveDate>().expect("a date") + chrono::TimeDelta::days(offset)
}

/// An item that has been due for so many days.
fn item(number: &str, minor: i64, age: i64) -> Item {
    Item {
        instalment: InstalmentId::generate(),
        number: number.to_owned(),
        po_number: None,
        due_on: day(-age),
        parts: Parts::principal(minor),
        disputed: 0,
    }
}

fn pay(minor: i64, reference: &str, items: &[Item]) -> Proposal {
    propose(&Policy::default(), &Receipt { minor, reference, remitted: &[], today: day(0) }, items)
}

fn paid(proposal: &Proposal, item: &Item) -> i64 {
    proposal.lines.iter().filter(|line| line.instalment == item.instalment).map(|line| line.minor).sum()
}

fn remitted(invoice: &str, minor: Option<i64>) -> Remitted {
    Remitted { invoice: invoice.to_owned(), minor }
}

#[test]
fn the_advice_goes_before_everything_else() {
    let items = [item("A-1001", 500, 60), item("A-1002", 700, 10)];
    let lines = [remitted("a 1002", Some(300)), remitted("A-9999", None)];
    let receipt = Receipt { minor: 500, reference: "A-1001", remitted: &lines, today: day(0) };
    let proposal = propose(&Policy::default(), &receipt, &items);
    assert_eq!(proposal.mode, Some(AllocationMode::Specified));
    assert_eq!((paid(&proposal, &items[0]), paid(&proposal, &items[1]), proposal.left_minor), (0, 300, 200));
    assert!(proposal.explanation.contains("A-9999"), "{}", proposal.explanation);
}

#[test]
fn an_advice_that_names_nothing_open_is_not_guessed_at() {
    let items = [item("A-1001", 500, 60)];
    let lines = [remitted("B-1", None)];
    let receipt = Receipt { minor: 500, reference: "", remitted: &lines, today: day(0) };
    let proposal = propose(&Policy::default(), &receipt, &items);
    assert_eq!((proposal.mode, proposal.left_minor), (None, 500));
}

#[test]
fn the_reference_goes_before_the_amount() {
    let items = [item("A-1001", 500, 60), item("A-1002", 700, 10)];
    let proposal = pay(500, "A-1002", &items);
    assert_eq!((proposal.mode, paid(&proposal, &items[1])), (Some(AllocationMode::Reference), 500));
    let short = Leftover { kind: DifferenceKind::ShortPay, instalment: Some(items[1].instalment), minor: 200 };
    assert_eq!(proposal.differences, [short]);
}

#[test]
fn a_payment_beyond_what_it_names_stays_unapplied() {
    let items = [item("A-1001", 500, 60), item("A-1002", 700, 10)];
    let proposal = pay(800, "A-1002", &items);
    assert_eq!((paid(&proposal, &items[0]), paid(&proposal, &items[1]), proposal.left_minor), (0, 700, 100));
    assert_eq!(proposal.differences[0].kind, DifferenceKind::Overpay);
}

#[test]
fn an_amount_that_two_items_have_is_taken_for_neither() {
    let items = [item("A", 500, 10), item("B", 500, 60), item("C", 900, 5)];
    let only = Policy { steps: vec![Step::Exact], ..Policy::default() };
    let receipt = Receipt { minor: 500, reference: "", remitted: &[], today: day(0) };
    assert_eq!(propose(&only, &receipt, &items).mode, None);
    let proposal = pay(500, "", &items);
    assert_eq!((proposal.mode, paid(&proposal, &items[1])), (Some(AllocationMode::OldestFirst), 500));
    assert!(proposal.explanation.contains("Several items"), "{}", proposal.explanation);
    assert_eq!(pay(900, "", &items).mode, Some(AllocationMode::Exact));
}

#[test]
fn all_instalments_of_an_invoice_are_one_amount() {
    let items = [item("A", 500, 10), item("A", 600, -20), item("B", 300, 10)];
    let proposal = pay(1_100, "", &items);
    assert_eq!((proposal.mode, proposal.left_minor), (Some(AllocationMode::Exact), 0));
}

#[test]
fn one_combination_is_taken_and_two_are_not() {
    let items = [item("A", 100, 30), item("B", 250, 20), item("C", 400, 10), item("D", 1_000, 5)];
    let proposal = pay(500, "", &items);
    assert_eq!(proposal.mode, Some(AllocationMode::Combination));
    assert_eq!((paid(&proposal, &items[0]), paid(&proposal, &items[2])), (100, 400));
    let twice = [item("A", 100, 30), item("B", 200, 20), item("C", 300, 10), item("D", 400, 5)];
    let proposal = pay(500, "", &twice);
    assert_eq!(proposal.mode, Some(AllocationMode::OldestFirst));
    assert!(proposal.explanation.contains("Several combinations"), "{}", proposal.explanation);
}

#[test]
fn everything_and_everything_past_due_are_amounts_too() {
    let twice = [item("A", 100, 30), item("B", 100, 20), item("C", 100, -10), item("D", 100, -20)];
    assert_eq!(pay(400, "", &twice).mode, Some(AllocationMode::Combination), "there is one combination of all");
    let only = |step| Policy { steps: vec![step], ..Policy::default() };
    let receipt = |minor| Receipt { minor, reference: "", remitted: &[], today: day(0) };
    assert_eq!(propose(&only(Step::ClearAccount), &receipt(400), &twice).mode, Some(AllocationMode::ClearAccount));
    assert_eq!(pay(200, "", &twice).mode, Some(AllocationMode::ClearPastDue), "many combinations, one past due");
    assert_eq!(propose(&only(Step::ClearPastDue), &receipt(199), &twice).mode, None, "1 of 100 is too much");
}

#[test]
fn what_is_due_today_is_not_past_due() {
    let items = [item("A", 100, 1), item("B", 300, 0)];
    let only = Policy { steps: vec![Step::ClearPastDue], ..Policy::default() };
    let receipt = |minor| Receipt { minor, reference: "", remitted: &[], today: day(0) };
    assert_eq!(propose(&only, &receipt(100), &items).lines.len(), 1);
    assert_eq!(propose(&only, &receipt(400), &items).mode, None);
}

#[test]
fn a_little_that_is_missing_is_settled_and_more_is_a_difference() {
    let items = [item("A-1001", 20_000, 10)];
    let little = pay(19_900, "A-1001", &items);
    assert_eq!((little.settled.len(), little.settled[0].minor, little.differences.len()), (1, 100, 0));
    let more = pay(19_899, "A-1001", &items);
    assert_eq!((more.settled.len(), more.differences[0].minor), (0, 101));
    let unnamed = pay(19_901, "", &items);
    assert_eq!((unnamed.mode, unnamed.settled[0].minor), (Some(AllocationMode::Exact), 99), "nearly the only item");
}

#[test]
fn what_is_disputed_is_skipped() {
    let items = [Item { disputed: 400, ..item("A-1001", 500, 60) }, item("B", 700, 10)];
    let proposal = pay(1_000, "", &items);
    assert_eq!((paid(&proposal, &items[0]), paid(&proposal, &items[1]), proposal.left_minor), (100, 700, 200));
    let named = pay(500, "A-1001", &items);
    assert_eq!((paid(&named, &items[0]), named.left_minor), (100, 400), "even where it is named");
}

#[test]
fn fees_go_before_interest_before_principal_unless_the_policy_says_otherwise() {
    let items = [Item { parts: Parts { principal: 1_000, interest: 50, fee: 30 }, ..item("A", 0, 60) }];
    let parts = |policy: &Policy| -> Vec<(Part, i64)> {
        let receipt = Receipt { minor: 100, reference: "", remitted: &[], today: day(0) };
        propose(policy, &receipt, &items).lines.iter().map(|line| (line.part, line.minor)).collect()
    };
    assert_eq!(parts(&Policy::default()), [(Part::Fee, 30), (Part::Interest, 50), (Part::Principal, 20)]);
    let principal = Policy { order: vec![Part::Principal, Part::Interest, Part::Fee], ..Policy::default() };
    assert_eq!(parts(&principal), [(Part::Principal, 100)]);
}

fn an_item() -> impl Strategy<Value = Item> {
    (0_u32..6, 1_i64..2_000, 0_i64..50, 0_i64..50, -40_i64..200, 0_i64..2_500).prop_map(
        |(number, principal, interest, fee, age, disputed)| Item {
            parts: Parts { principal, interest, fee },
            disputed: if disputed % 3 == 0 { disputed } else { 0 },
            ..item(&format!("INV-{}", 1_000 + number), 0, age)
        },
    )
}

proptest! {
    #[test]
    fn nothing_is_paid_twice_lost_or_beyond_what_is_free(items in prop::collection::vec(an_item(), 0..9), minor in 1_i64..6_000,
                                                       number in 0_u32..8, with_advice in any::<bool>()) {
        let reference = format!("INV-{}", 1_000 + number);
        let lines = [remitted(&reference, Some(minor / 2)), remitted("INV-1000", None)];
        let receipt = Receipt { minor, reference: &reference, remitted: if with_advice { &lines } else { &[] }, today: day(0) };
        let proposal = propose(&Policy::default(), &receipt, &items);
        let sum: i64 = proposal.lines.iter().map(|line| line.minor).sum();
        prop_assert_eq!(sum + proposal.left_minor, minor, "every cent is paid or left");
        prop_assert!(proposal.left_minor >= 0 && proposal.lines.iter().chain(&proposal.settled).all(|line| line.minor > 0));
        for item in &items {
            let settled: i64 = proposal.settled.iter().filter(|line| line.instalment == item.instalment).map(|line| line.minor).sum();
            prop_assert!(paid(&proposal, item) + settled <= item.free());
        }
        prop_assert_eq!(proposal.mode.is_none(), proposal.lines.is_empty());
        let mut shuffled = items.clone();
        shuffled.reverse();
        prop_assert_eq!(propose(&Policy::default(), &receipt, &shuffled), proposal, "the order of the items does not matter");
    }
}
