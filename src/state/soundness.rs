//! What can have come about. A room says so of itself, and is asked before it is written as after it was read.

use std::fmt::Display;

/// What is not as it can have come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsound {
    /// The entry that says so, by its path.
    pub entry: String,
    /// What was expected of it.
    pub expected: String,
}

impl Unsound {
    /// The same, as it is called from the scope above `scope`.
    pub fn within(mut self, scope: &str) -> Self {
        self.entry = super::join(scope, &self.entry);
        self
    }
}

/// What a room says of itself.
pub type Soundness = std::result::Result<(), Unsound>;

/// Sound if `holds`; else the entry, and what was expected of it.
pub fn sound(entry: &str, holds: bool, expected: impl Display) -> Soundness {
    if holds { Ok(()) } else { Err(Unsound { entry: entry.to_owned(), expected: expected.to_string() }) }
}
