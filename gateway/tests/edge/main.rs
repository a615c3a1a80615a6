//! The gateway through real sockets, in front of real gRPC servers.

// `cfg(test)` tells clippy that helpers in here may fail loudly too.
#[cfg(test)]
mod browser;
#[cfg(test)]
mod console;
#[cfg(test)]
mod cookies;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod large_heads;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod native;
#[cfg(test)]
mod own_services;
#[cfg(test)]
mod replicas;
#[cfg(test)]
mod slow_clients;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod upstream;
#[cfg(test)]
mod web_client;
