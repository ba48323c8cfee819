//! Vectors as bytes: each number in steps of a 127th of the largest.
//!
//! Scalar quantisation with a step of its own for each vector. A code is off by at most half a step; products of codes are
//! exact ([`Kernels::dot_i8_rows`](crate::simd::Kernels::dot_i8_rows)).

/// The code of a vector that is not zero, into `codes`. The result is the length of a step.
pub(super) fn encode(vector: &[f32], codes: &mut [i8]) -> f32 {
    let largest = vector.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    let steps = 127.0 / largest;
    for (code, x) in codes.iter_mut().zip(vector) {
        let exact = x * steps;
        // the cast cuts off, and stops at the ends
        *code = (exact + 0.5_f32.copysign(exact)) as i8;
    }
    largest / 127.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_off_by_half_a_step_at_most() {
        for seed in 1..500_u32 {
            let vector: Vec<f32> = (0..1 + seed % 70).map(|i| ((seed * 31 + i * 17) as f32 * 0.37).sin()).collect();
            let mut codes = vec![0; vector.len()];
            let step = encode(&vector, &mut codes);
            assert!(codes.iter().any(|code| code.abs() == 127) && !codes.contains(&i8::MIN));
            for (code, x) in codes.iter().zip(&vector) {
                assert!((f32::from(*code) * step - x).abs() <= 0.501 * step, "{code} {step} {x}");
            }
        }
    }
}
