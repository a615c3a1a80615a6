use proto::invoice::v1 as pb;

/// What a file says of one invoice.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The id that the file gives it; blank when it gives none.
    pub id: String,
    /// Content, state, number and payments as the file says. What the API computes is left out.
    pub invoice: pb::Invoice,
    /// Figures that the file states and that must come out.
    pub stated: Vec<Stated>,
    /// What a person should know of it.
    pub notes: Vec<Note>,
    /// Members of the file that are not taken along.
    pub ignored: Vec<String>,
    /// The line of the file that each line of the invoice is on; empty where an invoice has one place.
    pub places: Vec<u64>,
}

/// A figure that the file states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// Where: the name that the file has for it.
    pub at: String,
    /// Which figure it is.
    pub figure: Figure,
    /// How much.
    pub amount: StatedAmount,
}

/// Which figure of an invoice is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// The net of the line at this position.
    LineNet(usize),
    /// Quantity times price of the line at this position, with tax where prices include it.
    LineAmount(usize),
    /// The total without tax.
    Net,
    /// The total tax.
    Tax,
    /// The total with tax.
    Gross,
}

/// A stated amount, as the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatedAmount {
    /// In minor units.
    Minor(i64),
    /// A decimal in the unit of the currency.
    Decimal(String),
}

/// Something to know of a record that keeps nobody from importing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The field, by the name that the file has for it.
    pub at: String,
    /// A sentence.
    pub text: String,
}

/// Why a record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line of the file, counted from 1.
    pub line: u64,
    /// The id that the file gives the invoice; blank when it is not known.
    pub id: String,
    /// The field, by the name that the file has for it; blank: the record as a whole.
    pub at: String,
    /// For programs.
    pub reason: &'static str,
    /// For people: what is wrong, as the end of a sentence about the field.
    pub text: String,
}

impl Problem {
    /// A problem of a record as a whole.
    pub(crate) fn of_record(line: u64, reason: &'static str, text: impl Into<String>) -> Self {
        Self {
            line,
            id: String::new(),
            at: String::new(),
            reason,
            text: text.into(),
        }
    }
}

/// Collects the problems of one record.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    pub(crate) line: u64,
    pub(crate) id: String,
    found: Vec<Problem>,
}

impl Problems {
    /// None yet.
    pub(crate) fn of(line: u64) -> Self {
        Self {
            line,
            ..Self::default()
        }
    }

    /// Records one.
    pub(crate) fn push(&mut self, at: impl Into<String>, reason: &'static str, text: impl Into<String>) {
        self.push_on(self.line, at, reason, text);
    }

    /// Records one of another line of the same record.
    pub(crate) fn push_on(
        &mut self,
        line: u64,
        at: impl Into<String>,
        reason: &'static str,
        text: impl Into<String>,
    ) {
        self.found.push(Problem {
            line,
            id: self.id.clone(),
            at: at.into(),
            reason,
            text: text.into(),
        });
    }

    /// `value`, unless there are problems.
    pub(crate) fn unless_any<T>(self, value: T) -> Result<T, Vec<Problem>> {
        if self.found.is_empty() {
            Ok(value)
        } else {
            Err(self.found)
        }
    }
}
