//! Rightly signed tokens that say the wrong things. Each is refused with code and reason, before the handler.

use serde_json::{Value, json};

use crate::door::Door;
use crate::support::{NOW, claims};

#[tokio::test]
async fn issuer_and_audience_are_one_string_each() {
    let mut door = Door::new();
    for name in ["iss", "aud"] {
        for value in [
            json!("other"),
            json!(""),
            json!("INVOICEAPP"),
            json!("invoiceapp "),
            json!("invoiceapp\u{0}"),
            json!(1),
            json!(null),
            json!(true),
            json!(["invoiceapp"]),
            json!(["invoiceapp", "other"]),
            json!({ "$ne": "" }),
        ] {
            door.refuses_claims(|claims| claims[name] = value.clone(), "TOKEN_INVALID")
                .await;
        }
    }
}

#[tokio::test]
async fn times_outside_the_leeway_are_refused() {
    let mut door = Door::new();
    for (issued, not_before, expires, reason) in [
        (NOW + 6, NOW, NOW + 600, "TOKEN_INVALID"),
        (NOW, NOW + 6, NOW + 600, "TOKEN_INVALID"),
        (NOW, NOW, NOW + 901, "TOKEN_INVALID"),
        (NOW, NOW, NOW, "TOKEN_INVALID"),
        (NOW, NOW, NOW - 1, "TOKEN_INVALID"),
        (0, 0, i64::MAX, "TOKEN_INVALID"),
        (i64::MIN, 0, i64::MAX, "TOKEN_INVALID"),
        (i64::MAX, i64::MAX, i64::MAX, "TOKEN_INVALID"),
        (i64::MIN, i64::MIN, i64::MIN + 600, "TOKEN_EXPIRED"),
        (-600, -600, 0, "TOKEN_EXPIRED"),
        (NOW - 605, NOW - 605, NOW - 5, "TOKEN_EXPIRED"),
        (NOW - 700, NOW - 700, NOW - 100, "TOKEN_EXPIRED"),
    ] {
        let change = |claims: &mut Value| {
            claims["iat"] = json!(issued);
            claims["nbf"] = json!(not_before);
            claims["exp"] = json!(expires);
        };
        door.refuses_claims(change, reason).await;
    }
}

#[tokio::test]
async fn a_time_is_an_integer() {
    let mut door = Door::new();
    for name in ["iat", "nbf", "exp", "uv"] {
        for value in [
            json!("1790000600"),
            json!(1_790_000_600.5),
            json!(1_790_000_600.0),
            json!(1e300),
            json!(u64::MAX),
            json!(null),
            json!([1]),
        ] {
            if name == "uv" && value.is_u64() {
                continue;
            }
            door.refuses_claims(|claims| claims[name] = value.clone(), "TOKEN_INVALID")
                .await;
        }
    }
    door.refuses_claims(|claims| claims["uv"] = json!(-1), "TOKEN_INVALID")
        .await;
}

#[tokio::test]
async fn every_claim_is_required_and_well_formed() {
    let mut door = Door::new();
    for name in [
        "iss", "aud", "sub", "iat", "nbf", "exp", "jti", "sid", "org", "role", "uv",
    ] {
        let remove = |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove(name));
        door.refuses_claims(remove, "TOKEN_INVALID").await;
    }
    for name in ["sub", "jti", "sid", "org"] {
        let longer = format!("{}0", claims()[name].as_str().unwrap());
        let upper = claims()[name].as_str().unwrap().to_uppercase();
        for value in [
            "",
            "usr_",
            "{\"$gt\":\"\"}",
            "' OR 1=1 --",
            "inv_01k5nzzzzzzzzzzzzzzzzzzzz1",
            &longer,
            &upper,
        ] {
            door.refuses_claims(|claims| claims[name] = json!(value), "TOKEN_INVALID")
                .await;
        }
    }
    for role in [
        json!("owner"),
        json!("ADMIN"),
        json!(""),
        json!(1),
        json!(["OWNER"]),
    ] {
        door.refuses_claims(|claims| claims["role"] = role.clone(), "TOKEN_INVALID")
            .await;
    }
}

#[tokio::test]
async fn claims_that_are_no_plain_object_are_refused() {
    let mut door = Door::new();
    let good = claims().to_string();
    let inside = good.trim_start_matches('{').trim_end_matches('}').to_owned();
    for text in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        format!("[{good}]"),
        format!("{good}{good}"),
        format!("{good} x"),
        format!("{{{inside},\"sub\":\"usr_01k5nzzzzzzzzzzzzzzzzzzzz9\"}}"),
        format!("{{\"exp\":{},{inside}}}", NOW + 900),
        format!("{{{inside},\"new\":1,\"new\":2}}"),
        format!("{{{inside},\"ex\\u0070\":{}}}", NOW + 900),
        format!("{{{inside},\"deep\":{}}}", "[".repeat(900)),
    ] {
        let token = door.signer.sign(&door.signer.header(), &text);
        door.refuses_token(&text, &token, "TOKEN_INVALID").await;
    }
    // The claims as a JSON array in the order of our struct, which serde would accept.
    let values: Vec<Value> = [
        "iss", "aud", "sub", "iat", "nbf", "exp", "jti", "sid", "org", "role", "uv",
    ]
    .iter()
    .map(|name| claims()[*name].clone())
    .collect();
    let token = door
        .signer
        .sign(&door.signer.header(), &json!(values).to_string());
    door.refuses_token("array", &token, "TOKEN_INVALID").await;
}
