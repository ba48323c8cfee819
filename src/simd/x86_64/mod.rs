//! Backends for x86-64, weakest first.
//! In: the slices of the contract in the parent module. Out: the same results, faster.
//! Called by `dispatch`, which offers a backend only after its check here has said yes.
//! A baseline x86-64 CPU has none of these; it runs the portable backend.
//! Method: register tiles over the unit-stride dimension, Goto and van de Geijn, TOMS 34(3), 2008.

mod avx2;
mod avx512;
mod avx512vnni;
mod avxvnni;

use std::arch::is_x86_feature_detected;

use super::kernels::Backend;

pub(super) fn backends() -> [Backend; 4] {
    [
        Backend { kernels: &avx2::KERNELS, detected: has_avx2 },
        Backend { kernels: &avxvnni::KERNELS, detected: has_avxvnni },
        Backend { kernels: &avx512::KERNELS, detected: has_avx512 },
        Backend { kernels: &avx512vnni::KERNELS, detected: has_avx512vnni },
    ]
}

fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

/// Its table holds functions of `avx2` too.
fn has_avxvnni() -> bool {
    has_avx2() && is_x86_feature_detected!("avxvnni")
}

/// And so does this.
fn has_avx512() -> bool {
    has_avx2() && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl")
}

/// Its table holds functions of `avx512` too.
fn has_avx512vnni() -> bool {
    has_avx512() && is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vnni")
}
