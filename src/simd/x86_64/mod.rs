//! Backends for x86-64, weakest first.
//! In: the slices of the contract in the parent module. Out: the same results, faster.
//! Called by `dispatch`, which offers a backend only after its check here has said yes.
//! A baseline x86-64 CPU has none of these; it runs the portable backend.
//! Method: register tiles over the unit-stride dimension, Goto and van de Geijn, TOMS 34(3), 2008.

mod avx2;

use super::dispatch::Backend;

pub(super) fn backends() -> [Backend; 1] {
    [Backend {
        kernels: &avx2::KERNELS,
        detected: || std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma"),
    }]
}
