//! Records in the form of each system. Pure.

use std::fmt::Write as _;

use super::{Profile, Record, What};
use crate::error::{Error, Result};

/// The file's text.
pub fn file(profile: Profile, records: &[Record]) -> Result<String> {
    match profile {
        Profile::Generic => table(
            &["what", "id", "account", "name", "date", "amount", "currency", "invoice", "kind", "text"],
            records.iter().map(generic),
            b',',
        ),
        Profile::Qbo => table(
            &["Type", "Ref No", "Customer", "Date", "Amount", "Currency", "Invoice No", "Payment Method", "Memo"],
            records.iter().map(qbo),
            b',',
        ),
        Profile::Oracle => table(
            &[
                "RECORD_TYPE",
                "ORIG_SYSTEM_REFERENCE",
                "CUSTOMER_NUMBER",
                "GL_DATE",
                "AMOUNT",
                "CURRENCY_CODE",
                "TRX_NUMBER",
                "REASON_CODE",
                "COMMENTS",
            ],
            records.iter().map(oracle),
            b',',
        ),
        Profile::Sap => table(
            &["KUNNR", "BLART", "BUDAT", "WRBTR", "WAERS", "REBZG", "XBLNR", "SGTXT", "REBZJ", "BUKRS"],
            records.iter().map(sap),
            b'\t',
        ),
        Profile::QbdIif => Ok(iif(records)),
    }
}

fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>, delimiter: u8) -> Result<String> {
    let mut file = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    file.write_record(header).map_err(Error::internal("writing a file"))?;
    for row in rows {
        file.write_record(row.iter().map(|cell| plain(cell))).map_err(Error::internal("writing a file"))?;
    }
    let bytes = file.into_inner().map_err(|error| Error::internal("writing a file")(error.to_string()))?;
    String::from_utf8(bytes).map_err(Error::internal("writing a file"))
}

/// A text that no spreadsheet takes for a formula; amounts below 0 stay what they are.
fn plain(text: &str) -> String {
    let formula =
        text.starts_with(['=', '+', '@', '\t', '\r']) || (text.starts_with('-') && text.parse::<f64>().is_err());
    if formula { format!("'{text}") } else { text.to_owned() }
}

fn amount(record: &Record) -> String {
    record.amount.map(|amount| amount.decimal()).unwrap_or_default()
}

fn currency(record: &Record) -> String {
    record.amount.map(|amount| amount.currency.to_string()).unwrap_or_default()
}

fn generic(record: &Record) -> Vec<String> {
    vec![
        record.what.as_str().to_owned(),
        record.id.clone(),
        record.account.clone(),
        record.name.clone(),
        record.on.to_string(),
        amount(record),
        currency(record),
        record.invoice.clone().unwrap_or_default(),
        record.kind.clone(),
        record.text.clone(),
    ]
}

fn qbo(record: &Record) -> Vec<String> {
    let kind = match record.what {
        // Each lowers or raises what is owed as its name does there.
        What::Payment | What::RefundReversal => "Payment",
        What::Reversal | What::Refund => "Refund",
        What::Adjustment => "Credit Memo",
        What::AdjustmentReversal => "Journal Entry",
        What::Promise => "Promise",
        What::Note => "Note",
    };
    vec![
        kind.to_owned(),
        // At most 21 characters there: the tail of an id differs most.
        record.id.chars().rev().take(21).collect::<Vec<_>>().into_iter().rev().collect(),
        record.name.clone(),
        record.on.format("%m/%d/%Y").to_string(),
        amount(record),
        currency(record),
        record.invoice.clone().unwrap_or_default(),
        record.kind.clone(),
        record.text.clone(),
    ]
}

fn oracle(record: &Record) -> Vec<String> {
    let kind = match record.what {
        What::Payment => "CASH_RECEIPT",
        What::Reversal => "RECEIPT_REVERSAL",
        What::Refund => "REFUND",
        What::RefundReversal => "REFUND_REVERSAL",
        What::Adjustment | What::AdjustmentReversal => "ADJUSTMENT",
        What::Promise => "PROMISE",
        What::Note => "NOTE",
    };
    // An adjustment lowers what is owed, which is below 0 in its interface; taken back, it raises it.
    let sign = if record.what == What::Adjustment { "-" } else { "" };
    vec![
        kind.to_owned(),
        record.id.clone(),
        record.account.clone(),
        record.on.to_string(),
        format!("{sign}{}", amount(record)),
        currency(record),
        record.invoice.clone().unwrap_or_default(),
        record.kind.clone(),
        record.text.clone(),
    ]
}

/// Customers of digits are padded to ten, decimals have a comma, and what lowers a balance has its sign behind it.
fn sap(record: &Record) -> Vec<String> {
    let digits = record.account.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { format!("{:0>10}", record.account) } else { record.account.clone() };
    let (kind, sign) = match record.what {
        What::Payment | What::RefundReversal => ("DZ", "-"),
        What::Reversal | What::Refund => ("DZ", ""),
        What::Adjustment => ("DG", "-"),
        What::AdjustmentReversal => ("DG", ""),
        What::Promise => ("P2P", ""),
        What::Note => ("NOTE", ""),
    };
    let amount = amount(record).replace('.', ",");
    let series = record.series.as_deref().unwrap_or_default();
    let (company, year) = series.rsplit_once('/').unwrap_or(("", series));
    vec![
        number,
        kind.to_owned(),
        record.on.format("%d.%m.%Y").to_string(),
        if amount.is_empty() { amount } else { format!("{amount}{sign}") },
        currency(record),
        record.invoice.clone().unwrap_or_default(),
        record.id.clone(),
        // Its text has fifty characters.
        record.text.chars().take(50).collect(),
        year.to_owned(),
        company.to_owned(),
    ]
}

/// Payments, refunds, adjustments and reversals as transactions that sum to 0, promises and notes as reminders.
fn iif(records: &[Record]) -> String {
    const HEAD: &str = "TRNSTYPE\tDATE\tACCNT\tNAME\tAMOUNT\tDOCNUM\tMEMO";
    let mut text = format!("!TRNS\t{HEAD}\r\n!SPL\t{HEAD}\r\n!ENDTRNS\r\n");
    let mut reminders = String::new();
    for record in records {
        let (date, name, memo) = (record.on.format("%m/%d/%y"), cell(&record.name), cell(&record.text));
        let number: String = cell(record.invoice.as_ref().unwrap_or(&record.id)).chars().take(11).collect();
        let (kind, from, to) = match record.what {
            What::Payment => ("PAYMENT", "Undeposited Funds", "Accounts Receivable"),
            What::Reversal | What::Refund => ("GENERAL JOURNAL", "Accounts Receivable", "Undeposited Funds"),
            What::RefundReversal => ("GENERAL JOURNAL", "Undeposited Funds", "Accounts Receivable"),
            What::Adjustment => ("GENERAL JOURNAL", "Bad Debt", "Accounts Receivable"),
            What::AdjustmentReversal => ("GENERAL JOURNAL", "Accounts Receivable", "Bad Debt"),
            What::Promise | What::Note => {
                let amount = record.amount.map(|amount| format!("{} promised: ", amount.decimal())).unwrap_or_default();
                let _ = write!(reminders, "TODO\t{date}\tN\t{name}: {amount}{memo}\r\n");
                continue;
            }
        };
        let amount = amount(record);
        let _ = write!(
            text,
            "TRNS\t{kind}\t{date}\t{from}\t{name}\t{amount}\t{number}\t{memo}\r\n\
             SPL\t{kind}\t{date}\t{to}\t{name}\t-{amount}\t{number}\t{memo}\r\nENDTRNS\r\n"
        );
    }
    if !reminders.is_empty() {
        text.push_str("!TODO\tDATE\tDONE\tDESC\r\n");
        text.push_str(&reminders);
    }
    text
}

/// A text without what would end its cell or line.
fn cell(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == '"' { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, Money};

    fn record(what: What, minor: Option<i64>, text: &str) -> Record {
        Record {
            what,
            id: "01931b7e-0000-7000-8000-000000000001".to_owned(),
            account: "100012".to_owned(),
            name: "Debtor 0012 Ltd".to_owned(),
            on: "2026-03-10".parse().expect("a day"),
            amount: minor.map(|minor| Money::new(minor, Currency::USD)),
            invoice: Some("1001".to_owned()),
            series: None,
            kind: "transfer".to_owned(),
            text: text.to_owned(),
        }
    }

    fn lines(profile: Profile, records: &[Record]) -> Vec<String> {
        file(profile, records).expect("a file").lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_row_of_the_generic_file_has_everything_and_no_formula() {
        let rows = lines(Profile::Generic, &[record(What::Payment, Some(123_456), "=1+1")]);
        let expected = "payment,01931b7e-0000-7000-8000-000000000001,100012,Debtor 0012 Ltd,2026-03-10,1234.56,USD,1001,transfer,'=1+1";
        assert_eq!(rows[1], expected);
    }

    #[test]
    fn sap_gets_zeros_commas_and_the_sign_behind() {
        let rows = lines(Profile::Sap, &[record(What::Payment, Some(123_456), "x")]);
        assert!(rows[1].starts_with("0000100012\tDZ\t10.03.2026\t1234,56-\tUSD\t1001\t"), "{}", rows[1]);
    }

    #[test]
    fn sap_is_told_the_year_and_the_company_of_the_invoice() {
        for (series, told) in [("1000/2026", "2026\t1000"), ("2026", "2026\t"), ("GB/", "\tGB"), ("", "\t")] {
            let record = Record { series: Some(series.to_owned()), ..record(What::Payment, Some(500), "x") };
            let row = lines(Profile::Sap, &[record]).remove(1);
            assert!(row.ends_with(&format!("\tx\t{told}")), "{series}: {row}");
        }
    }

    #[test]
    fn iif_sums_to_nothing_and_its_own_layout_reads_it() {
        let text =
            file(Profile::QbdIif, &[record(What::Payment, Some(500), "a\tb"), record(What::Note, None, "call\nagain")])
                .expect("a file");
        let amounts: Vec<&str> =
            text.lines().filter(|line| line.contains("PAYMENT")).filter_map(|line| line.split('\t').nth(5)).collect();
        assert_eq!(amounts, ["5.00", "-5.00"]);
        assert!(
            text.contains("\ta b\r\n") && text.contains("TODO\t03/10/26\tN\tDebtor 0012 Ltd: call again\r\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_taken_back_goes_the_other_way() {
        let ways = [
            (What::Payment, "-", "-5.00"),
            (What::Reversal, "", "5.00"),
            (What::Refund, "", "5.00"),
            (What::RefundReversal, "-", "-5.00"),
            (What::Adjustment, "-", "-5.00"),
            (What::AdjustmentReversal, "", "5.00"),
        ];
        for (what, behind, receivable) in ways {
            let record = record(what, Some(500), "x");
            let sap = &lines(Profile::Sap, std::slice::from_ref(&record))[1];
            assert!(sap.contains(&format!("\t5,00{behind}\tUSD")), "{what:?}: {sap}");
            let iif = lines(Profile::QbdIif, &[record]);
            let row = iif.iter().find(|row| row.contains("\tAccounts Receivable\t")).expect("a row");
            assert!(row.contains(&format!("\t{receivable}\t")), "{what:?}: {row}");
        }
    }

    #[test]
    fn an_adjustment_is_below_zero_for_oracle() {
        let rows = lines(Profile::Oracle, &[record(What::Adjustment, Some(500), "short pay")]);
        assert!(rows[1].contains(",-5.00,USD,1001,"), "{}", rows[1]);
        let back = lines(Profile::Oracle, &[record(What::AdjustmentReversal, Some(500), "a mistake")]);
        assert!(back[1].starts_with("ADJUSTMENT,") && back[1].contains(",5.00,USD,1001,"), "{}", back[1]);
        assert!(lines(Profile::Qbo, &[record(What::Payment, Some(500), "x")])[1].contains("03/10/2026,5.00,USD,1001"));
    }
}
