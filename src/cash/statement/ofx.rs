//! OFX 1.x (SGML: elements with a value are not closed) and 2.x (XML), read as one: a stream of tags.

use chrono::NaiveDate;

use super::{Format, Line, Statement, amount, words, xml::resolved};
use crate::{
    error::{Error, Result},
    money::Currency,
};

/// A tag with the value that follows it.
struct Tag<'a> {
    line: usize,
    name: &'a str,
    closing: bool,
    value: String,
}

/// Reads a file.
pub(super) fn read(text: &str) -> Result<Vec<Statement>> {
    let start = text.find("<OFX>").ok_or_else(|| Error::invalid("line 1", "there is no <OFX>"))?;
    let tags = tags(text, start)?;
    if !tags.iter().any(|tag| tag.closing && tag.name == "OFX") {
        return Err(Error::invalid("file", "it breaks off before </OFX>"));
    }
    let mut statements = Vec::new();
    let mut at = 0;
    while at < tags.len() {
        let tag = &tags[at];
        at += 1;
        if !tag.closing && (tag.name == "STMTRS" || tag.name == "CCSTMTRS") {
            let length = tags[at..].iter().position(|end| end.closing && end.name == tag.name);
            let length = length.ok_or_else(|| wrong(tag, "it is not closed"))?;
            statements.push(statement(tag, &tags[at..at + length])?);
            at += length;
        }
    }
    if statements.is_empty() { Err(Error::invalid("file", "there is no statement (STMTRS)")) } else { Ok(statements) }
}

fn wrong(tag: &Tag<'_>, what: impl Into<String>) -> Error {
    Error::invalid(format!("line {}, {}", tag.line, tag.name), what)
}

fn tags(text: &str, start: usize) -> Result<Vec<Tag<'_>>> {
    let mut line = 1 + text[..start].bytes().filter(|byte| *byte == b'\n').count();
    let mut tags = Vec::new();
    let mut rest = &text[start..];
    while let Some(open) = rest.find('<') {
        line += rest[..open].bytes().filter(|byte| *byte == b'\n').count();
        let inside = &rest[open + 1..];
        let end = inside.find('>').ok_or_else(|| Error::invalid(format!("line {line}"), "a tag is not closed"))?;
        let name = inside[..end].trim();
        let after = &inside[end + 1..];
        let next = after.find('<').unwrap_or(after.len());
        let (closing, name) = name.strip_prefix('/').map_or((false, name), |name| (true, name));
        tags.push(Tag { line, name, closing, value: unescaped(after[..next].trim()) });
        line += inside[..=end].bytes().filter(|byte| *byte == b'\n').count();
        rest = after;
    }
    Ok(tags)
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = rest[1..].split_once(';').and_then(|(name, after)| resolved(name).map(|c| (c, after)));
        let (character, after) = known.unwrap_or(('&', &rest[1..]));
        plain.push(character);
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// The value of the first tag of a name.
fn value<'a>(tags: &'a [Tag<'_>], name: &str) -> Option<&'a Tag<'a>> {
    tags.iter().find(|tag| !tag.closing && tag.name == name && !tag.value.is_empty())
}

fn statement(head: &Tag<'_>, tags: &[Tag<'_>]) -> Result<Statement> {
    let code = value(tags, "CURDEF").ok_or_else(|| wrong(head, "CURDEF is missing"))?;
    let currency = Currency::parse(&code.value).map_err(|error| wrong(code, error.to_string()))?;
    let account = value(tags, "ACCTID").ok_or_else(|| wrong(head, "ACCTID is missing"))?;
    let bank = value(tags, "BANKID").map(|bank| bank.value.as_str()).unwrap_or_default();
    let balance = tags.iter().position(|tag| tag.name == "LEDGERBAL" && !tag.closing);
    let closing_minor = match balance.and_then(|at| value(&tags[at..], "BALAMT")) {
        Some(tag) => Some(amount(&tag.value, currency, || format!("line {}, BALAMT", tag.line))?),
        None => None,
    };
    let list =
        tags.iter().position(|tag| tag.name == "BANKTRANLIST" && !tag.closing).map_or(&tags[..0], |at| &tags[at..]);
    let (mut lines, mut at) = (Vec::new(), 0);
    while at < tags.len() {
        let tag = &tags[at];
        at += 1;
        if tag.name == "STMTTRN" && !tag.closing {
            let length = tags[at..].iter().position(|end| end.closing && end.name == "STMTTRN");
            let length = length.ok_or_else(|| wrong(tag, "it is not closed"))?;
            lines.extend(transaction(tag, &tags[at..at + length], currency)?);
            at += length;
        }
    }
    Ok(Statement {
        format: Format::Ofx,
        bank_account: words([bank, account.value.as_str()]),
        reference: None,
        currency,
        from_on: value(list, "DTSTART").map(date).transpose()?,
        to_on: value(list, "DTEND").map(date).transpose()?,
        opening_minor: None,
        closing_minor,
        lines,
        pending: 0,
    })
}

/// A transaction; `None` where nothing was moved.
fn transaction(head: &Tag<'_>, tags: &[Tag<'_>], currency: Currency) -> Result<Option<Line>> {
    let needed = |name: &str| value(tags, name).ok_or_else(|| wrong(head, format!("{name} is missing")));
    let moved = needed("TRNAMT")?;
    let minor = amount(&moved.value, currency, || format!("line {}, TRNAMT", moved.line))?;
    if minor == 0 {
        return Ok(None);
    }
    let text = |name: &str| value(tags, name).map(|tag| tag.value.clone());
    let code = text("TRNTYPE").unwrap_or_default();
    let (name, memo) = (text("NAME"), text("MEMO").unwrap_or_default());
    let check = text("CHECKNUM").unwrap_or_default();
    let said = format!("{} {memo}", name.as_deref().unwrap_or_default()).to_ascii_uppercase();
    let returned = minor < 0 && ["RETURNED", "RETURN ITEM", "NSF", "CHARGEBACK"].iter().any(|word| said.contains(word));
    Ok(Some(Line {
        place: format!("line {}", head.line),
        booked_on: date(needed("DTPOSTED")?)?,
        value_on: value(tags, "DTAVAIL").map(date).transpose()?,
        minor,
        payer_name: name,
        payer_account: value(tags, "BANKACCTFROM").and_then(|_| text("ACCTID")),
        reference: words([memo.as_str(), check.as_str()]),
        end_to_end: text("REFNUM"),
        entry_ref: Some(needed("FITID")?.value.clone()),
        code,
        returned: returned.then(|| "returned by the bank".to_owned()),
        ..Line::default()
    }))
}

/// The day of `YYYYMMDD[HHMMSS[.XXX][[offset:zone]]]`, as the bank wrote it.
fn date(tag: &Tag<'_>) -> Result<NaiveDate> {
    let day = tag.value.get(..8).and_then(|day| NaiveDate::parse_from_str(day, "%Y%m%d").ok());
    day.ok_or_else(|| wrong(tag, "expected a date YYYYMMDD"))
}
