use std::fmt::Write as _;
use std::path::Path;

use store_copy::{Comparison, Copied};

use super::urls::Installation;

/// Where a data directory has the master key.
const MASTER_KEY: &str = "keys/master.key";

/// What both sides hold, and what else the target needs.
pub(super) fn report(copied: &[Copied], from: &Installation, to: &Installation) -> String {
    let mut text = String::new();
    for comparison in comparisons(copied) {
        for (name, side) in [("source", &comparison.source), ("target", &comparison.target)] {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{:<13} {name} {:>9}  sha256:{}",
                comparison.collection, side.records, side.sha256
            );
        }
        if comparison.only_in_target > 0 {
            let _ = writeln!(
                text,
                "{:<13} target {:>9}  that the source does not have",
                comparison.collection, comparison.only_in_target
            );
        }
    }
    if difference(copied).is_none() {
        text.push_str("\nVerified: the target holds every record of the source, as it is there.\n");
        text.push_str(&master_key(from, to));
    }
    text
}

/// The key file is beside the databases, not in them.
fn master_key(from: &Installation, to: &Installation) -> String {
    let file = |directory: &Path| directory.join(MASTER_KEY).display().to_string();
    let source = match &from.data_dir {
        Some(directory) => format!("is in {}, unless --auth-key-file says otherwise", file(directory)),
        None => {
            "is the file that auth-service was started with: --auth-key-file, or keys/master.key in its data \
                 directory"
                .to_owned()
        }
    };
    let target = match &to.data_dir {
        Some(directory) => format!("Copy it to {} with mode 0600", file(directory)),
        None => "Give it to every auth-service of the target with --auth-key-file, mode 0600".to_owned(),
    };
    format!(
        "\nOne thing more: the master key of auth-service is in no store. It {source}.\n{target}; without it the target \
         does not start.\n"
    )
}

/// In which way the target is not what the source is.
pub(super) fn difference(copied: &[Copied]) -> Option<String> {
    if copied.iter().all(|copied| copied.is_verified) {
        return None;
    }
    let differences =
        comparisons(copied).filter(|comparison| !comparison.is_complete() || comparison.only_in_target > 0);
    let described: Vec<_> = differences.map(describe).collect();
    Some(format!(
        "the target is not what the source is: {}. Something was written to one of them meanwhile: stop every service of \
         both, empty the target and copy again",
        described.join("; ")
    ))
}

fn describe(comparison: &Comparison) -> String {
    let Comparison {
        collection,
        missing,
        different,
        only_in_target,
        first_difference,
        ..
    } = comparison;
    let first = match first_difference {
        Some(first) => format!(" (the first: {first})"),
        None => String::new(),
    };
    format!(
        "{collection}: {different} different, {missing} missing{first}, {only_in_target} only in the target"
    )
}

fn comparisons(copied: &[Copied]) -> impl Iterator<Item = &Comparison> {
    copied.iter().flat_map(|copied| &copied.comparisons)
}
