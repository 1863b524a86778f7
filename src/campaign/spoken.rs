//! What a recorded message may say: whoever hears it is not known.

use super::Settings;
use crate::error::{Error, Result};

/// Words that tell a stranger what the call is about, as they begin.
const TELLING: [&str; 14] = [
    "debt", "owe", "owing", "collect", "invoice", "balance", "payment", "pay ", "paid", "overdue", "past due",
    "arrears", "attorney", "lawsuit",
];
/// Digits of the shortest number to call back.
const DIGITS: usize = 7;

/// Passes if a message, where there is one, says who called and on which number to call back, and nothing about a debt
/// (16 CFR 310.4(b)(4)(iii); 12 CFR 1006.2(j), 1006.6(d)(1)).
pub(super) fn message(field: &str, text: &str, settings: &Settings) -> Result<()> {
    if text.trim().is_empty() {
        return Ok(());
    }
    let name = settings.creditor_name.trim();
    if name.is_empty() || !(text.contains("{creditor}") || text.contains(name)) {
        return Err(Error::invalid(field, "must name the caller: `{creditor}`, or `settings.creditor_name` as it is"));
    }
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if !text.contains("{number}") && digits < DIGITS {
        return Err(Error::invalid(field, "must give the number to call back: `{number}`, or 7 digits or more"));
    }
    let said = text.replace("{creditor}", " ").replace(name, " ").to_lowercase();
    let is_said = |word: &str| {
        said.match_indices(word).any(|(at, _)| !said[..at].ends_with(|before: char| before.is_alphanumeric()))
    };
    match TELLING.into_iter().find(|word| is_said(word)) {
        Some(word) => {
            let word = word.trim();
            Err(Error::invalid(field, format!("must say nothing about a debt to whoever hears it, such as `{word}`")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<String> {
        let settings = Settings { creditor_name: "Example Collections".to_owned(), ..Settings::default() };
        match message("settings.abandoned_message", text, &settings) {
            Ok(()) => None,
            Err(Error::Invalid { detail, .. }) => Some(detail),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_message_says_who_called_and_where_to_call_back_and_no_more() {
        for good in [
            "",
            "{creditor} called. Please call {number}.",
            "This is Example Collections, 2 1 2, 5 5 5, 0 1 0 0. Sorry that we missed you. The company repays calls.",
        ] {
            assert_eq!(refused(good), None, "{good}");
        }
        for (wrong, why) in [
            ("Please call {number}.", "name the caller"),
            ("{creditor} called. Please call us.", "number to call back"),
            ("{creditor} called about your debt. Call {number}.", "`debt`"),
            ("{creditor}: you owe us. Call {number}.", "`owe`"),
            ("{creditor}, Collections, {number}", "`collect`"),
            ("{creditor} has not had your payment. Call {number}.", "`payment`"),
            ("{creditor}: Invoice 12. Call {number}.", "`invoice`"),
        ] {
            assert!(refused(wrong).is_some_and(|detail| detail.contains(why)), "{wrong}: {:?}", refused(wrong));
        }
    }

    #[test]
    fn without_a_name_no_message_of_ones_own() {
        let nameless = message("settings.machine_message", "{creditor}, {number}", &Settings::default());
        assert!(matches!(nameless, Err(Error::Invalid { field, .. }) if field == "settings.machine_message"));
    }
}
