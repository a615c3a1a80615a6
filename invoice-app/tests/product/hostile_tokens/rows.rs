//! The table: what is shown, and the reason with which it must be refused.

mod claims;

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::signing_key::{SigningKey, base64url, claims_of};

const INVALID: &str = "TOKEN_INVALID";
const EXPIRED: &str = "TOKEN_EXPIRED";

/// One way to be refused.
pub(crate) struct Row {
    pub(crate) what: String,
    /// The `authorization` values of the call.
    pub(crate) values: Vec<Vec<u8>>,
    pub(crate) reason: &'static str,
}

impl Row {
    fn new(what: impl Into<String>, values: &[&str], reason: &'static str) -> Self {
        Self {
            what: what.into(),
            values: values.iter().map(|value| value.as_bytes().to_vec()).collect(),
            reason,
        }
    }

    fn of_token(what: impl Into<String>, token: &str, reason: &'static str) -> Self {
        Self::new(what, &[&format!("Bearer {token}")], reason)
    }

    /// The token, when the row is about one.
    pub(crate) fn token(&self) -> Option<String> {
        let [value] = self.values.as_slice() else {
            return None;
        };
        let text = String::from_utf8(value.clone()).ok()?;
        let token = text.strip_prefix("Bearer ")?;
        (!token.is_empty()).then(|| token.to_owned())
    }
}

/// Every row, made from a token that is let in.
pub(crate) fn rows(key: &SigningKey, real: &str) -> Vec<Row> {
    [
        carriers(real),
        shapes(key, real),
        algorithms(key, real),
        foreign_keys(key, real),
        headers(key, real),
        key_ids(key, real),
        claims::rows(key, real),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The real token with one bit changed, for each of its characters.
pub(crate) fn flipped(real: &str) -> Vec<Row> {
    let flip = |position: usize| {
        let mut token = real.as_bytes().to_vec();
        token[position] ^= 1;
        let token = String::from_utf8(token).unwrap();
        Row::of_token(format!("character {position}"), &token, INVALID)
    };
    (0..real.len()).map(flip).collect()
}

/// What carries the token.
fn carriers(real: &str) -> Vec<Row> {
    let bearer = format!("Bearer {real}");
    let mut rows = vec![
        Row::new("no value", &[], "TOKEN_MISSING"),
        Row::new("two values", &[&bearer, &bearer], INVALID),
        Row::new("a good value and another", &[&bearer, "Basic eDp5"], INVALID),
        Row::new("another and a good value", &["", &bearer], INVALID),
    ];
    for value in [
        format!("{bearer}, {bearer}"),
        format!("{bearer},Basic eDp5"),
        format!("Basic {real}"),
        format!("DPoP {real}"),
        format!("Bearer  {real}"),
        format!("Bearer\t{real}"),
        format!("Bearer{real}"),
        format!("Bearer: {real}"),
        format!("Bearer token={real}"),
        format!("{bearer} x"),
        format!("Bearer Bearer {real}"),
        real.to_owned(),
        "Bearer".to_owned(),
        "Bearer \u{e9}".to_owned(),
    ] {
        rows.push(Row::new(format!("the value {value:?}"), &[&value], INVALID));
    }
    rows
}

/// The token's outward form.
fn shapes(key: &SigningKey, real: &str) -> Vec<Row> {
    let parts: Vec<&str> = real.split('.').collect();
    let [header, claims, signature] = parts.try_into().unwrap();
    let oversized = key.sign(
        &key.header(),
        &with(real, |claims| claims["pad"] = json!("x".repeat(1_600))),
    );
    let (rest, last) = real.split_at(real.len() - 1);
    // The last character of a signature holds four bits that mean nothing; base64url counts upwards.
    let trailing = char::from(last.as_bytes()[0] + 1);
    let mut rows: Vec<Row> = [
        ("a short text", "a.b.c".to_owned()),
        ("one part", header.to_owned()),
        ("two parts", format!("{header}.{claims}")),
        ("four parts", format!("{real}.{signature}")),
        (
            "five parts, as JWE has",
            format!("{real}.{signature}.{signature}"),
        ),
        ("a leading dot", format!(".{real}")),
        ("a trailing dot", format!("{real}.")),
        ("two dots together", format!("{header}..{claims}.{signature}")),
        ("only dots", ".".repeat(2_000)),
        ("no signature", format!("{header}.{claims}.")),
        ("no claims", format!("{header}..{signature}")),
        ("no header", format!(".{claims}.{signature}")),
        ("over 2 KiB, rightly signed", oversized),
        ("over 2 KiB", format!("{real}{}", "A".repeat(2_048))),
        ("a padded signature", format!("{real}==")),
        ("a padded header", format!("{header}=.{claims}.{signature}")),
        ("bits after the last byte", format!("{rest}{trailing}")),
        ("percent encoding", format!("{header}%2E{claims}%2E{signature}")),
        (
            "the other base64",
            format!("{header}.{claims}.{}", "+/".repeat(43)),
        ),
        (
            "JSON serialization",
            format!(r#"{{"payload":"{claims}","signatures":[]}}"#),
        ),
        ("a blank inside", format!("{header}.{claims} .{signature}")),
    ]
    .into_iter()
    .map(|(what, token)| Row::of_token(what, &token, INVALID))
    .collect();
    assert!(
        rows.iter()
            .any(|row| row.values[0].len() > 2_048 && row.what.contains("rightly"))
    );
    rows.push(Row::of_token(
        "the parts in another order",
        &format!("{claims}.{header}.{signature}"),
        INVALID,
    ));
    rows
}

/// Other algorithms: rightly signed, unsigned, and with our public key as an HMAC secret.
fn algorithms(key: &SigningKey, real: &str) -> Vec<Row> {
    let claims = claims_of(real);
    let mut rows = Vec::new();
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
        let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"{}"}}"#, key.id);
        let unsigned = format!("{}.{}.", base64url(&header), base64url(&claims));
        rows.push(Row::of_token(
            format!("unsigned {algorithm:?}"),
            &unsigned,
            INVALID,
        ));
        rows.push(Row::of_token(
            format!("signed {algorithm:?}"),
            &key.sign(&header, &claims),
            INVALID,
        ));
    }
    let public = key.public();
    // RFC 8410: the fixed head of an Ed25519 SubjectPublicKeyInfo.
    let head = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ];
    let der = [head.as_slice(), &public].concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &der)
    );
    for (encoding, secret) in [
        ("raw", public.to_vec()),
        ("base64url", base64url(public).into_bytes()),
        ("PEM", pem.into_bytes()),
        ("DER", der),
    ] {
        for algorithm in ["HS256", "EdDSA"] {
            let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"{}"}}"#, key.id);
            let signed = format!("{}.{}", base64url(header), base64url(&claims));
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
            let token = format!("{signed}.{}", base64url(tag));
            let what = format!("{algorithm} with the {encoding} public key");
            rows.push(Row::of_token(what, &token, INVALID));
        }
    }
    rows
}

fn foreign_keys(key: &SigningKey, real: &str) -> Vec<Row> {
    let (signed, signature) = real.rsplit_once('.').unwrap();
    let other = key.sign(&key.header(), "{}");
    let unknown = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    [
        (
            "a foreign key with our id",
            SigningKey::foreign(&key.id).resigned(real),
        ),
        ("an unknown key", SigningKey::foreign(unknown).resigned(real)),
        (
            "our key under a foreign id",
            key.sign(&SigningKey::foreign(unknown).header(), &claims_of(real)),
        ),
        (
            "another token's signature",
            format!("{signed}.{}", other.rsplit_once('.').unwrap().1),
        ),
        ("zeros", format!("{signed}.{}", base64url([0; 64]))),
        ("a short signature", format!("{signed}.{}", base64url([0; 63]))),
        ("a long signature", format!("{signed}.{signature}{signature}")),
    ]
    .into_iter()
    .map(|(what, token)| Row::of_token(what, &token, INVALID))
    .collect()
}

/// Headers, rightly signed.
fn headers(key: &SigningKey, real: &str) -> Vec<Row> {
    let good = format!(r#""alg":"EdDSA","typ":"at+jwt","kid":"{}""#, key.id);
    let jwk = format!(
        r#""jwk":{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#,
        base64url(key.public())
    );
    let mut texts: Vec<String> = [
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""jku":"http://127.0.0.1:1/jwks.json""#,
        &jwk,
        r#""x5u":"http://127.0.0.1:1/chain.pem""#,
        r#""x5c":["MIIB"]"#,
        r#""x5t":"x""#,
        r#""x5t#S256":"x""#,
        r#""zip":"DEF""#,
        r#""b64":false"#,
        r#""enc":"A256GCM""#,
        r#""cty":"JWT""#,
        r#""alg":"EdDSA""#,
        r#""alg":"none""#,
        r#""\u0061lg":"none""#,
        r#""k\u0069d":"x""#,
        r#""typ":"at+jwt""#,
        r#""":"""#,
    ]
    .iter()
    .flat_map(|extra| [format!("{{{good},{extra}}}"), format!("{{{extra},{good}}}")])
    .collect();
    for typ in [
        "JWT",
        "jwt",
        "AT+JWT",
        "application/at+jwt",
        "at+jwt ",
        "dpop+jwt",
        "",
    ] {
        texts.push(format!(r#"{{"alg":"EdDSA","typ":"{typ}","kid":"{}"}}"#, key.id));
    }
    texts.extend([
        String::new(),
        "null".to_owned(),
        "{}".to_owned(),
        format!(r#"["EdDSA","at+jwt","{}"]"#, key.id),
        format!(" {{{good}}}"),
        format!("\u{feff}{{{good}}}"),
        format!("{{{good}}}{{}}"),
        format!("{{{good}}}\0"),
        format!(r#"{{"alg":["EdDSA"],"typ":"at+jwt","kid":"{}"}}"#, key.id),
        format!(r#"{{"ALG":"EdDSA","typ":"at+jwt","kid":"{}"}}"#, key.id),
        format!(r#"{{"alg":"EdDSA","kid":"{}"}}"#, key.id),
    ]);
    let claims = claims_of(real);
    let row =
        |text: &String| Row::of_token(format!("the header {text:?}"), &key.sign(text, &claims), INVALID);
    texts.iter().map(row).collect()
}

/// Key ids that lead elsewhere, rightly signed.
fn key_ids(key: &SigningKey, real: &str) -> Vec<Row> {
    let text = |kid: &str| json!(kid).to_string();
    let mut ids: Vec<String> = [
        "",
        "*",
        "../../../../dev/null",
        "/proc/self/environ",
        "' OR 1=1 --",
        "key|cat /etc/passwd",
        "https://evil.example/key",
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp",
    ]
    .map(text)
    .to_vec();
    for kid in [
        format!("{}\0", key.id),
        format!("{} ", key.id),
        format!("{}=", key.id),
        format!("{}A", key.id),
        key.id[..42].to_owned(),
        key.id.to_uppercase(),
        key.id.repeat(20),
    ] {
        ids.push(text(&kid));
    }
    ids.extend(["1", "null", r#"{"$gt":""}"#, "[]", "true"].map(str::to_owned));
    let claims = claims_of(real);
    let row = |kid: &String| {
        let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":{kid}}}"#);
        Row::of_token(format!("the key id {kid}"), &key.sign(&header, &claims), INVALID)
    };
    ids.iter().map(row).collect()
}

/// The real claims after a change.
fn with(real: &str, change: impl Fn(&mut Value)) -> String {
    let mut claims = serde_json::from_str(&claims_of(real)).unwrap();
    change(&mut claims);
    claims.to_string()
}
