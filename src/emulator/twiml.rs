//! Reads `TwiML` as the carrier does: the verbs it obeys, or the error code it would show in its debugger.

use quick_xml::{Reader, XmlVersion, events::Event};

/// Why a document is not obeyed: a code of the carrier's error list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault(pub(super) u32);

/// The document is not well-formed XML with a `Response` at its root.
const NOT_PARSED: Fault = Fault(12100);
/// It holds something that is no verb, or no noun of its verb.
const AGAINST_SCHEMA: Fault = Fault(12200);
/// Nothing was sent.
const EMPTY: Fault = Fault(11770);

/// An element with its attributes and children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Tag.
    pub(super) name: String,
    /// Text directly inside it.
    pub(super) text: String,
    /// Elements directly inside it.
    pub(super) children: Vec<Element>,
    attributes: Vec<(String, String)>,
}

/// Verbs the emulator obeys.
const VERBS: [&str; 9] = ["Dial", "Say", "Play", "Pause", "Redirect", "Gather", "Record", "Hangup", "Reject"];
/// Nouns of `Dial`.
const NOUNS: [&str; 4] = ["Conference", "Number", "Client", "Sip"];
/// What may be played while keys are gathered.
const PROMPTS: [&str; 3] = ["Say", "Play", "Pause"];

/// Reads a document into its verbs.
pub(super) fn parse(document: &str) -> Result<Vec<Element>, Fault> {
    if document.trim().is_empty() {
        return Err(EMPTY);
    }
    let root = tree(document).map_err(|_| NOT_PARSED)?;
    if root.name != "Response" {
        return Err(NOT_PARSED);
    }
    let known = root.children.iter().all(|verb| {
        VERBS.contains(&verb.name.as_str())
            && match verb.name.as_str() {
                "Dial" => verb.children.iter().all(|noun| NOUNS.contains(&noun.name.as_str())),
                "Gather" => verb.children.iter().all(|prompt| PROMPTS.contains(&prompt.name.as_str())),
                _ => verb.children.is_empty(),
            }
    });
    if known { Ok(root.children) } else { Err(AGAINST_SCHEMA) }
}

impl Element {
    /// An element without children.
    pub(super) fn new<'a>(name: &str, text: &str, attributes: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let attributes = attributes.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Self { name: name.to_owned(), text: text.to_owned(), children: Vec::new(), attributes }
    }

    /// The value of an attribute.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of an attribute, unless it is absent or empty.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// A number, or what the carrier takes when it is absent.
    pub(super) fn number(&self, name: &str, default: u64) -> u64 {
        self.get(name).and_then(|value| value.parse().ok()).unwrap_or(default)
    }

    /// A boolean, or what the carrier takes when it is absent.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.get(name).map_or(default, |value| value.eq_ignore_ascii_case("true"))
    }
}

/// The element tree of a whole document. Any error will do: the carrier has one code for them all.
fn tree(document: &str) -> Result<Element, Box<dyn std::error::Error>> {
    let mut reader = Reader::from_str(document);
    // The outermost entry collects the root and the white space around it.
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event()? {
            Event::Start(tag) => open.push(element(&tag)?),
            Event::Empty(tag) => {
                let child = element(&tag)?;
                innermost(&mut open)?.children.push(child);
            }
            Event::End(_) => {
                let closed = open.pop().ok_or("closed too often")?;
                innermost(&mut open)?.children.push(closed);
            }
            Event::Text(text) => innermost(&mut open)?.text.push_str(&text.xml10_content()),
            Event::CData(text) => innermost(&mut open)?.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref()? {
                    Some(character) => character,
                    None => named(&reference.xml10_content()).ok_or("unknown entity")?,
                };
                innermost(&mut open)?.text.push(character);
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    let [document] = <[Element; 1]>::try_from(open).map_err(|_| "not closed")?;
    let [root] = <[Element; 1]>::try_from(document.children).map_err(|_| "not one root")?;
    if document.text.trim().is_empty() { Ok(root) } else { Err("text beside the root".into()) }
}

fn innermost(open: &mut [Element]) -> Result<&mut Element, &'static str> {
    open.last_mut().ok_or("closed too often")
}

fn element(tag: &quick_xml::events::BytesStart<'_>) -> Result<Element, Box<dyn std::error::Error>> {
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0)?.into_owned();
        attributes.push((attribute.key.into_inner().to_owned(), value));
    }
    Ok(Element { name: tag.name().into_inner().to_owned(), attributes, ..Element::default() })
}

fn named(entity: &str) -> Option<char> {
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_attributes_and_nested_nouns_are_read() {
        let verbs = parse(
            r#"<?xml version="1.0" encoding="UTF-8"?><Response><Say loop="2">Tom &amp; Co. &#8211; hi</Say>
               <Dial action="https://x/y?a=1&amp;b=2"><Conference endConferenceOnExit="true" waitUrl="">desk-1</Conference></Dial>
               </Response>"#,
        )
        .unwrap();
        assert_eq!(verbs[0].text, "Tom & Co. – hi");
        assert_eq!(verbs[0].number("loop", 1), 2);
        assert_eq!(verbs[1].filled("action"), Some("https://x/y?a=1&b=2"));
        let conference = &verbs[1].children[0];
        assert_eq!(conference.text, "desk-1");
        assert!(conference.flag("endConferenceOnExit", false));
        assert_eq!((conference.get("waitUrl"), conference.filled("waitUrl")), (Some(""), None));
    }

    #[test]
    fn what_the_carrier_would_not_obey_has_its_code() {
        assert_eq!(parse(" "), Err(EMPTY));
        for broken in
            ["<Response>", "hello", "<Response/><Response/>", "<Answer/>", "<Response><Say>&x;</Say></Response>"]
        {
            assert_eq!(parse(broken), Err(NOT_PARSED), "{broken}");
        }
        for unknown in ["<Response><Sing/></Response>", "<Response><Dial><Say>no</Say></Dial></Response>"] {
            assert_eq!(parse(unknown), Err(AGAINST_SCHEMA), "{unknown}");
        }
        assert_eq!(parse("<Response/>"), Ok(vec![]));
    }
}
