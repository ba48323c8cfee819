//! The entries of a state's bytes: which of them differ, and states that say something else under true checksums, as anybody
//! can write them.
#![allow(dead_code)] // each test uses a part

use std::collections::BTreeMap;

use half::f16;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value};
use sona::state::{State, Writer};
use sona::store::frame::{self, Kind, PREAMBLE_LENGTH};

/// A tensor: its kind, its shape, its bytes.
pub type Tensor = (Dtype, Vec<usize>, Vec<u8>);

/// All entries by their path.
#[derive(Debug, Clone, PartialEq)]
pub struct Entries {
    pub values: Map<String, Value>,
    pub tensors: BTreeMap<String, Tensor>,
}

impl Entries {
    /// Of bytes that were just written.
    pub fn of(bytes: &[u8]) -> Self {
        let payload = &bytes[PREAMBLE_LENGTH..];
        let (_, metadata) = SafeTensors::read_metadata(payload).unwrap();
        let values = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["values"]).unwrap();
        let tensors = SafeTensors::deserialize(payload).unwrap();
        let tensors = tensors
            .iter()
            .map(|(name, tensor)| (name.to_owned(), (tensor.dtype(), tensor.shape().to_vec(), tensor.data().to_vec())));
        Self { values, tensors: tensors.collect() }
    }

    /// A router's state with these entries.
    pub fn router(&self) -> Vec<u8> {
        self.encode(Kind::ROUTER)
    }

    /// An engine's state with these entries.
    pub fn engine(&self) -> Vec<u8> {
        self.encode(Kind::ENGINE)
    }

    fn encode(&self, kind: Kind) -> Vec<u8> {
        let state = State::collect(|writer| {
            for (path, value) in &self.values {
                put(writer, path, &|writer, name| writer.value(name, value));
            }
            for (path, (dtype, shape, bytes)) in &self.tensors {
                put(writer, path, &|writer, name| match dtype {
                    Dtype::F64 => writer.tensor(name, shape, &read(bytes, f64::from_le_bytes)),
                    Dtype::F32 => writer.tensor(name, shape, &read(bytes, f32::from_le_bytes)),
                    Dtype::F16 => writer.tensor(name, shape, &read(bytes, f16::from_le_bytes)),
                    Dtype::I64 => writer.tensor(name, shape, &read(bytes, i64::from_le_bytes)),
                    Dtype::U64 => writer.tensor(name, shape, &read(bytes, u64::from_le_bytes)),
                    Dtype::U32 => writer.tensor(name, shape, &read(bytes, u32::from_le_bytes)),
                    Dtype::U8 => writer.tensor(name, shape, bytes),
                    other => panic!("{path}: {other:?}"),
                });
            }
        });
        frame::encode(kind, &state.unwrap()).unwrap()
    }

    /// The value at a path.
    pub fn value(&mut self, path: &str) -> &mut Value {
        self.values.get_mut(path).unwrap_or_else(|| panic!("no value {path}"))
    }

    /// Another value at a path.
    pub fn set(&mut self, path: &str, value: Value) {
        *self.value(path) = value;
    }

    /// The bytes of a tensor.
    pub fn bytes(&self, path: &str) -> &[u8] {
        &self.tensors[path].2
    }

    /// Overwrites the elements of a tensor from one on.
    pub fn put<const N: usize>(&mut self, path: &str, from: usize, elements: &[[u8; N]]) {
        let (_, _, bytes) = self.tensors.get_mut(path).unwrap_or_else(|| panic!("no tensor {path}"));
        bytes[from * N..(from + elements.len()) * N].copy_from_slice(&elements.concat());
    }

    /// The numbers of a tensor, changed.
    pub fn change<const N: usize, T>(
        &mut self,
        path: &str,
        from: fn([u8; N]) -> T,
        to: fn(T) -> [u8; N],
        change: impl FnOnce(&mut Vec<T>),
    ) {
        let (_, shape, bytes) = self.tensors.get_mut(path).unwrap_or_else(|| panic!("no tensor {path}"));
        let mut numbers = read(bytes, from);
        change(&mut numbers);
        let row: usize = shape[1..].iter().product();
        shape[0] = numbers.len() / row;
        *bytes = numbers.into_iter().flat_map(to).collect();
    }

    /// The numbers of an `f64` tensor, changed.
    pub fn reals(&mut self, path: &str, change: impl FnOnce(&mut Vec<f64>)) {
        self.change(path, f64::from_le_bytes, f64::to_le_bytes, change);
    }

    /// The numbers of a `u64` tensor, changed.
    pub fn wholes(&mut self, path: &str, change: impl FnOnce(&mut Vec<u64>)) {
        self.change(path, u64::from_le_bytes, u64::to_le_bytes, change);
    }

    /// The numbers of a `u32` tensor, changed.
    pub fn smalls(&mut self, path: &str, change: impl FnOnce(&mut Vec<u32>)) {
        self.change(path, u32::from_le_bytes, u32::to_le_bytes, change);
    }
}

/// Names of the first entries that differ, for a message that stays short.
pub fn difference(a: &[u8], b: &[u8]) -> String {
    let (a, b) = (Entries::of(a), Entries::of(b));
    let mut differing = Vec::new();
    for path in a.values.keys().chain(b.values.keys().filter(|path| !a.values.contains_key(*path))) {
        let (ours, theirs) = (a.values.get(path), b.values.get(path));
        if ours != theirs {
            let short = |value: Option<&Value>| -> String {
                value.map_or("none".into(), |value| value.to_string().chars().take(100).collect())
            };
            differing.push(format!("{path}: {} / {}", short(ours), short(theirs)));
        }
    }
    for path in a.tensors.keys().chain(b.tensors.keys().filter(|path| !a.tensors.contains_key(*path))) {
        let (ours, theirs) = (a.tensors.get(path), b.tensors.get(path));
        if ours != theirs {
            let shape = |tensor: Option<&Tensor>| tensor.map(|(_, shape, _)| shape.clone());
            differing.push(format!("{path}: {:?} / {:?}", shape(ours), shape(theirs)));
        }
    }
    let count = differing.len();
    differing.truncate(6);
    format!("{count} entries differ: {}", differing.join("; "))
}

fn put(writer: &mut Writer<'_>, path: &str, write: &dyn Fn(&mut Writer<'_>, &str)) {
    match path.split_once('.') {
        Some((scope, rest)) => put(&mut writer.scope(scope), rest, write),
        None => write(writer, path),
    }
}

/// The elements of a tensor's bytes.
pub fn read<const N: usize, T>(bytes: &[u8], from: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|bytes| from(*bytes)).collect()
}
