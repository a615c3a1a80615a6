//! The history of an invoice: one entry for each accepted change, chained by hashes (docs/adr/0016).
//!
//! What an entry holds is shown and hashed, never acted on, so it is kept as the texts that were written.

use aws_lc_rs::digest::{Context, SHA256};
use jiff::Timestamp;
use thiserror::Error;

use super::{
    facts::{Fact, facts},
    ids::{SessionId, UserId},
    invoice::Invoice,
    state::State,
    text::Text,
};

/// Why somebody did what they did: a sentence or two.
pub type Reason = Text<500>;

/// Who made a change, by which rpc, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// The rpc.
    pub action: &'static str,
    /// The user.
    pub user: UserId,
    /// The session of the user.
    pub session: SessionId,
    /// The request id of the call; none when it had none.
    pub request_id: Option<String>,
    /// What the caller gave as the reason; blank where there is none to give.
    pub reason: Reason,
}

/// A field that changed. A text of more than [`Change::LONGEST`] bytes, or that is a list, is given by its hash:
/// `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The field, as the API names it.
    pub field: String,
    /// Its text before; blank when it was not set.
    pub before: String,
    /// Its text after; blank when it is not set any more.
    pub after: String,
}

impl Change {
    /// Bounds the document: an entry that changes every field stays below 13 KB, a history below MongoDB's 16 MiB.
    pub const LONGEST: usize = 64;

    fn text_bytes(&self) -> usize {
        self.field.len() + self.before.len() + self.after.len()
    }
}

/// One accepted change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// 1 for the first, one more for each.
    pub sequence: u32,
    /// The version that the invoice got by it.
    pub version: u64,
    /// When, to the millisecond.
    pub time: Timestamp,
    /// The user who made it.
    pub user: String,
    /// The session in which they did.
    pub session: String,
    /// The rpc.
    pub action: String,
    /// The request id of the call, or blank.
    pub request_id: String,
    /// The reason given, or blank.
    pub reason: String,
    /// What changed, in the order of the fields. Empty for a creation: nothing was before it.
    pub changes: Vec<Change>,
    /// SHA-256 of the whole invoice after it, in hexadecimal.
    pub invoice_hash: String,
    /// SHA-256 of all of the above and of the hash of the entry before, in hexadecimal.
    pub hash: String,
}

impl HistoryEntry {
    /// What its texts take, which is most of its size.
    fn text_bytes(&self) -> usize {
        let Self {
            user,
            session,
            action,
            request_id,
            reason,
            changes,
            invoice_hash,
            hash,
            sequence: _,
            version: _,
            time: _,
        } = self;
        let texts = [user, session, action, request_id, reason, invoice_hash, hash];
        let of_changes = changes.iter().map(Change::text_bytes).sum::<usize>();
        texts.iter().map(|text| text.len()).sum::<usize>() + of_changes
    }
}

/// The history has no room for another entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the invoice has been changed {entries} times, which is as often as its history records")]
pub struct HistoryFull {
    /// How many entries there are.
    pub entries: usize,
}

/// What a verification found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every entry is as it was written, and the invoice is as the last one left it.
    Intact,
    /// The first entry that is not, or that is missing.
    BadFrom(u32),
}

/// The entries of one invoice, oldest first. An invoice that was stored before there were histories begins with its
/// first change after that.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History(Vec<HistoryEntry>);

impl History {
    /// Bounds the document.
    pub const MOST: usize = 1000;
    /// 1 MiB of texts: 1,000 changes of common size. Keeps large invoices that change as a whole each time from growing
    /// beyond what a store takes in one document.
    pub const MOST_BYTES: usize = 1024 * 1024;
    /// A draft leaves room for the life of the invoice that it becomes.
    pub const MOST_OF_DRAFT: usize = 900;

    /// The entries as a store holds them.
    pub const fn from_stored(entries: Vec<HistoryEntry>) -> Self {
        Self(entries)
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> &[HistoryEntry] {
        &self.0
    }

    /// Adds what turned `before` into `after`.
    ///
    /// # Errors
    /// [`HistoryFull`].
    pub fn record(
        &mut self,
        before: Option<&Invoice>,
        after: &Invoice,
        deed: Deed,
    ) -> Result<(), HistoryFull> {
        let entries = self.0.len();
        let bytes: usize = self.0.iter().map(HistoryEntry::text_bytes).sum();
        let (most, most_bytes) = if after.state == State::Draft {
            (Self::MOST_OF_DRAFT, Self::MOST_BYTES / 8 * 7)
        } else {
            (Self::MOST, Self::MOST_BYTES)
        };
        if entries >= most || bytes >= most_bytes {
            return Err(HistoryFull { entries });
        }
        let facts_after = facts(after);
        let mut entry = HistoryEntry {
            // At most a thousand.
            sequence: u32::try_from(entries).unwrap_or(u32::MAX).saturating_add(1),
            version: after.version.get(),
            time: after.update_time,
            user: deed.user.to_string(),
            session: deed.session.to_string(),
            action: deed.action.to_owned(),
            request_id: deed.request_id.unwrap_or_default(),
            reason: deed.reason.to_string(),
            changes: before.map_or_else(Vec::new, |before| changes(&facts(before), &facts_after)),
            invoice_hash: hash_of_facts(after, &facts_after),
            hash: String::new(),
        };
        entry.hash = hash_of(&entry, self.last_hash());
        self.0.push(entry);
        Ok(())
    }

    /// Computes every hash anew, and compares the invoice with what the last entry says of it.
    pub fn verify(&self, invoice: &Invoice) -> Verdict {
        let mut previous: Option<&HistoryEntry> = None;
        let mut expected = 1;
        for entry in &self.0 {
            let follows = previous.is_none_or(|previous| entry.version == previous.version.saturating_add(1));
            let hash = hash_of(entry, previous.map_or("", |previous| &previous.hash));
            if entry.sequence != expected || !follows || entry.hash != hash {
                return Verdict::BadFrom(expected);
            }
            previous = Some(entry);
            expected = expected.saturating_add(1);
        }
        match self.0.last() {
            Some(last) if last.version < invoice.version.get() => Verdict::BadFrom(expected),
            Some(last) if last.invoice_hash != hash_of_facts(invoice, &facts(invoice)) => {
                Verdict::BadFrom(last.sequence)
            }
            // Nothing is issued without an entry.
            None if invoice.state != State::Draft => Verdict::BadFrom(expected),
            Some(_) | None => Verdict::Intact,
        }
    }

    fn last_hash(&self) -> &str {
        self.0.last().map_or("", |entry| &entry.hash)
    }
}

/// The fields that differ, in the order of the facts.
fn changes(before: &[Fact], after: &[Fact]) -> Vec<Change> {
    let text = |facts: &[Fact], name: &str| {
        let fact = facts.iter().find(|fact| fact.name == name);
        fact.map(shown).unwrap_or_default()
    };
    let gone = before
        .iter()
        .filter(|fact| after.iter().all(|other| other.name != fact.name));
    let changed = after.iter().filter(|fact| !before.contains(fact));
    changed
        .chain(gone)
        .map(|fact| Change {
            field: fact.name.to_owned(),
            before: text(before, fact.name),
            after: text(after, fact.name),
        })
        .collect()
}

/// The text of a fact as entries show it.
fn shown(fact: &Fact) -> String {
    if fact.text.len() <= Change::LONGEST && !fact.is_composite() {
        return fact.text.clone();
    }
    let mut canonical = Canonical::new("invoiceapp fact 1");
    canonical.text(&fact.text);
    format!("sha256:{}", canonical.finish())
}

/// The hash of an entry that comes after one with the hash `previous`, which is blank for the first.
pub(super) fn hash_of(entry: &HistoryEntry, previous: &str) -> String {
    let mut canonical = Canonical::new("invoiceapp history 1");
    canonical.text(previous);
    canonical.text(&entry.sequence.to_string());
    canonical.text(&entry.version.to_string());
    canonical.text(&entry.time.as_millisecond().to_string());
    for text in [
        &entry.user,
        &entry.session,
        &entry.action,
        &entry.request_id,
        &entry.reason,
    ] {
        canonical.text(text);
    }
    canonical.text(&entry.changes.len().to_string());
    for change in &entry.changes {
        for text in [&change.field, &change.before, &change.after] {
            canonical.text(text);
        }
    }
    canonical.text(&entry.invoice_hash);
    canonical.finish()
}

/// The hash of an invoice: which it is, at which version, and its facts.
fn hash_of_facts(invoice: &Invoice, facts: &[Fact]) -> String {
    let mut canonical = Canonical::new("invoiceapp invoice 1");
    canonical.text(invoice.identity.organization_id.as_str());
    canonical.text(invoice.identity.id.as_str());
    canonical.text(&invoice.version.get().to_string());
    canonical.text(&invoice.update_time.as_millisecond().to_string());
    canonical.text(&facts.len().to_string());
    for fact in facts {
        canonical.text(fact.name);
        canonical.text(&fact.text);
    }
    canonical.finish()
}

/// Texts in an unambiguous row: each is preceded by its length in bytes, eight bytes, big-endian.
struct Canonical(Context);

impl Canonical {
    /// `purpose` keeps hashes of different things apart.
    fn new(purpose: &str) -> Self {
        let mut canonical = Self(Context::new(&SHA256));
        canonical.text(purpose);
        canonical
    }

    fn text(&mut self, text: &str) {
        self.0
            .update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    /// Lower-case hexadecimal.
    fn finish(self) -> String {
        const DIGITS: [char; 16] = [
            '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
        ];
        let digest = self.0.finish();
        let nibbles = digest.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        nibbles.map(|nibble| DIGITS[usize::from(nibble)]).collect()
    }
}
