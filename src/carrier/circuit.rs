//! The circuit to the carrier: opens when the carrier does not know us, and closes when a probe passes.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Why nothing is asked of the carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No account is configured.
    NotConfigured,
    /// The carrier does not accept the account, the key or the token.
    Unauthorized,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotConfigured => "no carrier account is configured",
            Self::Unauthorized => "the carrier does not accept the configured account, key or token",
        })
    }
}

/// How long to wait between two probes.
pub const PROBE_EVERY: Duration = Duration::from_secs(30);

/// The state of the circuit, shared by all requests of a node.
#[derive(Debug, Default)]
pub struct Circuit(Mutex<Option<Open>>);

#[derive(Clone, Copy, Debug)]
struct Open {
    trouble: Trouble,
    probed_at: Instant,
}

impl Circuit {
    /// Why it is open, if it is.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        self.state().map(|open| open.trouble)
    }

    /// Opens it.
    pub fn open(&self, trouble: Trouble, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Open { trouble, probed_at: now });
    }

    /// Closes it.
    pub fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether the caller is the one to probe now: the circuit is open for a reason that may pass, and nobody has
    /// probed for [`PROBE_EVERY`].
    #[must_use]
    pub fn take_probe(&self, now: Instant) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.as_mut() {
            Some(open) if open.trouble == Trouble::Unauthorized && now - open.probed_at >= PROBE_EVERY => {
                open.probed_at = now;
                true
            }
            _ => false,
        }
    }

    fn state(&self) -> Option<Open> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_probe_each_period_and_only_while_open() {
        let circuit = Circuit::default();
        let start = Instant::now();
        assert!(!circuit.take_probe(start), "a closed circuit needs no probe");

        circuit.open(Trouble::Unauthorized, start);
        assert_eq!(circuit.trouble(), Some(Trouble::Unauthorized));
        assert!(!circuit.take_probe(start + PROBE_EVERY / 2));
        assert!(circuit.take_probe(start + PROBE_EVERY));
        assert!(!circuit.take_probe(start + PROBE_EVERY), "the second asker waits for the first one's answer");

        circuit.close();
        assert_eq!(circuit.trouble(), None);
    }

    #[test]
    fn a_missing_account_is_never_probed() {
        let circuit = Circuit::default();
        let start = Instant::now();
        circuit.open(Trouble::NotConfigured, start);
        assert!(!circuit.take_probe(start + PROBE_EVERY * 2));
    }
}
