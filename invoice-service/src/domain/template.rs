//! What the numbers of a series look like.

use std::fmt;

use thiserror::Error;

use super::{date::CalendarDate, invoice::InvoiceNumber, number::Reset};

/// Why a template was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// Braces around something else, or not closed.
    #[error("must have only the placeholders {{YYYY}}, {{YY}}, {{MM}}, {{SEQ}} and {{SEQ:1}} to {{SEQ:9}}")]
    Placeholder,
    /// Not exactly one count.
    #[error("must have {{SEQ}} or {{SEQ:n}} exactly once")]
    Sequence,
    /// A control character, or numbers longer than an invoice number can be.
    #[error(
        "must be text that leads to numbers of at most 64 characters, with {} digits for the count",
        Template::SEQUENCE_DIGITS
    )]
    Text,
}

impl TemplateError {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Placeholder => "TEMPLATE_PLACEHOLDER",
            Self::Sequence => "TEMPLATE_SEQUENCE",
            Self::Text => "TEMPLATE_TEXT",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Year,
    /// The last two digits of the year.
    ShortYear,
    Month,
    /// With zeros in front, up to so many digits; a larger count is written with as many digits as it has.
    Sequence(usize),
}

/// The look of a number: `INV-{YYYY}-{SEQ:4}`. Year and month are those of the day of issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

impl Template {
    /// The longest count in digits, and what a template's other parts leave room for.
    pub const SEQUENCE_DIGITS: usize = 10;

    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`], one variant per cause.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let parts = parts(text)?;
        let counts = parts.iter().filter(|part| matches!(part, Part::Sequence(_)));
        if counts.count() != 1 {
            return Err(TemplateError::Sequence);
        }
        let template = Self {
            text: text.to_owned(),
            parts,
        };
        let longest = template.number(CalendarDate::FIRST, u32::MAX);
        InvoiceNumber::parse(&longest).map_err(|_| TemplateError::Text)?;
        Ok(template)
    }

    /// `prefix-{YYYY}-{SEQ:4}`.
    pub(super) fn counted_yearly(prefix: &str) -> Self {
        let literal = |text: &str| Part::Literal(text.to_owned());
        Self {
            text: format!("{prefix}-{{YYYY}}-{{SEQ:4}}"),
            parts: vec![
                literal(&format!("{prefix}-")),
                Part::Year,
                literal("-"),
                Part::Sequence(4),
            ],
        }
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The number of an invoice of this day with this count.
    pub fn number(&self, day: CalendarDate, sequence: u32) -> String {
        self.parts.iter().map(|part| part.text(day, sequence)).collect()
    }

    /// Whether numbers tell the periods of `reset` apart: each period has counts of its own. A year of two digits does,
    /// for a century.
    pub fn shows_periods_of(&self, reset: Reset) -> bool {
        let has = |wanted: &Part| self.parts.contains(wanted);
        let has_year = has(&Part::Year) || has(&Part::ShortYear);
        match reset {
            Reset::Never => true,
            Reset::Yearly => has_year,
            Reset::Monthly => has_year && has(&Part::Month),
        }
    }

    /// Whether it differs from `other` in nothing but the zeros in front of the count. Numbers of the two are equal only
    /// where count and period are.
    pub fn differs_in_zeros_only(&self, other: &Self) -> bool {
        let unpadded = |template: &Self| -> Vec<Part> {
            let parts = template.parts.iter().cloned();
            let unpad = |part| match part {
                Part::Sequence(_) => Part::Sequence(1),
                Part::Literal(_) | Part::Year | Part::ShortYear | Part::Month => part,
            };
            parts.map(unpad).collect()
        };
        unpadded(self) == unpadded(other)
    }

    /// Whether some number can be one of this template and of `other`. Compares what can stand at each place, so it may
    /// take numbers for possible that no day and count lead to, but misses none.
    pub fn can_equal(&self, other: &Self) -> bool {
        let others: Vec<_> = other.shapes().collect();
        self.shapes()
            .any(|shape| others.iter().any(|other| is_possible_as_both(&shape, other)))
    }

    /// What can stand at each place, for each number of digits that the count can have.
    fn shapes(&self) -> impl Iterator<Item = Vec<Place>> {
        (1..=Self::SEQUENCE_DIGITS).filter_map(|digits| {
            let shaped: Option<Vec<_>> = self.parts.iter().map(|part| part.places(digits)).collect();
            shaped.map(|places| places.concat())
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The characters from one to another.
type Place = (char, char);

fn is_possible_as_both(one: &[Place], other: &[Place]) -> bool {
    let mut places = one.iter().zip(other);
    one.len() == other.len() && places.all(|(one, other)| one.0 <= other.1 && other.0 <= one.1)
}

impl Part {
    fn text(&self, day: CalendarDate, sequence: u32) -> String {
        let year = day.date().year();
        match self {
            Self::Literal(text) => text.clone(),
            Self::Year => format!("{year:04}"),
            Self::ShortYear => format!("{:02}", year % 100),
            Self::Month => format!("{:02}", day.date().month()),
            Self::Sequence(digits) => format!("{sequence:0width$}", width = *digits),
        }
    }

    /// What can stand at each place; `None` when the count cannot have so many digits.
    fn places(&self, digits: usize) -> Option<Vec<Place>> {
        Some(match self {
            Self::Literal(text) => text.chars().map(|character| (character, character)).collect(),
            Self::Year => vec![('1', '2'), ('0', '9'), ('0', '9'), ('0', '9')],
            Self::ShortYear => vec![('0', '9'); 2],
            Self::Month => vec![('0', '1'), ('0', '9')],
            Self::Sequence(least) if digits > *least => {
                // No zero in front.
                let mut places = vec![('0', '9'); digits];
                places[0] = ('1', '9');
                places
            }
            Self::Sequence(least) if digits == *least => vec![('0', '9'); digits],
            Self::Sequence(_) => return None,
        })
    }
}

fn parts(template: &str) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((literal, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}').ok_or(TemplateError::Placeholder)?;
        parts.extend(self::literal(literal)?);
        parts.push(placeholder(name)?);
        rest = after;
    }
    parts.extend(literal(rest)?);
    Ok(parts)
}

fn literal(text: &str) -> Result<Option<Part>, TemplateError> {
    if text.contains('}') {
        return Err(TemplateError::Placeholder);
    }
    Ok((!text.is_empty()).then(|| Part::Literal(text.to_owned())))
}

fn placeholder(name: &str) -> Result<Part, TemplateError> {
    match (name, name.strip_prefix("SEQ:").map(str::as_bytes)) {
        ("YYYY", _) => Ok(Part::Year),
        ("YY", _) => Ok(Part::ShortYear),
        ("MM", _) => Ok(Part::Month),
        ("SEQ", _) => Ok(Part::Sequence(1)),
        (_, Some([digits @ b'1'..=b'9'])) => Ok(Part::Sequence(usize::from(digits - b'0'))),
        (_, Some(_) | None) => Err(TemplateError::Placeholder),
    }
}
