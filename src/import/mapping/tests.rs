use super::*;

const LEAST: &str = r#"
row = "invoice"
[account]
number = "No"
currency = { value = "USD" }
[invoice]
number = "Inv"
issued_on = "Date"
due_on = "Due"
amount = "Amount"
"#;

fn message(text: &str) -> String {
    Mapping::parse("a.toml", text).unwrap_err().to_string()
}

fn bound(text: &str, header: &str) -> Result<Mapping> {
    let mut mapping = Mapping::parse("a.toml", text)?;
    mapping.bind(&header.split(',').map(str::to_owned).collect::<Vec<_>>())?;
    Ok(mapping)
}

#[test]
fn shipped_mappings_are_sound() {
    for (name, _) in SHIPPED {
        Mapping::load(name).unwrap();
    }
}

#[test]
fn an_error_names_file_and_key() {
    let cases = [
        (LEAST.replace("due_on = \"Due\"", ""), "due_on"),
        (LEAST.replace("due_on = ", "due = "), "unknown field `due`"),
        (format!("{LEAST}\n[file]\nencoding = \"ebcdic-77\""), "file.encoding: \"ebcdic-77\""),
        (format!("{LEAST}\n[file]\ndate_format = \"%Q\""), "file.date_format"),
        (format!("{LEAST}\n[file]\nthousands = \".\""), "file.thousands"),
        (LEAST.replace("row = \"invoice\"", "row = \"customer\""), "invoice: only where"),
        (LEAST.replace("{ value = \"USD\" }", "{ value = \"USD\", column = \"C\" }"), "either column or value"),
        (LEAST.replace("{ value = \"USD\" }", "7"), "currency"),
        (format!("{LEAST}\n[[balance]]\nnumber=\"B\"\namount=\"A\"\ndays_past_due=1"), "balance: only where"),
    ];
    for (text, expected) in cases {
        let message = message(&text);
        assert!(message.starts_with("a.toml") && message.contains(expected), "{message}");
    }
}

#[test]
fn a_missing_column_is_named_with_its_key() {
    let error = bound(LEAST, "No,Inv,Date,Amount").unwrap_err().to_string();
    assert!(error.starts_with("a.toml: invoice.due_on: the file has no column \"Due\""), "{error}");
    let error = bound(LEAST, "No,Inv,Date,Due,Due,Amount").unwrap_err().to_string();
    assert!(error.contains("two columns \"Due\""), "{error}");
}

#[test]
fn a_field_may_be_a_constant_or_go_through_a_table() {
    let text = LEAST.replace("{ value = \"USD\" }", "{ column = \"Cur\", map = { \"$\" = \"USD\", \"€\" = \"EUR\" } }");
    let mapping = bound(&text, "No,Inv,Date,Due,Amount,Cur").unwrap();
    let read = |cell: &str| mapping.account.currency.read(&["", "", "", "", "", cell].map(str::to_owned));
    assert_eq!(read("€"), Ok(Some("EUR".to_owned())));
    assert_eq!(read(""), Ok(None));
    assert!(read("£").is_err_and(|reason| reason.contains('£')));
}
