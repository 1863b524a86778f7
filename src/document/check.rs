//! Whether an invoice is complete before it goes. Pure: everything that is missing or wrong is told at once.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::NewInvoice;
use crate::{account::Account, ids::ContactPointId, message::store::Issuer};

/// Something that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = InvoiceFault)]
pub struct Fault {
    /// The field, or what of the account or of the issuer.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

/// What is known besides the invoice.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Whose.
    pub account: Account,
    /// Who bills.
    pub issuer: Issuer,
    /// Invoice date.
    pub issued_on: NaiveDate,
    /// The day at the office.
    pub today: NaiveDate,
    /// Code of the payment terms.
    pub terms: Option<String>,
    /// There are such terms.
    pub terms_known: bool,
    /// Where it goes.
    pub contact_point: Option<ContactPointId>,
    /// The customer's tax number.
    pub tax_id: String,
    /// The customer's invoices have to name an order.
    pub po_required: bool,
}

/// Everything that keeps the invoice from going; empty: it can go.
#[must_use]
pub fn faults(facts: &Facts, new: &NewInvoice) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut say = |field: &str, detail: &str| faults.push(Fault { field: field.to_owned(), detail: detail.to_owned() });
    let empty = |text: &str| text.trim().is_empty();
    match (&facts.terms, facts.terms_known) {
        (None, _) => say("terms", "the account has none, and none were given"),
        (Some(_), false) => say("terms", "are not known"),
        (Some(_), true) => {}
    }
    if facts.po_required && new.po_number.as_deref().is_none_or(empty) {
        say("po_number", "the customer requires one");
    }
    if facts.issued_on > facts.today {
        say("issued_on", "must not be in the future");
    }
    if empty(&facts.issuer.address) {
        say("issuer.address", "is not set for this portfolio");
    }
    if empty(&facts.issuer.tax_id) {
        say("issuer.tax_id", "is not set for this portfolio");
    }
    let taxed = new.lines.iter().any(|line| line.tax_minor != 0);
    if taxed && facts.account.party_kind == "commercial" && empty(&facts.tax_id) {
        say("account.tax_id", "is not known, and the invoice has tax");
    }
    if facts.account.address_line.as_deref().is_none_or(empty) {
        say("account.address_line", "is not known");
    }
    if facts.contact_point.is_none() {
        say("contact_point", "the account has no e-mail address for bills");
    }
    amounts(new, &mut say);
    faults
}

/// Each line's tax is its rate of its net, to the minor unit; together it is more than 0.
fn amounts(new: &NewInvoice, say: &mut impl FnMut(&str, &str)) {
    let mut total = 0_i128;
    for (index, line) in new.lines.iter().enumerate() {
        let exact = i128::from(line.net_minor) * i128::from(line.tax_rate_bp);
        let missed = (i128::from(line.tax_minor) * 10_000 - exact).abs();
        // Half a minor unit either way is rounding.
        if missed > 5_000 {
            say(&format!("lines[{index}].tax_minor"), "is not its rate of the net amount");
        }
        if line.description.trim().is_empty() {
            say(&format!("lines[{index}].description"), "is required");
        }
        total += i128::from(line.net_minor) + i128::from(line.tax_minor);
    }
    if new.lines.is_empty() {
        say("lines", "at least one");
    } else if total <= 0 {
        say("lines", "must come to more than 0 together");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::AccountId, ledger::invoice::InvoiceLine, money::Currency};

    fn facts() -> Facts {
        let now = chrono::DateTime::UNIX_EPOCH;
        let account = Account {
            id: AccountId::generate(),
            portfolio: "main".to_owned(),
            number: "7".to_owned(),
            name: "Debtor 7 Ltd".to_owned(),
            party_kind: "commercial".to_owned(),
            currency: Currency::USD,
            country: None,
            region: None,
            city: None,
            postal_code: None,
            address_line: Some("7 Low Road".to_owned()),
            stated_zone: None,
            language: None,
            terms: Some("NET30".to_owned()),
            owner: None,
            status: "open".to_owned(),
            created_at: now,
            updated_at: now,
        };
        let issuer = Issuer {
            name: "Example Receivables".to_owned(),
            address: "1 High Street".to_owned(),
            email: String::new(),
            phone: String::new(),
            tax_id: "12-3456789".to_owned(),
            bank: String::new(),
        };
        let day = "2026-03-10".parse().expect("a day");
        Facts {
            account,
            issuer,
            issued_on: day,
            today: day,
            terms: Some("NET30".to_owned()),
            terms_known: true,
            contact_point: Some(ContactPointId::generate()),
            tax_id: "98-7654321".to_owned(),
            po_required: true,
        }
    }

    fn invoice() -> NewInvoice {
        let line = InvoiceLine {
            description: "Parts".to_owned(),
            quantity_milli: 1000,
            net_minor: 1005,
            tax_rate_bp: 1000,
            tax_minor: 101,
        };
        NewInvoice {
            po_number: Some("PO-1".to_owned()),
            terms: None,
            issued_on: None,
            lines: vec![line],
            contact_point: None,
        }
    }

    fn fields(facts: &Facts, new: &NewInvoice) -> Vec<String> {
        faults(facts, new).into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn a_complete_invoice_goes_and_half_a_cent_of_tax_is_rounding() {
        assert_eq!(faults(&facts(), &invoice()), []);
        let mut new = invoice();
        new.lines[0].tax_minor = 100;
        assert_eq!(faults(&facts(), &new), [], "100.5 rounds either way");
        new.lines[0].tax_minor = 102;
        assert_eq!(fields(&facts(), &new), ["lines[0].tax_minor"]);
    }

    #[test]
    fn everything_that_is_missing_is_told_at_once() {
        let mut facts = facts();
        facts.terms = None;
        facts.tax_id.clear();
        facts.issuer.tax_id.clear();
        facts.contact_point = None;
        let mut new = invoice();
        new.po_number = Some(" ".to_owned());
        new.lines[0].description.clear();
        assert_eq!(
            fields(&facts, &new),
            ["terms", "po_number", "issuer.tax_id", "account.tax_id", "contact_point", "lines[0].description"]
        );
        new.lines.clear();
        assert!(fields(&facts, &new).contains(&"lines".to_owned()));
    }
}
