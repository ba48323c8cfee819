//! Backends for WebAssembly, weakest first.
//! In: the slices of the contract in the parent module. Out: the same results, faster.
//! Called by `dispatch`. There is nothing to check: a host without the instructions refuses the whole module.
//! A build without the target feature `simd128` has none of these; it runs the portable backend.
//! Method: register tiles over the unit-stride dimension, Goto and van de Geijn, TOMS 34(3), 2008.

mod simd128;

use super::kernels::Backend;

pub(super) fn backends() -> [Backend; 1] {
    [Backend { kernels: &simd128::KERNELS, detected: || true }]
}
