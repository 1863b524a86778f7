//! Integration tests: the real stores, the real router, a file a flow.

mod architecture;
mod calls;
mod carrier;
mod dialer;
mod frame;
mod harness;
mod import;
mod portfolio;
mod queries;
mod queue;
mod scene;
mod webhooks;
