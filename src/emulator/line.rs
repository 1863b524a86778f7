//! The time-line of one leg: queue, ring, answer, obey, end.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{
    detection,
    exchange::Exchange,
    leg::{Command, Direction, Instructions, Order, Report, Status},
    params::Params,
    people::{Behaviour, Reaction},
    post::Target,
    recording,
    twiml::{Element, Fault},
};

pub(super) mod verbs;

/// From the request to the far end's first ring.
const POST_DIAL_DELAY: Duration = Duration::from_millis(1_200);
/// A breath between two documents, so that a redirect to itself does not spin.
const BREATH: Duration = Duration::from_millis(5);

/// A leg at work.
pub(super) struct Line {
    pub(super) exchange: Arc<Exchange>,
    pub(super) sid: String,
    pub(super) order: Order,
    pub(super) behaviour: Behaviour,
    commands: mpsc::Receiver<Command>,
    /// When the far end hangs up.
    leaves: Instant,
    /// When the carrier ends it.
    limit: Instant,
    /// Somebody else can be heard.
    talking: bool,
    /// Address of the document that is being obeyed; relative ones are resolved against it.
    document: Option<String>,
    /// Recordings to be closed with the leg.
    recordings: Vec<String>,
}

/// Why an answered line leaves off what it is doing.
#[derive(Clone, Debug)]
pub(super) enum Interrupt {
    /// The far end hung up.
    HungUp,
    /// It was ended by REST or its time limit.
    Ended,
    /// It was told to do something else.
    Redirected(Instructions, Option<Target>),
    /// It was taken out of its conference.
    Removed,
}

/// What comes after a verb.
pub(super) enum Flow {
    /// The next verb.
    Next,
    /// Another document.
    Go(Instructions),
    /// The end.
    HangUp,
}

impl Line {
    pub(super) fn new(
        exchange: Arc<Exchange>,
        sid: String,
        order: Order,
        commands: mpsc::Receiver<Command>,
        behaviour: Behaviour,
    ) -> Self {
        let now = Instant::now();
        Self {
            exchange,
            sid,
            order,
            behaviour,
            commands,
            leaves: now,
            limit: now,
            talking: false,
            document: None,
            recordings: Vec::new(),
        }
    }

    /// Runs the leg to its end.
    pub(super) async fn run(mut self, queued: Duration) {
        let end = match self.order.direction {
            Direction::Inbound => self.arrive().await,
            Direction::OutboundApi | Direction::OutboundDial => self.depart(queued).await,
        };
        self.finish(end);
    }

    /// Rings the far end and, once it is answered, obeys; returns how it ended.
    async fn depart(&mut self, queued: Duration) -> Status {
        if let Err(end) = self.ring(queued).await {
            return end;
        }
        self.answer();
        self.talk_through().await
    }

    /// Until somebody answers, or the status in which it ends without an answer.
    async fn ring(&mut self, queued: Duration) -> Result<(), Status> {
        // The wait for a turn is the carrier's own and is not scaled again.
        self.unanswered(queued).await?;
        self.progress(Status::Initiated);
        let scaled = |duration| self.exchange.scaled(duration);
        let (delay, limit, ring) =
            (scaled(POST_DIAL_DELAY), scaled(self.order.ring_limit), scaled(self.behaviour.ring));
        self.unanswered(delay).await?;
        match self.behaviour.reaction {
            Reaction::Failed | Reaction::Invalid => return Err(self.refused(404, Status::Failed)),
            Reaction::Busy => return Err(self.refused(486, Status::Busy)),
            _ => self.progress(Status::Ringing),
        }
        if self.behaviour.reaction == Reaction::NoAnswer || ring > limit {
            self.unanswered(limit).await?;
            return Err(self.refused(487, Status::NoAnswer));
        }
        self.unanswered(ring).await
    }

    async fn unanswered(&mut self, duration: Duration) -> Result<(), Status> {
        let mut pause = pin!(sleep(duration));
        loop {
            tokio::select! {
                () = &mut pause => return Ok(()),
                Some(command) = self.commands.recv() => if matches!(command, Command::Cancel | Command::Complete) {
                    return Err(self.refused(487, Status::Canceled));
                },
            }
        }
    }

    fn refused(&self, sip: u16, status: Status) -> Status {
        self.exchange.leg(&self.sid, |leg| leg.sip = Some(sip));
        status
    }

    /// Goes to a status and tells it.
    fn progress(&self, status: Status) {
        let now = self.exchange.clock.now();
        self.exchange.leg(&self.sid, |leg| {
            leg.status = status;
            match status {
                Status::Initiated | Status::Ringing => leg.started = leg.started.or(Some(now)),
                Status::InProgress => {
                    leg.started = leg.started.or(Some(now));
                    leg.answered = Some(now);
                }
                _ => leg.ended = Some(now),
            }
        });
        self.exchange.tell_status(&self.sid);
        self.report(status);
    }

    fn report(&self, status: Status) {
        if let Some(reports) = &self.order.reports {
            let seconds = self.exchange.leg(&self.sid, |leg| leg.seconds()).unwrap_or_default();
            reports.try_send(Report { sid: self.sid.clone(), status, seconds }).ok();
        }
    }

    /// Somebody or something picks up.
    pub(super) fn answer(&mut self) {
        let now = Instant::now();
        self.leaves = now + self.exchange.scaled(self.behaviour.patience);
        self.limit = now + self.exchange.scaled(self.order.time_limit);
        self.progress(Status::InProgress);
        if let Some(recording) = self.order.recording.clone() {
            self.recordings.push(recording::begin(&self.exchange, &self.sid, None, recording));
        }
    }

    /// From the answer to the end.
    async fn talk_through(&mut self) -> Status {
        if let Some(order) = self.order.detection.clone() {
            if order.callback.is_some() {
                detection::spawn(&self.exchange, &self.sid, order, &self.behaviour);
            } else if self.wait_for_verdict(&order).await.is_err() {
                return Status::Completed;
            }
        }
        self.obey(self.order.instructions.clone()).await;
        Status::Completed
    }

    /// Detection in the way of the answer: nothing is fetched before the verdict.
    async fn wait_for_verdict(&mut self, order: &super::leg::Detection) -> Result<(), Interrupt> {
        let (verdict, after) = detection::verdict(order, &self.behaviour);
        self.pass(after).await?;
        self.exchange.leg(&self.sid, |leg| {
            leg.answered_by = Some(verdict);
            leg.tells_answered_by = true;
        });
        Ok(())
    }

    /// Obeys documents until none is left or the line is over.
    pub(super) async fn obey(&mut self, first: Instructions) {
        let mut next = first;
        loop {
            let outcome = match self.document(next).await {
                Ok(verbs) => self.perform(&verbs).await,
                Err(interrupt) => Err(interrupt),
            };
            next = match outcome {
                Ok(Some(instructions)) => instructions,
                Ok(None) | Err(Interrupt::HungUp | Interrupt::Ended | Interrupt::Removed) => return,
                Err(Interrupt::Redirected(instructions, fallback)) => {
                    self.order.fallback = fallback;
                    instructions
                }
            };
            sleep(BREATH).await;
        }
    }

    /// The verbs of the next document; a leg without any hangs up.
    pub(super) async fn document(&mut self, instructions: Instructions) -> Result<Vec<Element>, Interrupt> {
        match instructions {
            Instructions::Obey(verbs) => Ok(verbs),
            Instructions::Bridge => {
                self.hear(true);
                self.during(std::future::pending()).await
            }
            Instructions::Fetch(target, params) => {
                let (url, _) = super::overrides::split(&target.url);
                let url = url.to_owned();
                self.document = Some(url.clone());
                match self.fetch(target, params).await? {
                    Ok(verbs) => Ok(verbs),
                    Err(fault) => self.fall_back(fault, url).await,
                }
            }
        }
    }

    async fn fetch(&mut self, target: Target, more: Params) -> Result<Result<Vec<Element>, Fault>, Interrupt> {
        let exchange = Arc::clone(&self.exchange);
        let params = exchange.base(&self.sid).and(more);
        // A doubled request is answered twice and the later answer is obeyed, as after a read time-out.
        let twice = exchange.faults().callback().twice;
        self.during(async move {
            if twice {
                exchange.poster.fetch(&target, &params).await.ok();
            }
            exchange.poster.fetch(&target, &params).await
        })
        .await
    }

    /// Asks the fallback address once; without one the call is over.
    async fn fall_back(&mut self, fault: Fault, url: String) -> Result<Vec<Element>, Interrupt> {
        tracing::debug!(code = fault.0, "the emulated carrier cannot obey");
        let Some(fallback) = self.order.fallback.take() else { return Err(Interrupt::Ended) };
        let params = Params::default().with("ErrorCode", fault.0).with("ErrorUrl", url);
        self.document = Some(super::overrides::split(&fallback.url).0.to_owned());
        self.fetch(fallback, params).await?.map_err(|_| Interrupt::Ended)
    }

    /// Lets scaled time pass on an answered line.
    pub(super) async fn pass(&mut self, duration: Duration) -> Result<(), Interrupt> {
        self.during(sleep(self.exchange.scaled(duration))).await
    }

    /// Does `work` unless something comes between.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Interrupt> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                Some(command) = self.commands.recv() => self.heed(command)?,
                () = sleep_until(self.leaves) => return Err(Interrupt::HungUp),
                () = sleep_until(self.limit) => return Err(Interrupt::Ended),
                done = &mut work => return Ok(done),
            }
        }
    }

    fn heed(&mut self, command: Command) -> Result<(), Interrupt> {
        match command {
            Command::Cancel => Ok(()),
            Command::Complete => Err(Interrupt::Ended),
            Command::Redirect(instructions, fallback) => Err(Interrupt::Redirected(instructions, fallback)),
            Command::Removed => Err(Interrupt::Removed),
            Command::Talking(talking) => {
                self.hear(talking);
                Ok(())
            }
        }
    }

    /// A person who hears somebody talks for its time; one who is left in silence goes after a while.
    pub(super) fn hear(&mut self, talking: bool) {
        if talking == self.talking {
            return;
        }
        self.talking = talking;
        if self.behaviour.reaction == Reaction::Human {
            let stays = if talking { self.behaviour.talk } else { self.behaviour.patience };
            self.leaves = Instant::now() + self.exchange.scaled(stays);
        }
    }

    /// Keeps a recording until the leg ends.
    pub(super) fn record(&mut self, sid: String) {
        self.recordings.push(sid);
    }

    fn finish(mut self, status: Status) {
        for recording in self.recordings.drain(..) {
            recording::end(&self.exchange, &recording);
        }
        recording::end_all_of(&self.exchange, &self.sid);
        self.progress(status);
    }
}
