//! The carrier: a Twilio-compatible telephone network, asked over REST and heard through webhooks.
//!
//! The rest of the service speaks of calls, parties and conferences; the provider's names for them occur in
//! [`twilio`] and [`twiml`] only. `docs/CARRIERS.md` is the operator's side of it, `webhooks/README.md` the contract.

pub mod circuit;
pub mod client;
pub mod error;
pub mod event;
pub mod limit;
pub mod params;
pub mod party;
pub mod request;
pub mod samples;
pub mod sid;
pub mod signature;
pub mod timestamp;
pub mod token;
pub mod twilio;
pub mod twiml;

pub use circuit::Trouble;
pub use client::Client;
pub use error::{Error, Meaning};
pub use event::{
    AmdResult, CallStatus, ConferenceEvent, ConferenceEventKind, DialResult, DialStatus, LeftBecause, RecordingEvent,
    RecordingStatus, Status, VoiceRequest,
};
pub use params::Params;
pub use party::Party;
pub use request::{
    AddParticipant, CallUpdate, CreateCall, CreateResult, Instructions, ListCalls, MachineDetection, NotPlaced,
    ParticipantUpdate, Updated, Voice,
};
pub use sid::Sid;
