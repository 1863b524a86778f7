use super::*;

const CAMT_02: &str = include_str!("samples/camt053-02.xml");
const CAMT_08: &str = include_str!("samples/camt053-08.xml");
const CAMT_054: &str = include_str!("samples/camt054-08.xml");
const BAI: &str = include_str!("samples/bank.bai");
const OFX_1: &str = include_str!("samples/bank-1.ofx");
const OFX_2: &str = include_str!("samples/bank-2.ofx");

fn one(text: &str) -> Statement {
    let mut statements = read(text.as_bytes(), None).expect("a statement");
    assert_eq!(statements.len(), 1);
    statements.remove(0)
}

fn refusal(text: &str) -> (String, String) {
    match read(text.as_bytes(), None) {
        Err(Error::Invalid { field, detail }) => (field, detail),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

#[test]
fn a_camt_statement_of_version_2_is_read_entry_by_entry() {
    let statement = one(CAMT_02);
    assert_eq!((statement.format, statement.bank_account.as_str()), (Format::Camt053, "XX00TEST0000000001"));
    assert_eq!(
        (statement.opening_minor, statement.closing_minor, statement.pending),
        (Some(100_000), Some(185_050), 1)
    );
    let amounts: Vec<i64> = statement.lines.iter().map(|line| line.minor).collect();
    assert_eq!(amounts, [50_000, 20_000, 25_050, -10_000], "a batch is its transactions, a pending entry is none");
    let first = &statement.lines[0];
    assert_eq!((first.booked_on, first.value_on), (day("2026-03-10"), Some(day("2026-03-11"))));
    assert_eq!(first.payer_name.as_deref(), Some("Debtor 0012 & Sons Ltd"));
    assert_eq!(first.payer_account.as_deref(), Some("XX00TEST0000000012"));
    assert_eq!(first.reference, "Invoice INV-2026-0012 thank you");
    assert_eq!((first.end_to_end.as_deref(), first.entry_ref.as_deref()), (Some("E2E-1"), Some("BANK-1")));
    assert_eq!(first.code, "PMNT/RCDT/ESCT");
    let advice: Vec<_> = statement.lines[1].remitted.iter().map(|line| (line.invoice.as_str(), line.minor)).collect();
    assert_eq!(advice, [("INV-7", Some(15_000)), ("INV-8", None)]);
    assert_eq!((statement.lines[2].reference.as_str(), statement.lines[2].part), ("RF18INV9", 1));
    assert_eq!(statement.lines[3].returned.as_deref(), Some("AM04"));
}

#[test]
fn a_camt_entry_of_nothing_is_left_out() {
    let entry = "<Ntry><Amt Ccy=\"EUR\">0.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>\
                 <BookgDt><Dt>2026-03-10</Dt></BookgDt><AddtlNtryInf>Interest: none</AddtlNtryInf></Ntry>";
    let with = CAMT_02.replacen("<Ntry>", &format!("{entry}<Ntry>"), 1);
    let statement = one(&with);
    assert!(with.contains("Interest: none") && statement.lines.iter().all(|line| line.minor != 0));
    assert_eq!((statement.lines.len(), statement.closing_minor), (one(CAMT_02).lines.len(), Some(185_050)));
}

#[test]
fn version_8_has_its_status_and_its_parties_one_level_down() {
    let statement = one(CAMT_08);
    assert_eq!((statement.bank_account.as_str(), statement.currency), ("000123", Currency::USD));
    let line = &statement.lines[0];
    assert_eq!((line.minor, line.payer_name.as_deref()), (7_525, Some("Debtor 0099 Inc")));
}

#[test]
fn a_notification_has_entries_and_no_balances() {
    let statement = one(CAMT_054);
    assert_eq!((statement.format, statement.closing_minor, statement.lines.len()), (Format::Camt054, None, 1));
}

#[test]
fn a_camt_file_that_does_not_add_up_is_refused_whole() {
    let (field, detail) = refusal(&CAMT_02.replace("1850.50", "1850.51"));
    assert_eq!((field.as_str(), detail.contains("0.01 EUR")), ("closing balance", true), "{detail}");
    let (field, _) = refusal(&CAMT_02.replace(">250.50<", ">250.00<"));
    assert_eq!(field, "line 22, Ntry", "the transactions of the batch");
}

#[test]
fn a_camt_error_names_line_and_element() {
    for (wrong, right, field) in [
        (">500.00<", ">5OO.00<", "line 12, Amt"),
        (">500.00<", ">500.001<", "line 12, Amt"),
        (">500.00<", ">-500.00<", "line 12, Amt"),
        ("Ccy=\"EUR\">500.00", "Ccy=\"USD\">500.00", "line 12, Amt"),
        ("<Dt>2026-03-10</Dt></BookgDt><ValDt>", "<Dt>10.03.2026</Dt></BookgDt><ValDt>", "line 13, Dt"),
        ("camt.053.001.02", "camt.053.001.01", "line 2, Document"),
        ("<IBAN>XX00TEST0000000001</IBAN>", "", "line 5, Stmt"),
        ("</BkToCstmrStmt>", "", "line 4"),
    ] {
        let (found, detail) = refusal(&CAMT_02.replacen(wrong, right, 1));
        assert!(found.starts_with(field) || found == field, "{right}: {found}: {detail}");
    }
    let (_, detail) = refusal(&CAMT_02.replacen("<Document", "<!DOCTYPE Document [<!ENTITY a \"b\">]><Document", 1));
    assert!(detail.contains("document type"), "{detail}");
}

#[test]
fn a_bai_file_is_read_with_its_funds_types_and_continuations() {
    let statement = one(BAI);
    assert_eq!((statement.opening_minor, statement.closing_minor), (Some(100_000), Some(173_500)));
    let lines: Vec<(i64, &str, &str)> =
        statement.lines.iter().map(|line| (line.minor, line.code.as_str(), line.reference.as_str())).collect();
    assert_eq!(
        lines,
        [
            (50_000, "165", "E2E-9 INV-2026-0012 THANK YOU"),
            (35_000, "142", "DEBTOR 0044 LTD,,ORDER PO/4711"),
            (-11_500, "555", "RETURNED ITEM"),
        ]
    );
    assert_eq!(statement.lines[0].entry_ref.as_deref(), Some("B-1"));
    assert!(statement.lines[2].returned.is_some());
}

#[test]
fn every_level_of_control_totals_is_checked() {
    for (wrong, right, field) in [
        ("49,455000,6", "49,455001,6", "line 8, record 49"),
        ("49,455000,6", "49,455000,7", "line 8, record 49"),
        ("98,455000,1,8", "98,455000,2,8", "line 9, record 98"),
        ("98,455000,1,8", "98,455000,1,9", "line 9, record 98"),
        ("99,455000,1,10", "99,5,1,10", "line 10, record 99"),
        ("16,165,50000", "16,165,50001", "line 8, record 49"),
        ("16,165,50000", "16,165,5OOOO", "line 4, record 16"),
        ("16,165,50000,Z", "16,165,50000,Q", "line 4, record 16"),
        ("02,LEDGER,BANK01,1,260310", "02,LEDGER,BANK01,1,261310", "line 2, record 02"),
        ("99,455000,1,10/\n", "", "line 9, record 98"),
    ] {
        let (found, detail) = refusal(&BAI.replacen(wrong, right, 1));
        assert_eq!(found, field, "{right}: {detail}");
    }
}

#[test]
fn both_generations_of_ofx_say_the_same() {
    let (old, new) = (one(OFX_1), one(OFX_2));
    assert_eq!((old.bank_account.as_str(), old.closing_minor), ("021000 9988", Some(90_000)));
    assert_eq!((old.from_on, old.to_on), (Some(day("2026-03-01")), Some(day("2026-03-10"))));
    let (first, same) = (&old.lines[0], &new.lines[0]);
    assert_eq!(
        (first.minor, first.booked_on, first.payer_name.as_deref()),
        (12_050, day("2026-03-09"), Some("DEBTOR & SONS"))
    );
    assert_eq!(
        (&first.entry_ref, &first.reference, &first.payer_name),
        (&same.entry_ref, &same.reference, &same.payer_name)
    );
    assert!(old.lines[1].returned.is_some(), "a returned item");
}

#[test]
fn an_ofx_error_names_line_and_element() {
    for (wrong, right, field) in [
        ("<TRNAMT>120.50", "<TRNAMT>12O.50", "line 17, TRNAMT"),
        ("<FITID>F-1", "", "line 17, STMTTRN"),
        ("<DTPOSTED>20260309120000[-5:EST]", "<DTPOSTED>2026-03-09", "line 17, DTPOSTED"),
        ("<CURDEF>USD", "", "line 13, STMTRS"),
        ("</OFX>", "", "file"),
    ] {
        let (found, detail) = refusal(&OFX_1.replacen(wrong, right, 1));
        assert_eq!(found, field, "{right}: {detail}");
    }
}

#[test]
fn what_is_no_statement_is_refused() {
    for text in ["", "hello", "a,b,c\n1,2,3\n"] {
        assert_eq!(refusal(text).0, "file");
    }
    assert!(read(&[0, 1, 2], None).is_err());
}

#[test]
fn a_csv_file_is_read_by_its_mapping() {
    let mut mapping = StatementMapping::named("bank-semicolon").expect("shipped").expect("in order");
    let text = "Booking date;Value date;Payer;IBAN;Purpose;Debit;Credit\n\
                10.03.2026;11.03.2026;Debtor 0007 GmbH;XX07;INV-1, INV-2;;1.234,56\n\
                09.03.2026;;Bank;;Fees;-3,50;\n";
    assert!(read(text.as_bytes(), Some(&mapping)).is_err(), "nobody named the bank account");
    mapping.bank_account = Some("XX00".to_owned());
    let statement = read(text.as_bytes(), Some(&mapping)).expect("a statement").remove(0);
    let amounts: Vec<i64> = statement.lines.iter().map(|line| line.minor).collect();
    assert_eq!((amounts, statement.from_on), (vec![123_456, -350], Some(day("2026-03-09"))));
    for (wrong, right, field) in [
        ("1.234,56", "1234.56", "line 2, column \"Credit\""),
        ("10.03.2026", "2026-03-10", "line 2, column \"Booking date\""),
        ("Purpose", "Text", "column \"Purpose\""),
    ] {
        match read(text.replacen(wrong, right, 1).as_bytes(), Some(&mapping)) {
            Err(Error::Invalid { field: found, .. }) => assert_eq!(found, field),
            other => panic!("{right}: {other:?}"),
        }
    }
}

#[test]
fn a_file_of_payments_names_accounts_and_invoices() {
    let mapping = StatementMapping::named("payments").expect("shipped").expect("in order");
    let text = "Date,Account,Amount,Invoice,Reference,Payment\n2026-03-10,K-1,100.00,\"INV-1; INV-2\",cheque 5,P-1\n";
    let line = read(text.as_bytes(), Some(&mapping)).expect("a statement").remove(0).lines.remove(0);
    assert_eq!((line.account.as_deref(), line.minor), (Some("K-1"), 10_000));
    let invoices: Vec<&str> = line.remitted.iter().map(|line| line.invoice.as_str()).collect();
    assert_eq!(invoices, ["INV-1", "INV-2"]);
}

#[test]
fn a_workbook_is_read_as_its_text_would_be() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in ["Date", "Account", "Amount", "Invoice", "Reference", "Payment"].iter().enumerate() {
        sheet.write(0, u16::try_from(column).expect("few"), *name).expect("written");
    }
    sheet.write(1, 0, "2026-03-10").and_then(|sheet| sheet.write(1, 1, "K-1")).expect("written");
    sheet.write(1, 2, 1_234.56).and_then(|sheet| sheet.write(1, 5, "P-9")).expect("written");
    let bytes = book.save_to_buffer().expect("saved");
    let mapping = StatementMapping::named("payments").expect("shipped").expect("in order");
    let line = read(&bytes, Some(&mapping)).expect("a statement").remove(0).lines.remove(0);
    assert_eq!((line.minor, line.entry_ref.as_deref()), (123_456, Some("P-9")));
}

#[test]
fn every_shipped_mapping_is_in_order() {
    for name in StatementMapping::shipped() {
        StatementMapping::named(name).expect("shipped").expect(name);
    }
}

proptest::proptest! {
    #[test]
    fn no_file_makes_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let _ = read(&bytes, None);
    }

    #[test]
    fn no_cut_and_no_flipped_byte_makes_it_panic(at in 0_usize..3_000, byte in proptest::prelude::any::<u8>()) {
        for sample in [CAMT_02, CAMT_08, BAI, OFX_1, OFX_2] {
            let mut bytes = sample.as_bytes().to_vec();
            // The very last characters close what is complete without them.
            let at = at % (bytes.len() - 2);
            bytes[at] = byte;
            let _ = read(&bytes, None);
            bytes.truncate(at);
            proptest::prop_assert!(read(&bytes, None).is_err(), "half a file is none");
        }
    }
}
