//! Tests of the domain as a whole.

mod builders;
mod inclusive_figures;
mod worked_figures;
