//! Where auth-service is spoken to.

use aws_lc_rs::rand;
use tonic::transport::Channel;

/// The replicas of auth-service, a channel for each; collect them from several channels, or convert one. Any of them
/// knows what all know. Of none nothing is ever heard.
#[derive(Debug, Clone)]
pub struct Replicas(Vec<Channel>);

impl Replicas {
    /// All of them for ever, beginning with any: so the clients of a service spread over its replicas.
    pub(crate) fn in_turn(self) -> InTurn {
        let next = random_below(self.0.len());
        InTurn {
            replicas: self.0,
            next,
        }
    }
}

impl From<Channel> for Replicas {
    fn from(channel: Channel) -> Self {
        Self(vec![channel])
    }
}

impl FromIterator<Channel> for Replicas {
    fn from_iter<I: IntoIterator<Item = Channel>>(channels: I) -> Self {
        Self(channels.into_iter().collect())
    }
}

/// One replica after another, without end.
#[derive(Debug)]
pub(crate) struct InTurn {
    replicas: Vec<Channel>,
    next: usize,
}

impl InTurn {
    /// `None` when there is no replica at all.
    pub(crate) fn next_channel(&mut self) -> Option<Channel> {
        let index = self.next.checked_rem(self.replicas.len())?;
        self.next = index + 1;
        self.replicas.get(index).cloned()
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

    #[test]
    fn without_a_replica_there_is_none_to_ask() {
        assert!(Replicas::from_iter([]).in_turn().next_channel().is_none());
    }
}
