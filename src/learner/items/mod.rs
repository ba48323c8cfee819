//! Items that callers want remembered, under a lock of their own: nothing else depends on them, nor they on anything else.

pub mod calls;
pub mod room;
