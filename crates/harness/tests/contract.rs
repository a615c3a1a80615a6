//! What the code sends stands in the contract.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;

use prost::Message as _;
use prost_types::{EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet};
use rpc_error::reason;

fn files() -> Vec<FileDescriptorProto> {
    let set = FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    set.file
        .into_iter()
        .filter(|file| file.package().starts_with("invoiceapp."))
        .collect()
}

fn reasons(package: &str) -> BTreeSet<String> {
    let is_reasons = |found: &&EnumDescriptorProto| found.name() == "ErrorReason";
    let files = files();
    let in_package = files.iter().filter(|file| file.package() == package);
    let reasons = in_package
        .flat_map(|file| &file.enum_type)
        .find(is_reasons)
        .unwrap();
    reasons
        .value
        .iter()
        .filter_map(|value| value.name().strip_prefix("ERROR_REASON_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_reason_that_any_service_may_send_stands_in_the_enum_of_every_package() {
    for package in ["invoiceapp.auth.v1", "invoiceapp.invoice.v1"] {
        for sent in [
            reason::FIELDS_INVALID,
            reason::MESSAGE_TOO_LARGE,
            reason::MESSAGE_MALFORMED,
            reason::METHOD_UNKNOWN,
            reason::ENCODING_UNSUPPORTED,
            reason::DEADLINE_EXCEEDED,
            reason::OVERLOADED,
            reason::BACKEND_UNAVAILABLE,
            reason::SHUTTING_DOWN,
            reason::INTERNAL,
            authn::reason::TOKEN_MISSING,
            authn::reason::TOKEN_INVALID,
            authn::reason::TOKEN_EXPIRED,
            authn::reason::TOKEN_REVOKED,
        ] {
            assert!(reasons(package).contains(sent), "{package} lacks {sent}");
        }
    }
}

#[test]
fn every_reason_of_the_contract_is_documented() {
    let api = std::fs::read_to_string(harness::workspace_root().join("docs/API.md")).unwrap();
    for package in ["invoiceapp.auth.v1", "invoiceapp.invoice.v1"] {
        for reason in reasons(package).iter().filter(|reason| *reason != "UNSPECIFIED") {
            assert!(
                api.contains(reason.as_str()),
                "docs/API.md does not mention {reason}"
            );
        }
    }
}

#[test]
fn every_service_rpc_message_field_and_value_of_the_contract_has_a_comment() {
    for file in files() {
        let info = file.source_code_info.as_ref().unwrap();
        for location in &info.location {
            if !is_declaration(&location.path) {
                continue;
            }
            let comment = location.leading_comments().trim();
            assert!(
                !comment.is_empty(),
                "{}: no comment at line {}",
                file.name(),
                location.span[0] + 1
            );
        }
    }
}

/// Whether a path of `SourceCodeInfo` leads to something that a reader looks up: a message, enum or service, or a field,
/// value or rpc of one, also of a nested one.
fn is_declaration(path: &[i32]) -> bool {
    const MESSAGE: i32 = 4;
    const ENUM: i32 = 5;
    const SERVICE: i32 = 6;
    const MEMBER: i32 = 2;
    const NESTED_MESSAGE: i32 = 3;
    const NESTED_ENUM: i32 = 4;
    match *path {
        [MESSAGE | ENUM | SERVICE, _] | [MESSAGE | ENUM | SERVICE, _, MEMBER, _] => true,
        [MESSAGE, _, nested, _] | [MESSAGE, _, nested, _, MEMBER, _] => {
            matches!(nested, NESTED_MESSAGE | NESTED_ENUM)
        }
        _ => false,
    }
}
