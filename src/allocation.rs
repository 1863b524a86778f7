//! What a payment is for: rules that find the items, and say how they found them. Pure.

pub mod policy;
