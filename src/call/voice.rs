//! What a debtor's line is told to do, as documents for the carrier. Nothing spoken says what the call is about: who
//! listens is not known yet.

use crate::{
    call::{Facts, callbacks, store::Row},
    campaign::Settings,
    carrier::twiml::{Conference, Dial, DialTo, Response},
    config::Config,
    ids::{CallId, UserId},
};

/// Longest talk, in seconds: a line that nobody ends does not cost for ever.
const TALK_LIMIT_SECONDS: u32 = 4 * 3600;

/// Pause before a message to a machine, in seconds, so that its greeting is over.
const GREETING_SECONDS: u32 = 4;

/// Prefix of the label of a debtor's line in a conference.
const LABEL: &str = "call-";

/// Into the conference of the agent.
pub fn bridge(config: &Config, row: &Row, agent: UserId, conference: &str) -> Response {
    let conference = Conference {
        label: Some(format!("{LABEL}{}", row.id)),
        status_url: Some(callbacks::conference_url(config, agent)),
        ..Conference::named(conference)
    };
    Response::new().dial(Dial {
        action: Some(callbacks::dial_url(config, row.id, &row.token)),
        limit_seconds: Some(TALK_LIMIT_SECONDS),
        ..Dial::to(DialTo::Conference(conference))
    })
}

/// The call whose debtor's line carries this label in a conference.
#[must_use]
pub fn call_of_label(label: &str) -> Option<CallId> {
    label.strip_prefix(LABEL)?.parse().ok()
}

/// Silence up to the limit, then ask again.
pub fn wait(config: &Config, row: &Row, facts: &Facts) -> Response {
    let seconds = facts.bridge_limit_ms.div_ceil(1000);
    Response::new().pause(seconds).redirect(callbacks::hold_url(config, row.id, &row.token))
}

/// To a person for whom nobody was free: who called, and where to call back.
pub fn abandoned(settings: &Settings, our_number: &str) -> Response {
    Response::new().say(abandoned_text(settings, our_number)).hangup()
}

fn abandoned_text(settings: &Settings, our_number: &str) -> String {
    let number = spelled(our_number);
    if !settings.abandoned_message.trim().is_empty() {
        return settings.abandoned_message.replace("{number}", &number).replace("{creditor}", &settings.creditor_name);
    }
    let caller = if settings.creditor_name.trim().is_empty() {
        String::new()
    } else {
        format!("This is a call from {}. ", settings.creditor_name)
    };
    format!("{caller}We are sorry that nobody can speak to you right now. Please call us back at {number}. Goodbye.")
}

/// To an answering machine; `None`: the campaign leaves no message.
#[must_use]
pub fn machine(settings: &Settings, our_number: &str) -> Option<Response> {
    if settings.machine_message.trim().is_empty() {
        return None;
    }
    let text = settings.machine_message.replace("{number}", &spelled(our_number));
    let text = text.replace("{creditor}", &settings.creditor_name);
    Some(Response::new().pause(GREETING_SECONDS).say(text).hangup())
}

/// To a caller for whom nobody is free.
pub fn call_you_back(known: bool) -> Response {
    let promise = if known { "We will call you back as soon as we can." } else { "Please call again later." };
    Response::new().say(format!("Thank you for calling. All our agents are busy. {promise} Goodbye.")).hangup()
}

/// To anybody when we cannot do what we should.
pub fn apology() -> Response {
    Response::new().say("We are sorry, something went wrong. Please call again later. Goodbye.").hangup()
}

/// To a line that has nothing to wait for.
pub fn goodbye() -> Response {
    Response::new().hangup()
}

/// Digit by digit, so that it is not spoken as one number.
fn spelled(number: &str) -> String {
    let digits: Vec<String> = number.chars().filter(char::is_ascii_digit).map(String::from).collect();
    digits.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_says_who_called_and_where_to_call_back_and_nothing_else() {
        let settings = Settings { creditor_name: "Example & Partners".to_owned(), ..Settings::default() };
        let xml = abandoned(&settings, "+15555550100").to_xml();
        assert!(xml.contains("Example &amp; Partners") && xml.contains("1 5 5 5 5 5 5 0 1 0 0"), "{xml}");
        assert!(xml.contains("<Hangup") && !xml.contains("owe"), "{xml}");
    }

    #[test]
    fn a_campaigns_own_words_are_used() {
        let settings = Settings {
            creditor_name: "Example".to_owned(),
            abandoned_message: "{creditor} called from {number}".to_owned(),
            machine_message: "Call {number}".to_owned(),
            ..Settings::default()
        };
        assert_eq!(abandoned_text(&settings, "+4420"), "Example called from 4 4 2 0");
        assert!(machine(&settings, "+4420").expect("a message").to_xml().contains("Call 4 4 2 0"));
        assert_eq!(machine(&Settings::default(), "+4420"), None);
    }

    #[test]
    fn a_label_leads_back_to_the_call() {
        let call = CallId::generate();
        assert_eq!(call_of_label(&format!("{LABEL}{call}")), Some(call));
        assert_eq!(call_of_label("agent-7"), None);
    }
}
