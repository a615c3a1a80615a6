//! What ends access tokens before their time.

use jiff::SignedDuration;

/// Nothing that was issued before a revocation can be valid so much later: 15 minutes, the longest life of an access token
/// that can be set and that services accept, and a minute for clocks that differ, of which services grant 5 s.
pub(crate) const REACH: SignedDuration = SignedDuration::from_mins(16);
