//! Ledgerline: the backend of a call centre that collects receivables.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod error;
pub mod ids;
pub mod lifecycle;
pub mod money;
pub mod outbox;
pub mod phone;
pub mod services;
pub mod telemetry;
pub mod tempo;
pub mod worker;

pub mod account;
pub mod import;
pub mod ledger;

pub mod call;
pub mod campaign;
pub mod carrier;
pub mod compliance;
pub mod dialer;
pub mod pacing;
pub mod queue;

pub mod agent;
pub mod desk;
pub mod floor;

pub mod disposition;
pub mod dispute;
pub mod promise;

pub mod http;
pub mod web;
pub mod webhook;

pub mod bench;
pub mod emulator;

#[cfg(test)]
mod test_data;
