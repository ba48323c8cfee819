//! Static embedders.

use std::path::Path;

use napi::bindgen_prelude::{Float32ArraySlice, Uint8Array};
use napi_derive::napi;
use serde_json::json;

use super::basis::BasisParts;
use super::buffers::Writable;
use super::error::to_js;
use super::registry::EMBEDDERS;
use crate::embed::{self, Table};
use crate::fault;

/// The embedder of a file, with vectors of `dim` numbers or of all. Asked again, by any thread, it answers with the same
/// handle and reads nothing.
#[napi(catch_unwind)]
pub fn embedder_open(path: String, dim: Option<u32>) -> napi::Result<u32> {
    fault::point("embedderOpen");
    let table = Table::open(Path::new(&path), dim.map(|dim| dim as usize));
    table.and_then(|table| EMBEDDERS.handle_of(table)).map_err(to_js)
}

/// The embedder of the bytes of such a file, the same handle for the same bytes.
#[napi(catch_unwind)]
pub fn embedder_from_bytes(bytes: Uint8Array, dim: Option<u32>) -> napi::Result<u32> {
    let table = Table::from_bytes(&bytes, dim.map(|dim| dim as usize));
    table.and_then(|table| EMBEDDERS.handle_of(table)).map_err(to_js)
}

/// What it is, as JSON.
#[napi(catch_unwind)]
pub fn embedder_info(handle: u32) -> napi::Result<String> {
    EMBEDDERS.with(handle, |table| {
        let embedder = table.embedder();
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
    EMBEDDERS.with(handle, |table| Ok(table.basis().map(|basis| BasisParts::from(&**basis))))
}

/// Writes the unit vector of a text; whether it is of the table's space.
#[napi(catch_unwind)]
pub fn embedder_embed(handle: u32, text: String, mut out: Float32ArraySlice) -> napi::Result<bool> {
    fault::point("embed");
    EMBEDDERS.with(handle, |table| Ok(table.embedder().embed(&text, out.as_mut_slice())?.known))
}

/// Writes the unit vectors of texts one after another; the number of all tokens.
#[napi(catch_unwind)]
pub fn embedder_embed_batch(handle: u32, texts: Vec<String>, mut out: Float32ArraySlice) -> napi::Result<f64> {
    EMBEDDERS.with(handle, |table| Ok(table.embedder().embed_batch(&texts, out.as_mut_slice())? as f64))
}

/// Writes the hashed features of a text.
#[napi(catch_unwind)]
pub fn hash_embed(text: String, mut out: Float32ArraySlice) -> napi::Result<()> {
    embed::hash_embed(&text, out.as_mut_slice()).map_err(to_js)
}
