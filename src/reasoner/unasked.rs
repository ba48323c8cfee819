//! What learned routes may not take from those that nobody asked for yet.
//!
//! Learned routes outscore names, and the more so the further a query is from all that was learned. So a second answer stands
//! beside the pooled one, by names alone and among routes that were seldom right, and the query's likeness to what is known
//! decides between the two.

/// A route that was right as often as this is half unasked.
const SELDOM: f32 = 3.0;

/// A name that was wrong as often as this claims half as much.
const REFUTED: f32 = 20.0;

/// How likely names' answer "one that nobody asked for" is, in odds, compared with what they say.
const ODDS: f32 = 0.1;

/// The density of [`in_scope`](crate::Suggestion::in_scope) for queries of unasked routes is this times itself to the power of this
/// less 1 (a beta distribution). For others it is 1.
const SHAPE: f32 = 0.2;

/// How far a route that was right and wrong so often counts as unasked, from 1 down to 0.
pub fn unaskedness(right: f32, wrong: f32) -> f32 {
    SELDOM / (SELDOM + right) * (REFUTED / (REFUTED + wrong))
}

/// The two answers are never surer of each other than this.
const SUREST: f32 = 1.0 - 1e-6;

/// Mixes the answer among unasked routes into logarithms of probabilities, which stay such. `names`: logits by names alone, none much
/// above 0; `unasked`: see [`unaskedness`]; `in_scope`: the share, above 0, of good queries that were no more like what is known.
pub fn mix(logarithms: &mut [f32], names: &[f32], unasked: &[f32], in_scope: f32) {
    let whole: f32 = names.iter().map(|name| name.exp()).sum();
    let mass: f32 = names.iter().zip(unasked).map(|(name, unasked)| name.exp() * unasked).sum();
    if mass <= 0.0 {
        return;
    }
    let odds = ODDS * SHAPE * in_scope.powf(SHAPE - 1.0) * mass / (whole - mass).max(f32::MIN_POSITIVE);
    let share = if odds.is_finite() { (odds / (1.0 + odds)).min(SUREST) } else { SUREST };
    let (learned, named) = ((1.0 - share).ln(), (share / mass).ln());
    for ((logarithm, name), unasked) in logarithms.iter_mut().zip(names).zip(unasked) {
        let (one, other) = (learned + *logarithm, named + name + unasked.ln());
        *logarithm = one.max(other) + (one.min(other) - one.max(other)).exp().ln_1p();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities that a mixture leads to, from probabilities.
    fn mixed(probabilities: &[f32], names: &[f32], unasked: &[f32], in_scope: f32) -> Vec<f32> {
        let names: Vec<f32> = names.iter().map(|name| name.ln()).collect();
        let mut logarithms: Vec<f32> = probabilities.iter().map(|probability| probability.ln()).collect();
        mix(&mut logarithms, &names, unasked, in_scope);
        logarithms.iter().map(|logarithm| logarithm.exp()).collect()
    }

    #[test]
    fn the_mixture_is_that_of_two_hypotheses() {
        let unasked = [unaskedness(30.0, 0.0), unaskedness(0.0, 0.0), unaskedness(1e12, 9.0)];
        let got = mixed(&[0.7, 0.2, 0.1], &[0.1, 0.6, 0.3], &unasked, 0.01);
        // by hand, in 64 bits
        let mass = 0.6 + 0.1 * 3.0 / 33.0;
        let odds = 0.1 * 0.2 * 0.01_f64.powf(-0.8) * mass / (1.0 - mass);
        let share = odds / (1.0 + odds);
        let want = [0.7 * (1.0 - share) + share * 0.1 / 11.0 / mass, 0.2 * (1.0 - share) + share * 0.6 / mass];
        for (got, want) in got.iter().zip(want) {
            assert!((f64::from(*got) - want).abs() < 1e-6, "{got} {want}");
        }
        assert!((got.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn routes_that_were_asked_or_wrong_often_take_next_to_nothing() {
        let got = mixed(&[0.6, 0.4], &[0.1, 0.9], &[unaskedness(500.0, 0.0), unaskedness(0.0, 10_000.0)], 0.5);
        assert!((got[0] - 0.6).abs() < 1e-3, "{got:?}");
    }

    #[test]
    fn extremes_stay_probabilities() {
        for in_scope in [f32::MIN_POSITIVE, 1e-3, 1.0] {
            for names in [[1.0, 1e-30], [0.5, 0.5], [1e-30, 1.0]] {
                for unasked in [[1.0, 1.0], [1e-30, 1e-30], [1.0, 1e-30]] {
                    let got = mixed(&[1.0, 1e-37], &names, &unasked, in_scope);
                    let all: f32 = got.iter().sum();
                    assert!((all - 1.0).abs() < 1e-4, "{in_scope} {names:?} {unasked:?}: {got:?}");
                }
            }
        }
    }
}
