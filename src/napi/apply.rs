//! Applying adapters.

use napi::bindgen_prelude::{Float32ArraySlice, Float64ArraySlice};
use napi_derive::napi;

use super::buffers::disjoint;
use super::registry::with;
use crate::engine::Tier;
use crate::fault;

fn tier(code: u32) -> Tier {
    match code {
        0 => Tier::Micro,
        1 => Tier::Both,
        layer => Tier::Base(layer as usize - 2),
    }
}

/// Writes x plus the tier's change (0 micro, 1 both, 2 + l layer l of the base) to `out`.
#[napi(catch_unwind)]
pub fn apply(handle: u32, code: u32, x: Float32ArraySlice, mut out: Float32ArraySlice) -> napi::Result<()> {
    fault::point("apply");
    with(handle, |engine| disjoint(&x, &mut out, |x, out| engine.apply(tier(code), x, out)))
}

/// The same for 64-bit vectors.
#[napi(catch_unwind)]
pub fn apply_f64(handle: u32, code: u32, x: Float64ArraySlice, mut out: Float64ArraySlice) -> napi::Result<()> {
    with(handle, |engine| disjoint(&x, &mut out, |x, out| engine.apply_f64(tier(code), x, out)))
}

/// The micro tier on vectors that lie one after another.
#[napi(catch_unwind)]
pub fn apply_micro_batch(handle: u32, flat: Float32ArraySlice, mut out: Float32ArraySlice) -> napi::Result<()> {
    with(handle, |engine| disjoint(&flat, &mut out, |flat, out| engine.apply_micro_batch(flat, out)))
}

/// The same for 64-bit vectors.
#[napi(catch_unwind)]
pub fn apply_micro_batch_f64(handle: u32, flat: Float64ArraySlice, mut out: Float64ArraySlice) -> napi::Result<()> {
    with(handle, |engine| disjoint(&flat, &mut out, |flat, out| engine.apply_micro_batch_f64(flat, out)))
}

/// An empty call with the arguments of `apply`: the floor that the benches compare with.
#[napi(catch_unwind)]
pub fn floor(_handle: u32, _code: u32, _x: Float32ArraySlice, _out: Float32ArraySlice) -> napi::Result<()> {
    Ok(())
}
