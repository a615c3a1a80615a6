//! The crate through real sockets.

// `cfg(test)` tells clippy that helpers in here may fail loudly too.
#[cfg(test)]
mod calls;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod descriptors;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod health;
#[cfg(test)]
mod malformed;
#[cfg(test)]
mod raw_http2;
#[cfg(test)]
mod slow_requests;
#[cfg(test)]
mod stream_limits;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod unread;
