//! Tests of the domain as a whole.

mod builders;
mod drafts;
mod inclusive_figures;
mod limits;
mod parsing;
mod properties;
mod public_invoices;
mod strategies;
mod worked_figures;
