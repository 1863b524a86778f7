//! Ledgerline: the backend of a call centre that collects receivables.
//!
//! The modules stand in the order in which a call meets them.
//!
//! A portfolio is taken in ([`import`]) as accounts with open items ([`account`], [`ledger`]); what is paid comes in
//! ([`cash`]) and finds its items ([`allocation`]). A [`campaign`] says which
//! of them to call; the [`queue`] keeps them in calling order and lends them out. [`pacing`] says how many lines to dial
//! now, [`compliance`] whether this one may be dialled, the [`dialer`] commits the attempt and asks the [`carrier`].
//!
//! What the carrier then posts comes in through [`webhook`] and is told to the [`call`], a record of facts that only
//! grows. When somebody answers, an [`agent`] is picked, the account is put on its [`desk`], and the voices are connected.
//! The [`floor`] shows supervisors all of it. What the agent records is a [`disposition`]: a [`promise`], a [`dispute`],
//! a callback, and the account finds its new place in the queue. What others in the house have to do about it is a [`task`];
//! what the house agrees to at all is its [`agreement`] rules.
//!
//! What all of it adds up to is a [`report`], as of any day.
//!
//! Effects leave the database through the [`outbox`]. Postgres is the truth, Redis the [`tempo`].

// The frame: start to stop, the stores, what is logged and measured.
pub mod app;
pub mod cli;
pub mod config;
pub mod db;
pub mod lifecycle;
pub mod outbox;
pub mod services;
pub mod telemetry;
pub mod tempo;
pub mod worker;

// What everything is made of.
pub mod business_day;
pub mod clock;
pub mod error;
pub mod ids;
pub mod money;
mod named;
pub mod phone;

// The portfolio: who owes what, and how to reach them.
pub mod account;
pub mod allocation;
pub mod cash;
pub mod export;
pub mod import;
pub mod ledger;
pub mod period;

// Whom to call, how many lines, whether, go.
pub mod answer;
pub mod campaign;
pub mod compliance;
pub mod dialer;
pub mod pacing;
pub mod queue;

// The carrier is asked, posts what happens, and the call learns from it.
pub mod call;
pub mod carrier;
pub mod webhook;

// People: who takes the call, what they see, who watches.
pub mod agent;
pub mod desk;
pub mod floor;

// What the call led to, and who looks after it.
pub mod agreement;
pub mod disposition;
pub mod dispute;
pub mod escalation;
pub mod plan;
pub mod promise;
pub mod task;

// What is written to debtors, and what may be owed.
pub mod credit;
pub mod document;
pub mod message;
pub mod paper;
pub mod reminder;

// What all of it adds up to, and who else is told.
pub mod outgoing;
pub mod quickbooks;
pub mod report;

// The ways in from outside: the staff API and the pages.
pub mod http;
pub mod web;

// To try, test and measure against.
pub mod bench;
pub mod emulator;

#[cfg(test)]
mod test_data;
