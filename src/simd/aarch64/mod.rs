//! Backends for 64-bit Arm, weakest first.
//! In: the slices of the contract in the parent module. Out: the same results, faster.
//! Called by `dispatch`, which offers a backend only after its check here has said yes.
//! Half precision converts through the crate `half`, which uses the CPU's own instructions where it has them.
//! Method: register tiles over the unit-stride dimension, Goto and van de Geijn, TOMS 34(3), 2008.

mod neon;

use super::kernels::Backend;

pub(super) fn backends() -> [Backend; 1] {
    [Backend { kernels: &neon::KERNELS, detected: || std::arch::is_aarch64_feature_detected!("neon") }]
}
