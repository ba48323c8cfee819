//! The first 64 bytes: whose they are, which version, how much follows, and checksums of both parts.

use std::fmt;

use xxhash_rust::xxh3::xxh3_128;

use crate::error::{Result, SonaError};

/// Version of the format that [`encode`](super::encode) writes and [`decode`](super::decode) reads.
pub const VERSION: u32 = 1;

pub(super) const LENGTH: usize = 64;

/// A byte above 127, both kinds of line end, and the end-of-file sign of old: what treats the file as text damages it
/// here.
const MAGIC: [u8; 8] = *b"\x89SONA\r\n\x1a";

/// What the state belongs to. One kind is refused by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind([u8; 12]);

impl Kind {
    /// The state of a [`SonaEngine`](crate::SonaEngine).
    pub const ENGINE: Self = Self::new("engine");

    /// The state of a [`SonaRouter`](crate::SonaRouter).
    pub const ROUTER: Self = Self::new("router");

    /// The table of an [`Embedder`](crate::Embedder).
    pub const EMBEDDER: Self = Self::new("embedder");

    /// Up to 12 bytes of ASCII, filled up with zeros.
    pub(super) const fn new(name: &str) -> Self {
        let mut padded = [0; 12];
        padded.split_at_mut(name.len()).0.copy_from_slice(name.as_bytes());
        Self(padded)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.iter().position(|&byte| byte == 0).unwrap_or(self.0.len());
        self.0[..end].escape_ascii().fmt(f)
    }
}

#[derive(Debug)]
pub(super) struct Preamble {
    pub(super) version: u32,
    pub(super) kind: Kind,
    /// Of the payload, in bytes.
    pub(super) length: u64,
    /// Of the payload.
    pub(super) checksum: u128,
}

impl Preamble {
    pub(super) fn to_bytes(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&self.version.to_le_bytes());
        bytes[12..24].copy_from_slice(&self.kind.0);
        bytes[24..32].copy_from_slice(&self.length.to_le_bytes());
        bytes[32..48].copy_from_slice(&self.checksum.to_le_bytes());
        let checksum = xxh3_128(&bytes[8..48]);
        bytes[48..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Of a sound preamble of this version. The checksum decides between damage and a newer version; with the magic
    /// it decides between damage and bytes that were never a state.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let magic = bytes.starts_with(&MAGIC) || MAGIC.starts_with(bytes);
        let sound = bytes.first_chunk::<LENGTH>().filter(|bytes| is_sound(bytes));
        match (sound, magic) {
            (Some(bytes), true) => Self::read(bytes).of_this_version(),
            (Some(_), false) => Err(SonaError::corrupt_state("the first 8 bytes are damaged")),
            (None, true) if bytes.len() < LENGTH => {
                Err(SonaError::corrupt_state(format_args!("expected at least {LENGTH} bytes, got {}", bytes.len())))
            }
            (None, true) => Err(SonaError::corrupt_state("the preamble does not match its checksum")),
            (None, false) => Err(SonaError::incompatible_state("a state saved by sona", "other bytes")),
        }
    }

    /// Whether these are the first bytes of a state, sound or damaged.
    #[cfg(feature = "durable")]
    pub(super) fn announces(bytes: &[u8]) -> bool {
        bytes.starts_with(&MAGIC) || bytes.first_chunk::<LENGTH>().is_some_and(is_sound)
    }

    fn read(bytes: &[u8; LENGTH]) -> Self {
        Self {
            version: u32::from_le_bytes(field(bytes, 8)),
            kind: Kind(field(bytes, 12)),
            length: u64::from_le_bytes(field(bytes, 24)),
            checksum: u128::from_le_bytes(field(bytes, 32)),
        }
    }

    fn of_this_version(self) -> Result<Self> {
        if self.version == VERSION {
            return Ok(self);
        }
        let version = |version| format!("format version {version}");
        Err(SonaError::incompatible_state(version(VERSION), version(self.version)))
    }
}

/// All but the magic, which is compared: so a flipped bit there is known as damage.
fn is_sound(bytes: &[u8; LENGTH]) -> bool {
    xxh3_128(&bytes[8..48]) == u128::from_le_bytes(field(bytes, 48))
}

fn field<const N: usize>(bytes: &[u8; LENGTH], at: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes[at + i])
}
