//! A state as bytes: a preamble of fixed length, then the payload.

mod payload;
mod preamble;
#[cfg(test)]
mod tests;

use xxhash_rust::xxh3::xxh3_128;

pub use preamble::{Kind, VERSION};

use preamble::Preamble;

use crate::error::{Result, SonaError};
use crate::state::State;

/// Length of the preamble in bytes, in this and every later version.
pub const PREAMBLE_LENGTH: usize = preamble::LENGTH;

/// The bytes of a state; the same bytes for equal states. Costs two copies of its tensors.
///
/// # Errors
/// [`SonaError::OutOfRange`] when names, shapes and values take more than 100 MB as JSON.
pub fn encode(kind: Kind, state: &State) -> Result<Vec<u8>> {
    let payload = payload::pack(state)?;
    let preamble = Preamble { version: VERSION, kind, length: payload.len() as u64, checksum: xxh3_128(&payload) };
    Ok([preamble.to_bytes().as_slice(), &payload].concat())
}

/// The state that the bytes hold. Takes memory in proportion to the bytes that are there, whatever they announce.
///
/// # Errors
/// [`SonaError::IncompatibleState`] for bytes that are no state of this library, another format version, or another
/// kind; [`SonaError::CorruptState`] for a state that is not as it was written, and for no bytes at all.
pub fn decode(kind: Kind, bytes: &[u8]) -> Result<State> {
    let preamble = Preamble::parse(bytes)?;
    if preamble.kind != kind {
        let named = |kind| format!("kind {kind}");
        return Err(SonaError::incompatible_state(named(kind), named(preamble.kind)));
    }
    let payload = &bytes[PREAMBLE_LENGTH..];
    check_length(preamble.length, payload.len() as u64)?;
    if xxh3_128(payload) != preamble.checksum {
        return Err(SonaError::corrupt_state("the payload does not match its checksum"));
    }
    payload::unpack(payload)
}

/// Refuses a file by its first [`PREAMBLE_LENGTH`] bytes (or all, if it has fewer) and its length, before the rest
/// is read.
pub(super) fn check_file(head: &[u8], length: u64) -> Result<()> {
    let preamble = Preamble::parse(head)?;
    check_length(preamble.length, length.saturating_sub(PREAMBLE_LENGTH as u64))
}

/// Whether bytes were a state once, of whatever version, sound or damaged.
#[cfg(feature = "durable")]
pub(super) fn is_state(bytes: &[u8]) -> bool {
    Preamble::announces(bytes)
}

fn check_length(announced: u64, got: u64) -> Result<()> {
    if announced == got {
        return Ok(());
    }
    Err(SonaError::corrupt_state(format_args!("expected {announced} bytes after the preamble, got {got}")))
}
