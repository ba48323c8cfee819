//! The basis that ships for vectors of all-MiniLM-L6-v2.

use std::sync::{Arc, LazyLock};

use half::f16;
use safetensors::SafeTensors;

use super::{Basis, Parts};

/// Made by `scripts/fit-basis.mts`; `README.md` says from what.
static BYTES: &[u8] = include_bytes!("minilm.safetensors");

static MINILM: LazyLock<Arc<Basis>> = LazyLock::new(|| Arc::new(read(BYTES)));

impl Basis {
    /// The basis that ships for vectors of all-MiniLM-L6-v2. It is read on first use.
    pub fn minilm() -> &'static Arc<Self> {
        &MINILM
    }
}

/// # Panics
/// When the bytes, which are part of the build, are not what the script writes.
fn read(bytes: &[u8]) -> Basis {
    let tensors = SafeTensors::deserialize(bytes).expect("the basis that ships is a safetensors file");
    let halves = |name: &str| -> Vec<f32> {
        let tensor = tensors.tensor(name).expect("the basis that ships has all tensors");
        let (halves, _) = tensor.data().as_chunks::<2>();
        halves.iter().map(|&bytes| f16::from_le_bytes(bytes).to_f32()).collect()
    };
    let scalars = tensors.tensor("scalars").expect("the basis that ships has its scalars");
    let (scalars, _) = scalars.data().as_chunks::<4>();
    let mean = halves("mean");
    Basis::from_parts(Parts {
        id: "minilm".into(),
        dim: mean.len(),
        mean,
        directions: halves("directions"),
        centroids: halves("centroids"),
        scale: f32::from_le_bytes(scalars[0]),
        rms: f32::from_le_bytes(scalars[1]),
    })
    .expect("the basis that ships passes the checks")
}
