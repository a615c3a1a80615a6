//! Tokens by which a device shows that it has signed in before.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use ulid::Ulid;

use crate::domain::email::EmailKey;
use crate::domain::ids::{DeviceId, new_ulid};
use crate::domain::secret::Secret;

const DEVICE_BYTES: usize = 16;
const TIME_BYTES: usize = 8;
const CODE_BYTES: usize = 32;
const TOKEN_BYTES: usize = DEVICE_BYTES + TIME_BYTES + CODE_BYTES;
/// Each sign-in begins it anew.
const LIFE: SignedDuration = SignedDuration::from_hours(180 * 24);

/// Makes and reads device tokens: `base64url(device ‖ end ‖ HMAC-SHA-256 of both and the e-mail address)`. Nothing of them is
/// stored. One signs nobody in: it only lets failures on its device be counted apart from everybody else's.
#[derive(Debug)]
pub(crate) struct DeviceTokens {
    key: hmac::Key,
}

impl DeviceTokens {
    pub(crate) fn new(key: hmac::Key) -> Self {
        Self { key }
    }

    /// A device that has signed in for the first time.
    pub(crate) fn new_device(now: Timestamp) -> DeviceId {
        DeviceId::from_ulid(new_ulid(now))
    }

    /// The token of a device on which the owner of the address has signed in now.
    pub(crate) fn token(&self, email: &EmailKey, device: DeviceId, now: Timestamp) -> Secret {
        let end = now.saturating_add(LIFE).unwrap_or(now).as_second();
        let named = [device.ulid().to_bytes().as_slice(), &end.to_be_bytes()].concat();
        let code = hmac::sign(&self.key, &[named.as_slice(), email.as_str().as_bytes()].concat());
        Secret::new(URL_SAFE_NO_PAD.encode([&named, code.as_ref()].concat()))
    }

    /// The device of a token that was made here for this address and has not ended, else `None`.
    pub(crate) fn read(&self, token: &str, email: &EmailKey, now: Timestamp) -> Option<DeviceId> {
        let mut bytes = [0; TOKEN_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
        if length != TOKEN_BYTES {
            return None;
        }
        let (named, code) = bytes.split_at(DEVICE_BYTES + TIME_BYTES);
        // In constant time.
        hmac::verify(&self.key, &[named, email.as_str().as_bytes()].concat(), code).ok()?;
        let (device, end) = named.split_first_chunk::<DEVICE_BYTES>()?;
        let end = i64::from_be_bytes(*end.first_chunk::<TIME_BYTES>()?);
        (now.as_second() < end).then(|| DeviceId::from_ulid(Ulid::from_bytes(*device)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(byte: u8) -> DeviceTokens {
        DeviceTokens::new(hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]))
    }

    fn email(text: &str) -> EmailKey {
        EmailKey::of_sign_in(text).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    const NOW: i64 = 1_790_000_000;
    const DAY: i64 = 86_400;

    #[test]
    fn a_token_names_its_device_for_its_address_until_its_end() {
        let ada = email("ada@example.com");
        let device = DeviceTokens::new_device(at(NOW));
        let token = tokens(1).token(&ada, device, at(NOW));
        let read = |key: u8, email: &EmailKey, now| tokens(key).read(token.expose(), email, at(now));
        assert_eq!(read(1, &ada, NOW), Some(device));
        assert_eq!(read(1, &email("ADA@Example.com"), NOW), Some(device));
        assert_eq!(read(1, &ada, NOW + 180 * DAY - 1), Some(device));
        assert_eq!(read(1, &ada, NOW + 180 * DAY), None, "ended");
        assert_eq!(read(1, &email("eve@example.com"), NOW), None, "another account's");
        assert_eq!(read(2, &ada, NOW), None, "another key's");
    }

    #[test]
    fn any_change_to_a_token_is_noticed() {
        let ada = email("ada@example.com");
        let token = tokens(1).token(&ada, DeviceTokens::new_device(at(NOW)), at(NOW));
        let token = token.expose();
        let read = |text: &str| tokens(1).read(text, &ada, at(NOW));
        assert!(read(token).is_some());
        for position in 0..token.len() {
            for replacement in ["A", "B", "_", "=", ".", " "] {
                let mut changed = token.to_owned();
                changed.replace_range(position..=position, replacement);
                assert!(
                    changed == token || read(&changed).is_none(),
                    "{replacement} at {position}"
                );
            }
            assert_eq!(read(&token[..position]), None);
        }
        for text in [
            format!("{token}A"),
            format!("{token}="),
            format!(" {token}"),
            "x".repeat(4000),
        ] {
            assert_eq!(read(&text), None);
        }
    }
}
