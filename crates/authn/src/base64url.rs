//! base64url without padding (RFC 7515, section 2), decoded strictly: no padding, no white space, no
//! bits after the last byte, so that every value has one spelling.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes, or `None` when the text is not exactly what [`encode`] writes.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_spelling_is_accepted() {
        assert_eq!(decode("_-8").unwrap(), [0xff, 0xef]);
        // Padding, the other alphabet, trailing bits, white space, an impossible length.
        for text in ["_-8=", "/+8", "_-9", "_-8\n", " _-8", "_", "_-8AA"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
