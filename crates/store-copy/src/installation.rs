//! The copy of an installation: of the stores of all its services, together.

use store_url::StoreUrl;

use crate::contents::Contents;
use crate::copy::{Copy, Source, Standing};
use crate::error::CopyError;
use crate::operator::Operator;
use crate::verify::{Comparison, compare};

/// The store of one service, and where it goes.
#[derive(Debug, Clone)]
pub struct Part {
    /// What is stored.
    pub contents: Contents,
    /// The source.
    pub from: StoreUrl,
    /// The target.
    pub to: StoreUrl,
}

/// What an operator allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// The target may hold records already, and may keep those that the source does not have.
    pub into_non_empty: bool,
}

/// What became of the copy of one service's store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The service.
    pub service: &'static str,
    /// Each of its collections.
    pub comparisons: Vec<Comparison>,
    /// Whether the target holds what the source holds, and nothing else unless that was allowed.
    pub is_verified: bool,
}

/// Copies and verifies every part. Only when all of them are verified can any target that was empty be used
/// by its service.
///
/// Nothing is written before every database is open and every target is found to be empty, or to hold an earlier run of
/// this copy, or was allowed to hold anything. Dropped or killed, it can be run again and goes on.
///
/// # Errors
/// [`CopyError`]. A copy that ended, but not as it should, is no error here: see [`Copied::is_verified`].
pub async fn copy(
    parts: Vec<Part>,
    options: Options,
    operator: &dyn Operator,
) -> Result<Vec<Copied>, CopyError> {
    let copies = open(parts).await?;
    let copied = run(&copies, options, operator).await;
    for (copy, _) in &copies {
        copy.close().await;
    }
    copied
}

async fn open(parts: Vec<Part>) -> Result<Vec<(Copy, Standing)>, CopyError> {
    let mut sources = Vec::new();
    for Part { contents, from, to } in parts {
        sources.push((Source::open(contents, from).await?, to));
    }
    let mut copies = Vec::new();
    for (source, to) in sources {
        let copy = source.into_copy(&to).await?;
        let standing = copy.standing().await?;
        copies.push((copy, standing));
    }
    Ok(copies)
}

async fn run(
    copies: &[(Copy, Standing)],
    options: Options,
    operator: &dyn Operator,
) -> Result<Vec<Copied>, CopyError> {
    // Every empty target is marked before the first record is written. So a target without a mark beside one that has a mark
    // was finished by a run that was killed before it could remove the other mark.
    let was_finishing = copies
        .iter()
        .any(|(_, standing)| matches!(standing, Standing::Unfinished(_)));
    let mut to_run = Vec::new();
    for (copy, standing) in copies {
        match standing {
            Standing::Holds(_) if was_finishing && !options.into_non_empty => {}
            Standing::Holds(collection) if !options.into_non_empty => {
                return Err(CopyError::NotEmpty {
                    service: copy.service(),
                    collection,
                });
            }
            Standing::Empty | Standing::Unfinished(_) | Standing::Holds(_) => to_run.push((copy, standing)),
        }
    }
    let mut begun = Vec::new();
    for (copy, standing) in to_run {
        begun.push((copy, copy.begin(standing.clone(), operator).await?));
    }
    for (copy, mark) in begun {
        copy.run(mark, operator).await?;
    }
    let mut copied = Vec::new();
    for (copy, _) in copies {
        copied.push(verify(copy, options, operator).await?);
    }
    if copied.iter().all(|copied| copied.is_verified) {
        for (copy, _) in copies {
            copy.finish().await?;
        }
    }
    Ok(copied)
}

async fn verify(copy: &Copy, options: Options, operator: &dyn Operator) -> Result<Copied, CopyError> {
    let mut comparisons = Vec::new();
    for collection in copy.collections() {
        comparisons.push(compare(copy, collection, operator).await?);
    }
    let is_verified = comparisons.iter().all(|comparison| {
        comparison.is_complete() && (comparison.only_in_target == 0 || options.into_non_empty)
    });
    Ok(Copied {
        service: copy.service(),
        comparisons,
        is_verified,
    })
}
