use proptest::prelude::*;
use quick_xml::{Reader, XmlVersion, escape::unescape, events::Event};

use super::*;

fn body(response: &Response) -> String {
    let xml = response.to_xml();
    let body = xml.strip_prefix(r#"<?xml version="1.0" encoding="UTF-8"?>"#).expect("begins with the declaration");
    body.to_owned()
}

#[test]
fn a_customer_enters_the_agents_conference() {
    let conference = Conference {
        label: Some("customer".into()),
        status_url: Some("https://x.example/conference?call=1&t=2#rc=3&rp=ct,rt,5xx".into()),
        ..Conference::named("desk-7f3c")
    };
    let dial = Dial {
        action: Some("https://x.example/dial?call=1".into()),
        limit_seconds: Some(3600),
        ..Dial::to(DialTo::Conference(conference))
    };
    assert_eq!(
        body(&Response::new().dial(dial)),
        "<Response><Dial action=\"https://x.example/dial?call=1\" timeLimit=\"3600\">\
         <Conference beep=\"false\" startConferenceOnEnter=\"true\" endConferenceOnExit=\"false\" \
         participantLabel=\"customer\" waitUrl=\"\" jitterBufferSize=\"small\" \
         statusCallbackEvent=\"start end join leave mute hold\" \
         statusCallback=\"https://x.example/conference?call=1&amp;t=2#rc=3&amp;rp=ct,rt,5xx\">desk-7f3c</Conference>\
         </Dial></Response>"
    );
}

#[test]
fn simple_verbs() {
    let response = Response::new()
        .say("Fish & chips")
        .play("https://x.example/a.mp3")
        .pause(2)
        .redirect("https://x.example/hold?a=1&b=2")
        .hangup();
    assert_eq!(
        body(&response),
        "<Response><Say>Fish &amp; chips</Say><Play>https://x.example/a.mp3</Play><Pause length=\"2\"/>\
         <Redirect>https://x.example/hold?a=1&amp;b=2</Redirect><Hangup/></Response>"
    );
    assert_eq!(body(&Response::new()), "<Response/>");
    assert_eq!(
        body(&Response::new().then(Verb::Reject(Reject::Busy))),
        "<Response><Reject reason=\"busy\"/></Response>"
    );
}

#[test]
fn gather_and_record() {
    let gather = Gather {
        action: "/keys".into(),
        timeout_seconds: 5,
        digits: Some(1),
        finish_key: None,
        prompt: vec![Prompt::Say(Say::plain("Press 1")), Prompt::Pause { seconds: 1 }],
    };
    let record =
        Record { action: "/recorded".into(), limit_seconds: 60, silence_seconds: 5, beep: true, status_url: None };
    assert_eq!(
        body(&Response::new().then(Verb::Gather(gather)).then(Verb::Record(record))),
        "<Response><Gather input=\"dtmf\" action=\"/keys\" timeout=\"5\" numDigits=\"1\"><Say>Press 1</Say>\
         <Pause length=\"1\"/></Gather>\
         <Record action=\"/recorded\" maxLength=\"60\" timeout=\"5\" playBeep=\"true\"/></Response>"
    );
}

#[test]
fn a_softphone_or_a_number_is_called() {
    let client = Callee { to: "agent_17".to_owned(), status_url: None };
    let number = Callee { to: "+12125550142".parse().expect("a number"), status_url: Some("/s".into()) };
    let dial = Dial { ring_seconds: Some(20), ..Dial::to(DialTo::Client(client)) };
    assert_eq!(
        body(&Response::new().dial(dial).dial(Dial::to(DialTo::Number(number)))),
        "<Response><Dial timeout=\"20\"><Client>agent_17</Client></Dial><Dial>\
         <Number statusCallbackEvent=\"initiated ringing answered completed\" statusCallback=\"/s\">+12125550142\
         </Number></Dial></Response>"
    );
}

/// What a conforming parser reads: the text of the first element, and its first attribute.
fn parsed(xml: &str) -> (String, Option<String>) {
    let mut reader = Reader::from_str(xml);
    let (mut text, mut attribute, mut open) = (String::new(), None, 0_i32);
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(start) => {
                open += 1;
                if let Some(first) = start.attributes().next() {
                    let first = first.expect("an attribute");
                    attribute = Some(first.normalized_value(XmlVersion::Explicit1_0).expect("escaped").into_owned());
                }
            }
            Event::End(_) => open -= 1,
            Event::Text(part) => text.push_str(&part.xml10_content()),
            Event::GeneralRef(entity) => {
                let entity: &str = &entity.xml10_content();
                text.push_str(&unescape(&format!("&{entity};")).expect("a known entity"));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open, 0, "every element is closed");
    (text, attribute)
}

proptest! {
    #[test]
    fn any_text_parses_back_to_the_same_text(text in any::<String>(), language in any::<String>()) {
        let say = Say { text: text.clone(), language: Some(language.clone()), voice: None };
        let xml = Response::new().then(Verb::Say(say)).to_xml();
        let allowed = |text: &str| text.chars().filter(|char| write::is_allowed(*char)).collect::<String>();
        prop_assert_eq!(parsed(&xml), (allowed(&text), Some(allowed(&language))));
        prop_assert!(xml.chars().all(write::is_allowed));
    }
}

#[test]
fn white_space_and_markup_survive_and_control_characters_do_not() {
    let hostile = "a\r\nb\t]]></Say><Hangup/>&amp;\u{0}\u{8}\u{FFFE}\u{1F4DE}";
    let say = Say { text: hostile.into(), language: Some(hostile.into()), voice: None };
    let expected = "a\r\nb\t]]></Say><Hangup/>&amp;\u{1F4DE}".to_owned();
    assert_eq!(parsed(&Response::new().then(Verb::Say(say)).to_xml()), (expected.clone(), Some(expected)));
}
