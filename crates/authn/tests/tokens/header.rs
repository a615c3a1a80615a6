//! The JOSE header. Each is refused with code and reason, before the handler.

use crate::door::Door;

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
        r#""k\u0069d":"x""#,
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
    for kid in [
        format!("{kid}\\u0000"),
        format!("{kid}="),
        kid.to_uppercase(),
        kid.repeat(20),
    ] {
        door.refuses_header(&format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#))
            .await;
    }
    for kid in ["1", "null", "{\"$gt\":\"\"}", "[]", "true"] {
        door.refuses_header(&format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":{kid}}}"#))
            .await;
    }
}
