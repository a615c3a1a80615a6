/// Who runs the copy: is told how far it is, and may stop it.
pub trait Operator {
    /// A step begins: so many records, about, of which some were done by an earlier run.
    fn begins(&self, step: Step, collection: &'static str, records: u64, done: u64);

    /// So many records more are done.
    fn advances(&self, records: u64);

    /// Whether to stop. Asked between two pages; what is there then can be gone on from.
    fn wants_to_stop(&self) -> bool;
}

/// What is being done with a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Its records are copied.
    Copying,
    /// Both sides are read again and compared.
    Verifying,
}
