//! How much of what is near was right, and how much wrong, for each option.

/// Past queries that attention is paid to, at most.
pub const NEAREST: usize = 64;

/// A past query whose cosine is lower than the nearest one's by 1 / `SHARPNESS` counts e times less.
const SHARPNESS: f32 = 20.0;

/// A past query near the present one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recalled {
    /// Cosine with the present query.
    pub cosine: f32,
    /// Which option was tried, by its place among those at hand.
    pub tried: usize,
    /// How well that went, in [0, 1].
    pub quality: f32,
}

/// The weight of a past query, 1 for the nearest, whose cosine is `top`.
fn weight(cosine: f32, top: f32) -> f32 {
    (SHARPNESS * (cosine - top)).exp()
}

/// Adds up what was right and what was wrong of each option: `right_k = sum a r`, `wrong_k = sum a (1 - r)` over the past queries
/// for which k was tried.
pub fn attend(recalled: &[Recalled], right: &mut [f32], wrong: &mut [f32]) {
    let top = recalled.iter().map(|recalled| recalled.cosine).fold(f32::NEG_INFINITY, f32::max);
    for &Recalled { cosine, tried, quality } in recalled {
        let weight = weight(cosine, top);
        right[tried] += weight * quality;
        wrong[tried] += weight * (1.0 - quality);
    }
}

/// The share of all attention that each past query gets.
pub fn shares(recalled: &[Recalled]) -> impl Iterator<Item = f32> {
    let top = recalled.iter().map(|recalled| recalled.cosine).fold(f32::NEG_INFINITY, f32::max);
    let weights = move |recalled: &Recalled| weight(recalled.cosine, top);
    let all: f32 = recalled.iter().map(weights).sum();
    recalled.iter().map(move |recalled| weights(recalled) / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearer_ones_count_more_and_a_graded_outcome_counts_for_both() {
        let recalled = [
            Recalled { cosine: 0.9, tried: 1, quality: 1.0 },
            Recalled { cosine: 0.85, tried: 1, quality: 0.25 },
            Recalled { cosine: 0.8, tried: 0, quality: 0.0 },
        ];
        let (mut right, mut wrong) = ([0.0; 3], [0.0; 3]);
        attend(&recalled, &mut right, &mut wrong);
        let (near, far) = ((-1.0_f32).exp(), (-2.0_f32).exp());
        let close = |a: f32, b: f32| (a - b).abs() < 1e-5;
        assert!(close(right[1], 1.0 + 0.25 * near) && close(wrong[1], 0.75 * near) && close(wrong[0], far));
        assert_eq!((right[0], right[2], wrong[2]), (0.0, 0.0, 0.0));
        attend(&[], &mut right, &mut wrong);
        assert!(close(wrong[0], far));
    }
}
