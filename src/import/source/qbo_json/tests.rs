use super::*;

fn cells(text: &str, beside: &Beside, names: &[&str]) -> Vec<Vec<String>> {
    let rows = rows(text, beside).expect("rows");
    let at = |name: &&str| rows[0].cells.iter().position(|column| column == name).expect("a column");
    let places: Vec<usize> = names.iter().map(at).collect();
    rows[1..].iter().map(|row| places.iter().map(|place| row.cells[*place].clone()).collect()).collect()
}

#[test]
fn amounts_are_subtracted_digit_by_digit() {
    let of = |total, balance| scaled(total).zip(scaled(balance)).map(|(total, balance)| written(total - balance));
    assert_eq!(of("100.10", "0.3").as_deref(), Some("99.8"));
    assert_eq!(of("9007199254740.93", "0.01").as_deref(), Some("9007199254740.92"));
    assert_eq!(of("5", "5.00").as_deref(), Some("0"));
    assert_eq!([of("1e3", "0"), of("1", "0.00001")], [None, None]);
}

/// 100: 30 by a credit memo, 20 by a payment recorded here, 10 in cash, 40 left.
const MIXED: &str = r#"{"Invoice":[{"Id":"70","TxnDate":"2026-01-05","CustomerRef":{"value":"20"},"TotalAmt":100.00,
      "Balance":40.00,"LinkedTxn":[{"TxnId":"1","TxnType":"Payment"},{"TxnId":"2","TxnType":"Payment"},
      {"TxnId":"3","TxnType":"Payment"}]}],
    "CreditMemo":[{"Id":"60","TxnDate":"2026-01-06","CustomerRef":{"value":"20"},"TotalAmt":30,"RemainingCredit":0}],
    "Payment":[
      {"Id":"1","TxnDate":"2026-01-09","CustomerRef":{"value":"20"},"TotalAmt":0,"UnappliedAmt":0,"Line":[
        {"Amount":30.00,"LinkedTxn":[{"TxnId":"70","TxnType":"Invoice"}]},
        {"Amount":30.00,"LinkedTxn":[{"TxnId":"60","TxnType":"CreditMemo"}]}]},
      {"Id":"2","TxnDate":"2026-01-08","CustomerRef":{"value":"20"},"TotalAmt":25.00,"UnappliedAmt":5,"Line":[
        {"Amount":20.00,"LinkedTxn":[{"TxnId":"70","TxnType":"Invoice"}]}]},
      {"Id":"3","TxnDate":"2026-01-07","CustomerRef":{"value":"20"},"TotalAmt":10.00,"UnappliedAmt":0,"Line":[
        {"Amount":10.00,"LinkedTxn":[{"TxnId":"70","TxnType":"Invoice"}]}]},
      {"Id":"4","TxnDate":"2026-01-10","CustomerRef":{"value":"20"},"TotalAmt":7.00,"UnappliedAmt":0,"Line":[
        {"Amount":7.00,"LinkedTxn":[{"TxnId":"70","TxnType":"Invoice"}]}]}]}"#;

#[test]
fn a_credit_memo_is_no_cash_and_what_is_used_up_is_nothing() {
    let found = cells(MIXED, &Beside::default(), &["number", "amount", "paid", "paid_on"]);
    // Payment 4 is newer than the invoice as it was read: it is not in its balance.
    assert_eq!(found[0], ["INV 70", "70", "30", "2026-01-08"]);
    let left: Vec<&str> = found[1..].iter().map(|row| row[1].as_str()).collect();
    assert_eq!(left, ["0", "-5", "0", "0", "0"]);
}

#[test]
fn a_payment_recorded_here_does_not_come_back_as_cash() {
    let beside = Beside {
        ours: ["Payment 2".to_owned()].into(),
        numbers: [("Invoice 70".to_owned(), "1070".to_owned())].into(),
    };
    let found = cells(MIXED, &beside, &["number", "amount", "paid", "paid_on"]);
    assert_eq!(found[0], ["1070", "70", "10", "2026-01-07"]);
    assert!(found.iter().all(|row| row[0] != "PMT 2"), "nor does what is left of it");
}

#[test]
fn objects_are_found_wherever_they_are() {
    let text = r#"{"QueryResponse":{"Customer":[{"Id":"20","DisplayName":"Debtor 0020","CompanyName":"Debtor 0020 Ltd"}]}}
        {"QueryResponse":{"Invoice":[{"Id":"70","DocNumber":"1070","TxnDate":"2026-01-05","DueDate":"2026-02-04",
          "CustomerRef":{"value":"20"},"CurrencyRef":{"value":"USD"},"TotalAmt":100.10,"Balance":45.10}]}}
        [{"Payment":{"Id":"163","TxnDate":"2026-01-16","CustomerRef":{"value":"20"},"TotalAmt":65.0,"UnappliedAmt":10.0,
          "Line":[{"Amount":55.0,"LinkedTxn":[{"TxnId":"70","TxnType":"Invoice"}]}]}}]"#;
    let rows = rows(text, &Beside::default()).expect("rows");
    assert_eq!(rows.len(), 3);
    let cell = |row: usize, name: &str| {
        let at = rows[0].cells.iter().position(|column| column == name).expect("a column");
        rows[row].cells[at].clone()
    };
    assert_eq!(
        ["name", "number", "amount", "paid", "paid_on"].map(|name| cell(1, name)),
        ["Debtor 0020 Ltd", "1070", "100.10", "55", "2026-01-16",]
    );
    assert_eq!([cell(2, "number"), cell(2, "amount")], ["PMT 163", "-10.0"]);
}

#[test]
fn a_wrong_object_is_named() {
    let wrong = r#"{"Invoice":[{"Id":"1","TxnDate":"2026-01-05","CustomerRef":{"value":"2"}}]}"#;
    let rows = |text| rows(text, &Beside::default());
    assert!(rows(wrong).is_err_and(|why| why.starts_with("Invoice number 1: missing field `TotalAmt`")));
    assert!(rows("{").is_err());
}
