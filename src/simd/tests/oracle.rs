//! What a kernel may return, computed in double precision from the definitions alone.

use crate::simd::AdamStep;

const EPSILON: f64 = f32::EPSILON as f64 / 2.0;
/// The smallest subnormal: the error of one operation that underflows is at most half of it.
const TINY: f64 = 1.401_298_464_324_817e-45;

/// What every order of adding the terms in single precision, fused or not, must give.
#[derive(Debug)]
pub(super) enum Sum {
    NotANumber,
    Infinite(f64),
    Near {
        value: f64,
        slack: f64,
    },
    /// Some orders overflow on the way, others do not.
    DependsOnOrder,
}

impl Sum {
    pub(super) fn of(terms: impl Iterator<Item = f64>) -> Sum {
        let (mut above, mut below, mut count) = (0.0_f64, 0.0_f64, 0.0);
        let mut nan = false;
        for term in terms {
            nan |= term.is_nan();
            if term >= 0.0 {
                above += term
            } else if term < 0.0 {
                below -= term
            }
            count += 1.0;
        }
        let gamma = count * EPSILON / (1.0 - count * EPSILON);
        // The largest value that still rounds to a finite number; no partial sum lies outside [-below, above].
        let limit = f64::from(f32::MAX) * (1.0 + EPSILON / 2.0);
        let overflows = |side: f64| side * (1.0 - gamma) > limit;
        let fits = |side: f64| side * (1.0 + gamma) < limit || side == f64::from(f32::MAX);
        if nan || (above.is_infinite() && below.is_infinite()) {
            Sum::NotANumber
        } else if (above.is_infinite() && fits(below)) || (overflows(above) && below == 0.0) {
            Sum::Infinite(f64::INFINITY)
        } else if (below.is_infinite() && fits(above)) || (overflows(below) && above == 0.0) {
            Sum::Infinite(f64::NEG_INFINITY)
        } else if fits(above) && fits(below) {
            // The second part is the rounding of this sum itself.
            let slack = (gamma + count * f64::EPSILON) * (above + below) + count * TINY;
            Sum::Near { value: above - below, slack }
        } else {
            Sum::DependsOnOrder
        }
    }

    pub(super) fn assert_holds(&self, got: f32, place: impl Fn() -> String) {
        let got = f64::from(got);
        let holds = match *self {
            Sum::NotANumber => got.is_nan(),
            Sum::Infinite(sign) => got == sign,
            Sum::Near { value, slack } => (got - value).abs() <= slack,
            Sum::DependsOnOrder => true,
        };
        assert!(holds, "{got:e} is not {self:?}: {}", place());
    }
}

/// Parameter and moments after one step, each with the error that a few roundings in single precision may leave.
/// Expects finite input, `v >= 0` and betas of at least one half.
pub(super) fn adam_oracle(step: &AdamStep, p: f32, g: f32, m: f32, v: f32) -> [(f64, f64); 3] {
    let [p, g, m, v] = [p, g, m, v].map(f64::from);
    let [rate, beta1, beta2, epsilon] = [step.rate, step.beta1, step.beta2, step.epsilon].map(f64::from);
    let [correction1, correction2] = [step.correction1, step.correction2].map(f64::from);
    let new_m = m + (1.0 - beta1) * (g - m);
    let new_v = v + (1.0 - beta2) * (g * g - v);
    let denominator = (new_v / correction2).sqrt() + epsilon;
    let moved = rate * (new_m / correction1) / denominator;
    // `m` can cancel, so that its error counts in full; `v` cannot, and the root halves it.
    let slack_m = 4.0 * EPSILON * (m.abs() + g.abs()) + TINY;
    let slack_v = 6.0 * EPSILON * new_v + 2.0 * TINY;
    let slack_root = (slack_v / correction2).sqrt().min(slack_v / correction2 / denominator);
    let slack_moved =
        rate / correction1 * slack_m / denominator + moved.abs() * (slack_root / denominator + 16.0 * EPSILON);
    let new_p = p - moved;
    [(new_p, EPSILON * new_p.abs() + slack_moved + TINY), (new_m, slack_m), (new_v, slack_v)]
}

/// A parameter after the proximal step, with the error that a few roundings in single precision may leave. Expects
/// finite input, `weight` and `importance` of at least zero.
pub(super) fn proximal_oracle(weight: f32, [importance, anchor, p]: [f32; 3]) -> (f64, f64) {
    let [weight, importance, anchor, p] = [weight, importance, anchor, p].map(f64::from);
    let stiffness = weight * importance;
    let value = (p + stiffness * anchor) / (1.0 + stiffness);
    (value, EPSILON * (value.abs() + 8.0 * (anchor - p).abs()) + TINY)
}

/// The value of a number in half precision, from its definition.
pub(super) fn half_value(bits: u16) -> f64 {
    let (sign, exponent, fraction) = (bits >> 15, (bits >> 10) & 31, f64::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(i32::from(exponent) - 15),
    };
    if sign == 1 { -magnitude } else { magnitude }
}
