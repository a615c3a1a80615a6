//! Algorithms, keys and signatures. Each is refused with code and reason, before the handler.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::door::Door;
use crate::support::{Signer, base64url, claims};

#[tokio::test]
async fn no_algorithm_but_ours_is_accepted() {
    let mut door = Door::new();
    let kid = door.signer.verifying_key().id().to_string();
    for algorithm in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "",
        "eddsa",
        "EDDSA",
        "EdDSA ",
        "Ed25519",
        "HS256",
        "HS512",
        "ES256",
        "RS256",
        "PS256",
        "EdDSA\\u0000",
    ] {
        let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"{kid}"}}"#);
        door.refuses_header(&header).await;
        let unsigned = format!("{}.{}.", base64url(&header), base64url(claims().to_string()));
        door.refuses_token(&format!("unsigned {algorithm}"), &unsigned, "TOKEN_INVALID")
            .await;
    }
}

#[tokio::test]
async fn our_public_key_is_nobodys_hmac_secret() {
    let mut door = Door::new();
    let public = door.signer.public();
    let kid = door.signer.verifying_key().id().to_string();
    let hex = public
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    // RFC 8410: the fixed head of an Ed25519 SubjectPublicKeyInfo.
    let head = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ];
    let der = [head.as_slice(), &public].concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(&der)
    );
    for (what, secret) in [
        ("raw", public.to_vec()),
        ("base64url", base64url(public).into_bytes()),
        ("PEM", pem.into_bytes()),
        ("DER", der),
        ("hexadecimal", hex.into_bytes()),
    ] {
        for header in [
            format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#),
        ] {
            let signed = format!("{}.{}", base64url(header), base64url(claims().to_string()));
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
            let token = format!("{signed}.{}", base64url(tag));
            door.refuses_token(what, &token, "TOKEN_INVALID").await;
        }
    }
}

#[tokio::test]
async fn a_foreign_key_is_refused_whatever_it_calls_itself() {
    let mut door = Door::new();
    let foreign = Signer::new();
    let with_our_id = foreign.sign(&door.signer.header(), &claims().to_string());
    door.refuses_token("with our key id", &with_our_id, "TOKEN_INVALID")
        .await;
    door.refuses_token("with its own id", &foreign.token(), "TOKEN_INVALID")
        .await;
    // The signature of one token under the content of another.
    let other = door.signer.sign(&door.signer.header(), "{}");
    let (signed, _) = door
        .signer
        .token()
        .rsplit_once('.')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let spliced = format!("{signed}.{}", other.rsplit_once('.').unwrap().1);
    door.refuses_token("spliced", &spliced, "TOKEN_INVALID").await;
    let zeros = format!("{signed}.{}", base64url([0; 64]));
    door.refuses_token("zero signature", &zeros, "TOKEN_INVALID")
        .await;
    let short = format!("{signed}.{}", base64url([0; 63]));
    door.refuses_token("short signature", &short, "TOKEN_INVALID")
        .await;
}
