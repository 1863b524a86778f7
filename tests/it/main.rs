//! Integration tests: the real stores, the real router, a file a flow.

mod account;
mod agents;
mod api;
mod architecture;
mod browser;
mod calls;
mod carrier;
mod day;
mod desk;
mod dialer;
mod dispositions;
mod floor;
mod frame;
mod group_commit;
mod harness;
mod import;
mod ledger;
mod outbox;
mod pacing;
mod portfolio;
mod queries;
mod queue;
mod reports;
mod scene;
mod vertical;
mod webhooks;
