//! The contract's order of operations in plain Rust, one element at a time: what a backend returns to the last bit.

use crate::simd::{AdamStep, Kernels};

/// Whether a backend rounds a product and its sum together.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reference {
    Fused,
    Apart,
}

impl Reference {
    pub(super) fn of(kernels: &Kernels) -> Reference {
        match kernels.name() {
            "avx2" | "avxvnni" | "avx512" | "avx512vnni" | "neon" => Reference::Fused,
            "scalar" | "simd128" => Reference::Apart,
            unknown => panic!("say here how the backend {unknown} rounds"),
        }
    }

    fn mul_add(self, a: f32, b: f32, c: f32) -> f32 {
        match self {
            Reference::Fused => a.mul_add(b, c),
            Reference::Apart => a * b + c,
        }
    }

    pub(super) fn dot(self, a: &[f32], b: &[f32]) -> f32 {
        let mut lanes = [0.0; 16];
        for (i, (a, b)) in a.iter().zip(b).enumerate() {
            lanes[i % 16] = self.mul_add(*a, *b, lanes[i % 16]);
        }
        let eight: [f32; 8] = std::array::from_fn(|i| lanes[i] + lanes[i + 8]);
        let four: [f32; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
        (four[0] + four[1]) + (four[2] + four[3])
    }

    pub(super) fn scaled(self, coeffs: &[f32], column: &[f32], y: f32) -> f32 {
        coeffs.iter().zip(column).fold(y, |y, (coeff, x)| self.mul_add(*coeff, *x, y))
    }

    /// Parameter and moments after one step.
    pub(super) fn adam(self, step: &AdamStep, [p, g, m, v]: [f32; 4]) -> [f32; 3] {
        let m = self.mul_add(1.0 - step.beta1, g - m, m);
        let v = self.mul_add(1.0 - step.beta2, self.mul_add(g, g, -v), v);
        let spread = (v * (1.0 / step.correction2)).sqrt() + step.epsilon;
        [p - (step.rate / step.correction1) * m / spread, m, v]
    }

    pub(super) fn proximal(self, weight: f32, [importance, anchor, p]: [f32; 3]) -> f32 {
        let share = 1.0 - 1.0 / (1.0 + weight * importance);
        self.mul_add(share, anchor - p, p)
    }
}

/// Equal as the contract asks: any NaN for a NaN, either zero for a zero.
pub(super) fn assert_same(got: f32, want: f32, place: impl Fn() -> String) {
    assert!(got == want || (got.is_nan() && want.is_nan()), "{got:e} is not {want:e}: {}", place());
}
