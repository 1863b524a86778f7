use super::*;

const MAPPING: &str = r#"
row = "invoice"
[file]
date_format = "%d.%m.%Y"
decimal_point = ","
thousands = "."
[account]
number = "No"
currency = { column = "Cur", default = "EUR" }
country = { value = "DE" }
kind = "Kind"
[contact]
email = "Email"
phones = ["Phone"]
[invoice]
number = "Inv"
issued_on = "Date"
due_on = "Due"
amount = "Amount"
instalment = "Part"
disputed = "Disputed"
[payment]
paid_on = "Paid on"
amount = "Paid"
"#;

const HEADER: [&str; 13] =
    ["No", "Cur", "Kind", "Email", "Phone", "Inv", "Date", "Due", "Amount", "Part", "Disputed", "Paid on", "Paid"];

const GOOD: [&str; 13] =
    ["7", "", "", "", "030 23125000", "R1", "01.03.2026", "31.3.2026", "1.234,50", "2", "Yes", "05.03.2026", "34,5"];

fn parser() -> Parser {
    let mut mapping = Mapping::parse("m.toml", MAPPING).unwrap();
    mapping.bind(&HEADER.map(str::to_owned)).unwrap();
    Parser::new(mapping, HEADER.len(), NaiveDate::from_ymd_opt(2026, 3, 20).unwrap(), Some(1))
}

fn with(column: &str, value: &str) -> Parsed {
    let mut cells = GOOD.map(str::to_owned).to_vec();
    cells[HEADER.iter().position(|name| *name == column).unwrap()] = value.to_owned();
    parser().parse(RawRow { line: 2, cells, fault: None })
}

fn item(parsed: Parsed) -> Item {
    match parsed {
        Parsed::Record(mut record) => record.items.remove(0),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_row_is_read_in_the_mapping_s_formats() {
    let Parsed::Record(record) = with("No", "7") else { panic!("refused") };
    assert_eq!(record.account.currency.as_str(), "EUR");
    assert_eq!(record.contact.phones[0].0.as_str(), "+493023125000");
    assert_eq!(record.contact.phones.len(), 1, "the file has phones: none is made up");
    let item = &record.items[0];
    let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
    assert_eq!((item.minor, item.seq, item.due_on), (123_450, 2, day(31)));
    assert_eq!(item.paid, Some(Paid { on: day(5), minor: Some(3_450) }));
    assert_eq!(item.disputed.as_ref().map(|disputed| disputed.reason.as_str()), Some("unspecified"));
}

#[test]
fn every_bad_cell_is_refused_with_its_column() {
    let cases = [
        ("No", "", "empty"),
        ("Cur", "Euro", "ISO 4217"),
        ("Kind", "shop", "neither consumer nor commercial"),
        ("Email", "nobody", "not an email"),
        ("Phone", "n/a", "not a telephone number"),
        ("Inv", "", "empty"),
        ("Date", "2026-03-01", "not a date in the format %d.%m.%Y"),
        ("Due", "31.02.2026", "not a date"),
        ("Due", "31.03.26", "years 1900 to 2199"),
        ("Amount", "1234.50", "not an amount"),
        ("Amount", "1,505", "decimals"),
        ("Amount", "9999999999999999", "more than 10^15"),
        ("Part", "0", "1 to 999"),
        ("Paid", "-3", "less than 0"),
    ];
    for (column, value, reason) in cases {
        let Parsed::Rejected(row, rejection) = with(column, value) else { panic!("{column} {value} was taken") };
        assert_eq!((row.line, rejection.column.as_str()), (2, column), "{value}");
        assert!(rejection.reason.contains(reason), "{column} {value}: {}", rejection.reason);
    }
}

#[test]
fn what_lies_after_the_portfolio_s_day_is_not_known_yet() {
    assert!(matches!(with("Date", "21.03.2026"), Parsed::NotIssued));
    assert_eq!(item(with("Paid on", "21.03.2026")).paid, None);
    assert!(item(with("Paid on", "20.03.2026")).paid.is_some());
}

#[test]
fn a_settled_credit_note_is_used_up() {
    assert_eq!(item(with("Amount", "-50,00")).minor, 0);
}

#[test]
fn too_many_cells_and_foreign_bytes_spoil_the_row() {
    let mut cells = GOOD.map(str::to_owned).to_vec();
    cells.push("more".to_owned());
    let Parsed::Rejected(_, rejection) = parser().parse(RawRow { line: 9, cells, fault: None }) else {
        panic!("taken")
    };
    assert!(rejection.reason.contains("14 cells"), "{}", rejection.reason);
    let Parsed::Rejected(_, rejection) = with("Kind", "caf\u{FFFD}") else { panic!("taken") };
    assert!(rejection.reason.contains("encoding"), "{}", rejection.reason);
}

#[test]
fn a_mapping_without_phones_gets_fictional_ones_when_asked() {
    let text = MAPPING.replace("phones = [\"Phone\"]", "");
    let mut mapping = Mapping::parse("m.toml", &text).unwrap();
    mapping.bind(&HEADER.map(str::to_owned)).unwrap();
    let mut parser = Parser::new(mapping, HEADER.len(), NaiveDate::from_ymd_opt(2026, 3, 20).unwrap(), Some(1));
    let cells = GOOD.map(str::to_owned).to_vec();
    let Parsed::Record(record) = parser.parse(RawRow { line: 2, cells, fault: None }) else { panic!("refused") };
    assert!(record.contact.phones[0].0.is_fictional());
}
