use crate::{FieldPath, RpcError};

/// One problem with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where: `invoice.lines[1].quantity`.
    pub path: FieldPath,
    /// What, for programs: `UPPER_SNAKE_CASE`, stable, never reused for something else.
    pub reason: &'static str,
    /// What, for people: one English sentence that says how to mend it.
    pub description: String,
}

/// Collects the problems of one request, so that its caller learns all of them at once.
///
/// A conversion takes `&mut Violations`, records what is wrong and goes on with the next field; the boundary asks
/// [`Violations::into_result`] once at the end.
#[derive(Debug, Default)]
pub struct Violations {
    kept: Vec<Violation>,
    total: usize,
}

impl Violations {
    /// No more than this many problems are kept; how many there were is still counted. Of these, as many are sent as fit
    /// into 5 KiB, since clients refuse larger trailers.
    pub const MOST: usize = 64;

    /// An empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records a problem. Past [`Violations::MOST`] it is only counted.
    pub fn push(&mut self, path: FieldPath, reason: &'static str, description: impl Into<String>) {
        self.total += 1;
        if self.kept.len() < Self::MOST {
            self.kept.push(Violation {
                path,
                reason,
                description: description.into(),
            });
        }
    }

    /// The value of `result`, or `None` after its error was recorded with `path`.
    pub fn check<T, E: IntoViolation>(&mut self, path: FieldPath, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.push(path, error.reason(), error.to_string());
                None
            }
        }
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// What was recorded, in the order of recording.
    pub fn as_slice(&self) -> &[Violation] {
        &self.kept
    }

    /// `Ok` when nothing was recorded.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with reason `FIELDS_INVALID` and a `BadRequest` that lists the violations in the order of
    /// recording.
    pub fn into_result(self) -> Result<(), RpcError> {
        if self.total == 0 {
            Ok(())
        } else {
            Err(RpcError::bad_fields(self.kept, self.total))
        }
    }
}

/// A domain error that can stand as a field violation: its `Display` is the sentence for people.
pub trait IntoViolation: std::fmt::Display {
    /// The stable reason for programs.
    fn reason(&self) -> &'static str;
}
