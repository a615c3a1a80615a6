/// Follows the length-prefixed messages of a gRPC body (gRPC over HTTP/2, "Length-Prefixed-Message") without
/// keeping any of it, to know where one may stop.
#[derive(Debug, Default)]
pub(super) struct MessageBoundary {
    prefix: Vec<u8>,
    missing: usize,
    messages: usize,
}

impl MessageBoundary {
    /// The compression flag and the length before each message.
    pub(super) const PREFIX: usize = 5;

    /// Takes notice of the next `bytes` of the body.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.missing > 0 {
                let taken = self.missing.min(bytes.len());
                self.missing -= taken;
                bytes = bytes.get(taken..).unwrap_or_default();
                self.messages += usize::from(self.missing == 0);
                continue;
            }
            self.prefix.push(first);
            bytes = rest;
            if self.prefix.len() == Self::PREFIX {
                self.missing = self.length();
                self.messages += usize::from(self.missing == 0);
                self.prefix.clear();
            }
        }
    }

    fn length(&self) -> usize {
        // The first byte is the compression flag.
        self.prefix
            .iter()
            .skip(1)
            .fold(0, |length, byte| length << 8 | usize::from(*byte))
    }

    /// Whether the last message is complete.
    pub(super) fn is_between_messages(&self) -> bool {
        self.missing == 0 && self.prefix.is_empty()
    }

    /// Complete messages so far.
    pub(super) fn messages(&self) -> usize {
        self.messages
    }
}

#[cfg(test)]
mod tests {
    use super::MessageBoundary;

    #[test]
    fn boundaries_are_found_however_the_bytes_are_cut() {
        let body = b"\0\0\0\0\x03abc\0\0\0\0\0\0\0\0\x01\x00";
        let body = [&body[..], &[7; 256]].concat();
        for size in 1..=body.len() {
            let mut boundary = MessageBoundary::default();
            for piece in body.chunks(size) {
                boundary.pass(piece);
            }
            assert_eq!(boundary.messages(), 3, "pieces of {size}");
            assert!(boundary.is_between_messages());
        }
    }

    #[test]
    fn a_started_message_is_no_place_to_stop() {
        let mut boundary = MessageBoundary::default();
        assert!(boundary.is_between_messages());
        boundary.pass(&[0, 0]);
        assert!(!boundary.is_between_messages());
        boundary.pass(&[0, 0, 2, 9]);
        assert!(!boundary.is_between_messages());
        boundary.pass(&[9]);
        assert!(boundary.is_between_messages());
    }
}
