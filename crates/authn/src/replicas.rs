//! Where auth-service is spoken to.

use aws_lc_rs::rand;
use tonic::transport::Channel;

/// The replicas of auth-service, a channel for each. Any of them knows what all know.
#[derive(Debug, Clone)]
pub struct Replicas {
    first: Channel,
    others: Vec<Channel>,
}

impl Replicas {
    /// One replica; [`Replicas::and`] adds others.
    pub fn one(channel: Channel) -> Self {
        Self {
            first: channel,
            others: Vec::new(),
        }
    }

    /// These and `channel`.
    #[must_use]
    pub fn and(mut self, channel: Channel) -> Self {
        self.others.push(channel);
        self
    }

    /// All of them for ever, beginning with any: so the clients of a service spread over its replicas.
    pub(crate) fn in_turn(self) -> InTurn {
        let next = random_below(self.others.len() + 1);
        InTurn { replicas: self, next }
    }
}

impl From<Channel> for Replicas {
    fn from(channel: Channel) -> Self {
        Self::one(channel)
    }
}

/// One replica after another, without end.
#[derive(Debug)]
pub(crate) struct InTurn {
    replicas: Replicas,
    next: usize,
}

impl InTurn {
    pub(crate) fn next_channel(&mut self) -> Channel {
        let Replicas { first, others } = &self.replicas;
        let index = self.next % (others.len() + 1);
        self.next = index + 1;
        let channel = index.checked_sub(1).and_then(|index| others.get(index));
        channel.unwrap_or(first).clone()
    }
}

/// A number from 0 to `bound` − 1; for spreading load, so without randomness 0 will do.
pub(crate) fn random_below(bound: usize) -> usize {
    let mut bytes = [0; 2];
    let _ = rand::fill(&mut bytes);
    usize::from(u16::from_le_bytes(bytes))
        .checked_rem(bound)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_number_stays_below_its_bound() {
        assert_eq!(random_below(0), 0);
        assert_eq!(random_below(1), 0);
        let seen: std::collections::HashSet<_> = (0..1_000).map(|_| random_below(4)).collect();
        assert_eq!(seen.len(), 4);
    }
}
