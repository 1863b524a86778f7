//! Pacing of a live campaign: what it is shown, what it says, and what another pacer would have made of a day.

mod abandoned;
mod answers;
mod live;
mod reason;
mod recorded;
mod what_if;
