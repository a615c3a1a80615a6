//! The rows whose tokens say something wrong under a right signature.

use serde_json::{Value, json};

use super::super::signing_key::{SigningKey, claims_of};
use super::{EXPIRED, INVALID, Row, with};

/// Every row of this kind.
pub(super) fn rows(key: &SigningKey, real: &str) -> Vec<Row> {
    [values(key, real), times(key, real), objects(key, real)]
        .into_iter()
        .flatten()
        .collect()
}

/// One claim changed, rightly signed.
fn values(key: &SigningKey, real: &str) -> Vec<Row> {
    let mut changes: Vec<(&str, Value)> = Vec::new();
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
            changes.push((name, value));
        }
    }
    for name in ["iat", "nbf", "exp"] {
        for value in [
            json!("1790000600"),
            json!(1e300),
            json!(4_102_444_800.5),
            json!(u64::MAX),
            json!([1]),
        ] {
            changes.push((name, value));
        }
    }
    for value in [json!("1"), json!(-1), json!(1.5), json!(null)] {
        changes.push(("uv", value));
    }
    for name in ["sub", "jti", "sid", "org"] {
        for value in [
            "",
            "{\"$gt\":\"\"}",
            "' OR 1=1 --",
            "inv_01k5nzzzzzzzzzzzzzzzzzzzz1",
        ] {
            changes.push((name, json!(value)));
        }
    }
    for role in [json!("owner"), json!("ADMIN"), json!(1), json!(["OWNER"])] {
        changes.push(("role", role));
    }
    changes
        .into_iter()
        .map(|(name, value)| {
            let text = with(real, |claims| claims[name] = value.clone());
            Row::of_token(
                format!("{name}: {value}"),
                &key.sign(&key.header(), &text),
                INVALID,
            )
        })
        .collect()
}

/// Times outside what is permitted, rightly signed.
fn times(key: &SigningKey, real: &str) -> Vec<Row> {
    let real_claims: Value = serde_json::from_str(&claims_of(real)).unwrap();
    let now = real_claims["iat"].as_i64().unwrap();
    [
        (now + 300, now, now + 900, INVALID),
        (now, now + 300, now + 600, INVALID),
        (now, now, now + 901, INVALID),
        (now, now, now, INVALID),
        (now, now, now - 1, INVALID),
        (0, 0, i64::MAX, INVALID),
        (i64::MIN, 0, i64::MAX, INVALID),
        (i64::MAX, i64::MAX, i64::MAX, INVALID),
        (i64::MIN, i64::MIN, i64::MIN + 600, EXPIRED),
        (-600, -600, 0, EXPIRED),
        (now - 605, now - 605, now - 5, EXPIRED),
    ]
    .into_iter()
    .map(|(issued, not_before, expires, reason)| {
        let text = with(real, |claims| {
            claims["iat"] = json!(issued);
            claims["nbf"] = json!(not_before);
            claims["exp"] = json!(expires);
        });
        let what = format!("iat {issued}, nbf {not_before}, exp {expires}");
        Row::of_token(what, &key.sign(&key.header(), &text), reason)
    })
    .collect()
}

/// Claims that are no plain object without repetitions, rightly signed.
fn objects(key: &SigningKey, real: &str) -> Vec<Row> {
    let good = claims_of(real);
    let inside = good.trim_start_matches('{').trim_end_matches('}');
    let mut rows: Vec<Row> = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        format!("[{good}]"),
        format!("{good}{good}"),
        format!("{good} x"),
        format!("{{{inside},\"sub\":\"usr_01k5nzzzzzzzzzzzzzzzzzzzz9\"}}"),
        format!("{{\"exp\":4102444800,{inside}}}"),
        format!("{{{inside},\"new\":1,\"new\":2}}"),
        format!("{{{inside},\"ex\\u0070\":4102444800}}"),
        format!("{{{inside},\"deep\":{}}}", "[".repeat(600)),
    ]
    .iter()
    .map(|text| {
        Row::of_token(
            format!("the claims {text:?}"),
            &key.sign(&key.header(), text),
            INVALID,
        )
    })
    .collect();
    for name in [
        "iss", "aud", "sub", "iat", "nbf", "exp", "jti", "sid", "org", "role", "uv",
    ] {
        let text = with(real, |claims| drop(claims.as_object_mut().unwrap().remove(name)));
        rows.push(Row::of_token(
            format!("no {name}"),
            &key.sign(&key.header(), &text),
            INVALID,
        ));
    }
    rows
}
