//! Static embedders.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use napi::bindgen_prelude::{Float32ArraySlice, Uint8Array};
use napi_derive::napi;
use parking_lot::Mutex;
use serde_json::json;
use xxhash_rust::xxh3::xxh3_128;

use super::basis::BasisParts;
use super::buffers::Writable;
use super::error::to_js;
use super::registry::EMBEDDERS;
use crate::embed::{self, Embedder};
use crate::error::{Result, SonaError};
use crate::fault;
use crate::router::basis::Basis;
use crate::state::Reader;
use crate::store::file;
use crate::store::frame::{self, Kind};

/// An embedder and the feature map that its table brings along for vectors of its length.
pub(super) struct Table {
    /// Length of its rows, of which the embedder may take the first numbers.
    whole: usize,
    embedder: Embedder,
    basis: Option<Arc<Basis>>,
}

impl Table {
    /// The first `dim` numbers of every row, or all.
    fn restore(reader: &Reader<'_>, dim: Option<usize>) -> Result<Self> {
        let whole = Embedder::restore(reader)?;
        let length = whole.dim();
        let embedder = match dim {
            Some(dim) if dim != length => whole.prefix(dim)?,
            _ => whole,
        };
        let scope = reader.scope("basis").scope(&format!("d{}", embedder.dim()));
        let basis = if scope.contains("dim") { Some(Arc::new(Basis::restore(&scope)?)) } else { None };
        let fits = basis.as_ref().is_none_or(|basis| basis.dim() == embedder.dim());
        scope.ensure("dim", fits, embedder.dim())?;
        Ok(Self { whole: length, embedder, basis })
    }
}

/// Where a table comes from.
#[derive(PartialEq, Eq, Hash)]
enum Source {
    /// A file, by its canonical path.
    File(PathBuf),
    /// Bytes, by their XXH3.
    Bytes(u128),
}

/// What was opened of one source.
struct Opened {
    /// Length of its rows.
    dim: usize,
    /// Handles by length of the vectors.
    handles: HashMap<usize, u32>,
}

/// Everything that was opened. Tables stay for the life of the process: every thread may hold a handle.
static OPENED: LazyLock<Mutex<HashMap<Source, Opened>>> = LazyLock::new(Mutex::default);

/// The handle of a source's table. The first who asks reads it; others wait, and share it.
fn open(source: Source, dim: Option<usize>, read: impl FnOnce() -> Result<Table>) -> Result<u32> {
    let mut opened = OPENED.lock();
    if let Some(known) = opened.get(&source)
        && let Some(&handle) = known.handles.get(&dim.unwrap_or(known.dim))
    {
        return Ok(handle);
    }
    let table = read()?;
    let (whole, dim) = (table.whole, table.embedder.dim());
    let handle = EMBEDDERS.insert(table)?;
    opened.entry(source).or_insert(Opened { dim: whole, handles: HashMap::new() }).handles.insert(dim, handle);
    Ok(handle)
}

/// The embedder of a file, with vectors of `dim` numbers or of all. Asked again, by any thread, it answers with the same
/// handle and reads nothing.
#[napi(catch_unwind)]
pub fn embedder_open(path: String, dim: Option<u32>) -> napi::Result<u32> {
    fault::point("embedderOpen");
    let (path, dim) = (Path::new(&path), dim.map(|dim| dim as usize));
    let canonical = path.canonicalize().map_err(|error| to_js(SonaError::io(path, error)))?;
    let read = || file::restore(Kind::EMBEDDER, path, |reader| Table::restore(reader, dim));
    open(Source::File(canonical), dim, read).map_err(to_js)
}

/// The embedder of the bytes of such a file, the same handle for the same bytes.
#[napi(catch_unwind)]
pub fn embedder_from_bytes(bytes: Uint8Array, dim: Option<u32>) -> napi::Result<u32> {
    let dim = dim.map(|dim| dim as usize);
    let read = || Table::restore(&frame::decode(Kind::EMBEDDER, &bytes)?.reader(), dim);
    open(Source::Bytes(xxh3_128(&bytes)), dim, read).map_err(to_js)
}

/// What it is, as JSON.
#[napi(catch_unwind)]
pub fn embedder_info(handle: u32) -> napi::Result<String> {
    EMBEDDERS.with(handle, |Table { embedder, .. }| {
        let object = json!({
            "id": embedder.id(),
            "dim": embedder.dim(),
            "vocabulary": embedder.vocabulary(),
            "memoryBytes": embedder.memory_bytes(),
        });
        Ok(object.to_string())
    })
}

/// The feature map that the table brings along; null when it has none for this length.
#[napi(catch_unwind)]
pub fn embedder_basis(handle: u32) -> napi::Result<Option<BasisParts>> {
    EMBEDDERS.with(handle, |table| Ok(table.basis.as_deref().map(BasisParts::from)))
}

/// Writes the unit vector of a text; the number of its tokens.
#[napi(catch_unwind)]
pub fn embedder_embed(handle: u32, text: String, mut out: Float32ArraySlice) -> napi::Result<u32> {
    fault::point("embed");
    EMBEDDERS.with(handle, |table| Ok(table.embedder.embed(&text, out.as_mut_slice())? as u32))
}

/// Writes the unit vectors of texts one after another; the number of all tokens.
#[napi(catch_unwind)]
pub fn embedder_embed_batch(handle: u32, texts: Vec<String>, mut out: Float32ArraySlice) -> napi::Result<f64> {
    EMBEDDERS.with(handle, |table| Ok(table.embedder.embed_batch(&texts, out.as_mut_slice())? as f64))
}

/// Writes the hashed features of a text.
#[napi(catch_unwind)]
pub fn hash_embed(text: String, mut out: Float32ArraySlice) -> napi::Result<()> {
    embed::hash_embed(&text, out.as_mut_slice()).map_err(to_js)
}
