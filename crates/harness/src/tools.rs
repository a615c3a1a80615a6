use std::env;
use std::path::{Path, PathBuf};

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

fn find(variable: &str, name: &str, advice: &str) -> PathBuf {
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
        .unwrap_or_else(|| panic!("{name} is missing: {advice}"))
}
