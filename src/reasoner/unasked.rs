//! What learned routes may not take from those without traffic (cold-start routes).
//!
//! Learned routes outscore names, and the more so the further a query is from all that was learned. So a second answer stands
//! beside the pooled one, by names alone and among routes that were seldom right: a mixture, whose weight follows from what names say
//! and from how much the query is like what is known.

/// A route that was right as often as this is half unasked.
const SELDOM: f32 = 3.0;

/// A name that was wrong as often as this claims half as much.
const REFUTED: f32 = 20.0;

/// Prior odds that a query is for an unasked route: this times the odds of naming one blindly ...
const ODDS: f32 = 0.1;

/// ... which count as these at most, however many are unasked.
const MOST_BLIND: f32 = 0.25;

/// Where the query is for an unasked route, [`in_scope`](crate::Suggestion::in_scope) has the density of Beta(this, 1); else it is
/// uniform.
const SHAPE: f32 = 0.2;

/// How far a route that was right and wrong so often counts as unasked, from 1 down to 0.
pub fn unaskedness(right: f32, wrong: f32) -> f32 {
    SELDOM / (SELDOM + right) * (REFUTED / (REFUTED + wrong))
}

/// The largest weight of the answer by names.
const SUREST: f32 = 1.0 - 1e-6;

/// Mixes the answer among unasked routes into logarithms of probabilities, which stay such. `names`: logits by names alone, none much
/// above 0; `unasked`: see [`unaskedness`]; `in_scope`: the share, above 0, of good queries that were no more like what is known. Costs
/// three exponentials and two logarithms for each route.
pub fn mix(logarithms: &mut [f32], names: &[f32], unasked: &[f32], in_scope: f32) {
    let (mut whole, mut mass) = (0.0, 0.0);
    for (name, unasked) in names.iter().zip(unasked) {
        let power = name.exp();
        whole += power;
        mass += power * unasked;
    }
    let blind = odds(unasked.iter().sum(), unasked.len() as f32);
    if mass <= 0.0 || blind <= 0.0 {
        return;
    }
    // names that say nothing of the query leave the prior odds as they are
    let said = if blind.is_finite() { odds(mass, whole) / blind } else { 1.0 };
    let odds = ODDS * blind.min(MOST_BLIND) * said * SHAPE * in_scope.powf(SHAPE - 1.0);
    let weight = if odds.is_finite() { (odds / (1.0 + odds)).min(SUREST) } else { SUREST };
    let (learned, named) = ((1.0 - weight).ln(), (weight / mass).ln());
    for ((logarithm, name), unasked) in logarithms.iter_mut().zip(names).zip(unasked) {
        let (one, other) = (learned + *logarithm, named + name + unasked.ln());
        *logarithm = one.max(other) + (one.min(other) - one.max(other)).exp().ln_1p();
    }
}

/// Odds of a part of a whole; infinite where it is all.
fn odds(part: f32, whole: f32) -> f32 {
    part / (whole - part).max(0.0)
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
        let blind = (1.0 + 3.0 / 33.0) / (2.0 - 3.0 / 33.0);
        let odds = 0.1 * 0.25 / blind * 0.2 * 0.01_f64.powf(-0.8) * mass / (1.0 - mass);
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
    fn names_that_say_nothing_change_little_however_many_are_unasked() {
        let asked = |n: usize| unaskedness(if n < 20 { 100.0 } else { 0.0 }, 0.0);
        let unasked: Vec<f32> = (0..1_000).map(asked).collect();
        let (mut probabilities, names) = (vec![0.01 / 999.0; 1_000], vec![1e-3; 1_000]);
        probabilities[7] = 0.99;
        for (in_scope, most) in [(1.0, 0.01), (0.1, 0.04)] {
            let got = mixed(&probabilities, &names, &unasked, in_scope);
            assert!((0.99 - most..0.99).contains(&got[7]), "{in_scope}: {}", got[7]);
        }
        // where all that may be chosen are unasked, what was learned decides among them
        let got = mixed(&[0.9, 0.1], &[0.2, 0.8], &[1.0, 1.0], 1.0);
        assert!((got[0] - 0.9).abs() < 0.01, "{got:?}");
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
