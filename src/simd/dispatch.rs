//! Which backend runs: detection, once per process, and the limit that `SONA_SIMD` sets.

use std::sync::{LazyLock, OnceLock};

use super::kernels::{Backend, Kernels};
use super::scalar;

/// All backends of this build, weakest first; the order is what "lower" means for `SONA_SIMD`.
static BACKENDS: LazyLock<Vec<Backend>> = LazyLock::new(|| {
    let portable = [Backend { kernels: &scalar::KERNELS, detected: || true }];
    #[cfg(target_arch = "aarch64")]
    let native = super::aarch64::backends();
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    let native = super::wasm32::backends();
    #[cfg(target_arch = "x86_64")]
    let native = super::x86_64::backends();
    #[cfg(not(any(
        target_arch = "aarch64",
        target_arch = "x86_64",
        all(target_arch = "wasm32", target_feature = "simd128")
    )))]
    let native = [];
    portable.into_iter().chain(native).collect()
});

impl Kernels {
    /// The backend to use: the strongest that this CPU reports, decided once per process.
    ///
    /// The environment variable `SONA_SIMD` (`scalar`, `avx2`, `avxvnni`, `avx512`, `avx512vnni`, `neon`, `simd128`; case
    /// is ignored) can only lower the choice: it names the strongest backend allowed. A name that the build knows but the CPU lacks gives the best available backend
    /// below it; a name that the build does not know sets no limit.
    pub fn best() -> &'static Kernels {
        best()
    }

    /// The portable backend, present in every build and on every CPU.
    pub fn scalar() -> &'static Kernels {
        &scalar::KERNELS
    }

    /// The backend of that exact name; `None` when it is not in this build or the CPU lacks its instructions.
    pub fn by_name(name: &str) -> Option<&'static Kernels> {
        available().find(|kernels| kernels.name == name)
    }

    /// All backends of this build that the CPU can run, weakest (`scalar`) first. `SONA_SIMD` does not matter here.
    pub fn available() -> Vec<&'static Kernels> {
        available().collect()
    }

    /// The names of all backends in this build, weakest (`scalar`) first, whether the CPU can run them or not.
    pub fn built() -> &'static [&'static str] {
        built()
    }
}

fn built() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| BACKENDS.iter().map(|b| b.kernels.name).collect());
    &NAMES
}

fn available() -> impl Iterator<Item = &'static Kernels> {
    BACKENDS.iter().filter(|b| (b.detected)()).map(|b| b.kernels)
}

fn best() -> &'static Kernels {
    static BEST: OnceLock<&'static Kernels> = OnceLock::new();
    BEST.get_or_init(|| {
        let limit = std::env::var("SONA_SIMD").ok();
        let available: Vec<_> = available().collect();
        let names: Vec<_> = available.iter().map(|kernels| kernels.name).collect();
        available[select(limit.as_deref(), built(), &names)]
    })
}

/// The index in `available` of the strongest backend that is not above `limit`. Both lists run from weakest to
/// strongest, `available` is a part of `built` and holds at least the first of it.
pub(super) fn select(limit: Option<&str>, built: &[&str], available: &[&str]) -> usize {
    let rank = |name: &str| built.iter().position(|known| known.eq_ignore_ascii_case(name));
    let ceiling = limit.and_then(|name| rank(name.trim())).unwrap_or(built.len());
    available.iter().rposition(|name| rank(name).is_some_and(|at| at <= ceiling)).unwrap_or(0)
}
