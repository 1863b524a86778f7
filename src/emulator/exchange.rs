//! The switch: every leg, conference and recording, what is forced on the next call, and the posting of events.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    sync::{Notify, Semaphore, mpsc},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;
use uuid::Uuid;

use super::{
    Config,
    conference::Conference,
    faults::{CreateFate, Faults},
    leg::{Command, Leg, Order, Status},
    line::Line,
    params::{self, Params},
    people::{self, Behaviour, Reaction},
    post::{Poster, Target},
    recording::Recording,
};
use crate::clock::Clock;

/// Finished legs, conferences and recordings kept of each kind.
const KEPT: usize = 20_000;
/// Behaviours that may be waiting to be forced on calls.
const FORCED: usize = 1_000;
/// Requests to the application at the same time.
const POSTING: usize = 256;
/// Commands a line may have outstanding.
const COMMANDS: usize = 64;

/// The running emulator.
pub(super) struct Exchange {
    pub(super) config: Config,
    pub(super) clock: Clock,
    pub(super) base_url: Url,
    pub(super) poster: Poster,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    faults: RwLock<Faults>,
    posting: Semaphore,
    books: Mutex<Books>,
}

/// What the switch knows; SIDs grow with time, so the maps are in order of age.
pub(super) struct Books {
    pub(super) legs: BTreeMap<String, Leg>,
    pub(super) conferences: BTreeMap<String, Conference>,
    pub(super) recordings: BTreeMap<String, Recording>,
    forced: VecDeque<Forced>,
    /// How often each number was called.
    dialled: HashMap<String, u64>,
    /// When the next call may start.
    next_start: Instant,
}

/// What the next call, or the next call to one number, is made to do; what is absent is drawn as usual.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Forced {
    /// Only a call to this number.
    pub to: Option<String>,
    /// How it is taken.
    pub reaction: Option<Reaction>,
    /// From ringing to the answer, milliseconds.
    pub ring_ms: Option<u64>,
    /// Length of a conversation, milliseconds.
    pub talk_ms: Option<u64>,
    /// Time in silence before hanging up, milliseconds.
    pub patience_ms: Option<u64>,
    /// Time of machine detection, milliseconds.
    pub detection_ms: Option<u64>,
    /// Verdict of machine detection.
    pub verdict: Option<String>,
    /// Keys pressed when asked for some.
    pub digits: Option<String>,
}

impl Exchange {
    pub(super) fn new(config: Config, clock: Clock, base_url: Url) -> anyhow::Result<Self> {
        Ok(Self {
            poster: Poster::new(config.auth_token.clone(), clock.clone())?,
            faults: RwLock::new(config.faults.clone()),
            config,
            clock,
            base_url,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            posting: Semaphore::new(POSTING),
            books: Mutex::new(Books {
                legs: BTreeMap::new(),
                conferences: BTreeMap::new(),
                recordings: BTreeMap::new(),
                forced: VecDeque::new(),
                dialled: HashMap::new(),
                // The first second's worth need not wait.
                next_start: Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or_else(Instant::now),
            }),
        })
    }

    /// The books. A line that panicked while it held them has left them usable.
    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A duration of people or lines as it passes here.
    pub(super) fn scaled(&self, duration: Duration) -> Duration {
        duration.div_f64(self.config.speed)
    }

    pub(super) fn faults(&self) -> Faults {
        self.faults.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_faults(&self, faults: Faults) {
        *self.faults.write().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    pub(super) fn create_fate(&self) -> CreateFate {
        self.faults().create()
    }

    pub(super) fn force(&self, forced: Forced) {
        let mut books = self.books();
        if books.forced.len() == FORCED {
            books.forced.pop_front();
        }
        books.forced.push_back(forced);
    }

    /// How long a call made now waits until it starts, or `None` where the excess is refused.
    pub(super) fn turn(&self) -> Option<Duration> {
        let spacing = Duration::from_secs_f64(1.0 / (f64::from(self.config.calls_per_second) * self.config.speed));
        let now = Instant::now();
        let mut books = self.books();
        // A second's worth may start at once, as the carrier counts by the second.
        let earliest = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
        let start = books.next_start.max(earliest);
        let waits = (start + spacing).saturating_duration_since(now);
        if self.config.refuse_excess && !waits.is_zero() {
            return None;
        }
        books.next_start = start + spacing;
        Some(waits)
    }

    /// What the far end of the next call to `number` does.
    pub(super) fn behaviour(&self, number: &str) -> Behaviour {
        let mut books = self.books();
        let mut behaviour = if self.is_device(number) {
            Behaviour::device()
        } else {
            if books.dialled.len() > 100_000 {
                books.dialled.clear();
            }
            let nth = books.dialled.entry(number.to_owned()).or_default();
            *nth += 1;
            people::behaviour(&self.config.population, self.config.seed, number, *nth)
        };
        let meant = |forced: &Forced| forced.to.as_deref().is_none_or(|to| to == number);
        let position =
            books.forced.iter().position(|forced| meant(forced) && (forced.to.is_some() || !self.is_device(number)));
        if let Some(forced) = position.and_then(|position| books.forced.remove(position)) {
            forced.apply(&mut behaviour);
        }
        behaviour
    }

    fn is_device(&self, address: &str) -> bool {
        address.starts_with("client:") || self.config.devices.iter().any(|device| device == address)
    }

    /// Makes a leg which starts after `queued`; returns its SID.
    pub(super) fn place(self: &Arc<Self>, order: Order, behaviour: Behaviour, queued: Duration) -> String {
        let sid = new_sid("CA");
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let leg = Leg {
            sid: sid.clone(),
            to: order.to.clone(),
            from: order.from.clone(),
            direction: order.direction,
            parent: order.parent.clone(),
            status: Status::Queued,
            created: self.clock.now(),
            started: None,
            answered: None,
            ended: None,
            answered_by: None,
            tells_answered_by: false,
            queued,
            callback: order.callback.clone(),
            sequence: 0,
            sip: None,
            commands,
            posted: Arc::new(Notify::new()),
        };
        let mut books = self.books();
        books.legs.insert(sid.clone(), leg);
        forget(&mut books.legs, |leg| leg.status.is_over());
        drop(books);
        let line = Line::new(Arc::clone(self), sid.clone(), order, inbox, behaviour);
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = line.run(queued) => {}
            }
        });
        sid
    }

    /// Changes a leg.
    pub(super) fn leg<R>(&self, sid: &str, change: impl FnOnce(&mut Leg) -> R) -> Option<R> {
        self.books().legs.get_mut(sid).map(change)
    }

    /// Asks something of a line; one that is over or overwhelmed does not hear it.
    pub(super) fn command(&self, sid: &str, command: Command) {
        if let Some(commands) = self.leg(sid, |leg| leg.commands.clone()) {
            commands.try_send(command).ok();
        }
    }

    /// The base parameters of a leg as it is now.
    pub(super) fn base(&self, sid: &str) -> Params {
        self.leg(sid, |leg| params::base(&self.config.account_sid, leg)).unwrap_or_default()
    }

    /// Posts a leg's present status to whoever subscribed to it.
    pub(super) fn tell_status(self: &Arc<Self>, sid: &str) {
        let told = self.leg(sid, |leg| {
            let target = leg.callback.as_ref()?.wants(leg.status.event())?.clone();
            let mut params = params::base(&self.config.account_sid, leg);
            if leg.status.is_over() {
                params = params.and(leg.ending());
            }
            params = params
                .with("CallbackSource", "call-progress-events")
                .with("SequenceNumber", leg.sequence)
                .with("Timestamp", params::rfc2822(self.clock.now()));
            leg.sequence += 1;
            Some((target, params, Arc::clone(&leg.posted)))
        });
        if let Some((target, params, posted)) = told.flatten() {
            self.post("status", target, params, posted);
        }
    }

    /// Posts an event in the background, with whatever goes wrong on the way.
    pub(super) fn post(self: &Arc<Self>, kind: &'static str, target: Target, params: Params, posted: Arc<Notify>) {
        let fate = self.faults().callback();
        if fate.dropped {
            return;
        }
        let exchange = Arc::clone(self);
        self.tasks.spawn(async move {
            if fate.overtaken {
                tokio::time::timeout(exchange.scaled(Duration::from_secs(3)), posted.notified()).await.ok();
            }
            tokio::time::sleep(fate.late).await;
            let Ok(_permit) = exchange.posting.acquire().await else { return };
            let work = async {
                if fate.twice {
                    exchange.poster.tell_twice(kind, &target, &params).await;
                } else {
                    exchange.poster.tell(kind, &target, &params).await;
                }
                posted.notify_waiters();
            };
            tokio::select! {
                () = exchange.stop.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Figures: legs by status, conferences, requests.
    pub(super) fn statistics(&self) -> Value {
        let books = self.books();
        let mut legs: BTreeMap<&str, u64> = BTreeMap::new();
        for leg in books.legs.values() {
            *legs.entry(leg.status.told()).or_default() += 1;
        }
        let conferences = books.conferences.values().filter(|conference| !conference.is_over()).count();
        json!({ "legs": legs, "conferences": conferences, "recordings": books.recordings.len() })
    }
}

impl Forced {
    fn apply(self, behaviour: &mut Behaviour) {
        fn set<T>(to: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *to = value;
            }
        }
        set(&mut behaviour.reaction, self.reaction);
        set(&mut behaviour.ring, self.ring_ms.map(Duration::from_millis));
        set(&mut behaviour.talk, self.talk_ms.map(Duration::from_millis));
        set(&mut behaviour.patience, self.patience_ms.map(Duration::from_millis));
        set(&mut behaviour.detection, self.detection_ms.map(Duration::from_millis));
        let by_reaction = self.reaction.and_then(|reaction| match reaction {
            Reaction::Human => Some("human".to_owned()),
            Reaction::Machine => Some("machine_start".to_owned()),
            Reaction::Fax => Some("fax".to_owned()),
            _ => None,
        });
        set(&mut behaviour.verdict, self.verdict.or(by_reaction));
        set(&mut behaviour.digits, self.digits);
    }
}

/// Drops the oldest finished entry of a map that has grown too long.
pub(super) fn forget<T>(kept: &mut BTreeMap<String, T>, is_over: impl Fn(&T) -> bool) {
    if kept.len() > KEPT {
        let oldest = kept.iter().find(|(_, entry)| is_over(entry)).map(|(sid, _)| sid.clone());
        oldest.and_then(|sid| kept.remove(&sid));
    }
}

/// A new SID: two letters and 32 hexadecimal digits that grow with time.
pub(super) fn new_sid(prefix: &str) -> String {
    format!("{prefix}{}", Uuid::now_v7().simple())
}
