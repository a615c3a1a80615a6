//! What the code sends stands in the contract.

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
        // Paths of odd length end in a field number, those of even length in a position: a declaration. What has a
        // position two levels up within messages, enums and services is an element that a reader looks up.
        let declared = info
            .location
            .iter()
            .filter(|location| match location.path.as_slice() {
                [4 | 5 | 6, _]
                | [4 | 6, _, 2, _]
                | [5, _, 2, _]
                | [4, _, 3 | 4, _]
                | [4, _, 3 | 4, _, 2, _] => true,
                _ => false,
            });
        for location in declared {
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
