use std::collections::BTreeMap;

use interchange::Problem;

use super::plan::Planned;

/// The first of many, and how many there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// At most [`Listed::MOST`].
    pub first: Vec<T>,
    /// How many there were.
    pub total: u64,
}

impl<T> Listed<T> {
    /// Who has more problems than this mends the first, and asks again.
    pub const MOST: usize = 100;

    /// Adds one.
    pub(super) fn push(&mut self, item: T) {
        self.total += 1;
        if self.first.len() < Self::MOST {
            self.first.push(item);
        }
    }
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self {
            first: Vec::new(),
            total: 0,
        }
    }
}

/// A figure of the file that does not come out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The line of the file.
    pub line: u64,
    /// The id that the file gives the invoice.
    pub id: String,
    /// The figure, by the name that the file has for it.
    pub at: String,
    /// What the file states, in the unit of the currency.
    pub stated: String,
    /// What it comes to here.
    pub computed: String,
    /// ISO 4217.
    pub currency_code: String,
}

/// An invoice whose number is not the one that the file states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renumbered {
    /// The line of the file.
    pub line: u64,
    /// The number in the file.
    pub stated: String,
    /// The number that it gets.
    pub number: String,
}

/// A note on a record, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedNote {
    /// The line of the file.
    pub line: u64,
    /// The id that the file gives the invoice.
    pub id: String,
    /// The note.
    pub note: interchange::Note,
}

/// What came of an import, or would come of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Nothing was to be stored.
    pub is_dry_run: bool,
    /// Invoices in the file, those with problems too.
    pub invoices: u64,
    /// Invoices with problems. Above 0, nothing is stored.
    pub bad_invoices: u64,
    /// What is wrong.
    pub problems: Listed<Problem>,
    /// Figures that do not come out.
    pub differences: Listed<Difference>,
    /// Differences were to be problems.
    pub refuses_differences: bool,
    /// What else is to be known.
    pub notes: Listed<PlacedNote>,
    /// Members of the file that were left out, and how often.
    pub ignored: BTreeMap<String, u64>,
    /// Invoices whose number changes.
    pub renumbered: Listed<Renumbered>,
    /// Invoices that are in the organization already, from an earlier import or under their own id. They are left as they
    /// are.
    pub already_there: u64,
    /// Invoices that were imported before and deleted since. They are not imported again.
    pub deleted_since: u64,
    /// Stored by state: as the API names it, and how many.
    pub states: BTreeMap<&'static str, u64>,
    /// The first and the last number given.
    pub numbers: Option<(String, String)>,
}

impl ImportReport {
    /// Whether the file was, or would be, stored.
    pub fn is_accepted(&self) -> bool {
        self.problems.total == 0 && !(self.refuses_differences && self.differences.total > 0)
    }

    /// Adds a problem of an invoice that was read without one.
    pub(super) fn bad(&mut self, planned: &Planned, at: String, reason: &'static str, text: String) {
        self.bad_invoices += 1;
        self.problems.push(Problem {
            line: planned.line,
            id: planned.id.to_string(),
            at,
            reason,
            text,
        });
    }

    /// How many invoices are, or would be, new.
    pub fn new_invoices(&self) -> u64 {
        self.states.values().sum()
    }
}
