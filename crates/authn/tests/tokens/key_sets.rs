//! Key sets with hostile keys: those are ignored, the good ones are kept.

use authn::{Jwk, JwkError, KeySet, KeySource as _, VerifyingKey};
use prost::Message as _;
use proto::auth::v1 as pb;

use crate::support::{Signer, base64url};

/// p = 2^255 − 19, little endian: y coordinates from here on are written a second time.
const FIELD_PRIME: [u8; 32] = {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed;
    bytes[31] = 0x7f;
    bytes
};

fn changed(change: impl FnOnce(&mut Jwk)) -> Jwk {
    let mut jwk = Signer::new().verifying_key().to_jwk();
    change(&mut jwk);
    jwk
}

/// A key with these bytes, whose id fits them.
fn of_bytes(bytes: [u8; 32]) -> Jwk {
    changed(|jwk| {
        jwk.x = base64url(bytes);
        jwk.kid = authn::KeyId::of(&bytes).to_string();
    })
}

fn hostile() -> Vec<Jwk> {
    let mut keys: Vec<Jwk> = [
        ("RSA", ""),
        ("EC", "P-256"),
        ("oct", ""),
        ("OKP", "X25519"),
        ("OKP", "Ed448"),
        ("", ""),
    ]
    .map(|(kty, crv)| {
        changed(|jwk| {
            kty.clone_into(&mut jwk.kty);
            crv.clone_into(&mut jwk.crv);
        })
    })
    .to_vec();
    for alg in ["", "HS256", "RS256", "none", "eddsa", "Ed25519"] {
        keys.push(changed(|jwk| alg.clone_into(&mut jwk.alg)));
    }
    for use_ in ["", "enc", "SIG"] {
        keys.push(changed(|jwk| use_.clone_into(&mut jwk.use_)));
    }
    for x in [
        String::new(),
        "A".to_owned(),
        "!".repeat(43),
        base64url([7; 31]),
        base64url([7; 33]),
        base64url([7; 4096]),
    ] {
        keys.push(changed(|jwk| jwk.x = x));
    }
    keys.push(changed(|jwk| jwk.x.push('=')));
    for kid in ["", "main", "../../key", "*"] {
        keys.push(changed(|jwk| kid.clone_into(&mut jwk.kid)));
    }
    let one = Signer::new().verifying_key().to_jwk();
    keys.push(changed(|jwk| jwk.kid = one.kid));
    for low in 0..19 {
        for sign in [0x00, 0x80] {
            let mut bytes = FIELD_PRIME;
            bytes[0] = 0xed + low;
            bytes[31] |= sign;
            keys.push(of_bytes(bytes));
        }
    }
    for first in [0x00, 0x01] {
        let mut bytes = [0; 32];
        bytes[0] = first;
        keys.push(of_bytes(bytes));
    }
    keys
}

#[test]
fn hostile_keys_are_ignored_and_good_ones_are_kept_wherever_they_stand() {
    let hostile = hostile();
    for jwk in &hostile {
        VerifyingKey::try_from(jwk).expect_err(&format!("{jwk:?}"));
    }
    assert!(KeySet::from_jwks(hostile.clone()).is_empty());
    for position in [0, hostile.len() / 2, hostile.len()] {
        let good = Signer::new().verifying_key();
        let mut keys = hostile.clone();
        keys.insert(position, good.to_jwk());
        let set = KeySet::from_jwks(keys);
        assert_eq!(set.len(), 1);
        assert!(set.contains(good.id()));
    }
}

#[test]
fn a_y_coordinate_beyond_the_field_is_refused_and_the_last_one_within_is_not() {
    for (low, expected) in [
        (0, Err(JwkError::SmallOrder)),
        (2, Err(JwkError::NotCanonical)),
        (18, Err(JwkError::NotCanonical)),
    ] {
        let mut bytes = FIELD_PRIME;
        bytes[0] += low;
        assert_eq!(VerifyingKey::from_bytes(bytes).map(drop), expected, "p + {low}");
    }
    let mut below = FIELD_PRIME;
    below[0] -= 2;
    VerifyingKey::from_bytes(below).unwrap();
    let mut ordinary = [0xff; 32];
    ordinary[31] = 0x7e;
    VerifyingKey::from_bytes(ordinary).unwrap();
}

#[test]
fn of_ten_thousand_keys_a_bounded_number_is_used() {
    let good = Signer::new().verifying_key();
    let bad = changed(|jwk| jwk.alg.clear());
    let mut keys = vec![bad; 10_000];
    keys.push(good.to_jwk());
    let set = KeySet::from_jwks(keys);
    assert!(set.len() == 1 && set.contains(good.id()));

    let keys: Vec<Jwk> = (0..10_000_u32)
        .map(|number| {
            let mut bytes = [1; 32];
            bytes[..4].copy_from_slice(&number.to_le_bytes());
            of_bytes(bytes)
        })
        .collect();
    let set = KeySet::from_jwks(keys.clone());
    assert_eq!(set.len(), 32);
    assert!(set.contains(&keys[0].kid.parse().unwrap()));
}

#[test]
fn a_key_that_stands_twice_is_one_key_and_a_full_set_stays_as_it_is() {
    let good = Signer::new().verifying_key();
    assert_eq!(KeySet::from_jwks(vec![good.to_jwk(); 100]).len(), 1);
    let keys: Vec<Jwk> = (0..40).map(|_| Signer::new().verifying_key().to_jwk()).collect();
    let again = keys.iter().cloned().chain(keys.clone());
    let set = KeySet::from_jwks(again);
    assert_eq!(set.len(), 32);
    assert!(
        keys[..32]
            .iter()
            .all(|key| set.contains(&key.kid.parse().unwrap()))
    );
}

#[test]
fn a_private_member_on_the_wire_is_not_read() {
    let good = Signer::new().verifying_key();
    let mut wire = pb::Jwk::from(good.to_jwk()).encode_to_vec();
    // Field 7, "d", as a sender of another version might have it.
    wire.extend([0x3a, 0x02, b'd', b'd']);
    let read = pb::Jwk::decode(wire.as_slice()).unwrap();
    let set = KeySet::from_jwks([Jwk::from(read)]);
    assert!(set.len() == 1 && set.contains(good.id()));
}
