//! Random numbers by place: the n-th can be had without those before it.
//!
//! SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).

/// What the generator's state grows by.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The next output of SplitMix64 in this state: a hash of the state, one to one.
pub fn split_mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(STEP);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A hash of a number that depends on a seed. Seeds that are near are not alike.
pub fn seeded(seed: u64, number: u64) -> u64 {
    split_mix(split_mix(seed) ^ number)
}

/// A hash of a place: what the generator that starts at the hash of the seed has put out before its `position`-th step.
pub fn stream(seed: u64, position: u64) -> u64 {
    split_mix(split_mix(seed).wrapping_add(position.wrapping_sub(1).wrapping_mul(STEP)))
}

/// A number in [0, 1) from the upper 53 bits.
pub fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_those_of_the_published_generator() {
        // the first three of the reference implementation seeded with 1234567
        let outputs = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        for (n, output) in outputs.into_iter().enumerate() {
            assert_eq!(split_mix(STEP.wrapping_mul(n as u64).wrapping_add(1_234_567)), output);
        }
    }

    #[test]
    fn a_stream_is_the_generator_from_its_hashed_seed() {
        for seed in [0, 1, 7, u64::MAX] {
            let mut state = split_mix(seed);
            for position in 1..50 {
                assert_eq!(stream(seed, position), split_mix(state));
                state = state.wrapping_add(STEP);
            }
            assert_ne!(stream(seed, 0), stream(seed, 1));
        }
    }

    #[test]
    fn near_seeds_are_not_alike() {
        for n in [0, 1, 2, 1_000] {
            let numbers: Vec<f64> = (0..1_000).map(|seed| unit(seeded(seed, n))).collect();
            assert!(numbers.iter().all(|x| (0.0..1.0).contains(x)));
            let mean = numbers.iter().sum::<f64>() / 1_000.0;
            // six standard errors of uniform numbers
            assert!((mean - 0.5).abs() < 6.0 / (12.0 * 1_000.0_f64).sqrt(), "{n}: {mean}");
        }
    }
}
