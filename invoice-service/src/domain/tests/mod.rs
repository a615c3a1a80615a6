//! Tests of the domain as a whole.

mod builders;
mod credit_properties;
mod credit_rules;
mod credits;
mod drafts;
mod histories;
mod inclusive_figures;
mod issuing;
mod limits;
mod numbers;
mod parsing;
mod payments;
mod profiles;
mod properties;
mod public_invoices;
mod strategies;
mod worked_figures;
