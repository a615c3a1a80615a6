//! How many sign-ins are let through before anything is spent on them: by address, and by account after failures.
//!
//! Everything is in the memory of one process and of bounded size; a restart forgets it, and each replica counts for
//! itself (ADR 13).

mod addresses;
mod lanes;
mod table;

use std::sync::Arc;
use std::time::Duration;

use client_address::ClientAddress;
use telemetry::{Refusal, SignIns};

pub(crate) use addresses::AddressLimit;
use addresses::Addresses;
use lanes::Lanes;
pub(crate) use lanes::{Attempt, LaneKey};

use crate::domain::clock::Clock;

/// Not now; the same may be tried again after this long, and not before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) Duration);

/// See the module.
#[derive(Debug)]
pub(crate) struct Throttle {
    addresses: Addresses,
    lanes: Arc<Lanes>,
    sign_ins: SignIns,
}

impl Throttle {
    /// Refusals are counted in `sign_ins`. `patience` is how long a hash may take.
    pub(crate) fn new(limit: AddressLimit, patience: Duration, clock: &Clock, sign_ins: SignIns) -> Self {
        Self {
            addresses: Addresses::new(limit, clock.clone()),
            lanes: Arc::new(Lanes::new(patience, clock.clone())),
            sign_ins,
        }
    }

    /// Counts a sign-in or registration, whatever becomes of it, for the address that it came from.
    ///
    /// # Errors
    /// When that has sent too many.
    pub(crate) fn count(&self, client: Option<ClientAddress>) -> Result<(), Wait> {
        let counted = self.addresses.take(client);
        counted.inspect_err(|_| self.sign_ins.refused(Refusal::Address))
    }

    /// Begins an attempt to give the password of an account, before anything is looked up for it, and after those that are
    /// under way. It says afterwards how it ended.
    ///
    /// # Errors
    /// When attempts failed just now.
    pub(crate) async fn attempt(&self, key: LaneKey) -> Result<Attempt, Wait> {
        let entered = self.lanes.enter(key).await;
        entered.inspect_err(|_| self.sign_ins.refused(Refusal::Account))
    }
}
