//! Every token here is refused with a stated code and reason, and its handler is not entered.

mod support;

use std::sync::Arc;

use authn::Authenticated;
use aws_lc_rs::hmac;
use serde_json::{Value, json};
use support::{Handler, NOW, Signer, base64url, call, claims, validator};
use tonic::Code;

const METHOD: &str = "/invoiceapp.invoice.v1.InvoiceService/GetInvoice";

struct Door {
    signer: Signer,
    handler: Handler,
    service: Authenticated<Handler>,
}

impl Door {
    fn new() -> Self {
        let signer = Signer::new();
        let handler = Handler::default();
        let validator = Arc::new(validator([signer.verifying_key()]));
        let service = Authenticated::new(handler.clone(), validator);
        Self {
            signer,
            handler,
            service,
        }
    }

    async fn refuses(&mut self, what: &str, headers: &[(&'static str, &str)], reason: &str) {
        let refusal = call(&mut self.service, METHOD, headers).await;
        let refusal = refusal.map(|_request| "let in");
        assert_eq!(refusal, Err((Code::Unauthenticated, reason.to_owned())), "{what}");
        assert_eq!(self.handler.entered(), 0, "{what}: the handler was entered");
    }

    async fn refuses_token(&mut self, what: &str, token: &str, reason: &str) {
        self.refuses(what, &[("authorization", &format!("Bearer {token}"))], reason)
            .await;
    }

    /// Refuses a rightly signed token with this header.
    async fn refuses_header(&mut self, header: &str) {
        let token = self.signer.sign(header, &claims().to_string());
        self.refuses_token(header, &token, "TOKEN_INVALID").await;
    }

    /// Refuses a rightly signed token whose claims were changed.
    async fn refuses_claims(&mut self, change: impl Fn(&mut Value), reason: &str) {
        let mut changed = claims();
        change(&mut changed);
        let token = self.signer.sign(&self.signer.header(), &changed.to_string());
        self.refuses_token(&changed.to_string(), &token, reason).await;
    }
}

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
    for (what, secret) in [
        ("raw", public.to_vec()),
        ("base64url", base64url(public).into_bytes()),
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

#[tokio::test]
async fn a_header_with_anything_else_is_refused() {
    let mut door = Door::new();
    let kid = door.signer.verifying_key().id().to_string();
    let good = format!(r#""alg":"EdDSA","typ":"at+jwt","kid":"{kid}""#);
    for extra in [
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""jku":"https://evil.example/jwks.json""#,
        r#""jwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        r#""x5u":"https://evil.example/chain.pem""#,
        r#""x5c":["MIIB"]"#,
        r#""x5t":"x""#,
        r#""x5t#S256":"x""#,
        r#""zip":"DEF""#,
        r#""b64":false"#,
        r#""b64":true"#,
        r#""enc":"A256GCM""#,
        r#""cty":"JWT""#,
        r#""iss":"invoiceapp""#,
        r#""":"""#,
        r#""alg":"EdDSA""#,
        r#""alg":"none""#,
        r#""\u0061lg":"none""#,
        r#""typ":"at+jwt""#,
    ] {
        door.refuses_header(&format!("{{{good},{extra}}}")).await;
        door.refuses_header(&format!("{{{extra},{good}}}")).await;
    }
    for header in [
        String::new(),
        "null".to_owned(),
        "{}".to_owned(),
        format!(r#"["EdDSA","at+jwt","{kid}"]"#),
        format!(" {{{good}}}"),
        format!("\u{feff}{{{good}}}"),
        format!("{{{good}}}{{}}"),
        format!("{{{good}}}\0"),
        format!("{{{good},}}"),
        format!(r#"{{"alg":["EdDSA"],"typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":null,"typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"ALG":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#),
        r#"{"alg":"EdDSA","typ":"at+jwt"}"#.to_owned(),
    ] {
        door.refuses_header(&header).await;
    }
    for typ in [
        "JWT",
        "jwt",
        "AT+JWT",
        "application/at+jwt",
        "at+jwt ",
        "dpop+jwt",
        "logout+jwt",
        "",
    ] {
        door.refuses_header(&format!(r#"{{"alg":"EdDSA","typ":"{typ}","kid":"{kid}"}}"#))
            .await;
    }
}

#[tokio::test]
async fn a_key_id_is_an_id_and_nothing_else() {
    let mut door = Door::new();
    let kid = door.signer.verifying_key().id().to_string();
    let longer = format!("{kid}A");
    let shorter = &kid[..42];
    for kid in [
        "",
        "*",
        "../../../../dev/null",
        "/etc/passwd",
        "' OR 1=1 --",
        "key|cat /etc/passwd",
        "https://evil.example/key",
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp",
        longer.as_str(),
        shorter,
    ] {
        door.refuses_header(&format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#))
            .await;
    }
    for kid in ["1", "null", "{\"$gt\":\"\"}", "[]", "true"] {
        door.refuses_header(&format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":{kid}}}"#))
            .await;
    }
}

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
