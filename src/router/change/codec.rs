//! Changes as bytes, exact to the last bit, for a journal of them.
//!
//! The first byte is the version of the format, the rest is postcard's: numbers of variable length, floats as they are in memory, little
//! end first, lists and words with their lengths. A basis and the sums of others stand there as states, a model as JSON. What is read is of
//! the right shape, no more: whether it can follow is for [`Change::check`] to say.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Change;
use crate::error::{Result, SonaError};
use crate::state::{Reader, State, Writer};
use crate::store::frame::{self, Kind};

/// Version of the format that is written and read.
const VERSION: u8 = 1;

impl Change {
    /// Its bytes. Costs a copy of what it holds.
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE` for sums of others whose names take more than 100 MB.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        encode(self, &mut bytes)?;
        Ok(bytes)
    }

    /// The change that bytes stand for. Takes memory in proportion to the bytes that are there.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE` for bytes that are no change, or more than one; `SONA_INCOMPATIBLE_STATE` for another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        decode(bytes)
    }
}

/// Adds the bytes of something to a buffer.
///
/// # Errors
/// `SONA_OUT_OF_RANGE` for what can't be written.
pub fn encode(value: &impl Serialize, into: &mut Vec<u8>) -> Result<()> {
    into.push(VERSION);
    let unwritten = |error| SonaError::out_of_range("change", "one that can be written", error);
    *into = postcard::to_extend(value, std::mem::take(into)).map_err(unwritten)?;
    Ok(())
}

/// What [`encode`] wrote.
///
/// # Errors
/// `SONA_CORRUPT_STATE`, `SONA_INCOMPATIBLE_STATE`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => match postcard::take_from_bytes(rest) {
            Ok((value, [])) => Ok(value),
            Ok((_, rest)) => Err(SonaError::corrupt_state(format_args!("{} bytes follow a change", rest.len()))),
            Err(error) => Err(SonaError::corrupt_state(format_args!("a change: {error}"))),
        },
        Some((&version, _)) if version > VERSION => Err(SonaError::incompatible_state(
            format_args!("changes of format version {VERSION}"),
            format_args!("version {version}: open it with the version of this package that wrote it, or a newer one"),
        )),
        Some((version, _)) => Err(SonaError::corrupt_state(format_args!("a change of version {version}"))),
        None => Err(SonaError::corrupt_state("a change without a byte")),
    }
}

/// The bytes of entries as a field.
fn write_state<S: Serializer>(to: S, save: impl FnOnce(&mut Writer<'_>)) -> std::result::Result<S::Ok, S::Error> {
    let bytes = State::collect(save).and_then(|state| frame::encode(Kind::ROUTER, &state));
    to.serialize_bytes(&bytes.map_err(serde::ser::Error::custom)?)
}

/// Entries from a field.
fn read_state<'de, D: Deserializer<'de>, T>(
    from: D,
    restore: impl FnOnce(&Reader<'_>) -> Result<T>,
) -> std::result::Result<T, D::Error> {
    let bytes = <&[u8]>::deserialize(from)?;
    let state = frame::decode(Kind::ROUTER, bytes).map_err(serde::de::Error::custom)?;
    restore(&state.reader()).map_err(serde::de::Error::custom)
}

/// A model, as JSON: parts of it that are not set are not written.
pub mod model {
    use super::{Deserialize, Deserializer, Serializer};
    use crate::router::model::Model;

    #[allow(clippy::borrowed_box)]
    pub fn serialize<S: Serializer>(model: &Box<Model>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&serde_json::to_vec(&**model).map_err(serde::ser::Error::custom)?)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Box<Model>, D::Error> {
        serde_json::from_slice(<&[u8]>::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// A basis, as a state.
pub mod basis {
    use std::sync::Arc;

    use serde::Deserialize;

    use super::{Deserializer, Serialize, Serializer, read_state, write_state};
    use crate::router::features::Basis;

    struct Saved<'a>(&'a Basis);

    impl Serialize for Saved<'_> {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            write_state(to, |writer| self.0.save(writer))
        }
    }

    struct Restored(Basis);

    impl<'de> Deserialize<'de> for Restored {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            read_state(from, Basis::restore).map(Self)
        }
    }

    pub fn serialize<S: Serializer>(basis: &Option<Arc<Basis>>, to: S) -> Result<S::Ok, S::Error> {
        basis.as_deref().map(Saved).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Arc<Basis>>, D::Error> {
        Ok(Option::<Restored>::deserialize(from)?.map(|restored| Arc::new(restored.0)))
    }
}

/// The sums of others, as a state.
pub mod contributions {
    use std::sync::Arc;

    use super::super::Contribution;
    use super::{Deserializer, Serializer, read_state, write_state};

    pub fn serialize<S: Serializer>(all: &Arc<[Contribution]>, to: S) -> Result<S::Ok, S::Error> {
        write_state(to, |writer| Contribution::save_all(all, writer))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<[Contribution]>, D::Error> {
        read_state(from, |reader| Contribution::restore_all(reader).map(Arc::from))
    }
}
