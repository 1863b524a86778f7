//! What each verb does on an answered line.

use std::time::Duration;

use super::{Flow, Instructions, Interrupt, Line};
use crate::emulator::{
    dial,
    leg::{Callback, RecordingOrder, Status},
    params::Params,
    post::Target,
    recording,
    twiml::Element,
};

/// Time to speak a word.
const WORD: Duration = Duration::from_millis(350);
/// Time to play a file.
const FILE: Duration = Duration::from_secs(4);
/// Length of a message that a person leaves.
const MESSAGE: Duration = Duration::from_secs(8);

impl Line {
    /// A call comes in: the document is asked for while it rings, and any verb but `Reject` answers it.
    pub(super) async fn arrive(&mut self) -> Status {
        self.progress(Status::Ringing);
        self.leaves = tokio::time::Instant::now() + self.exchange.scaled(Duration::from_secs(30));
        self.limit = self.leaves;
        let verbs = match self.document(self.order.instructions.clone()).await {
            Ok(verbs) => verbs,
            Err(Interrupt::HungUp) => return Status::Canceled,
            Err(_) => return Status::Failed,
        };
        if let Some(reject) = verbs.first().filter(|verb| verb.name == "Reject") {
            return if reject.get("reason") == Some("busy") { Status::Busy } else { Status::Failed };
        }
        self.answer();
        self.obey(Instructions::Obey(verbs)).await;
        Status::Completed
    }

    /// Obeys verbs in order; returns where to go on, if anywhere.
    pub(super) async fn perform(&mut self, verbs: &[Element]) -> Result<Option<Instructions>, Interrupt> {
        for verb in verbs {
            match self.verb(verb).await? {
                Flow::Next => {}
                Flow::Go(instructions) => return Ok(Some(instructions)),
                Flow::HangUp => return Ok(None),
            }
        }
        Ok(None)
    }

    async fn verb(&mut self, verb: &Element) -> Result<Flow, Interrupt> {
        match verb.name.as_str() {
            "Pause" if self.exchange.config.pauses_as_told => {
                let undivided = length(verb).mul_f64(self.exchange.config.speed);
                self.pass(undivided).await.map(|()| Flow::Next)
            }
            "Say" | "Play" | "Pause" => self.pass(length(verb)).await.map(|()| Flow::Next),
            "Redirect" => {
                let target = self.target(verb.text.trim(), verb.get("method"));
                Ok(Flow::Go(Instructions::Fetch(target, Params::default())))
            }
            "Gather" => self.gather(verb).await,
            "Record" => self.take_message(verb).await,
            "Dial" => dial::dial(self, verb).await,
            // `Hangup`, and `Reject`, which on an answered call does no less.
            _ => Ok(Flow::HangUp),
        }
    }

    async fn gather(&mut self, verb: &Element) -> Result<Flow, Interrupt> {
        for prompt in &verb.children {
            self.pass(length(prompt)).await?;
        }
        let digits = std::mem::take(&mut self.behaviour.digits);
        let wanted = usize::try_from(verb.number("numDigits", u64::MAX)).unwrap_or(usize::MAX);
        let pressed: String = digits.chars().take(wanted).collect();
        if pressed.is_empty() {
            self.pass(Duration::from_secs(verb.number("timeout", 5))).await?;
            if !verb.flag("actionOnEmptyResult", false) {
                return Ok(Flow::Next);
            }
        }
        let finished = if pressed.is_empty() { "" } else { verb.get("finishOnKey").unwrap_or("#") };
        let params =
            Params::default().with("msg", "Gather End").with("Digits", pressed).with("FinishedOnKey", finished);
        Ok(self.act(verb, params).unwrap_or(Flow::Next))
    }

    async fn take_message(&mut self, verb: &Element) -> Result<Flow, Interrupt> {
        let callback = verb.filled("recordingStatusCallback").map(|url| Callback {
            target: self.target(url, verb.get("recordingStatusCallbackMethod")),
            events: words(verb.get("recordingStatusCallbackEvent").unwrap_or("completed")),
        });
        let order = RecordingOrder { channels: 1, source: "RecordVerb", callback };
        let sid = recording::begin(&self.exchange, &self.sid, None, order);
        let heard = self.pass(MESSAGE.min(Duration::from_secs(verb.number("maxLength", 3_600)))).await;
        recording::end(&self.exchange, &sid);
        heard?;
        let params = recording::action(&self.exchange, &sid).with("Digits", "");
        Ok(self.act(verb, params).unwrap_or(Flow::Next))
    }

    /// Goes to a verb's `action`; `Gather` and `Record` without one ask the present document again.
    fn act(&self, verb: &Element, params: Params) -> Option<Flow> {
        let url = verb.filled("action").or(self.document.as_deref())?;
        Some(Flow::Go(Instructions::Fetch(self.target(url, verb.get("method")), params)))
    }

    /// An address inside a document: absolute ones are taken as they are, others are relative to the document.
    pub(in crate::emulator) fn target(&self, url: &str, method: Option<&str>) -> Target {
        let absolute = url.starts_with("http://") || url.starts_with("https://");
        let base = self.document.as_deref().and_then(|document| url::Url::parse(document).ok());
        let joined = base.filter(|_| !absolute).and_then(|base| base.join(url).ok());
        Target {
            url: joined.map_or_else(|| url.to_owned(), Into::into),
            get: method.is_some_and(|method| method.eq_ignore_ascii_case("GET")),
        }
    }
}

/// How long something is heard.
pub(in crate::emulator) fn length(prompt: &Element) -> Duration {
    let times = u32::try_from(prompt.number("loop", 1)).unwrap_or(u32::MAX);
    // Zero means for ever, which is longer than any call.
    let times = if times == 0 { 10_000 } else { times };
    match prompt.name.as_str() {
        "Pause" => Duration::from_secs(prompt.number("length", 1)),
        "Play" => FILE * times,
        _ => WORD * u32::try_from(prompt.text.split_whitespace().count()).unwrap_or(u32::MAX) * times,
    }
}

/// The names in a list separated by spaces.
pub(in crate::emulator) fn words(list: &str) -> Vec<String> {
    list.split_whitespace().map(str::to_owned).collect()
}
