//! Bounded text. What was sent is kept as it was sent: nothing is trimmed or normalized.

use std::fmt;

use thiserror::Error;

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TextError {
    /// More characters (Unicode scalar values) than the field holds.
    #[error("must have at most {max} characters")]
    TooLong {
        /// The greatest permitted number of characters.
        max: usize,
    },
    /// A control character: it would break printed invoices, exports and logs.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// Not of the form the field asks for.
    #[error("must be {form}")]
    Form {
        /// The form in words.
        form: &'static str,
    },
}

impl TextError {
    /// The stable reason of this refusal, for programs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooLong { .. } => "TEXT_TOO_LONG",
            Self::ControlCharacter => "TEXT_CONTROL_CHARACTER",
            Self::Form { .. } => "TEXT_FORM",
        }
    }
}

/// One line of at most `MAX` characters, without control characters; may be blank.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text<const MAX: usize>(String);

/// Lines of at most `MAX` characters together; newline and tab are its only control characters.
/// May be blank.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Paragraph<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Takes a text.
    ///
    /// # Errors
    /// [`TextError::TooLong`] and [`TextError::ControlCharacter`].
    pub fn parse(text: &str) -> Result<Self, TextError> {
        bounded(text, MAX, |character| !character.is_control()).map(Self)
    }

    /// The text, as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing but blanks.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl<const MAX: usize> Paragraph<MAX> {
    /// Takes a text.
    ///
    /// # Errors
    /// [`TextError::TooLong`] and [`TextError::ControlCharacter`].
    pub fn parse(text: &str) -> Result<Self, TextError> {
        bounded(text, MAX, |character| {
            matches!(character, '\n' | '\t') || !character.is_control()
        })
        .map(Self)
    }

    /// The text, as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing but white space.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> fmt::Display for Paragraph<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn bounded(text: &str, max: usize, is_permitted: fn(char) -> bool) -> Result<String, TextError> {
    // A character is at most four bytes; this bounds the count of a huge text.
    if text.len() > max.saturating_mul(4) || text.chars().count() > max {
        Err(TextError::TooLong { max })
    } else if text.chars().all(is_permitted) {
        Ok(text.to_owned())
    } else {
        Err(TextError::ControlCharacter)
    }
}

/// The unit of a quantity: a code of UN/ECE Recommendation 20 (EN 16931 BT-130), such as `HUR`
/// for hours. Only its form is checked: the list grows, and a unit changes no amount.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UnitCode(String);

impl UnitCode {
    /// Recommendation 20 codes have two or three characters.
    pub const MAX_LENGTH: usize = 3;
    /// `C62`, "one": a piece.
    pub const ONE: &'static str = "C62";

    /// Takes a unit code; a blank one is `C62`.
    ///
    /// # Errors
    /// [`TextError::Form`] unless it is one to three digits and upper-case letters.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let shaped = text.len() <= Self::MAX_LENGTH
            && text
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if shaped {
            Ok(Self(text.to_owned()))
        } else {
            Err(TextError::Form {
                form: "a UN/ECE Recommendation 20 unit code, such as \"C62\" or \"HUR\"",
            })
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for UnitCode {
    fn default() -> Self {
        Self(Self::ONE.to_owned())
    }
}
