//! What an invoice is and what it comes to. Pure: no wire, no store, no clock but in new ids.
//!
//! Every value is checked by the constructor of its type; what reaches [`invoice::Invoice`] is
//! valid. Errors say in words what a client must change, and carry a stable `reason()`.

pub mod adjustment;
pub mod completeness;
pub mod content;
pub mod country;
pub mod credit;
pub mod customer;
pub mod date;
pub mod decimal;
mod facts;
pub mod history;
pub mod ids;
pub mod invoice;
pub mod lifecycle;
pub mod line;
pub mod metadata;
pub mod money;
pub mod number;
pub mod party;
pub mod payment;
pub mod profile;
mod rounding;
pub mod state;
pub mod summary;
pub mod tax;
pub mod template;
#[cfg(test)]
mod tests;
pub mod text;
pub mod totals;
