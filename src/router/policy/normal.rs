//! The standard normal distribution: the logarithm of its distribution function, and that one's derivative.

use std::sync::LazyLock;

/// Beyond this many deviations there is nothing, or all.
pub const REACH: f64 = 9.0;

/// Steps of the table in one deviation, and the last.
const STEPS: f64 = 32.0;
const LAST: usize = (2.0 * REACH * STEPS) as usize;

/// At every step: the logarithm of the distribution function and its first three derivatives, over their factorials.
type Table = [[f64; 4]; LAST + 1];

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    std::array::from_fn(|step| {
        let [value, first, second, third] = derivatives(step as f64 / STEPS - REACH);
        [value, first, second / 2.0, third / 6.0]
    })
});

/// The table, to be looked up many times.
#[derive(Clone, Copy)]
pub struct LogCdf(&'static Table);

impl LogCdf {
    /// Made once, in some 100 us.
    pub fn new() -> Self {
        Self(&TABLE)
    }

    /// The logarithm of the distribution function at z, and its derivative, to within 1e-6: from the nearest step by Taylor's
    /// series. Beyond the reach that of its end.
    pub fn at(self, z: f64) -> (f64, f64) {
        #[cfg(test)]
        tests::LOOKED_UP.set(tests::LOOKED_UP.get() + 1);
        let place = (z.clamp(-REACH, REACH) + REACH) * STEPS;
        // no call, as rounding would be
        let nearest = ((place + 0.5) as i32 as usize).min(LAST);
        let [value, first, second, third] = self.0[nearest];
        let d = (place - nearest as f64) / STEPS;
        (value + d * (first + d * (second + d * third)), first + d * (2.0 * second + d * 3.0 * third))
    }
}

/// The logarithm of the distribution function and its first three derivatives.
fn derivatives(z: f64) -> [f64; 4] {
    let density = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
    // what lies beyond |z|
    let tail = if z.abs() < 3.0 {
        // Marsaglia (2004)
        let (mut sum, mut term, mut k) = (z.abs(), z.abs(), 1.0);
        while term > 1e-17 * sum {
            k += 2.0;
            term *= z * z / k;
            sum += term;
        }
        0.5 - density * sum
    } else {
        // Laplace's continued fraction
        density / (1..=100).rev().fold(z.abs(), |below, k| z.abs() + f64::from(k) / below)
    };
    let (cdf, log_cdf) = if z > 0.0 { (1.0 - tail, (-tail).ln_1p()) } else { (tail, tail.ln()) };
    let first = density / cdf;
    let second = -first * (z + first);
    [log_cdf, first, second, -second * (z + first) - first * (1.0 + second)]
}

#[cfg(test)]
pub mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// How often this thread has asked for the logarithm.
        pub static LOOKED_UP: Cell<u64> = const { Cell::new(0) };
    }

    /// The distribution function.
    pub fn cdf(z: f64) -> f64 {
        if z < -38.0 { 0.0 } else { derivatives(z)[0].exp() }
    }

    #[test]
    fn it_is_that_of_tables() {
        // scipy.stats.norm.logcdf
        let known = [
            (-8.5, -39.197_396_428),
            (-3.0, -6.607_726_221),
            (-1.0, -1.841_021_645),
            (0.0, -std::f64::consts::LN_2),
            (0.71, -0.272_927_548),
            (2.0, -0.023_012_909),
            (6.0, -9.865_876_5e-10),
        ];
        for (z, log_cdf) in known {
            let (found, _) = LogCdf::new().at(z);
            assert!((found / log_cdf - 1.0).abs() < 1e-6, "{z}: {found}");
        }
    }

    #[test]
    fn its_derivative_is_that_of_differences() {
        for n in -88..=88 {
            let z = f64::from(n) / 10.0 + 0.003;
            let (_, found) = LogCdf::new().at(z);
            let by_difference = (derivatives(z + 1e-5)[0] - derivatives(z - 1e-5)[0]) / 2e-5;
            assert!((found - by_difference).abs() < 1e-6, "{z}: {found} {by_difference}");
        }
    }

    #[test]
    fn beyond_its_reach_it_is_that_of_its_end() {
        let table = LogCdf::new();
        assert_eq!((table.at(-50.0), table.at(1e300)), (table.at(-REACH), table.at(REACH)));
        assert!(table.at(-REACH).0 < -40.0 && table.at(REACH).0 > -1e-18);
    }
}
