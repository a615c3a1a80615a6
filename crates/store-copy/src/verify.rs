//! Whether the target holds what the source holds: both are read again, side by side, in the order of their keys.

use std::cmp::Ordering;
use std::collections::VecDeque;

use aws_lc_rs::digest::{Context, SHA256};

use crate::contents::Collection;
use crate::copy::Copy;
use crate::error::{CopyError, End};
use crate::operator::{Operator, Step};
use crate::record::{Key, Record, hex};

/// What one collection holds in source and target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Its name.
    pub collection: &'static str,
    /// In the source.
    pub source: Side,
    /// In the target, without [`Comparison::only_in_target`].
    pub target: Side,
    /// Records of the source that the target does not have.
    pub missing: u64,
    /// Records that both have and that are not the same.
    pub different: u64,
    /// Records of the target that the source does not have.
    pub only_in_target: u64,
    /// The first record that is missing or different, by its ids.
    pub first_difference: Option<String>,
}

/// The records of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// How many.
    pub records: u64,
    /// SHA-256 over the canonical BSON of each in the order of their keys, in hex.
    pub sha256: String,
}

impl Comparison {
    /// Whether the target holds every record of the source as it is there.
    pub fn is_complete(&self) -> bool {
        self.source == self.target && self.missing == 0 && self.different == 0
    }
}

/// Compares one collection.
pub(crate) async fn compare(
    copy: &Copy,
    collection: &'static Collection,
    operator: &dyn Operator,
) -> Result<Comparison, CopyError> {
    operator.begins(Step::Verifying, collection.name, copy.count(collection).await?, 0);
    let mut tally = Tally::default();
    let mut source = Reader::new(copy, End::Source, collection);
    let mut target = Reader::new(copy, End::Target, collection);
    loop {
        tokio::try_join!(source.fill(operator), target.fill(operator))?;
        let before = tally.source.records;
        while source.is_filled() && target.is_filled() {
            match (source.records.front(), target.records.front()) {
                (None, None) => return Ok(tally.into_comparison(collection.name)),
                (source_next, target_next) => {
                    let order = order(source_next, target_next);
                    let source_next = order.is_le().then(|| source.records.pop_front()).flatten();
                    let target_next = order.is_ge().then(|| target.records.pop_front()).flatten();
                    tally.count(source_next.as_ref(), target_next.as_ref());
                }
            }
        }
        operator.advances(tally.source.records - before);
    }
}

/// Which of the two comes first; one that is not there comes last.
fn order(source: Option<&Record>, target: Option<&Record>) -> Ordering {
    match (source, target) {
        (Some(source), Some(target)) => source.key.cmp(&target.key),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// One side, page by page.
struct Reader<'a> {
    copy: &'a Copy,
    end: End,
    collection: &'static Collection,
    records: VecDeque<Record>,
    last: Option<Key>,
    ended: bool,
}

impl<'a> Reader<'a> {
    fn new(copy: &'a Copy, end: End, collection: &'static Collection) -> Self {
        Self {
            copy,
            end,
            collection,
            records: VecDeque::new(),
            last: None,
            ended: false,
        }
    }

    /// Whether the next record is at hand, or there is none.
    fn is_filled(&self) -> bool {
        self.ended || !self.records.is_empty()
    }

    async fn fill(&mut self, operator: &dyn Operator) -> Result<(), CopyError> {
        if self.is_filled() {
            return Ok(());
        }
        let page = self
            .copy
            .page(self.end, self.collection, self.last.as_ref(), operator);
        self.records = page.await?.into();
        match self.records.back() {
            Some(last) => self.last = Some(last.key.clone()),
            None => self.ended = true,
        }
        Ok(())
    }
}

/// What was seen so far.
#[derive(Default)]
struct Tally {
    source: Counted,
    target: Counted,
    missing: u64,
    different: u64,
    only_in_target: u64,
    first_difference: Option<String>,
}

impl Tally {
    /// Records with the same key, or one alone.
    fn count(&mut self, source: Option<&Record>, target: Option<&Record>) {
        let Some(source) = source else {
            self.only_in_target += u64::from(target.is_some());
            return;
        };
        self.source.add(source);
        match target {
            Some(target) => {
                self.target.add(target);
                if source.document == target.document {
                    return;
                }
                self.different += 1;
            }
            None => self.missing += 1,
        }
        self.first_difference
            .get_or_insert_with(|| source.key.to_string());
    }

    fn into_comparison(self, collection: &'static str) -> Comparison {
        Comparison {
            collection,
            source: self.source.into_side(),
            target: self.target.into_side(),
            missing: self.missing,
            different: self.different,
            only_in_target: self.only_in_target,
            first_difference: self.first_difference,
        }
    }
}

struct Counted {
    records: u64,
    context: Context,
}

impl Default for Counted {
    fn default() -> Self {
        Self {
            records: 0,
            context: Context::new(&SHA256),
        }
    }
}

impl Counted {
    /// BSON begins with its length, so one record cannot be taken for two.
    fn add(&mut self, record: &Record) {
        self.records += 1;
        self.context.update(record.document.as_bytes());
    }

    fn into_side(self) -> Side {
        Side {
            records: self.records,
            sha256: hex(self.context.finish().as_ref()),
        }
    }
}
