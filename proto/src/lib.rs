//! The compiled API contract.
