//! Where a vector stands, and what a search says of it.

/// The place of a vector. After its removal another vector can get the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u32);

/// A vector that a search has found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Its place.
    pub slot: Slot,
    /// The cosine of the angle between the query and the vector as it is kept (f16), from -1 to 1.
    pub cosine: f32,
}
