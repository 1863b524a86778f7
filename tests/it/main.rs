//! Integration tests.

mod carrier;
