//! Reading the fields of one message: each goes through its type's constructor, each failure is recorded with its path.

use rpc_error::{FieldPath, IntoViolation, Violations};

use crate::domain::text::{Paragraph, Text};

/// Reads the fields of the message at `at`. Each method gives `None` after it recorded a violation.
pub(super) struct Reader<'a> {
    at: &'a FieldPath,
    violations: &'a mut Violations,
}

impl<'a> Reader<'a> {
    pub(super) fn new(at: &'a FieldPath, violations: &'a mut Violations) -> Self {
        Self { at, violations }
    }

    /// Where problems are recorded.
    pub(super) const fn violations(&mut self) -> &mut Violations {
        self.violations
    }

    /// A value that its constructor has judged.
    pub(super) fn value<T, E: IntoViolation>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        self.violations.check(self.at.field(field), value)
    }

    /// A text that must not be blank.
    pub(super) fn required<T, E: IntoViolation>(
        &mut self,
        field: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if text.is_empty() {
            self.violations
                .push(self.at.field(field), "FIELD_REQUIRED", "must not be blank");
            return None;
        }
        self.value(field, parse(text))
    }

    /// A text that may be blank, which gives `Some(None)`.
    pub(super) fn optional<T, E: IntoViolation>(
        &mut self,
        field: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        if text.is_empty() {
            Some(None)
        } else {
            self.value(field, parse(text)).map(Some)
        }
    }

    /// A bounded text on one line.
    pub(super) fn text<const MAX: usize>(&mut self, field: &str, text: &str) -> Option<Text<MAX>> {
        self.value(field, Text::parse(text))
    }

    /// A bounded text with line breaks.
    pub(super) fn paragraph<const MAX: usize>(&mut self, field: &str, text: &str) -> Option<Paragraph<MAX>> {
        self.value(field, Paragraph::parse(text))
    }
}

/// The items of a repeated field, or `None` after every violation of every item was recorded. Of a list longer than
/// `most` only that is recorded.
pub(super) fn each<M, T>(
    items: &[M],
    most: usize,
    too_many: &'static str,
    at: &FieldPath,
    violations: &mut Violations,
    convert: impl Fn(&M, &FieldPath, &mut Violations) -> Option<T>,
) -> Option<Vec<T>> {
    if items.len() > most {
        violations.push(
            at.clone(),
            too_many,
            format!("must have at most {most} items, not {}", items.len()),
        );
        return None;
    }
    let mut converted = Vec::with_capacity(items.len());
    for (position, item) in items.iter().enumerate() {
        converted.extend(convert(item, &at.index(position), violations));
    }
    (converted.len() == items.len()).then_some(converted)
}

/// An absent message is `Some(None)`; one that is there must convert.
pub(super) fn optional<M, T>(message: Option<M>, convert: impl FnOnce(M) -> Option<T>) -> Option<Option<T>> {
    match message {
        Some(message) => convert(message).map(Some),
        None => Some(None),
    }
}
