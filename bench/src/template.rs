//! Bytes that are sent again and again with other values of the same length in some places: a request is encoded once,
//! not once per call, and a document of the database is the very one that the service wrote.

/// Encoded bytes, and where in them which value goes.
#[derive(Debug, Clone)]
pub(crate) struct Template<S> {
    bytes: Vec<u8>,
    places: Vec<Place<S>>,
}

#[derive(Debug, Clone)]
struct Place<S> {
    slot: S,
    from: usize,
    length: usize,
}

impl<S: Copy + PartialEq> Template<S> {
    /// Nothing in it changes.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            places: Vec::new(),
        }
    }

    /// Every occurrence of `sample` is a place for values of `slot`, which must have the sample's length.
    #[must_use]
    pub(crate) fn with(mut self, slot: S, sample: &[u8]) -> Self {
        let length = sample.len();
        let mut from = 0;
        while length > 0 && from + length <= self.bytes.len() {
            if self.bytes.get(from..from + length) == Some(sample) {
                self.places.push(Place { slot, from, length });
                from += length;
            } else {
                from += 1;
            }
        }
        self
    }

    /// Whether `slot` has a place.
    pub(crate) fn has(&self, slot: S) -> bool {
        self.places.iter().any(|place| place.slot == slot)
    }

    /// The bytes with `value` in all places of `slot`; a value of another length changes nothing.
    pub(crate) fn put(&self, bytes: &mut [u8], slot: S, value: &[u8]) {
        for place in self.places.iter().filter(|place| place.slot == slot) {
            let room = bytes.get_mut(place.from..place.from + place.length);
            if let Some(room) = room.filter(|room| room.len() == value.len()) {
                room.copy_from_slice(value);
            }
        }
    }

    /// A copy to put values into.
    pub(crate) fn copy(&self) -> Vec<u8> {
        self.bytes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Slot {
        Id,
        Name,
    }

    #[test]
    fn values_go_to_every_place_of_their_slot_and_nowhere_else() {
        let template = Template::new(b"id=AAA name=BB again=AAA".to_vec())
            .with(Slot::Id, b"AAA")
            .with(Slot::Name, b"BB");
        let mut bytes = template.copy();
        template.put(&mut bytes, Slot::Id, b"123");
        template.put(&mut bytes, Slot::Name, b"xy");
        assert_eq!(bytes, b"id=123 name=xy again=123");
        assert_eq!(template.copy(), b"id=AAA name=BB again=AAA");
    }

    #[test]
    fn a_value_of_another_length_changes_nothing() {
        let template = Template::new(b"AAA".to_vec()).with(Slot::Id, b"AAA");
        let mut bytes = template.copy();
        template.put(&mut bytes, Slot::Id, b"1234");
        assert_eq!(bytes, b"AAA");
    }

    #[test]
    fn a_slot_without_a_place_is_known() {
        let template = Template::new(b"AAA".to_vec())
            .with(Slot::Id, b"AAA")
            .with(Slot::Name, b"B");
        assert!(template.has(Slot::Id) && !template.has(Slot::Name));
        assert!(!Template::new(b"AAA".to_vec()).with(Slot::Id, b"").has(Slot::Id));
    }
}
