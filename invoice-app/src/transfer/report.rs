use std::fmt::Write as _;
use std::path::Path;

use invoice_service::transfer::{ImportReport, Listed};

/// What came of an import, for people: one line for each thing to look at, and a summary.
pub(super) fn report(imported: &ImportReport, file: &Path) -> String {
    let mut text = String::new();
    let file = file.display();
    list(&mut text, &imported.problems, "problems", |problem| {
        let [id, at] = [&problem.id, &problem.at].map(|part| prefixed(part));
        format!(
            "{file}:{}: {id}{at}{} ({})",
            problem.line, problem.text, problem.reason
        )
    });
    list(&mut text, &imported.differences, "differences", |difference| {
        let [id, at] = [&difference.id, &difference.at].map(|part| prefixed(part));
        format!(
            "{file}:{}: {id}{at}is {} in the file and {} here ({}, DIFFERENCE)",
            difference.line, difference.stated, difference.computed, difference.currency_code
        )
    });
    list(&mut text, &imported.notes, "notes", |placed| {
        let [id, at] = [&placed.id, &placed.note.at].map(|part| prefixed(part));
        format!("{file}:{}: {id}{at}{} (NOTE)", placed.line, placed.note.text)
    });
    if imported.is_accepted() {
        list(&mut text, &imported.renumbered, "changed numbers", |renumbered| {
            let (line, stated) = (renumbered.line, &renumbered.stated);
            format!(
                "{file}:{line}: {stated} becomes {} (RENUMBERED)",
                renumbered.number
            )
        });
    }
    for (name, times) in &imported.ignored {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{file}: {name} is left out, {times} times (IGNORED)");
    }
    text.push_str(&summary(imported));
    text
}

/// A part of a line that may be blank.
fn prefixed(part: &str) -> String {
    if part.is_empty() {
        String::new()
    } else {
        format!("{part}: ")
    }
}

fn list<T>(text: &mut String, listed: &Listed<T>, what: &str, line: impl Fn(&T) -> String) {
    for item in &listed.first {
        let _ = writeln!(text, "{}", line(item));
    }
    let shown = u64::try_from(listed.first.len()).unwrap_or(u64::MAX);
    if listed.total > shown {
        let _ = writeln!(text, "… and {} more {what}", listed.total - shown);
    }
}

/// The last line.
fn summary(imported: &ImportReport) -> String {
    let mut text = if imported.is_accepted() {
        let verb = if imported.is_dry_run {
            "would import"
        } else {
            "imported"
        };
        let states: Vec<_> = imported
            .states
            .iter()
            .map(|(state, count)| format!("{count} {state}"))
            .collect();
        let states = if states.is_empty() {
            String::new()
        } else {
            format!(" ({})", states.join(", "))
        };
        format!(
            "{verb} {} of {} invoices{states}",
            imported.new_invoices(),
            imported.invoices
        )
    } else {
        format!("imported nothing of {} invoices", imported.invoices)
    };
    if let Some((first, last)) = &imported.numbers {
        let _ = write!(text, ", numbered {first} to {last}");
    }
    for (count, what) in [
        (imported.already_there, "there already"),
        (imported.deleted_since, "imported before and deleted since"),
        (imported.bad_invoices, "with problems"),
        (imported.problems.total, "problems"),
        (imported.differences.total, "differences"),
    ] {
        if count > 0 {
            let _ = write!(text, "; {count} {what}");
        }
    }
    text.push('\n');
    text
}
