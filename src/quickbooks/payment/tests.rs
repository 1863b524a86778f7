use proptest::prelude::*;

use super::*;

const USD: Currency = Currency::USD;

fn face(total: i64, lines: &[(&str, i64)]) -> Face {
    let on = "2026-03-10".parse().expect("a day");
    Face { total, on, lines: lines.iter().map(|(id, minor)| ((*id).to_owned(), *minor)).collect() }
}

fn there(face: Face) -> Found {
    Found { id: "163".to_owned(), sync_token: "2".to_owned(), face }
}

fn known(last: Option<Face>, found: Option<Face>) -> Known {
    Known { last, found: found.map(there) }
}

fn left(minor: i64, payments: Option<&[&str]>) -> BTreeMap<String, Balance> {
    let payments = payments.map(|all| all.iter().map(|id| (*id).to_owned()).collect());
    [("70".to_owned(), Balance { number: "1070".to_owned(), customer: "20".to_owned(), minor, payments })].into()
}

#[test]
fn what_is_done_there_depends_on_what_others_did_there() {
    let (a, b, void) = (face(5500, &[("70", 5500)]), face(5500, &[]), face(0, &[]));
    let next = |wanted: &Face, last: Option<&Face>, found: Option<&Face>| {
        next(wanted, &known(last.cloned(), found.cloned()), USD)
    };
    assert_eq!(next(&a, None, None), Next::Create);
    assert_eq!(next(&void, None, None), Next::Nothing, "taken back before it was written");
    assert_eq!(next(&void, Some(&a), None), Next::Nothing, "deleted there, and taken back here");
    assert!(matches!(next(&a, Some(&a), None), Next::Ask(_)), "deleted there");
    assert_eq!(next(&a, Some(&b), Some(&a)), Next::Nothing, "done before");
    assert_eq!(next(&a, Some(&b), Some(&b)), Next::Change, "as it was: what else is new there is not ours");
    assert_eq!(next(&void, Some(&a), Some(&a)), Next::Void);
    let other = face(9900, &[]);
    assert!(matches!(next(&a, Some(&b), Some(&other)), Next::Ask(why) if why.contains("99.00 USD")));
    assert_eq!(next(&a, None, Some(&other)), Next::Change, "somebody decided that ours counts");
    assert!(matches!(next(&a, None, Some(&void)), Next::Ask(_)), "what was taken back stays so");
}

#[test]
fn an_answer_counts_only_if_the_balance_followed() {
    let asked = face(5500, &[("70", 5500)]);
    let before = [("70".to_owned(), 10_000)].into();
    let verify = |found: Option<Face>, after| verify(&asked, None, &before, found.map(there).as_ref(), &after, USD);
    verify(Some(asked.clone()), left(4500, Some(&["163"]))).expect("it counts");
    verify(Some(asked.clone()), left(1000, Some(&["9", "163"]))).expect("somebody else paid, too");
    for (found, after) in [
        (None, left(10_000, Some(&[]))),
        (Some(asked.clone()), left(10_000, Some(&[]))),
        (Some(asked.clone()), left(10_000, None)),
        (Some(asked.clone()), left(4500, Some(&["9"]))),
        (Some(face(5500, &[])), left(4500, Some(&["163"]))),
        (Some(asked.clone()), BTreeMap::new()),
    ] {
        assert!(verify(found, after).is_err());
    }
}

#[test]
fn what_is_taken_back_raises_the_balance_again() {
    let (asked, old) = (face(0, &[]), face(5500, &[("70", 5500)]));
    let before = [("70".to_owned(), 4500)].into();
    let verify = |minor| verify(&asked, Some(&old), &before, Some(&there(asked.clone())), &left(minor, None), USD);
    verify(10_000).expect("as before");
    assert!(verify(4500).is_err(), "nothing was taken back");
}

#[test]
fn an_invoice_is_not_paid_more_than_is_left_of_it() {
    let wanted = face(5500, &[("70", 5500)]);
    let why = |old: Option<&Face>, minor| objection(&wanted, old, "20", &left(minor, None), USD);
    assert_eq!(why(None, 5500), None);
    assert!(why(None, 5499).is_some_and(|why| why.contains("54.99 USD left")));
    assert_eq!(why(Some(&wanted), 0), None, "it takes it itself");
    assert!(objection(&wanted, None, "21", &left(9000, None), USD).is_some_and(|why| why.contains("another customer")));
}

#[test]
fn amounts_are_written_as_decimals() {
    let face = face(6500, &[("70", 5505)]);
    let writing =
        Writing { face: &face, customer: "20", currency: USD, reference: "RF\t1070", mark: "ledgerline:1".to_owned() };
    assert_eq!(
        body(&writing, None).expect("JSON"),
        r#"{"CustomerRef":{"value":"20"},"CurrencyRef":{"value":"USD"},"TotalAmt":65.00,"TxnDate":"2026-03-10","PaymentRefNum":"RF1070","PrivateNote":"ledgerline:1","Line":[{"Amount":55.05,"LinkedTxn":[{"TxnId":"70","TxnType":"Invoice"}]}]}"#
    );
    let void = Writing { face: &Face::void(face.on), ..writing };
    assert_eq!(body(&void, Some(&there(face.clone()))).expect("JSON"), r#"{"Id":"163","SyncToken":"2","sparse":true}"#);
}

proptest! {
    #[test]
    fn what_is_written_reads_back(total in 1_i64..1_000_000_000_000, share in 0_i64..=100) {
        let applied = total / 100 * share;
        let lines: &[(&str, i64)] = if applied > 0 { &[("70", applied)] } else { &[] };
        let face = face(total, lines);
        let writing = Writing { face: &face, customer: "20", currency: USD, reference: "", mark: String::new() };
        let text = body(&writing, Some(&there(face.clone()))).expect("JSON");
        prop_assert_eq!(found(&text, USD).map(|found| found.face), Ok(face));
    }

    /// Whatever others do meanwhile, one more round never writes over it, and ends in agreement or with a question.
    #[test]
    fn one_step_leads_to_agreement_or_a_question(wanted in 0_i64..3, last in prop::option::of(0_i64..3), found in prop::option::of(0_i64..3)) {
        let of = |minor: i64| face(minor, &[]);
        let before = known(last.map(of), found.map(of));
        let after = match next(&of(wanted), &before, USD) {
            Next::Ask(_) => return Ok(()),
            Next::Nothing => before.found.map(|found| found.face),
            Next::Create | Next::Change | Next::Void => {
                prop_assert!(last.is_none() || last == found, "others changed it");
                Some(of(wanted))
            }
        };
        prop_assert!(after.is_none_or(|face| face.agrees(&of(wanted))));
    }
}
