//! The way out: a mail server by SMTP.

use std::{fs, time::Duration};

use chrono::{DateTime, Utc};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    address::Envelope,
    message::{
        Attachment as Part, Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use secrecy::ExposeSecret;
use url::Url;

use super::{Attachment, template::Rendered};
use crate::{
    config,
    error::{Error, Result},
    ids::MessageId,
};

/// Longest time for handing over one mail unless configured.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The mail server, or none.
#[derive(Clone, Debug)]
pub struct Mailer(Option<Server>);

#[derive(Clone, Debug)]
struct Server {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Mailbox,
    reply_to: Option<Mailbox>,
    return_path: String,
    timeout: Duration,
}

/// A mail to hand over.
#[derive(Debug)]
pub struct Outgoing<'a> {
    /// The message; the Message-ID is made of it.
    pub id: MessageId,
    /// The reader.
    pub to: &'a str,
    /// The words.
    pub rendered: &'a Rendered,
    /// The files.
    pub attachments: &'a [Attachment],
    /// Where the reader opts out; `None`: there is nothing to opt out of.
    pub opt_out: Option<&'a str>,
    /// A program decided it: nobody's holiday answers it.
    pub automatic: bool,
    /// The moment.
    pub at: DateTime<Utc>,
}

/// What the mail server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is responsible now.
    Accepted,
    /// There is no mail server.
    Off,
    /// It will not have it. The codes alone: the rest of what it said may hold the address.
    Refused {
        /// Such as `550 5.1.1`.
        code: String,
        /// Because there is no such mailbox.
        dead_address: bool,
    },
    /// Not now, or it could not be reached: try again.
    Later {
        /// Code or reason.
        why: String,
    },
}

impl Mailer {
    /// The server that is configured, if one is; it is not asked yet.
    ///
    /// # Errors
    /// Names the setting that is wrong.
    pub fn new(config: &config::Mail) -> Result<Self> {
        let Some(url) = &config.smtp_url else { return Ok(Self(None)) };
        let wrong = |field: &str, detail: &str| Error::invalid(field, detail);
        let sender = config.smtp_sender.as_deref().ok_or_else(|| wrong("SMTP_SENDER", "is required with SMTP_URL"))?;
        let sender: Mailbox =
            sender.parse().map_err(|_| wrong("SMTP_SENDER", "such as `Example Receivables <accounts@example.com>`"))?;
        let reply_to = config.smtp_reply_to.as_deref().map(str::parse).transpose();
        let return_path = config.smtp_return_path.clone().unwrap_or_else(|| sender.email.to_string());
        if path_of(&return_path, MessageId::generate()).is_none() {
            return Err(wrong("SMTP_RETURN_PATH", "such as `bounces+{id}@example.com`"));
        }
        let timeout = config.smtp_timeout_seconds.map_or(TIMEOUT, |seconds| Duration::from_secs(seconds.into()));
        Ok(Self(Some(Server {
            transport: transport(url.expose_secret(), config, timeout)?,
            sender,
            reply_to: reply_to.map_err(|_| wrong("SMTP_REPLY_TO", "such as `accounts@example.com`"))?,
            return_path,
            timeout,
        })))
    }

    /// Whether there is a mail server.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Hands a mail over.
    pub async fn deliver(&self, mail: &Outgoing<'_>) -> Delivery {
        let Some(server) = &self.0 else { return Delivery::Off };
        let built = match server.build(mail) {
            Ok(built) => built,
            Err(why) => return Delivery::Refused { code: why.to_owned(), dead_address: false },
        };
        match tokio::time::timeout(server.timeout, server.transport.send(built)).await {
            Ok(Ok(_)) => Delivery::Accepted,
            Ok(Err(error)) => verdict(&error),
            Err(_) => Delivery::Later { why: format!("no answer within {} s", server.timeout.as_secs()) },
        }
    }
}

impl Server {
    fn build(&self, mail: &Outgoing<'_>) -> Result<lettre::Message, &'static str> {
        let to: Address = mail.to.parse().map_err(|_| "no e-mail address")?;
        let from = path_of(&self.return_path, mail.id).ok_or("no return path")?;
        let envelope = Envelope::new(Some(from), vec![to.clone()]).map_err(|_| "no envelope")?;
        let mut builder = lettre::Message::builder()
            .envelope(envelope)
            .from(self.sender.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.rendered.subject.clone())
            .date(mail.at.into())
            .message_id(Some(format!("<{}@{}>", mail.id, self.sender.email.domain())));
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        if mail.automatic {
            builder = builder.raw_header(header("Auto-Submitted", "auto-generated".to_owned()));
        }
        if let Some(page) = mail.opt_out {
            builder = builder
                .raw_header(header("List-Unsubscribe", format!("<{page}>")))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
        }
        let text = SinglePart::plain(body_of(mail));
        if mail.attachments.is_empty() {
            return builder.singlepart(text).map_err(|_| "cannot be written as a mail");
        }
        let mut parts = MultiPart::mixed().singlepart(text);
        for file in mail.attachments {
            let media_type = ContentType::parse(&file.media_type).map_err(|_| "unknown media type")?;
            parts = parts.singlepart(Part::new(file.file_name.clone()).body(file.bytes.clone(), media_type));
        }
        builder.multipart(parts).map_err(|_| "cannot be written as a mail")
    }
}

/// The words, and below them how to opt out.
fn body_of(mail: &Outgoing<'_>) -> String {
    match mail.opt_out {
        Some(page) => format!("{}\n-- \nNo more mail from us to this address: {page}\n", mail.rendered.body),
        None => mail.rendered.body.clone(),
    }
}

fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

fn path_of(pattern: &str, id: MessageId) -> Option<Address> {
    pattern.replace("{id}", &id.0.simple().to_string()).parse().ok()
}

/// TLS is required unless the address says otherwise in so many words.
fn transport(url: &str, config: &config::Mail, timeout: Duration) -> Result<AsyncSmtpTransport<Tokio1Executor>> {
    let wrong = |detail: &str| Error::invalid("SMTP_URL", detail);
    let url = Url::parse(url).map_err(|_| wrong("such as `smtp://user:password@mail.example.com:587`"))?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("needs a host"))?.to_owned();
    let none = url.query_pairs().any(|(key, value)| key == "tls" && value == "none");
    let (tls, port) = match (url.scheme(), none) {
        ("smtp", true) => (Tls::None, 25),
        ("smtp", false) => (Tls::Required(parameters(&host, config)?), 587),
        ("smtps", false) => (Tls::Wrapper(parameters(&host, config)?), 465),
        _ => return Err(wrong("must begin with `smtp://` or `smtps://`")),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(url.port().unwrap_or(port))
        .tls(tls)
        .timeout(Some(timeout));
    if !url.username().is_empty() {
        let decoded = |text: &str| {
            url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B")).as_bytes())
                .next()
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        builder = builder.credentials(Credentials::new(decoded(url.username()), decoded(url.password().unwrap_or(""))));
    }
    Ok(builder.build())
}

fn parameters(host: &str, config: &config::Mail) -> Result<TlsParameters> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(file) = &config.smtp_ca_file {
        let wrong = || Error::invalid("SMTP_CA_FILE", "must be a certificate in a PEM file that can be read");
        let pem = fs::read(file).map_err(|_| wrong())?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|_| wrong())?);
    }
    builder.build().map_err(Error::internal("setting up TLS for mail"))
}

fn verdict(error: &lettre::transport::smtp::Error) -> Delivery {
    let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let enhanced = super::dsn::enhanced_code(&said);
    match error.status() {
        Some(code) if error.is_permanent() => {
            let detail = code.detail as u8;
            // 550, 551 and 553 are about the mailbox, unless the enhanced code says that it is about policy.
            let mailbox = matches!(u16::from(code), 550 | 551 | 553);
            let dead_address = enhanced.as_deref().map_or(mailbox && detail != 4, super::dsn::is_dead_address);
            Delivery::Refused { code: with_enhanced(u16::from(code), enhanced.as_deref()), dead_address }
        }
        Some(code) => Delivery::Later { why: with_enhanced(u16::from(code), enhanced.as_deref()) },
        None if error.is_timeout() => Delivery::Later { why: "the mail server does not answer".to_owned() },
        None if error.is_tls() => Delivery::Later { why: "no secure connection to the mail server".to_owned() },
        None if error.is_client() => {
            Delivery::Refused { code: "the mail server does not offer what is needed".to_owned(), dead_address: false }
        }
        None => Delivery::Later { why: "the mail server cannot be reached".to_owned() },
    }
}

fn with_enhanced(code: u16, enhanced: Option<&str>) -> String {
    enhanced.map_or_else(|| code.to_string(), |enhanced| format!("{code} {enhanced}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer(change: impl FnOnce(&mut config::Mail)) -> Result<Mailer> {
        crate::app::install_tls();
        let mut config = config::Mail {
            smtp_url: Some("smtp://user:p%40ss@mail.example.com".into()),
            smtp_sender: Some("Example <accounts@example.com>".to_owned()),
            ..config::Mail::default()
        };
        change(&mut config);
        Mailer::new(&config)
    }

    fn field(result: Result<Mailer>) -> Option<String> {
        match result {
            Err(Error::Invalid { field, .. }) => Some(field),
            _ => None,
        }
    }

    #[test]
    fn a_wrong_setting_is_named() {
        assert!(mailer(|_| ()).is_ok_and(|mailer| mailer.is_on()));
        assert!(mailer(|config| config.smtp_url = None).is_ok_and(|mailer| !mailer.is_on()));
        for url in ["mail.example.com", "http://mail.example.com", "smtps://a?tls=none", "smtp://"] {
            assert_eq!(
                field(mailer(|config| config.smtp_url = Some(url.into()))).as_deref(),
                Some("SMTP_URL"),
                "{url}"
            );
        }
        assert_eq!(field(mailer(|config| config.smtp_sender = None)).as_deref(), Some("SMTP_SENDER"));
        assert_eq!(field(mailer(|config| config.smtp_reply_to = Some("x".into()))).as_deref(), Some("SMTP_REPLY_TO"));
        assert_eq!(
            field(mailer(|config| config.smtp_return_path = Some("{id}".into()))).as_deref(),
            Some("SMTP_RETURN_PATH")
        );
        assert_eq!(field(mailer(|config| config.smtp_ca_file = Some("/none".into()))).as_deref(), Some("SMTP_CA_FILE"));
    }
}
