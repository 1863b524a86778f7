//! `<Dial>`: into a conference, or to other numbers and devices.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use super::{
    conference::{ConferenceStatus, Entry, Participant},
    exchange::Exchange,
    leg::{Callback, Command, Detection, Direction, Instructions, Order, RecordingOrder, Report, Status},
    line::{
        Flow, Interrupt, Line,
        verbs::{length, words},
    },
    params::Params,
    post::Target,
    recording,
    twiml::Element,
};

/// Obeys a `<Dial>` and goes to its `action`.
pub(super) async fn dial(line: &mut Line, verb: &Element) -> Result<Flow, Interrupt> {
    let recording = recording_order(line, verb, "record", "record-from-answer", "DialVerb");
    let recorded = recording.map(|order| recording::begin(&line.exchange, &line.sid, None, order));
    if let Some(sid) = &recorded {
        line.record(sid.clone());
    }
    let conference = verb.children.iter().find(|noun| noun.name == "Conference");
    let heard = match conference {
        Some(noun) => confer(line, noun).await,
        None => call(line, verb).await,
    };
    line.hear(false);
    if let Some(sid) = &recorded {
        recording::end(&line.exchange, sid);
    }
    let about = |params: Params| match &recorded {
        Some(sid) => params.and(recording::action(&line.exchange, sid)),
        None => params,
    };
    let action = verb.filled("action").map(|url| line.target(url, verb.get("method")));
    match heard {
        Ok(params) => match action {
            Some(target) => Ok(Flow::Go(Instructions::Fetch(target, about(params)))),
            None => Ok(Flow::Next),
        },
        // Whoever hangs up during a dial does not spare the application the request.
        Err(Interrupt::HungUp) => {
            if let Some(target) = action {
                let params = line.exchange.base(&line.sid).and(about(outcome("answered", true)));
                line.exchange.poster.fetch(&target, &params).await.ok();
            }
            Err(Interrupt::HungUp)
        }
        Err(other) => Err(other),
    }
}

fn outcome(status: &str, bridged: bool) -> Params {
    Params::default().with("DialCallStatus", status).with("DialBridged", bridged)
}

/// Stays in a conference until it is over or something else happens to the line.
async fn confer(line: &mut Line, noun: &Element) -> Result<Params, Interrupt> {
    let entry = Entry {
        name: noun.text.trim().to_owned(),
        participant: Participant {
            call_sid: line.sid.clone(),
            label: noun.filled("participantLabel").map(str::to_owned),
            muted: noun.flag("muted", false),
            hold: false,
            coaches: noun.filled("coach").map(str::to_owned),
            start_on_enter: noun.flag("startConferenceOnEnter", true),
            end_on_exit: noun.flag("endConferenceOnExit", false),
            joined: line.exchange.clock.now(),
        },
        callback: noun.filled("statusCallback").map(|url| Callback {
            target: line.target(url, noun.get("statusCallbackMethod")),
            events: words(noun.get("statusCallbackEvent").unwrap_or("start end")),
        }),
        recording: recording_order(line, noun, "record", "record-from-start", "Conference"),
        most: usize::try_from(noun.number("maxParticipants", 250)).unwrap_or(250),
    };
    let Ok(conference) = line.exchange.join(entry) else { return Ok(outcome("failed", false)) };
    let music = noun.filled("waitUrl").map(|url| line.target(url, noun.get("waitMethod")));
    let music = music.map(|target| Music::play(line, conference.clone(), target));
    let heard = line.during(std::future::pending::<()>()).await;
    drop(music);
    let exchange = &line.exchange;
    match heard {
        Err(Interrupt::HungUp) => {
            exchange.leave(&conference, &line.sid, "participant_hung_up", "completed", false);
            Err(Interrupt::HungUp)
        }
        Err(Interrupt::Ended) => {
            exchange.leave(&conference, &line.sid, "participant_updated_via_api", "completed", false);
            Err(Interrupt::Ended)
        }
        Err(Interrupt::Redirected(instructions, fallback)) => {
            exchange.leave(&conference, &line.sid, "participant_updated_via_api", "in-progress", false);
            Err(Interrupt::Redirected(instructions, fallback))
        }
        Err(Interrupt::Removed) | Ok(()) => Ok(outcome("answered", true)),
    }
}

/// The document behind a `waitUrl`, asked for over and over until the conference begins or this is dropped.
struct Music(tokio::task::JoinHandle<()>);

impl Music {
    fn play(line: &Line, conference: String, target: Target) -> Self {
        let (exchange, sid) = (Arc::clone(&line.exchange), line.sid.clone());
        Self(tokio::spawn(async move {
            let waits = || {
                let books = exchange.books();
                books.conferences.get(&conference).is_some_and(|conference| conference.status == ConferenceStatus::Init)
            };
            while waits() {
                let Ok(verbs) = exchange.poster.fetch(&target, &exchange.base(&sid)).await else { return };
                let heard: Duration = verbs.iter().map(length).sum();
                tokio::time::sleep(exchange.scaled(heard.max(Duration::from_secs(1)))).await;
            }
        }))
    }
}

impl Drop for Music {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Rings every number and device at once, and talks to the first that answers.
async fn call(line: &mut Line, verb: &Element) -> Result<Params, Interrupt> {
    let (reports, mut inbox) = mpsc::channel(64);
    let children: Vec<String> = verb.children.iter().map(|noun| child(line, verb, noun, &reports)).collect();
    drop(reports);
    let heard = line_talks_to_first(line, &children, &mut inbox).await;
    for child in &children {
        line.exchange.command(child, Command::Complete);
    }
    let report = heard?;
    let status =
        if report.seconds > 0 || report.status == Status::Completed { "completed" } else { report.status.told() };
    let params = outcome(status, status == "completed").with("DialCallSid", report.sid);
    Ok(params.with("DialCallDuration", report.seconds))
}

/// The last report of the child that answered, or of the last one that did not.
async fn line_talks_to_first(
    line: &mut Line,
    children: &[String],
    inbox: &mut mpsc::Receiver<Report>,
) -> Result<Report, Interrupt> {
    let mut last = Report { sid: String::new(), status: Status::Failed, seconds: 0 };
    let mut answered: Option<String> = None;
    while let Some(report) = line.during(inbox.recv()).await? {
        if report.status == Status::InProgress && answered.is_none() {
            answered = Some(report.sid.clone());
            line.hear(true);
            for other in children.iter().filter(|other| **other != report.sid) {
                line.exchange.command(other, Command::Complete);
            }
        }
        let over = report.status.is_over();
        let ours = answered.as_ref() == Some(&report.sid);
        if over && (ours || answered.is_none()) {
            last = report;
        }
        if over && ours {
            break;
        }
    }
    Ok(last)
}

fn child(line: &Line, verb: &Element, noun: &Element, reports: &mpsc::Sender<Report>) -> String {
    let address = noun.text.trim();
    let to = match noun.name.as_str() {
        "Client" => {
            let identity = noun.children.iter().find(|child| child.name == "Identity");
            format!("client:{}", identity.map_or(address, |identity| identity.text.trim()))
        }
        _ => address.to_owned(),
    };
    let detection = noun.filled("amdStatusCallback").filter(|_| noun.filled("machineDetection").is_some());
    let exchange = &line.exchange;
    let parent = exchange.leg(&line.sid, |leg| leg.from.clone()).unwrap_or_default();
    let order = Order {
        from: verb.filled("callerId").map_or(parent, str::to_owned),
        direction: Direction::OutboundDial,
        parent: Some(line.sid.clone()),
        instructions: Instructions::Bridge,
        fallback: None,
        callback: noun.filled("statusCallback").map(|url| Callback {
            target: line.target(url, noun.get("statusCallbackMethod")),
            events: words(noun.get("statusCallbackEvent").unwrap_or("completed")),
        }),
        ring_limit: Duration::from_secs(verb.number("timeout", 30).clamp(5, 600)),
        time_limit: Duration::from_secs(verb.number("timeLimit", 14_400)),
        detection: detection.map(|url| Detection {
            callback: Some(line.target(url, noun.get("amdStatusCallbackMethod"))),
            timeout: Duration::from_secs(noun.number("machineDetectionTimeout", 30)),
            message_end: noun.get("machineDetection") == Some("DetectMessageEnd"),
        }),
        recording: None,
        reports: Some(reports.clone()),
        to,
    };
    let behaviour = exchange.behaviour(&order.to);
    Exchange::place(exchange, order, behaviour, Duration::ZERO)
}

fn recording_order(
    line: &Line,
    element: &Element,
    attribute: &str,
    wanted: &str,
    source: &'static str,
) -> Option<RecordingOrder> {
    let asked = element.get(attribute)?;
    let asked = if asked == "true" { wanted } else { asked };
    let (kind, dual) = asked.strip_suffix("-dual").map_or((asked, false), |kind| (kind, true));
    if kind != wanted && kind != "record-from-ringing" {
        return None;
    }
    let callback = element.filled("recordingStatusCallback").map(|url| Callback {
        target: line.target(url, element.get("recordingStatusCallbackMethod")),
        events: words(element.get("recordingStatusCallbackEvent").unwrap_or("completed")),
    });
    Some(RecordingOrder { channels: if dual { 2 } else { 1 }, source, callback })
}
