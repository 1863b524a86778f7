//! XML as a tree, each element with the line on which it begins. No entities of one's own, no depth without end.

use quick_xml::{Reader, events::Event};

use crate::error::{Error, Result};

/// Elements inside one another at most.
const MOST_DEEP: usize = 64;

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Its name without a prefix.
    pub name: String,
    /// The line on which it begins.
    pub line: usize,
    /// Its attributes.
    pub attributes: Vec<(String, String)>,
    /// The text in it.
    pub text: String,
    /// The elements in it.
    pub inside: Vec<Element>,
}

impl Element {
    /// The first element at a path, such as `Id/IBAN`.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |element, name| element.inside.iter().find(|inside| inside.name == name))
    }

    /// The text at a path, if there is any.
    pub fn text_at(&self, path: &str) -> Option<&str> {
        self.at(path).map(|element| element.text.trim()).filter(|text| !text.is_empty())
    }

    /// All elements of a name directly in it.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.inside.iter().filter(move |element| element.name == name)
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        format!("line {}, {}", self.line, self.name)
    }
}

/// Reads a document.
pub(super) fn read(text: &str) -> Result<Element> {
    let mut reader = Reader::from_str(text);
    let (mut counted, mut line) = (0, 1);
    let mut open = vec![Element::default()];
    loop {
        let before = usize::try_from(reader.buffer_position()).unwrap_or(text.len()).min(text.len());
        line += text.get(counted..before).map_or(0, |passed| passed.matches('\n').count());
        counted = before;
        let wrong = |what: String| Error::invalid(format!("line {line}"), what);
        match reader.read_event().map_err(|error| wrong(error.to_string()))? {
            Event::Start(tag) => {
                if open.len() > MOST_DEEP {
                    return Err(wrong(format!("more than {MOST_DEEP} elements inside one another")));
                }
                open.push(element(&tag, line).map_err(wrong)?);
            }
            Event::Empty(tag) => {
                let element = element(&tag, line).map_err(wrong)?;
                close(&mut open, element);
            }
            Event::End(_) => {
                if let Some(element) = open.pop() {
                    close(&mut open, element);
                }
            }
            Event::Text(text) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&text);
                }
            }
            Event::GeneralRef(name) => {
                let character = resolved(&name).ok_or_else(|| wrong("an unknown entity".to_owned()))?;
                if let Some(element) = open.last_mut() {
                    element.text.push(character);
                }
            }
            Event::CData(data) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&data);
                }
            }
            Event::DocType(_) => return Err(wrong("a document type is not allowed".to_owned())),
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    let Some(mut root) = open.pop().filter(|_| open.is_empty()) else {
        return Err(Error::invalid(format!("line {line}"), "the file breaks off in the middle of an element"));
    };
    root.inside.pop().ok_or_else(|| Error::invalid("line 1", "there is no element"))
}

fn close(open: &mut [Element], element: Element) {
    if let Some(parent) = open.last_mut() {
        parent.inside.push(element);
    }
}

fn element(tag: &quick_xml::events::BytesStart<'_>, line: usize) -> Result<Element, String> {
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        attributes.push((attribute.key.local_name().as_ref().to_owned(), attribute.value.into_owned()));
    }
    Ok(Element { name: tag.local_name().as_ref().to_owned(), line, attributes, ..Element::default() })
}

/// The character of a predefined entity or a character reference.
pub(super) fn resolved(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}
