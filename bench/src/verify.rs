//! CPU time to verify an access token: a new one, one that was seen before, and the bare signature.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use authn::{KeySet, Validator, ValidatorConfig, VerifyingKey};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

use crate::figures::{Figures, ratio};

const TOKENS: u32 = 1_000;
const ROUNDS: usize = 21;
/// What verification may cost (docs/ARCHITECTURE.md, "Tokens").
const NEW_WITHIN: Duration = Duration::from_micros(60);
const SEEN_WITHIN: Duration = Duration::from_micros(2);
const TEXT: &str = "invoiceapp";

/// One token, whole and as what the library needs.
struct Token {
    text: String,
    signed_bytes: usize,
    signature: Vec<u8>,
}

/// Verifies tokens on this thread and prints the medians of all rounds, each per token.
///
/// # Errors
/// A token is refused, or a bound is not kept.
pub(crate) fn measure() -> Result<(), Box<dyn Error>> {
    authn::install_crypto_provider()?;
    let pair = Ed25519KeyPair::generate()?;
    let public: [u8; 32] = pair.public_key().as_ref().try_into()?;
    let key = VerifyingKey::from_bytes(public)?;
    let now = Timestamp::now();
    let tokens: Vec<Token> = (0..TOKENS)
        .map(|number| token(&pair, &key, now, number))
        .collect();
    let bare_key = UnparsedPublicKey::new(&ED25519, public);
    let (mut bare, mut new, mut seen) = (Figures::default(), Figures::default(), Figures::default());
    for _ in 0..ROUNDS {
        bare.add(per_token(&tokens, |token| {
            let signed = token.text.get(..token.signed_bytes).unwrap_or_default();
            Ok(bare_key.verify(signed.as_bytes(), &token.signature)?)
        })?);
        let keys: KeySet = [key.clone()].into_iter().collect();
        let config = ValidatorConfig {
            issuer: TEXT.to_owned(),
            audience: TEXT.to_owned(),
        };
        let validator = Validator::new(config, Arc::new(keys));
        let verify = |token: &Token| Ok(validator.verify(&token.text, now).map(drop)?);
        new.add(per_token(&tokens, verify)?);
        seen.add(per_token(&tokens, verify)?);
    }
    let bytes = tokens.first().map_or(0, |token| token.text.len());
    println!("CPU time to verify a token of {bytes} bytes, median of {ROUNDS} rounds of {TOKENS} tokens:");
    let (bare, new, seen) = (bare.percentile(50), new.percentile(50), seen.percentile(50));
    println!("  Ed25519 alone  {bare:?}");
    println!(
        "  new token      {new:?}, {} x Ed25519 (bound {NEW_WITHIN:?})",
        ratio(new, bare)
    );
    println!(
        "  seen before    {seen:?}, {} x Ed25519 (bound {SEEN_WITHIN:?})",
        ratio(seen, bare)
    );
    if new <= NEW_WITHIN && seen <= SEEN_WITHIN {
        Ok(())
    } else {
        Err("a bound is not kept".into())
    }
}

fn token(pair: &Ed25519KeyPair, key: &VerifyingKey, now: Timestamp, number: u32) -> Token {
    let second = now.as_second();
    let id = |prefix: &str| {
        let ulid = ulid::Ulid::from_parts(second.unsigned_abs() * 1_000, number.into());
        format!("{prefix}_{}", ulid.to_string().to_lowercase())
    };
    let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{}"}}"#, key.id());
    let claims = json!({
        "iss": TEXT, "aud": TEXT, "sub": id("usr"), "iat": second, "nbf": second, "exp": second + 600,
        "jti": id("tok"), "sid": id("ses"), "org": id("org"), "role": "OWNER", "uv": number,
    });
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = pair.sign(signed.as_bytes()).as_ref().to_vec();
    Token {
        text: format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&signature)),
        signed_bytes: signed.len(),
        signature,
    }
}

/// CPU time of this thread for each of the tokens, on average.
fn per_token(
    tokens: &[Token],
    work: impl Fn(&Token) -> Result<(), Box<dyn Error>>,
) -> Result<Duration, Box<dyn Error>> {
    let began = cpu_time()?;
    for token in tokens {
        work(token)?;
    }
    Ok(cpu_time()?.saturating_sub(began) / TOKENS)
}

fn cpu_time() -> Result<Duration, Box<dyn Error>> {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Ok(Duration::new(time.tv_sec.try_into()?, time.tv_nsec.try_into()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_good_and_another_one() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = VerifyingKey::from_bytes(pair.public_key().as_ref().try_into().unwrap()).unwrap();
        let now = Timestamp::now();
        let config = ValidatorConfig {
            issuer: TEXT.to_owned(),
            audience: TEXT.to_owned(),
        };
        let keys: KeySet = [key.clone()].into_iter().collect();
        let validator = Validator::new(config, Arc::new(keys));
        for number in 0..3 {
            let principal = validator
                .verify(&token(&pair, &key, now, number).text, now)
                .unwrap();
            assert_eq!(principal.user_version, u64::from(number));
        }
    }
}
