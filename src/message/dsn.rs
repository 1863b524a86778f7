//! Reads delivery status notifications: the reports by which mail servers say that a mail came back (RFC 3464 in a
//! `multipart/report` of RFC 6522). Pure; hardened against what real servers send, and against nonsense.

use base64::{Engine, engine::general_purpose::STANDARD};
use uuid::Uuid;

/// Parts inside of parts at most.
const DEEPEST: usize = 4;

/// What a report says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The message it may be about, by what the report quotes of it, the address the report came to, and what it says
    /// it answers; the surest first.
    pub about: Vec<Uuid>,
    /// One for each reader the report speaks of.
    pub recipients: Vec<Recipient>,
}

/// What became of the mail to one reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The address as the report gives it, lower case; may be another than was written to, where mail is forwarded.
    pub address: String,
    /// What was done.
    pub action: Action,
    /// Enhanced status code (RFC 3463), `5.1.1`.
    pub status: String,
}

/// What a mail server did with a mail (RFC 3464 section 2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Gave it up.
    Failed,
    /// Still tries.
    Delayed,
    /// Delivered it.
    Delivered,
    /// Handed it to somebody who reports no more.
    Relayed,
    /// Gave it to several.
    Expanded,
}

impl Report {
    /// The status of the first reader that the mail was given up for.
    #[must_use]
    pub fn failure(&self) -> Option<&Recipient> {
        self.recipients.iter().find(|recipient| recipient.action == Action::Failed)
    }
}

/// Whether a mailbox with this status will never take mail: there is none, it is closed, or its domain does not exist. A
/// full one, and a server that refuses the sender, may be others tomorrow.
#[must_use]
pub fn is_dead_address(status: &str) -> bool {
    let parts: Vec<&str> = status.split('.').collect();
    matches!(
        parts.as_slice(),
        ["5", "1", "0" | "1" | "2" | "3" | "6" | "10"] | ["5", "2", "1"] | ["5", "4", "4"] | ["5", "0", "0"]
    )
}

/// The first enhanced status code (RFC 3463) in what a server says.
#[must_use]
pub fn enhanced_code(said: &str) -> Option<String> {
    let is_code = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        let digits = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        parts.len() == 3 && matches!(parts[0], "2" | "4" | "5") && parts.iter().all(digits)
    };
    said.split([' ', '\t', '-', '#', '(', ')', ':', ',', ';']).find(is_code).map(str::to_owned)
}

/// Reads a report; `None` for a mail that is none.
#[must_use]
pub fn parse(raw: &[u8]) -> Option<Report> {
    let text = String::from_utf8_lossy(raw).replace("\r\n", "\n");
    // What a mailbox file puts before a mail.
    let text =
        text.strip_prefix("From ").and_then(|rest| rest.split_once('\n')).map_or(text.as_str(), |(_, mail)| mail);
    let mail = Part::read(text);
    let parts = mail.leaves(DEEPEST);
    let status =
        parts.iter().find(|part| part.is("message/delivery-status") || part.is("message/global-delivery-status"))?;
    let recipients = recipients(&status.decoded());
    if recipients.is_empty() {
        return None;
    }
    Some(Report { about: about(&mail, &parts), recipients })
}

/// Every group of fields after the first, which is about the mail as a whole.
fn recipients(fields: &str) -> Vec<Recipient> {
    let groups = fields.split("\n\n").map(headers).filter(|group| !group.is_empty());
    groups
        .filter_map(|group| {
            let action = match get(&group, "action")?.trim().to_ascii_lowercase().as_str() {
                "failed" => Action::Failed,
                "delayed" => Action::Delayed,
                "delivered" => Action::Delivered,
                "relayed" => Action::Relayed,
                "expanded" => Action::Expanded,
                _ => return None,
            };
            let address =
                get(&group, "original-recipient").or_else(|| get(&group, "final-recipient")).unwrap_or_default();
            let address = address.split_once(';').map_or(address, |(_, address)| address);
            let said = get(&group, "diagnostic-code").and_then(enhanced_code);
            // Some servers say nothing but "failed" in the status, and the code in what the other server said.
            let status = get(&group, "status").and_then(enhanced_code).filter(|code| !code.ends_with(".0.0")).or(said);
            Some(Recipient {
                address: address.trim().trim_matches(['<', '>']).to_lowercase(),
                action,
                status: status.unwrap_or_else(|| "5.0.0".to_owned()),
            })
        })
        .collect()
}

fn about(mail: &Part<'_>, parts: &[Part<'_>]) -> Vec<Uuid> {
    let quoted = parts.iter().filter(|part| part.is("message/rfc822") || part.is("text/rfc822-headers"));
    let quoted = quoted.filter_map(|part| {
        let text = part.decoded();
        get(&headers(&text), "message-id").and_then(id_in)
    });
    let to = get(&mail.headers, "to")
        .into_iter()
        .flat_map(|to| to.split(['+', '=', '@', '<', '>', ' ']))
        .filter_map(|word| Uuid::try_parse(word).ok());
    let answered =
        ["in-reply-to", "references"].into_iter().filter_map(|name| get(&mail.headers, name)).filter_map(id_in);
    let mut ids: Vec<Uuid> = Vec::new();
    for id in quoted.chain(to).chain(answered) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// `<id@domain>`
fn id_in(text: &str) -> Option<Uuid> {
    let inner = text.split_once('<').map_or(text, |(_, inner)| inner);
    Uuid::try_parse(inner.split('@').next()?.trim()).ok()
}

/// A piece of a mail: its headers and what follows them.
struct Part<'a> {
    headers: Vec<(String, String)>,
    body: &'a str,
}

impl<'a> Part<'a> {
    fn read(text: &'a str) -> Self {
        let text = text.trim_start_matches('\n');
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        Self { headers: headers(head), body }
    }

    fn content_type(&self) -> &str {
        get(&self.headers, "content-type").unwrap_or("text/plain")
    }

    fn is(&self, mime: &str) -> bool {
        self.content_type().split(';').next().is_some_and(|found| found.trim().eq_ignore_ascii_case(mime))
    }

    fn boundary(&self) -> Option<String> {
        let kind = self.content_type();
        let at = kind.to_ascii_lowercase().find("boundary=")? + "boundary=".len();
        let rest = kind[at..].trim_start();
        let value = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next()?,
            None => rest.split([';', ' ', '\t']).next()?,
        };
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The parts that have no parts, in order.
    fn leaves(&self, depth: usize) -> Vec<Part<'a>> {
        let multipart = self.content_type().to_ascii_lowercase().starts_with("multipart/");
        match self.boundary().filter(|_| multipart && depth > 0) {
            Some(boundary) => {
                pieces(self.body, &boundary).into_iter().flat_map(|text| Part::read(text).leaves(depth - 1)).collect()
            }
            None => vec![Part { headers: self.headers.clone(), body: self.body }],
        }
    }

    fn decoded(&self) -> String {
        let encoding = get(&self.headers, "content-transfer-encoding").unwrap_or_default().trim().to_ascii_lowercase();
        match encoding.as_str() {
            "base64" => {
                let packed: String = self.body.chars().filter(|c| !c.is_whitespace()).collect();
                let bytes = STANDARD.decode(packed).unwrap_or_default();
                String::from_utf8_lossy(&bytes).replace("\r\n", "\n")
            }
            "quoted-printable" => unquoted(self.body),
            _ => self.body.to_owned(),
        }
    }
}

/// What stands between the lines `--boundary`.
fn pieces<'a>(body: &'a str, boundary: &str) -> Vec<&'a str> {
    let mark = format!("--{boundary}");
    let mut found = Vec::new();
    let (mut begun, mut at) = (None, 0);
    for line in body.split_inclusive('\n') {
        if line.trim_end().strip_prefix(mark.as_str()).is_some_and(|rest| rest.is_empty() || rest == "--") {
            if let Some(start) = begun.replace(at + line.len()) {
                found.push(&body[start..at]);
            }
            if line.trim_end().ends_with("--") && line.trim_end().len() > mark.len() {
                return found;
            }
        }
        at += line.len();
    }
    // The end is missing: the report was cut off.
    found.extend(begun.and_then(|start| body.get(start..)));
    found
}

/// Fields with lower-case names, continuation lines joined.
fn headers(text: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().skip_while(|line| line.is_empty()) {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    fields
}

fn get<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn unquoted(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::with_capacity(joined.len());
    let mut rest = joined.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| byte == b'=').and_then(|two| std::str::from_utf8(two).ok());
        if let Some(decoded) = hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            bytes.push(decoded);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
