//! Handshakes over real sockets with certificates of real files.

// `cfg(test)` tells clippy that helpers in here may fail loudly too.
#[cfg(test)]
mod connector;
#[cfg(test)]
mod flags;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod mutual;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod server_identity;
#[cfg(test)]
mod support;
