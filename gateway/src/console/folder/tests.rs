use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::{Folder, Most};

/// A folder with these files, each holding its own name.
fn with(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    folder
}

fn refused(folder: &TempDir) -> String {
    Folder::read(folder.path()).unwrap_err().to_string()
}

#[test]
fn files_are_read_with_what_the_build_has_compressed_and_hidden_ones_and_source_maps_are_not() {
    let folder = with(&[
        "index.html",
        "favicon.ico",
        "assets/app-B7xk_2.js",
        "assets/app-B7xk_2.js.br",
        "assets/app-B7xk_2.js.gz",
        "assets/app-B7xk_2.js.map",
        "assets/gone.js.gz",
        "a/b/c.png",
        ".env",
        ".git/config",
        "assets/.DS_Store",
    ]);
    let read = Folder::read(folder.path()).unwrap();
    assert_eq!(read.index.plain, "index.html");
    assert_eq!(
        read.others.keys().collect::<Vec<_>>(),
        ["a/b/c.png", "assets/app-B7xk_2.js", "favicon.ico"]
    );
    let script = &read.others["assets/app-B7xk_2.js"];
    assert_eq!(script.brotli.as_ref().unwrap(), "assets/app-B7xk_2.js.br");
    assert_eq!(script.gzip.as_ref().unwrap(), "assets/app-B7xk_2.js.gz");
}

#[test]
fn a_folder_that_is_missing_or_has_no_index_is_told_in_a_sentence() {
    let folder = with(&["main.js"]);
    assert!(refused(&folder).contains("has no index.html"));
    let missing = Folder::read(&folder.path().join("dist")).unwrap_err().to_string();
    assert!(missing.contains("dist cannot be read: No such file"), "{missing}");
    let file = Folder::read(&folder.path().join("main.js"))
        .unwrap_err()
        .to_string();
    assert!(file.contains("main.js cannot be read: Not a directory"), "{file}");
}

#[test]
fn nothing_outside_of_the_folder_gets_in_by_a_link() {
    let outside = with(&["secret.txt"]);
    for (target, link) in [("secret.txt", "notes.txt"), ("", "folder")] {
        let folder = with(&["index.html"]);
        symlink(outside.path().join(target), folder.path().join(link)).unwrap();
        let refused = refused(&folder);
        assert!(
            refused.contains(link) && refused.contains("neither a file nor a folder"),
            "{refused}"
        );
    }
}

#[test]
fn names_that_a_url_would_spell_otherwise_or_that_look_like_a_service_are_refused() {
    for name in [
        "a b.js",
        "größe.css",
        "a%2e.js",
        "invoiceapp.auth.v1.AuthService/Login",
        "x?.js",
    ] {
        let refused = refused(&with(&["index.html", name]));
        assert!(refused.contains("names are made of letters"), "{name}: {refused}");
    }
}

#[test]
fn what_is_kept_in_memory_is_bounded() {
    let folder = with(&["index.html", "a/b.js", ".hidden", "a/b.js.map"]);
    let held = "index.html".len() + "a/b.js".len() + ".hidden".len() + "a/b.js.map".len();
    let most = |entries, bytes| Most {
        entries,
        bytes: u64::try_from(bytes).unwrap(),
    };
    Folder::read_within(most(5, held), folder.path()).unwrap();
    for too_little in [most(4, held), most(5, held - 1)] {
        let refused = Folder::read_within(too_little, folder.path()).unwrap_err();
        assert!(refused.to_string().contains("too large"), "{too_little:?}");
    }
}
