//! Compiles the contract with protox, so that no protoc is needed, and keeps its comments for reflection.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

#[expect(
    clippy::disallowed_methods,
    reason = "cargo passes paths to build scripts in the environment only"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut files = Vec::new();
    collect(&root.join("invoiceapp"), &mut files)?;
    files.sort();
    println!("cargo:rerun-if-changed=invoiceapp");

    let descriptors = protox::Compiler::new([&root])?
        .include_source_info(true)
        .include_imports(true)
        .open_files(&files)?
        .file_descriptor_set();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    for package in ["auth", "invoice"] {
        let own = of_package(&descriptors, &format!("invoiceapp.{package}.v1"));
        fs::write(out.join(format!("{package}.bin")), own.encode_to_vec())?;
    }

    tonic_prost_build::configure()
        // Maps in key order, so that equal messages encode to equal bytes: request fingerprints rely on it.
        .btree_map(".")
        .compile_well_known_types(false)
        .compile_fds(descriptors)?;
    Ok(())
}

/// The files of one package and what any package imports: everything but the services of other packages.
fn of_package(all: &FileDescriptorSet, package: &str) -> FileDescriptorSet {
    let wanted = |file: &&FileDescriptorProto| file.package() == package || file.service.is_empty();
    FileDescriptorSet {
        file: all.file.iter().filter(wanted).cloned().collect(),
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
