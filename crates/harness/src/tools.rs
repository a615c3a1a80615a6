use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder that holds the workspace.
pub fn workspace_root() -> &'static Path {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates
        .and_then(Path::parent)
        .expect("this crate lies two folders below the root")
}

/// grpcurl: what `GRPCURL` names, else what PATH has, else what `make provision` installed.
///
/// # Panics
/// With a sentence that says what to install. A test is never skipped for it.
pub fn grpcurl() -> PathBuf {
    find(
        "GRPCURL",
        "grpcurl",
        "run `make provision`, or install grpcurl 1.8 or newer and set GRPCURL to its path",
    )
}

/// mongod: what `MONGOD` names, else what PATH has, else what `make provision` installed; else that is done now.
///
/// # Panics
/// With a sentence that says what to install. A test is never skipped for it.
pub fn mongod() -> PathBuf {
    found("MONGOD", "mongod").unwrap_or_else(|| {
        let script = workspace_root().join("scripts/provision");
        // The script takes a lock: many tests may find it missing at the same time.
        let provisioned = Command::new(script).arg("mongod").status();
        let installed = found("MONGOD", "mongod").filter(|_| provisioned.is_ok_and(|status| status.success()));
        installed.unwrap_or_else(|| {
            panic!("mongod is missing: run `make provision`, or install mongod 6.0 or newer and set MONGOD to its path")
        })
    })
}

fn find(variable: &str, name: &str, advice: &str) -> PathBuf {
    found(variable, name).unwrap_or_else(|| panic!("{name} is missing: {advice}"))
}

fn found(variable: &str, name: &str) -> Option<PathBuf> {
    let named = env::var_os(variable)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from);
    let on_path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&on_path)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    let installed = workspace_root().join(".tools/bin").join(name);
    named
        .or(on_path)
        .or_else(|| installed.is_file().then_some(installed))
}
