//! The invoices collection.
pub mod domain;
