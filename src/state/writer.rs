//! Collects what the rooms hand over.

use serde::Serialize;

use super::{Element, Soundness, State, Tensor, join};
use crate::error::{Result, SonaError};

/// Collects named values and tensors under the path of its scope.
///
/// Writing never fails on the spot: [`State::collect`] returns the first failure. Names are letters, digits and
/// `_`, a letter first; a name may be used once in a scope.
#[derive(Debug)]
pub struct Writer<'a> {
    collected: &'a mut Collected,
    prefix: String,
}

#[derive(Debug, Default)]
struct Collected {
    state: State,
    failure: Option<SonaError>,
}

impl State {
    /// The state that `fill` writes. Costs a copy of every tensor.
    ///
    /// # Errors
    /// [`SonaError::Internal`] naming the first entry that could not be written: a name twice, a shape that isn't the
    /// data's, a number that is not finite, a value that JSON can't hold.
    pub fn collect(fill: impl FnOnce(&mut Writer<'_>)) -> Result<Self> {
        let mut collected = Collected::default();
        fill(&mut Writer { collected: &mut collected, prefix: String::new() });
        match collected.failure {
            Some(failure) => Err(failure),
            None => Ok(collected.state),
        }
    }
}

impl Writer<'_> {
    /// A writer whose names lie under `name`.
    pub fn scope(&mut self, name: &str) -> Writer<'_> {
        let prefix = self.path(name);
        Writer { collected: self.collected, prefix }
    }

    /// A value of any kind that JSON can hold: numbers, strings, lists, structs. 64-bit integers and finite floats
    /// come back bit for bit. A float that is not finite becomes null, which no float reads.
    pub fn value(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        let path = self.path(name);
        match serde_json::to_value(value) {
            Ok(value) if self.is_new(&path) => {
                self.collected.state.values.insert(path, value);
            }
            Ok(_) => self.fail(&path, "written twice"),
            Err(error) => self.fail(&path, error),
        }
    }

    /// A tensor of finite numbers. The product of `shape` is the length of `data`, which is read row by row.
    pub fn tensor<T: Element>(&mut self, name: &str, shape: &[usize], data: &[T]) {
        let path = self.path(name);
        if let Some(index) = data.iter().position(|element| !element.is_finite()) {
            return self.fail(&path, format_args!("{} at index {index}", data[index]));
        }
        match Tensor::of(shape, data) {
            Some(tensor) if self.is_new(&path) => {
                self.collected.state.tensors.insert(path, tensor);
            }
            Some(_) => self.fail(&path, "written twice"),
            None => self.fail(&path, format_args!("{} elements for the shape {shape:?}", data.len())),
        }
    }

    /// Fails if a room says that it is not sound: what could not be read again is not written.
    pub fn check(&mut self, soundness: Soundness) {
        if let Err(unsound) = soundness {
            let path = join(&self.prefix, &unsound.entry);
            self.fail(&path, format_args!("expected {}", unsound.expected));
        }
    }

    fn path(&mut self, name: &str) -> String {
        let path = join(&self.prefix, name);
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(is_word) {
            self.fail(&path, "expected letters, digits and _ as a name");
        }
        path
    }

    fn is_new(&self, path: &str) -> bool {
        let State { values, tensors } = &self.collected.state;
        !values.contains_key(path) && !tensors.contains_key(path)
    }

    fn fail(&mut self, path: &str, what: impl std::fmt::Display) {
        self.collected.failure.get_or_insert_with(|| SonaError::Internal(format!("state entry {path}: {what}")));
    }
}
