//! A token that was verified before is judged as strictly as one that is new.

use std::sync::Arc;

use authn::{KeySet, TokenError, Validator};
use jiff::Timestamp;

use crate::support::{NOW, Signer, claims, config};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn validator(signer: &Signer) -> Validator {
    let keys: KeySet = [signer.verifying_key()].into_iter().collect();
    Validator::new(config(), Arc::new(keys))
}

#[test]
fn a_remembered_token_expires_on_time_and_says_the_same_until_then() {
    let signer = Signer::new();
    let validator = validator(&signer);
    let token = signer.token();
    let first = validator.verify(&token, at(NOW)).unwrap();
    for second in [NOW, NOW + 604, NOW - 5] {
        assert_eq!(validator.verify(&token, at(second)).unwrap(), first);
    }
    assert_eq!(validator.verify(&token, at(NOW + 605)), Err(TokenError::Expired));
    assert_eq!(
        validator.verify(&token, at(NOW - 6)),
        Err(TokenError::NotYetValid)
    );
    assert_eq!(
        validator.verify(&token, at(NOW)).unwrap(),
        first,
        "it was refused for its time only"
    );
}

#[test]
fn every_other_spelling_of_a_remembered_token_is_a_token_of_its_own() {
    let signer = Signer::new();
    let validator = validator(&signer);
    let token = signer.token();
    validator.verify(&token, at(NOW)).unwrap();
    for position in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[position] ^= 1;
        let changed = String::from_utf8(changed).unwrap();
        validator.verify(&changed, at(NOW)).unwrap_err();
    }
    for other in [
        format!("{token}="),
        format!(" {token}"),
        format!("{token}\n"),
        token.to_lowercase(),
    ] {
        validator.verify(&other, at(NOW)).unwrap_err();
    }
    let (signed, _) = token.rsplit_once('.').unwrap();
    let other = signer.sign(
        &signer.header(),
        &format!("{}", claims()).replace("OWNER", "MEMBER"),
    );
    let spliced = format!("{signed}.{}", other.rsplit_once('.').unwrap().1);
    assert_eq!(validator.verify(&spliced, at(NOW)), Err(TokenError::Signature));
}

#[test]
fn a_refused_token_is_refused_anew_each_time_and_may_become_good() {
    let signer = Signer::new();
    let validator = validator(&signer);
    let token = signer.token();
    assert_eq!(
        validator.verify(&token, at(NOW - 100)),
        Err(TokenError::NotYetValid)
    );
    validator.verify(&token, at(NOW)).unwrap();
}

#[test]
fn what_is_remembered_for_one_audience_says_nothing_of_another() {
    let signer = Signer::new();
    let validator = validator(&signer);
    let mine = signer.token();
    let other = signer.token_with(|claims| claims["aud"] = "other".into());
    for _ in 0..2 {
        validator.verify_for(&mine, "invoiceapp", at(NOW)).unwrap();
        assert_eq!(
            validator.verify_for(&mine, "other", at(NOW)),
            Err(TokenError::Audience)
        );
        validator.verify_for(&other, "other", at(NOW)).unwrap();
        assert_eq!(validator.verify(&other, at(NOW)), Err(TokenError::Audience));
    }
}

#[test]
fn more_tokens_than_are_remembered_are_all_admitted() {
    let signer = Signer::new();
    let validator = validator(&signer);
    let tokens: Vec<String> = (0..12_000)
        .map(|version| signer.token_with(|claims| claims["uv"] = version.into()))
        .collect();
    for _ in 0..2 {
        for (version, token) in (0..).zip(&tokens) {
            assert_eq!(validator.verify(token, at(NOW)).unwrap().user_version, version);
        }
    }
}
