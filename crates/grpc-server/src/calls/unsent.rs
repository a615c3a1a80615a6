use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rpc_error::{RpcError, reason};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// When a refused caller may come back: who reads takes a response in less.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The response bytes of one server that its peers have not taken yet, within a limit. In the extensions of every
/// request that a [`CallStack`](crate::CallStack) passes on.
///
/// A peer decides how much it takes and when (RFC 9113, 5.2), and a call's place is free again when its handler has
/// answered. Without this limit peers that read nothing would fill the memory.
#[derive(Debug, Clone)]
pub struct UnsentBytes(Arc<Semaphore>);

/// Bytes that count as unsent until this is dropped.
#[derive(Debug)]
pub struct ReservedBytes {
    _permit: OwnedSemaphorePermit,
}

impl UnsentBytes {
    pub(super) fn new(limit: usize) -> Self {
        Self(Arc::new(Semaphore::new(limit)))
    }

    /// Counts so many bytes.
    ///
    /// # Errors
    /// `UNAVAILABLE` with reason `OVERLOADED` and a `RetryInfo` when the limit is reached.
    pub fn reserve(&self, bytes: usize) -> Result<ReservedBytes, RpcError> {
        let bytes = u32::try_from(bytes).map_err(|_| too_many())?;
        match Arc::clone(&self.0).try_acquire_many_owned(bytes) {
            Ok(permit) => Ok(ReservedBytes { _permit: permit }),
            Err(_) => Err(too_many()),
        }
    }

    /// The same bytes, counted until nobody holds any of them: neither the body, nor Hyper, nor the queue of the
    /// connection.
    ///
    /// # Errors
    /// Those of [`UnsentBytes::reserve`].
    pub(super) fn hold(&self, data: Bytes) -> Result<Bytes, RpcError> {
        let reserved = self.reserve(data.len())?;
        Ok(Bytes::from_owner(Held {
            data,
            _reserved: reserved,
        }))
    }
}

struct Held {
    data: Bytes,
    _reserved: ReservedBytes,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

fn too_many() -> RpcError {
    let message = "too many responses wait for their readers; try again shortly";
    RpcError::unavailable(reason::OVERLOADED, message, RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rpc_error::reason;

    use super::UnsentBytes;

    #[test]
    fn bytes_count_until_their_last_slice_is_gone() {
        let unsent = UnsentBytes::new(10);
        let mut held = unsent.hold(Bytes::from_static(b"abcdef")).unwrap();
        let slice = held.split_off(5);
        drop(held);
        assert_eq!(slice, "f");
        assert_eq!(unsent.reserve(5).unwrap_err().reason(), reason::OVERLOADED);
        drop(slice);
        let all = unsent.reserve(10).unwrap();
        assert!(unsent.reserve(1).is_err());
        drop(all);
        assert!(unsent.reserve(10).is_ok());
    }
}
