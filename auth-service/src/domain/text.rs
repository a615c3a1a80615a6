//! Names and labels.

use std::fmt;

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TextError {
    /// More characters (Unicode scalar values) than the field holds.
    #[error("must have at most {max} characters")]
    TooLong {
        /// The greatest permitted number of characters.
        max: usize,
    },
    /// A control character: it would break lists, exports and logs.
    #[error("must not contain control characters")]
    ControlCharacter,
}

impl TextError {
    /// The stable reason of this refusal, for programs.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::TooLong { .. } => "TEXT_TOO_LONG",
            Self::ControlCharacter => "TEXT_CONTROL_CHARACTER",
        }
    }
}

/// One line of at most `MAX` characters, without control characters; kept as it was sent; may be blank.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Text<const MAX: usize>(String);

/// What a user is called, 1 to 100 characters.
pub(crate) type DisplayName = Text<100>;
/// What an organization is called, 1 to 200 characters.
pub(crate) type OrganizationName = Text<200>;
/// What a client calls itself in the list of sessions, at most 100 characters.
pub(crate) type ClientLabel = Text<100>;

impl<const MAX: usize> Text<MAX> {
    /// Takes a text.
    ///
    /// # Errors
    /// [`TextError`].
    pub(crate) fn parse(text: &str) -> Result<Self, TextError> {
        // Four bytes are the longest character: a huge text is refused without counting.
        if text.len() > MAX * 4 || text.chars().count() > MAX {
            return Err(TextError::TooLong { max: MAX });
        }
        if text.chars().any(char::is_control) {
            return Err(TextError::ControlCharacter);
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing but blanks.
    pub(crate) fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// The same text for a longer field.
    pub(crate) fn widen<const LONGER: usize>(&self) -> Text<LONGER> {
        const { assert!(LONGER >= MAX) };
        Text(self.0.clone())
    }
}

/// Names are personal data and stay out of logs.
impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_counts_characters_and_not_bytes() {
        assert!(Text::<3>::parse("ééé").is_ok());
        assert_eq!(Text::<3>::parse("éééé"), Err(TextError::TooLong { max: 3 }));
        assert_eq!(
            Text::<3>::parse(&"x".repeat(10_000_000)),
            Err(TextError::TooLong { max: 3 })
        );
    }

    #[test]
    fn control_characters_are_refused() {
        for text in ["a\nb", "a\0", "\u{85}", "\u{1b}[31m"] {
            assert_eq!(
                Text::<100>::parse(text),
                Err(TextError::ControlCharacter),
                "{text:?}"
            );
        }
    }
}
