//! Endpoints, events and deliveries in Postgres.

mod deliveries;
mod endpoints;

pub use self::{
    deliveries::{Attempt, Delivery, deliveries},
    endpoints::{get, list},
};
pub(super) use self::{
    deliveries::{
        Due, NewEvent, Outcome, begin_again, delivered, due, endpoint_of, give_up, insert_events, note_attempt,
        try_again,
    },
    endpoints::{add_secret, anybody_listens, audit, count, disable, end, expire_secrets, failing, insert},
};
