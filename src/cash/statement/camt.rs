//! camt.053 (statement) and camt.054 (notification) of ISO 20022, versions .02 and .08.

use chrono::NaiveDate;

use super::{
    Format, Line, Statement, amount, words,
    xml::{self, Element},
};
use crate::{
    allocation::Remitted,
    error::{Error, Result},
    money::Currency,
};

/// Reads a document.
pub(super) fn read(text: &str) -> Result<Vec<Statement>> {
    let document = xml::read(text)?;
    let version = document.attribute("xmlns").and_then(|name| name.rsplit(':').next()).unwrap_or_default();
    let (format, body, each) = match version {
        "camt.053.001.02" | "camt.053.001.08" => (Format::Camt053, "BkToCstmrStmt", "Stmt"),
        "camt.054.001.02" | "camt.054.001.08" => (Format::Camt054, "BkToCstmrDbtCdtNtfctn", "Ntfctn"),
        _ => {
            let detail =
                "expected the namespace of camt.053.001.02, camt.053.001.08, camt.054.001.02 or camt.054.001.08";
            return Err(Error::invalid(document.place(), detail));
        }
    };
    let body = document.at(body).ok_or_else(|| Error::invalid(document.place(), format!("{body} is missing")))?;
    body.all(each).map(|element| statement(element, format)).collect()
}

fn statement(element: &Element, format: Format) -> Result<Statement> {
    let bank_account = ["Acct/Id/IBAN", "Acct/Id/Othr/Id"].iter().find_map(|path| element.text_at(path));
    let bank_account =
        bank_account.ok_or_else(|| Error::invalid(element.place(), "Acct/Id has neither IBAN nor Othr/Id"))?;
    let currency = currency_of(element)?;
    let opening_minor = balance(element, &["OPBD", "PRCD"], currency)?;
    let closing_minor = balance(element, &["CLBD"], currency)?;
    let (mut lines, mut pending) = (Vec::new(), 0);
    for entry in element.all("Ntry") {
        let booked = ["Sts/Cd", "Sts"].iter().find_map(|path| entry.text_at(path)).unwrap_or("BOOK");
        if booked == "BOOK" {
            // An entry of nothing is a message of the bank: it moves no money.
            lines.extend(transactions(entry, currency)?.into_iter().filter(|line| line.minor != 0));
        } else {
            pending += 1;
        }
    }
    Ok(Statement {
        format,
        bank_account: bank_account.to_owned(),
        reference: element.text_at("Id").map(str::to_owned),
        currency,
        from_on: element.at("FrToDt/FrDtTm").map(day).transpose()?,
        to_on: element.at("FrToDt/ToDtTm").map(day).transpose()?,
        opening_minor,
        closing_minor,
        lines,
        pending,
    })
}

/// The currency of the account, else that of its first amount.
fn currency_of(element: &Element) -> Result<Currency> {
    let code = element.text_at("Acct/Ccy");
    let amounts = element.all("Bal").chain(element.all("Ntry")).filter_map(|inside| inside.at("Amt")?.attribute("Ccy"));
    let code = code.or_else(|| amounts.into_iter().next());
    let code = code.ok_or_else(|| Error::invalid(element.place(), "no currency: neither Acct/Ccy nor an amount"))?;
    Currency::parse(code).map_err(|error| Error::invalid(element.place(), error.to_string()))
}

fn balance(element: &Element, kinds: &[&str], currency: Currency) -> Result<Option<i64>> {
    let of_kind = |kind: &&str| element.all("Bal").find(|bal| bal.text_at("Tp/CdOrPrtry/Cd") == Some(*kind));
    kinds.iter().find_map(of_kind).map(|bal| signed(bal, currency)).transpose()
}

/// The amount in an element, positive for a credit. A reversed credit still says `CRDT` or `DBIT` as it moved.
fn signed(element: &Element, currency: Currency) -> Result<i64> {
    let amt = element.at("Amt").ok_or_else(|| Error::invalid(element.place(), "Amt is missing"))?;
    let minor = money(amt, currency)?;
    match element.text_at("CdtDbtInd") {
        Some("CRDT") => Ok(minor),
        Some("DBIT") => Ok(-minor),
        _ => Err(Error::invalid(element.place(), "CdtDbtInd is neither CRDT nor DBIT")),
    }
}

fn money(amt: &Element, currency: Currency) -> Result<i64> {
    if amt.attribute("Ccy").is_some_and(|code| code != currency.as_str()) {
        return Err(Error::invalid(amt.place(), format!("the account is in {currency}")));
    }
    match amount(amt.text.trim(), currency, || amt.place())? {
        minor if minor >= 0 => Ok(minor),
        _ => Err(Error::invalid(amt.place(), "an amount is not negative: CdtDbtInd says which way it went")),
    }
}

fn day(element: &Element) -> Result<NaiveDate> {
    let text = element.text.trim().get(..10).unwrap_or_default();
    text.parse().map_err(|_| Error::invalid(element.place(), "expected a date such as 2026-03-10"))
}

fn date_at(element: &Element, name: &str) -> Result<Option<NaiveDate>> {
    let date = element.at(name).and_then(|date| date.at("Dt").or_else(|| date.at("DtTm")));
    date.map(day).transpose()
}

/// The transactions of an entry: one each, or the entry itself where it says no more.
fn transactions(entry: &Element, currency: Currency) -> Result<Vec<Line>> {
    let whole = signed(entry, currency)?;
    let booked_on = date_at(entry, "BookgDt")?;
    let value_on = date_at(entry, "ValDt")?;
    let booked_on = booked_on.or(value_on).ok_or_else(|| Error::invalid(entry.place(), "neither BookgDt nor ValDt"))?;
    let parts: Vec<&Element> = entry.all("NtryDtls").flat_map(|details| details.all("TxDtls")).collect();
    let amounts = parts.iter().map(|part| part_minor(part, whole, currency)).collect::<Result<Vec<_>>>()?;
    let line = |part: Option<&Element>, nth: usize, minor: i64| Line {
        place: part.unwrap_or(entry).place(),
        booked_on,
        value_on,
        minor,
        part: i32::try_from(nth).unwrap_or(i32::MAX),
        ..described(entry, part, minor)
    };
    let known: Option<Vec<i64>> = amounts.into_iter().collect();
    match known {
        Some(amounts) if amounts.len() > 1 => {
            let sum: i64 = amounts.iter().sum();
            if sum != whole {
                let detail = format!("its {} transactions do not add up to its amount", amounts.len());
                return Err(Error::invalid(entry.place(), detail));
            }
            Ok(amounts.into_iter().enumerate().map(|(nth, minor)| line(Some(parts[nth]), nth, minor)).collect())
        }
        _ => Ok(vec![line(parts.first().copied().filter(|_| parts.len() == 1), 0, whole)]),
    }
}

/// What a transaction of an entry comes to; `None` where it does not say.
fn part_minor(part: &Element, whole: i64, currency: Currency) -> Result<Option<i64>> {
    let amt = part.at("Amt").or_else(|| part.at("AmtDtls/TxAmt/Amt"));
    // A transaction in another currency was converted: only the entry says what it came to.
    let Some(amt) = amt.filter(|amt| amt.attribute("Ccy").is_none_or(|code| code == currency.as_str())) else {
        return Ok(None);
    };
    let minor = money(amt, currency)?;
    let debit = part.text_at("CdtDbtInd").map_or(whole < 0, |way| way == "DBIT");
    Ok(Some(if debit { -minor } else { minor }))
}

fn described(entry: &Element, part: Option<&Element>, minor: i64) -> Line {
    let inside = part.unwrap_or(entry);
    let first = |paths: &[&str]| paths.iter().find_map(|path| inside.text_at(path)).map(str::to_owned);
    let (name, account) = if minor > 0 { ("Dbtr", "DbtrAcct") } else { ("Cdtr", "CdtrAcct") };
    let other = |paths: [String; 2]| paths.iter().find_map(|path| inside.text_at(path)).map(str::to_owned);
    let information: Vec<&Element> = inside.all("RmtInf").collect();
    let free = information.iter().flat_map(|rmt| rmt.all("Ustrd")).map(|text| text.text.as_str());
    let structured =
        information.iter().flat_map(|rmt| rmt.all("Strd")).filter_map(|strd| strd.text_at("CdtrRefInf/Ref"));
    let reference = words(structured.chain(free).chain(inside.text_at("AddtlTxInf")));
    let reversal = entry.text_at("RvslInd") == Some("true");
    let why = ["RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry", "RtrInf/AddtlInf"].iter().find_map(|path| inside.text_at(path));
    let taken_back = why.map(str::to_owned).or_else(|| reversal.then(|| "reversed by the bank".to_owned()));
    Line {
        payer_name: other([format!("RltdPties/{name}/Nm"), format!("RltdPties/{name}/Pty/Nm")]),
        payer_account: other([format!("RltdPties/{account}/Id/IBAN"), format!("RltdPties/{account}/Id/Othr/Id")]),
        reference: if reference.is_empty() { words(entry.text_at("AddtlNtryInf")) } else { reference },
        remitted: remitted(&information),
        end_to_end: first(&["Refs/EndToEndId"]).filter(|id| id != "NOTPROVIDED"),
        entry_ref: entry.text_at("AcctSvcrRef").map(str::to_owned).or_else(|| first(&["Refs/AcctSvcrRef"])),
        code: code(entry),
        returned: taken_back.filter(|_| minor < 0),
        ..Line::default()
    }
}

/// What the structured part says: an invoice and, where it stands there, how much of it.
fn remitted(information: &[&Element]) -> Vec<Remitted> {
    let structured = information.iter().flat_map(|rmt| rmt.all("Strd"));
    structured
        .flat_map(|strd| {
            let paid = strd.at("RfrdDocAmt/RmtdAmt");
            let minor = paid.and_then(|amt| {
                let currency = Currency::parse(amt.attribute("Ccy")?).ok()?;
                amount(amt.text.trim(), currency, String::new).ok().filter(|minor| *minor > 0)
            });
            // An amount over several documents is nobody's.
            let minor = minor.filter(|_| strd.all("RfrdDocInf").count() == 1);
            strd.all("RfrdDocInf").filter_map(move |document| {
                document.text_at("Nb").map(|number| Remitted { invoice: number.to_owned(), minor })
            })
        })
        .collect()
}

fn code(entry: &Element) -> String {
    let domain = ["BkTxCd/Domn/Cd", "BkTxCd/Domn/Fmly/Cd", "BkTxCd/Domn/Fmly/SubFmlyCd"];
    let code: Vec<&str> = domain.iter().filter_map(|path| entry.text_at(path)).collect();
    if code.is_empty() { entry.text_at("BkTxCd/Prtry/Cd").unwrap_or_default().to_owned() } else { code.join("/") }
}
