//! Gives back what was collected, and trusts none of it.

use std::fmt::{Debug, Display};
use std::ops::RangeBounds;

use rand_xoshiro::Xoshiro256PlusPlus;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Element, Soundness, State, Tensor, join};
use crate::error::{Result, SonaError};

/// Reads the entries under the path of its scope. Every refusal is a
/// [`SonaError::CorruptState`] that names the entry.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    state: &'a State,
    prefix: String,
}

impl State {
    /// Reads from the root.
    pub fn reader(&self) -> Reader<'_> {
        Reader { state: self, prefix: String::new() }
    }
}

impl<'a> Reader<'a> {
    /// A reader of the names that lie under `name`. Of a scope that nobody wrote every entry is missing.
    pub fn scope(&self, name: &str) -> Reader<'a> {
        Reader { state: self.state, prefix: join(&self.prefix, name) }
    }

    /// Whether there is a value or a tensor of this name.
    pub fn contains(&self, name: &str) -> bool {
        let path = join(&self.prefix, name);
        self.state.values.contains_key(&path) || self.state.tensors.contains_key(&path)
    }

    /// A value. It must be what a `T` writes: a number that a `T` would round, or a field that it doesn't have,
    /// is refused.
    pub fn value<T: DeserializeOwned + Serialize>(&self, name: &str) -> Result<T> {
        let Some(stored) = self.state.values.get(&join(&self.prefix, name)) else {
            return Err(self.corrupt(name, "no such value"));
        };
        let value = T::deserialize(stored).map_err(|error| self.corrupt(name, error))?;
        // A 32-bit float too large for its type reads as infinity, and would enter here unseen.
        let written = serde_json::to_value(&value).map_err(|error| self.corrupt(name, error))?;
        self.ensure(name, written == *stored, "a value as it is written")?;
        Ok(value)
    }

    /// A value that need not be there.
    pub fn optional<T: DeserializeOwned + Serialize>(&self, name: &str) -> Result<Option<T>> {
        if self.contains(name) { self.value(name).map(Some) } else { Ok(None) }
    }

    /// A value within `range`.
    pub fn value_in<T>(&self, name: &str, range: impl RangeBounds<T> + Debug) -> Result<T>
    where
        T: DeserializeOwned + Serialize + PartialOrd + Display,
    {
        let value = self.value(name)?;
        if range.contains(&value) {
            return Ok(value);
        }
        Err(self.corrupt(name, format_args!("expected a value in {range:?}, got {value}")))
    }

    /// A random number generator, written with [`Writer::value`](super::Writer::value).
    pub fn generator(&self, name: &str) -> Result<Xoshiro256PlusPlus> {
        #[derive(Serialize, Deserialize)]
        struct Words {
            s: [u64; 4],
        }
        // From there it would give zeros for ever, and whoever draws until something fits would never end.
        let Words { s } = self.value(name)?;
        self.ensure(name, s != [0; 4], "a generator that is not all zeros")?;
        self.value(name)
    }

    /// A tensor of finite numbers of exactly this shape, row by row.
    pub fn tensor<T: Element>(&self, name: &str, shape: &[usize]) -> Result<Vec<T>> {
        let stored = self.of_shape::<T>(name, shape)?;
        self.elements(name, stored)
    }

    /// Refuses what is no tensor of `T` of exactly this shape, without reading it: asked before anything of its size is
    /// made.
    pub fn expect<T: Element>(&self, name: &str, shape: &[usize]) -> Result<()> {
        self.of_shape::<T>(name, shape).map(|_| ())
    }

    /// A tensor of any number of rows of exactly this shape: how many rows, and the numbers row by row. There are
    /// no rows without numbers: the count is bounded by the length of the numbers.
    pub fn rows<T: Element>(&self, name: &str, row: &[usize]) -> Result<(usize, Vec<T>)> {
        let stored = self.stored::<T>(name)?;
        match stored.shape() {
            [rows, rest @ ..] if rest == row && (*rows == 0 || !row.contains(&0)) => {
                Ok((*rows, self.elements(name, stored)?))
            }
            got => Err(self.corrupt(name, format_args!("expected rows of the shape {row:?}, got {got:?}"))),
        }
    }

    /// Refuses the entry unless `holds`.
    pub fn ensure(&self, name: &str, holds: bool, expected: impl Display) -> Result<()> {
        if holds { Ok(()) } else { Err(self.corrupt(name, format_args!("expected {expected}"))) }
    }

    /// Refuses what a room says is not sound.
    pub fn check(&self, soundness: Soundness) -> Result<()> {
        soundness.map_err(|unsound| self.corrupt(&unsound.entry, format_args!("expected {}", unsound.expected)))
    }

    /// The error that refuses an entry, for what only its room can check.
    pub fn corrupt(&self, name: &str, reason: impl Display) -> SonaError {
        SonaError::corrupt_state(format_args!("{}: {reason}", join(&self.prefix, name)))
    }

    fn stored<T: Element>(&self, name: &str) -> Result<&'a Tensor> {
        let Some(tensor) = self.state.tensors.get(&join(&self.prefix, name)) else {
            return Err(self.corrupt(name, "no such tensor"));
        };
        if tensor.dtype() != T::DTYPE {
            return Err(self.corrupt(name, format_args!("expected {:?}, got {:?}", T::DTYPE, tensor.dtype())));
        }
        Ok(tensor)
    }

    fn of_shape<T: Element>(&self, name: &str, shape: &[usize]) -> Result<&'a Tensor> {
        let stored = self.stored::<T>(name)?;
        if stored.shape() != shape {
            return Err(self.corrupt(name, format_args!("expected the shape {shape:?}, got {:?}", stored.shape())));
        }
        Ok(stored)
    }

    fn elements<T: Element>(&self, name: &str, tensor: &Tensor) -> Result<Vec<T>> {
        let elements = tensor.elements::<T>();
        if let Some(index) = elements.iter().position(|element| !element.is_finite()) {
            return Err(self.corrupt(name, format_args!("{} at index {index}", elements[index])));
        }
        Ok(elements)
    }
}
