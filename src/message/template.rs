//! Filling in a template. Pure: the same template and facts give the same words.
//!
//! Templates are written in the language of Jinja (minijinja). A name that the facts do not have is an error that names
//! it; nothing is left blank by accident. A fact that is known to be absent (`null`) prints as nothing.

use std::fmt::Write;

use chrono::NaiveDate;
use minijinja::{
    Environment, Error as Fail, ErrorKind, UndefinedBehavior,
    syntax::SyntaxConfig,
    value::{Serde, Value as Fact, ValueKind},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::money::{Currency, Money};

/// Steps after which a template is stopped: a letter of 5,000 items takes a tenth of it.
const FUEL: u64 = 2_000_000;
/// Bytes of a rendered body at most.
const MOST_BYTES: usize = 1024 * 1024;

/// A template's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = TemplateSource)]
pub struct Source {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// A letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// What is wrong with a template, or what it misses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `subject` or `body`.
    pub field: &'static str,
    /// What, and in which line.
    pub detail: String,
}

/// Whether the text can be filled in at all.
///
/// # Errors
/// The first fault, with its line.
pub fn check(source: &Source) -> Result<(), Fault> {
    let environment = environment();
    for (field, text) in [("subject", &source.subject), ("body", &source.body)] {
        environment.template_from_str(text).map_err(|fail| fault(field, text, &fail))?;
    }
    Ok(())
}

/// Fills a template in.
///
/// # Errors
/// Names the key that the facts do not have, or what else is wrong.
pub fn render(source: &Source, facts: &Value) -> Result<Rendered, Fault> {
    let environment = environment();
    let one = |field: &'static str, text: &str| {
        let template = environment.template_from_str(text).map_err(|fail| fault(field, text, &fail))?;
        let filled = template.render(Serde(facts)).map_err(|fail| fault(field, text, &fail))?;
        if filled.len() > MOST_BYTES {
            return Err(Fault { field, detail: format!("becomes longer than {MOST_BYTES} bytes") });
        }
        Ok(filled)
    };
    let subject = one("subject", &source.subject)?.split_whitespace().collect::<Vec<_>>().join(" ");
    let body = one("body", &source.body)?;
    if !(1..=200).contains(&subject.chars().count()) {
        return Err(Fault { field: "subject", detail: "must become 1 to 200 characters".to_owned() });
    }
    if body.trim().is_empty() {
        return Err(Fault { field: "body", detail: "must not become empty".to_owned() });
    }
    Ok(Rendered { subject, body: format!("{}\n", body.trim()) })
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    // Two switches cannot contradict each other; without them a letter would only have some more empty lines.
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().unwrap_or_default());
    environment.add_filter("date", date);
    environment.set_formatter(|out, _, value| match value.kind() {
        ValueKind::Undefined => Err(Fail::from(ErrorKind::UndefinedError)),
        ValueKind::None => Ok(()),
        ValueKind::Map | ValueKind::Seq | ValueKind::Iterable => {
            let text = money(value).ok_or_else(|| {
                Fail::new(ErrorKind::InvalidOperation, "is a group of fields, not a text: name one of them")
            })?;
            out.write_str(&text).map_err(Fail::from)
        }
        _ => write!(out, "{value}").map_err(Fail::from),
    });
    environment
}

/// `1,250.00 USD`, if the value is an amount.
fn money(value: &Fact) -> Option<String> {
    let minor = value.get_attr("minor").ok()?;
    let currency = value.get_attr("currency").ok()?;
    let amount = Money::new(i64::try_from(minor).ok()?, Currency::parse(currency.as_str()?).ok()?);
    Some(grouped(&amount))
}

/// An amount as letters and documents write it: `-1,250.00 USD`.
#[must_use]
pub fn grouped(amount: &Money) -> String {
    let plain = amount.decimal();
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |digits| ("-", digits));
    let (units, decimals) =
        digits.split_once('.').map_or((digits, String::new()), |(units, rest)| (units, format!(".{rest}")));
    let mut text = String::new();
    for (index, digit) in units.chars().enumerate() {
        if index > 0 && (units.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{sign}{text}{decimals} {}", amount.currency)
}

/// The filter `date`: a day in words, or by a pattern of its own (`{{ due_on|date("%d.%m.%Y") }}`).
fn date(text: &str, pattern: Option<&str>) -> Result<String, Fail> {
    let day: NaiveDate =
        text.parse().map_err(|_| Fail::new(ErrorKind::InvalidOperation, "`date` takes a day such as 2026-03-31"))?;
    let mut shown = String::new();
    write!(shown, "{}", day.format(pattern.unwrap_or("%-d %B %Y")))
        .map_err(|_| Fail::new(ErrorKind::InvalidOperation, "`date` does not know this pattern"))?;
    Ok(shown)
}

/// The piece of the template at fault is quoted: of a name that is not known, that is the name.
fn fault(field: &'static str, text: &str, fail: &Fail) -> Fault {
    let start = fail.range().map_or(0, |range| range.start);
    let piece = fail.range().and_then(|range| text.get(range)).map(str::trim).filter(|piece| !piece.is_empty());
    let line = fail.line().unwrap_or(1);
    let detail = match (fail.kind(), piece) {
        (ErrorKind::UndefinedError, Some(piece)) => {
            format!("line {line}: there is no `{}`", name_in(text, piece, start))
        }
        (ErrorKind::OutOfFuel, _) => "takes too long".to_owned(),
        (_, Some(piece)) => format!("line {line}: `{piece}`: {}", said(fail)),
        (_, None) => format!("line {line}: {}", said(fail)),
    };
    Fault { field, detail }
}

fn said(fail: &Fail) -> String {
    fail.detail().map_or_else(|| fail.kind().to_string(), str::to_owned)
}

/// The name that is not known: of `{{ account.numbr|upper }}`, where the filter is at fault, what stands before it.
fn name_in<'a>(text: &'a str, piece: &'a str, start: usize) -> &'a str {
    let before = text.get(..start).unwrap_or_default().trim_end();
    match before.strip_suffix('|') {
        Some(value) => value.rsplit(['{', '%', '(', ' ', '\n']).find(|word| !word.is_empty()).unwrap_or(piece),
        None => piece.trim_matches(['{', '}', '%', ' ']).split('|').next().unwrap_or(piece).trim(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(body: &str) -> Source {
        Source { subject: "About {{ account.number }}".to_owned(), body: body.to_owned() }
    }

    fn facts() -> Value {
        json!({
            "account": { "number": "C-7", "owner": null },
            "open": { "minor": 123_456_700, "currency": "USD" },
            "yen": { "minor": -1200, "currency": "JPY" },
            "due_on": "2026-03-05",
            "items": [{ "invoice": "A-1" }, { "invoice": "A-2" }],
        })
    }

    fn filled(body: &str) -> Result<String, String> {
        render(&of(body), &facts()).map(|letter| letter.body.trim_end().to_owned()).map_err(|fault| fault.detail)
    }

    #[test]
    fn amounts_and_days_are_written_for_reading() {
        assert_eq!(filled("{{ open }}, {{ yen }}"), Ok("1,234,567.00 USD, -1,200 JPY".to_owned()));
        assert_eq!(filled("{{ due_on|date }}"), Ok("5 March 2026".to_owned()));
        assert_eq!(filled(r#"{{ due_on|date("%d.%m.%y") }}"#), Ok("05.03.26".to_owned()));
        assert_eq!(filled("{% for item in items %}\n{{ item.invoice }}\n{% endfor %}"), Ok("A-1\nA-2".to_owned()));
        assert_eq!(filled("<b> & [{{ account.owner }}]"), Ok("<b> & []".to_owned()), "plain text, nothing is escaped");
    }

    #[test]
    fn a_missing_key_is_named_with_its_line() {
        for (body, name) in [
            ("a\n{{ owing }}", "owing"),
            ("a\n{{ account.numbr }}", "account.numbr"),
            ("a\n{{ account.numbr|upper }}", "account.numbr"),
            ("a\n{% for item in items %}{{ item.sum }}{% endfor %}", "item.sum"),
            ("a\n{% if colour %}x{% endif %}", "colour"),
            ("a\n{% for x in lines %}x{% endfor %}", "lines"),
        ] {
            let detail = filled(body).expect_err(body);
            assert!(detail.starts_with("line 2") && detail.contains(&format!("`{name}`")), "{body}: {detail}");
        }
    }

    #[test]
    fn a_wrong_template_is_told_before_anything_is_sent() {
        for body in ["{{ a", "{% if x %}", "{{ a|nosuch }}", "{% bogus %}"] {
            let wrong = check(&of(body)).and_then(|()| render(&of(body), &facts()).map(drop));
            assert_eq!(wrong.expect_err(body).field, "body", "{body}");
        }
        for body in ["{{ account }}", "{{ items }}", "{{ open|date }}", r#"{{ due_on|date("%Q") }}"#, " \n "] {
            assert!(filled(body).is_err(), "{body}");
        }
        let long = of("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}");
        assert_eq!(render(&long, &facts()).expect_err("stopped").detail, "takes too long");
    }

    #[test]
    fn a_subject_is_one_line() {
        let source = Source { subject: "A\r\nBcc: x {{ account.number }}".to_owned(), body: "x".to_owned() };
        assert_eq!(render(&source, &facts()).map(|letter| letter.subject), Ok("A Bcc: x C-7".to_owned()));
    }
}
