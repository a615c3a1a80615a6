//! Project Wycheproof's Ed25519 signatures. Each is the signature of some message; a validator verifies the signature of
//! a token, so the message is put in place of the signed part where it can stand there, and the key is tried on its own
//! where it cannot.

use authn::{KeyId, VerifyingKey};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

use crate::support::base64url;

#[test]
fn every_signature_of_wycheproof_is_judged_as_its_authors_say() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in &set.test_groups {
        let public: [u8; 32] = group.key.pk.as_slice().try_into().unwrap();
        let key = VerifyingKey::from_bytes(public).unwrap();
        assert_eq!(key.id(), &KeyId::of(&public));
        for test in &group.tests {
            let judged = key.verifies(&test.msg, &base64url(&test.sig));
            let expected = match test.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                TestResult::Acceptable => panic!("Ed25519 leaves nothing open: {test:?}"),
            };
            assert_eq!(judged, expected, "{test:?}");
            if judged { valid += 1 } else { invalid += 1 }
        }
    }
    assert!(valid >= 80 && invalid >= 60, "{valid} valid, {invalid} invalid");
}

#[test]
fn no_signature_of_wycheproof_is_accepted_in_another_spelling() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let group = &set.test_groups[0];
    let key = VerifyingKey::from_bytes(group.key.pk.as_slice().try_into().unwrap()).unwrap();
    let valid = group.tests.iter().filter(|test| test.result == TestResult::Valid);
    for test in valid {
        let good = base64url(&test.sig);
        assert!(key.verifies(&test.msg, &good));
        for other in [
            format!("{good}="),
            format!("{good}=="),
            format!(" {good}"),
            format!("{good}\n"),
        ] {
            assert!(!key.verifies(&test.msg, &other), "{other:?}");
        }
    }
}
