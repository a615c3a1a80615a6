//! Word-prefix search, the same on every store: what a word is, is decided here and not by a database's tokenizer.

use std::collections::BTreeSet;

use caseless::Caseless as _;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;

use crate::domain::invoice::Invoice;
use crate::domain::party::Party;

/// Why a query was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum QueryError {
    /// More characters than [`Words::MAX_QUERY_CHARACTERS`].
    #[error("must have at most {} characters", Words::MAX_QUERY_CHARACTERS)]
    TooLong,
    /// More words than [`Words::MAX_QUERY_WORDS`].
    #[error("must have at most {} words", Words::MAX_QUERY_WORDS)]
    TooManyWords,
}

impl QueryError {
    /// The stable reason of this refusal, for programs.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::TooLong => "TEXT_TOO_LONG",
            Self::TooManyWords => "TOO_MANY_WORDS",
        }
    }
}

/// The text in the form in which case and Unicode form make no difference.
fn folded(text: &str) -> String {
    // Folding can undo normalization, and normalization can reveal case: UAX 15 asks for both, then NFKC again.
    text.nfkc().default_case_fold().nfkc().collect()
}

/// Names are ordered by so many characters, folded: people tell them apart by fewer, and page tokens carry them.
const NAME_KEY_CHARACTERS: usize = 64;

/// What a name is ordered by.
pub(crate) fn name_key(name: &str) -> String {
    folded(name).chars().take(NAME_KEY_CHARACTERS).collect()
}

/// A set of words: runs of letters and digits, compatibility-normalized (NFKC) and case-folded, so that `STRASSE`
/// finds `Straße` and `ｆｕｌｌ` finds `full`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Words(BTreeSet<String>);

impl Words {
    /// Nobody types more; bounds the work of a search.
    pub(crate) const MAX_QUERY_CHARACTERS: usize = 200;
    /// Each word costs a look at every invoice that the other filters leave.
    pub(crate) const MAX_QUERY_WORDS: usize = 10;
    /// A longer word is cut, in queries and in what is searched alike: it still finds itself.
    pub(crate) const MAX_WORD_CHARACTERS: usize = 64;

    /// The words of a query.
    ///
    /// # Errors
    /// [`QueryError`], one variant per limit.
    pub(crate) fn of_query(text: &str) -> Result<Self, QueryError> {
        if text.chars().count() > Self::MAX_QUERY_CHARACTERS {
            return Err(QueryError::TooLong);
        }
        let mut words = Self::default();
        words.add(text);
        if words.0.len() > Self::MAX_QUERY_WORDS {
            Err(QueryError::TooManyWords)
        } else {
            Ok(words)
        }
    }

    /// The words that an invoice is found by: those of its number, the buyer's name and e-mail, its references, its
    /// note and the descriptions of its lines.
    pub(crate) fn of_invoice(invoice: &Invoice) -> Self {
        let header = &invoice.header;
        let mut words = Self::default();
        if let Some(number) = &invoice.number {
            words.add(number.as_str());
        }
        if let Some(buyer) = header.effective_buyer() {
            words.add(buyer.name.as_str());
            words.add(buyer.email.as_str());
        }
        words.add(header.buyer_reference.as_str());
        words.add(header.purchase_order.as_str());
        words.add(header.note.as_str());
        for line in &invoice.lines {
            words.add(line.content.description.as_str());
        }
        words
    }

    /// The words that a customer is found by: those of its name and e-mail.
    pub(crate) fn of_customer(party: &Party) -> Self {
        let mut words = Self::default();
        words.add(party.name.as_str());
        words.add(party.email.as_str());
        words
    }

    fn add(&mut self, text: &str) {
        let folded = folded(text);
        let words = folded
            .split(|character: char| !character.is_alphanumeric())
            .filter(|word| !word.is_empty());
        self.0
            .extend(words.map(|word| word.chars().take(Self::MAX_WORD_CHARACTERS).collect()));
    }

    /// The words in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether every word of `query` is the beginning of a word here: what every store's search must agree with.
    pub(crate) fn matches(&self, query: &Self) -> bool {
        query.iter().all(|prefix| {
            let at_or_after = (std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded);
            self.0
                .range::<str, _>(at_or_after)
                .next()
                .is_some_and(|word| word.starts_with(prefix))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Words {
        let mut words = Words::default();
        words.add(text);
        words
    }

    fn finds(query: &str, text: &str) -> bool {
        words(text).matches(&Words::of_query(query).unwrap())
    }

    #[test]
    fn every_word_of_the_query_must_begin_a_word() {
        assert!(finds("design web", "Web design, 3 hours"));
        assert!(finds("des", "Web design"));
        assert!(!finds("sign", "Web design"));
        assert!(!finds("web print", "Web design"));
        assert!(finds("", "anything"));
    }

    #[test]
    fn case_and_unicode_form_do_not_matter() {
        assert!(finds("STRASSE", "Hauptstraße Straße"));
        assert!(finds("cafe\u{301}", "CAFÉ"));
        assert!(finds("ｆｕｌｌ", "Full width"));
        assert!(finds("ΌΔΟΣ", "όδος"));
    }

    #[test]
    fn punctuation_parts_words_in_numbers_and_addresses() {
        assert!(finds("INV-2026-0001", "INV-2026-0001"));
        assert!(finds("anna@exa", "anna@example.com"));
        assert!(!finds("annaexample", "anna@example.com"));
    }

    #[test]
    fn an_overlong_word_still_finds_itself() {
        let long = "x".repeat(150);
        assert!(finds(&long, &long));
    }

    #[test]
    fn long_queries_and_queries_of_many_words_are_refused() {
        assert_eq!(Words::of_query(&"a".repeat(201)), Err(QueryError::TooLong));
        assert_eq!(
            Words::of_query("a b c d e f g h i j k"),
            Err(QueryError::TooManyWords)
        );
        assert!(Words::of_query("a b c d e f g h i j j a").is_ok());
    }
}
