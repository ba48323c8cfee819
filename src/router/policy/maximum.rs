//! The probability of each of several independent normal variables that it is the highest.
//!
//! With G the distribution function of the maximum, the product of all, the density at which the i-th is the maximum is
//! `G (log F_i)'`: one quadrature over the region in which the maximum lies serves all of them. Panels are split until none
//! is much wider than the deviation of a variable that rises in it, and until what is integrated over a panel, summed over
//! all, is what G rises by. So its cost grows with the number of variables, not with its square: some 30 to 90 look-ups each.

use super::normal::LogCdf;

/// Deviations beyond which a variable has next to no probability.
const REACH: f64 = 7.0;

/// Probability that may be left out below and above the region.
const LEFT_OUT: f64 = 1e-8;

/// Deviations beyond which a variable has less than that.
const OUT_OF_REACH: f64 = 5.7;

/// Width of a panel in deviations, at most.
const WIDEST: f64 = 6.0;

/// The same where nothing says what a panel is off by.
const WIDEST_UNCHECKED: f64 = 5.0;

/// Logarithm of a density that adds next to nothing.
const FAINT: f64 = -14.0;

/// What a panel may be off by, and how often it is split for that.
const TOLERANCE: f64 = 5e-6;
const MOST_SPLITS: u32 = 12;

/// Nodes and weights of Gauss and Legendre's quadrature of 8 points on [-1, 1]: the positive half.
const NODES: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_27),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

/// A variable that may be the highest.
struct Contender {
    /// Its place among all.
    place: usize,
    /// Mean, from the origin.
    mean: f64,
    deviation: f64,
    /// One over the deviation.
    precision: f64,
}

impl Contender {
    fn z(&self, x: f64) -> f64 {
        (x - self.mean) * self.precision
    }
}

/// A part of the region.
struct Panel {
    low: f64,
    high: f64,
    /// G at both ends.
    ends: (f64, f64),
    splits: u32,
}

/// Where the maximum lies, and the variables that rise there.
struct Region {
    /// Where numbers are counted from: the mean of the one that is surely reached. What is near is told apart however large it
    /// is.
    origin: f64,
    low: f64,
    high: f64,
    contenders: Vec<Contender>,
}

impl Region {
    fn of(normals: &[(f64, f64)], table: LogCdf) -> Option<Self> {
        let reached = |&(mean, deviation): &(f64, f64)| mean - REACH * deviation;
        let &origin = normals.iter().max_by(|a, b| reached(a).total_cmp(&reached(b)))?;
        let surely = -REACH * origin.1;
        let mut contenders: Vec<Contender> = shifted(normals, -origin.0, surely).collect();
        let high = contenders.iter().map(|one| one.mean + REACH * one.deviation).fold(surely, f64::max);
        let low = edge(&contenders, table, (surely, high), LEFT_OUT.ln());
        let high = edge(&contenders, table, (low.0, high), -LEFT_OUT).1;
        let low = low.0;
        contenders.retain(|one| one.z(low) < OUT_OF_REACH);
        Some(Self { origin: origin.0, low, high, contenders })
    }
}

/// The variables, moved by so much, that may be above a number.
fn shifted(normals: &[(f64, f64)], by: f64, above: f64) -> impl Iterator<Item = Contender> + '_ {
    let contender = move |(place, &(mean, deviation)): (usize, &(f64, f64))| Contender {
        place,
        mean: mean + by,
        deviation,
        precision: 1.0 / deviation,
    };
    normals.iter().enumerate().map(contender).filter(move |one| one.mean + REACH * one.deviation > above)
}

/// Probabilities for (mean, deviation), which must be above 0; they sum to 1. Those without a chance of 1e-8 get 0.
pub fn probabilities(normals: &[(f64, f64)]) -> Vec<f64> {
    let mut p = vec![0.0; normals.len()];
    let table = LogCdf::new();
    let Some(Region { low, high, contenders, .. }) = Region::of(normals, table) else { return p };
    if contenders.len() < 2 {
        contenders.iter().for_each(|one| p[one.place] = 1.0);
        return p;
    }

    let g = |x: f64| contenders.iter().map(|one| table.at(one.z(x)).0).sum::<f64>().exp();
    let mut panels = vec![Panel { low, high, ends: (g(low), g(high)), splits: 0 }];
    let mut rates = vec![0.0; 2 * NODES.len() * contenders.len()];
    while let Some(panel) = panels.pop() {
        let Panel { low, high, ends, splits } = panel;
        let rise = ends.1 - ends.0;
        if rise < LEFT_OUT {
            continue;
        }
        let wide = too_wide(contenders.iter(), (low, high), WIDEST);
        let off = || {
            let sum = integrate(&contenders, table, &panel, &mut rates);
            ((sum - rise).abs() > TOLERANCE && splits < MOST_SPLITS).then_some((low + high) / 2.0)
        };
        if let Some(cut) = wide.or_else(off) {
            let at_cut = g(cut);
            let splits = splits + u32::from(wide.is_none());
            panels.push(Panel { low, high: cut, ends: (ends.0, at_cut), splits });
            panels.push(Panel { low: cut, high, ends: (at_cut, ends.1), splits });
            continue;
        }
        for rates in rates.chunks_exact(contenders.len()) {
            contenders.iter().zip(rates).for_each(|(one, rate)| p[one.place] += rate);
        }
    }
    let total: f64 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= total);
    p
}

/// The probability of each that it is at most `margin` (not negative) below the highest: the integral of its density times the
/// others' distribution function, `margin` above. All share the nodes: some 20 exponentials and look-ups each.
/// Off by less than 5e-5.
pub fn within(normals: &[(f64, f64)], margin: f64) -> Vec<f64> {
    if let [_] = normals {
        return vec![1.0];
    }
    let mut p = vec![0.0; normals.len()];
    let table = LogCdf::new();
    let Some(Region { origin, low, high, contenders }) = Region::of(normals, table) else { return p };
    let raised: Vec<Contender> = shifted(normals, margin - origin, low).collect();
    // beyond the region all others are below
    raised.iter().for_each(|one| p[one.place] = table.at(-one.z(high)).0.exp());
    let mut logs = vec![0.0; normals.len()];
    let mut panels = vec![(low, high)];
    while let Some(panel) = panels.pop() {
        if let Some(cut) = too_wide(contenders.iter().chain(&raised), panel, WIDEST_UNCHECKED) {
            panels.extend([(panel.0, cut), (cut, panel.1)]);
            continue;
        }
        for (x, weight) in nodes(panel) {
            let mut log_g = 0.0;
            for one in &contenders {
                logs[one.place] = table.at(one.z(x)).0;
                log_g += logs[one.place];
            }
            for one in &raised {
                let z = one.z(x);
                let exponent = log_g - logs[one.place] - z * z / 2.0;
                if exponent > FAINT {
                    p[one.place] += weight * one.precision * exponent.exp() / std::f64::consts::TAU.sqrt();
                }
            }
        }
    }
    p.iter_mut().for_each(|p| *p = p.min(1.0));
    p
}

/// Where the logarithm of G passes `level`: a point below and one above.
fn edge(contenders: &[Contender], table: LogCdf, (mut low, mut high): (f64, f64), level: f64) -> (f64, f64) {
    for _ in 0..7 {
        let middle = (low + high) / 2.0;
        let mut log_g = 0.0;
        // every further one makes it less
        let below = contenders.iter().any(|one| {
            log_g += table.at(one.z(middle)).0;
            log_g < level
        });
        if below { low = middle } else { high = middle }
    }
    (low, high)
}

/// Where to cut a panel in which a variable rises that has a much smaller deviation: at an end of its rise, or in the middle.
fn too_wide<'a>(contenders: impl Iterator<Item = &'a Contender>, (low, high): (f64, f64), widest: f64) -> Option<f64> {
    let rises = |one: &&Contender| {
        let reach = REACH * one.deviation;
        high - low > widest * one.deviation && one.mean + reach > low && one.mean - reach < high
    };
    let narrowest = contenders.filter(rises).min_by(|a, b| a.deviation.total_cmp(&b.deviation))?;
    let middle = (low + high) / 2.0;
    let reach = REACH * narrowest.deviation;
    let ends = [narrowest.mean - reach, narrowest.mean + reach];
    let end = ends.into_iter().find(|&end| high - low >= 4.0 * reach && low < end && end < high);
    Some(end.unwrap_or(middle)).filter(|&cut| low < cut && cut < high)
}

/// Both nodes of each pair in a panel, with their weights.
fn nodes((low, high): (f64, f64)) -> impl Iterator<Item = (f64, f64)> {
    let (middle, half) = ((low + high) / 2.0, (high - low) / 2.0);
    let both = move |&(at, weight): &(f64, f64)| [-1.0, 1.0].map(|side| (middle + side * half * at, half * weight));
    NODES.iter().flat_map(both)
}

/// What every variable gets of a panel at each node, into `rates`; the sum of it all.
fn integrate(contenders: &[Contender], table: LogCdf, panel: &Panel, rates: &mut [f64]) -> f64 {
    let mut sum = 0.0;
    for ((x, weight), rates) in nodes((panel.low, panel.high)).zip(rates.chunks_exact_mut(contenders.len())) {
        let (mut log_g, mut total) = (0.0, 0.0);
        for (one, rate) in contenders.iter().zip(rates.iter_mut()) {
            let (log_cdf, derivative) = table.at(one.z(x));
            log_g += log_cdf;
            *rate = derivative * one.precision;
            total += *rate;
        }
        let factor = weight * log_g.exp();
        rates.iter_mut().for_each(|rate| *rate *= factor);
        sum += factor * total;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::chance;
    use crate::router::policy::normal::tests::{LOOKED_UP, cdf};

    fn check(p: &[f64]) {
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12 && p.iter().all(|p| (0.0..=1.0).contains(p)), "{p:?}");
    }

    /// The same by a fine sum over one variable after the other, with the others' product.
    fn by_sums(normals: &[(f64, f64)]) -> Vec<f64> {
        let one = |i: usize| -> f64 {
            let (mean, deviation) = normals[i];
            let others = |x: f64| -> f64 {
                let others = normals.iter().enumerate().filter(|(j, _)| *j != i);
                others.map(|(_, (mean, deviation))| cdf((x - mean) / deviation)).product()
            };
            let steps = 8_000;
            let at = |n: i32| 8.0 * (f64::from(n) + 0.5) / f64::from(steps);
            let weight = |z: f64| (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt() * 8.0 / f64::from(steps);
            (-steps..steps).map(|n| weight(at(n)) * others(mean + deviation * at(n))).sum()
        };
        (0..normals.len()).map(one).collect()
    }

    #[test]
    fn of_two_it_is_the_distribution_function_of_their_difference() {
        for a in [1e-12, 1e-9, 1e-6, 1e-3, 0.03, 0.3, 1.0] {
            for b in [1e-12, 1e-8, 1e-5, 0.02, 0.31, 1.0] {
                for gap in [-6.0, -3.0, -1.0, -0.2, 0.0, 0.01, 0.5, 2.0, 4.5, 9.0] {
                    let scale = f64::hypot(a, b);
                    for shift in [0.0, 0.7] {
                        let normals = [(shift + gap * scale, a), (shift, b)];
                        let p = probabilities(&normals);
                        let expected = cdf((normals[0].0 - normals[1].0) / scale);
                        check(&p);
                        assert!((p[0] - expected).abs() < 1e-5, "{a} {b} {gap}: {p:?} {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn of_several_it_is_what_fine_sums_give() {
        for seed in 0..30 {
            let count = 3 + seed as usize % 6;
            let number = |n: usize| chance(seed, n as u64);
            let spread = [0.05, 1.0, 4.0][seed as usize % 3];
            let normals: Vec<(f64, f64)> =
                (0..count).map(|n| (number(n), 0.3 * (-spread * number(n + 50)).exp())).collect();
            let (p, expected) = (probabilities(&normals), by_sums(&normals));
            check(&p);
            for (p, expected) in p.iter().zip(&expected) {
                assert!((p - expected).abs() < 5e-5, "{normals:?}: {p} {expected}");
            }
        }
    }

    #[test]
    fn what_is_equal_is_as_likely_however_many_and_however_sure() {
        for deviation in [1e-12, 1e-9, 1e-3, 1.0] {
            for count in [1_usize, 2, 3, 100, 1_000] {
                let p = probabilities(&vec![(0.4, deviation); count]);
                check(&p);
                assert!(p.iter().all(|p| (p * count as f64 - 1.0).abs() < 1e-9), "{deviation} {count}");
            }
            // two that are equal and sure, above one that may be anything: it is the highest half of the time
            let p = probabilities(&[(0.4, deviation), (0.4, 1.0), (0.4, deviation)]);
            assert!(p[0] == p[2] && (deviation > 1e-3 || (p[1] - 0.5).abs() < 1e-3), "{p:?}");
        }
    }

    #[test]
    fn deviations_of_every_size_at_once() {
        for count in [5_usize, 60] {
            for seed in 0..10 {
                let size = |n: usize| 10.0_f64.powf(-9.0 * chance(seed, n as u64));
                // some at one place, some at many
                let place = |n: usize| if seed % 2 == 0 { 0.5 } else { 0.5 + size(n) * chance(seed + 50, n as u64) };
                let normals: Vec<(f64, f64)> = (0..count).map(|n| (place(n), size(n))).collect();
                let p = probabilities(&normals);
                check(&p);
                // of draws: four standard errors and what is left out
                let draws = 20_000_u64;
                let mut counts = vec![0.0; count];
                for n in 0..draws {
                    let sample = |i: usize| {
                        let at = (seed * draws + n) * count as u64 + i as u64;
                        let (u, v) = (1.0 - chance(7, at), chance(8, at));
                        normals[i].0 + normals[i].1 * (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
                    };
                    let best = (0..count).map(|i| (sample(i), i)).max_by(|a, b| a.0.total_cmp(&b.0));
                    counts[best.unwrap().1] += 1.0 / draws as f64;
                }
                for (p, drawn) in p.iter().zip(&counts) {
                    assert!((p - drawn).abs() < 5.0 * (p / draws as f64).sqrt() + 5e-4, "{seed} {count}: {p} {drawn}");
                }
            }
        }
    }

    #[test]
    fn within_a_margin_is_what_it_would_be_if_one_were_better_by_it() {
        for seed in 0..40 {
            let count = 1 + seed as usize % 9;
            let number = |n: usize| chance(seed, n as u64);
            let spread = [0.05, 1.0, 4.0, 12.0][seed as usize % 4];
            let normals: Vec<(f64, f64)> =
                (0..count).map(|n| (number(n), 0.3 * (-spread * number(n + 50)).exp())).collect();
            for margin in [0.0, 0.01, 0.05, 0.4, 30.0] {
                let p = within(&normals, margin);
                for (at, &p) in p.iter().enumerate() {
                    let mut better = normals.clone();
                    better[at].0 += margin;
                    let expected = probabilities(&better)[at];
                    assert!(
                        (0.0..=1.0).contains(&p) && (p - expected).abs() < 5e-5,
                        "{margin} {normals:?}: {p} {expected}"
                    );
                }
            }
        }
        assert_eq!(within(&[], 0.1), [0.0; 0]);
        assert_eq!(within(&[(0.1, 1e-6), (0.9, 1e-6)], 0.1), [0.0, 1.0]);
        assert_eq!(within(&[(0.1, 0.3), (0.9, 0.2)], f64::INFINITY), [1.0, 1.0]);
        // two that are equal: their difference is normal
        let p = within(&[(0.4, 0.3), (0.4, 0.4)], 0.25);
        assert!(p.iter().all(|p| (p - cdf(0.5)).abs() < 1e-5), "{p:?}");
    }

    #[test]
    fn one_that_none_reaches_has_it_all() {
        assert_eq!(probabilities(&[(0.1, 0.01), (0.9, 0.02), (0.3, 1e-12)]), [0.0, 1.0, 0.0]);
        assert_eq!(probabilities(&[(-1e9, 1.0), (1e9, 1.0)]), [0.0, 1.0]);
        assert_eq!(probabilities(&[(0.2, 0.5)]), [1.0]);
        assert_eq!(probabilities(&[]), [0.0; 0]);
    }

    #[test]
    fn the_cost_grows_with_the_number_and_not_with_its_square() {
        for seed in 0..10 {
            for count in [2_usize, 8, 64, 400, 1_000] {
                let number = |n: usize| chance(seed, n as u64);
                let normals: Vec<(f64, f64)> =
                    (0..count).map(|n| (number(n), 0.05 + 0.2 * number(n + 5_000))).collect();
                let before = LOOKED_UP.get();
                probabilities(&normals);
                let each = (LOOKED_UP.get() - before) as f64 / count as f64;
                assert!(each < 150.0, "{seed} {count}: {each}");
                let before = LOOKED_UP.get();
                within(&normals, 0.05);
                let each = (LOOKED_UP.get() - before) as f64 / count as f64;
                assert!(each < 150.0, "within, {seed} {count}: {each}");
            }
        }
    }
}
