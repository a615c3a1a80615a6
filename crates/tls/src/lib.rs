//! TLS and mTLS of servers and clients.
