//! What carries the token, and its outward form. Each is refused with code and reason, before the handler.

use crate::door::Door;

#[tokio::test]
async fn a_call_without_exactly_one_bearer_token_is_refused() {
    let mut door = Door::new();
    let token = door.signer.token();
    let bearer = format!("Bearer {token}");
    let (basic, doubled) = (format!("Basic {token}"), format!("{bearer}, {bearer}"));
    let (spaced, glued) = (format!("Bearer  {token}"), format!("Bearer{token}"));
    let trailing = format!("{bearer} x");
    door.refuses("none", &[], "TOKEN_MISSING").await;
    let two = [
        ("authorization", bearer.as_str()),
        ("authorization", bearer.as_str()),
    ];
    door.refuses("two values", &two, "TOKEN_INVALID").await;
    for value in [
        &basic,
        &doubled,
        &spaced,
        &glued,
        &trailing,
        &token,
        "Bearer",
        "Bearer ",
        "",
        "Bearer \u{e9}",
    ] {
        door.refuses(value, &[("authorization", value)], "TOKEN_INVALID")
            .await;
    }
}

#[tokio::test]
async fn a_token_of_the_wrong_shape_is_refused() {
    let mut door = Door::new();
    let token = door.signer.token();
    let parts: Vec<&str> = token.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let long = door.signer.sign(
        &door.signer.header(),
        &format!("{{\"pad\":\"{}\"}}", "x".repeat(2048)),
    );
    for (what, token) in [
        ("one part", header.to_owned()),
        ("two parts", format!("{header}.{claims}")),
        ("four parts", format!("{token}.{signature}")),
        (
            "five parts, as JWE has",
            format!("{token}.{signature}.{signature}"),
        ),
        ("leading dot", format!(".{token}")),
        ("trailing dot", format!("{token}.")),
        ("thousands of dots", ".".repeat(2000)),
        ("too short", "a.b.c".to_owned()),
        ("empty signature", format!("{header}.{claims}.")),
        ("empty claims", format!("{header}..{signature}")),
        ("empty header", format!(".{claims}.{signature}")),
        ("too long, rightly signed", long),
        ("too long", format!("{token}{}", "A".repeat(2048))),
        ("padding", format!("{header}.{claims}.{signature}==")),
        ("percent encoding", format!("{header}%2E{claims}%2E{signature}")),
        (
            "plus instead of minus",
            format!("{header}.{claims}.{}", "+".repeat(86)),
        ),
        (
            "JSON serialization",
            format!(r#"{{"payload":"{claims}","signatures":[]}}"#),
        ),
    ] {
        door.refuses_token(what, &token, "TOKEN_INVALID").await;
    }
}

#[tokio::test]
async fn every_changed_character_is_noticed() {
    let mut door = Door::new();
    let token = door.signer.token();
    for position in 0..token.len() {
        for bit in 0..7 {
            let mut changed = token.clone().into_bytes();
            changed[position] ^= 1 << bit;
            // A header holds no control characters.
            if changed[position].is_ascii_graphic() {
                let changed = String::from_utf8(changed).unwrap();
                door.refuses_token(&format!("bit {bit} at {position}"), &changed, "TOKEN_INVALID")
                    .await;
            }
        }
        for replacement in [b'A', b'B', b'g', b'_', b'.', b'=', b' '] {
            let mut changed = token.clone().into_bytes();
            if changed[position] != replacement {
                changed[position] = replacement;
                let changed = String::from_utf8(changed).unwrap();
                door.refuses_token(&format!("{replacement} at {position}"), &changed, "TOKEN_INVALID")
                    .await;
            }
        }
        let mut shorter = token.clone();
        shorter.remove(position);
        door.refuses_token(&format!("without {position}"), &shorter, "TOKEN_INVALID")
            .await;
    }
}

#[tokio::test]
async fn bits_after_the_last_byte_make_no_second_spelling() {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut door = Door::new();
    let token = door.signer.token();
    // 64 bytes are 86 characters; the last holds two bits of the signature and four that mean nothing.
    let (rest, last) = token.split_at(token.len() - 1);
    for other in ALPHABET.chars().filter(|other| other.to_string() != last) {
        door.refuses_token(&other.to_string(), &format!("{rest}{other}"), "TOKEN_INVALID")
            .await;
    }
}
