//! Which invoices a payer's reference names.

use std::collections::{HashMap, HashSet};

use super::Item;

/// Words of a reference that are put together at most, as `INV 2024 0012` for `INV-2024-0012`.
const JOINED: usize = 4;
/// A shorter number than this is too common a word.
const SHORTEST: usize = 3;
/// So many digits of a number stand for it where its letters are left out.
const DIGITS: usize = 4;

/// A number without its punctuation, in capitals.
pub(super) fn key(number: &str) -> String {
    number.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// The digits at the end of a number without leading zeros, if they are enough to stand for it.
fn tail(key: &str) -> Option<&str> {
    let start = key.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    let digits = key[start..].trim_start_matches('0');
    (digits.len() >= DIGITS).then_some(digits)
}

/// Places of the items whose invoice or order the reference names: by the whole number, else by its digits alone where
/// they name one invoice only.
pub(super) fn named(reference: &str, items: &[&Item]) -> Vec<usize> {
    let words = joined(reference);
    if words.is_empty() {
        return Vec::new();
    }
    let says = |number: &str| {
        let key = key(number);
        key.len() >= SHORTEST && words.contains(&key)
    };
    let whole: Vec<usize> = (0..items.len())
        .filter(|nth| says(&items[*nth].number) || items[*nth].po_number.as_deref().is_some_and(says))
        .collect();
    if !whole.is_empty() {
        return whole;
    }
    let tails: HashSet<&str> = words.iter().filter_map(|word| tail(word)).collect();
    let keys: Vec<String> = items.iter().map(|item| key(&item.number)).collect();
    let mut by_tail: HashMap<&str, HashSet<&str>> = HashMap::new();
    for key in &keys {
        if let Some(tail) = tail(key) {
            by_tail.entry(tail).or_default().insert(key);
        }
    }
    let one = |key: &str| tail(key).is_some_and(|tail| tails.contains(tail) && by_tail[tail].len() == 1);
    (0..items.len()).filter(|nth| one(&keys[*nth])).collect()
}

/// The words of a reference, each alone and put together with those after it; of a structured creditor reference
/// (ISO 11649) also what follows its check digits.
fn joined(reference: &str) -> HashSet<String> {
    let words: Vec<String> =
        reference.split(|c: char| !c.is_ascii_alphanumeric()).map(key).filter(|word| !word.is_empty()).collect();
    let mut found = HashSet::new();
    for start in 0..words.len() {
        let mut word = String::new();
        for next in words.iter().skip(start).take(JOINED) {
            word.push_str(next);
            if let Some(inner) = creditor_reference(&word) {
                found.insert(inner.to_owned());
            }
            found.insert(word.clone());
        }
    }
    found
}

fn creditor_reference(word: &str) -> Option<&str> {
    let inner = word.strip_prefix("RF")?;
    (inner.len() > 2 && inner.as_bytes()[..2].iter().all(u8::is_ascii_digit)).then(|| &inner[2..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::InstalmentId, ledger::part::Parts};

    fn item(number: &str, po: Option<&str>) -> Item {
        Item {
            instalment: InstalmentId::generate(),
            number: number.to_owned(),
            po_number: po.map(str::to_owned),
            due_on: "2026-03-01".parse().expect("a date"),
            parts: Parts::principal(100),
            disputed: 0,
        }
    }

    fn found(reference: &str, numbers: &[&str]) -> Vec<usize> {
        let items: Vec<Item> = numbers.iter().map(|number| item(number, None)).collect();
        named(reference, &items.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_number_is_found_whatever_its_punctuation() {
        let numbers = ["INV-2024-0012", "INV-2024-0013", "77"];
        assert_eq!(found("Payment of inv 2024 0012, thank you", &numbers), [0]);
        assert_eq!(found("INV20240012/INV20240013", &numbers), [0, 1]);
        assert_eq!(found("RF18INV20240013", &numbers), [1]);
        assert_eq!(found("77", &numbers), [0_usize; 0], "two digits are anything");
        assert_eq!(found("", &numbers), [0_usize; 0]);
    }

    #[test]
    fn digits_alone_stand_for_one_invoice_only() {
        assert_eq!(found("12345", &["A-12345", "B-99999"]), [0]);
        assert_eq!(found("0012345", &["A-12345", "B-99999"]), [0], "leading zeros do not matter");
        assert_eq!(found("12345", &["A-12345", "B-12345"]), [0_usize; 0], "two invoices end so");
        assert_eq!(found("112345", &["A-12345"]), [0_usize; 0], "a longer number is another one");
    }

    #[test]
    fn an_order_names_its_invoices() {
        let items = [item("A-1001", Some("PO 4711")), item("A-1002", Some("PO 4711")), item("A-1003", None)];
        assert_eq!(named("your order PO-4711", &items.iter().collect::<Vec<_>>()), [0, 1]);
    }
}
