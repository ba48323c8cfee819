//! Which of those that are near become neighbours.
//!
//! Malkov and Yashunin (2018), algorithm 4: one that is nearer to a neighbour chosen before than to the slot itself can be
//! reached through it, so that links go in all directions; places that are left go to the nearest of those.

use crate::linear::Scored;

/// Chooses at most `most` of `near` (scored by their similarity to the slot, best first) beside those that are in `chosen`
/// already, and adds them to `chosen`. `passed` is for use in between.
///
/// A vector that is equal to that of the slot is as near to all as this is: one is chosen, and others beside it none the less.
pub(super) fn select(
    near: &[Scored],
    most: usize,
    similarity: impl Fn(u32, u32) -> f32,
    chosen: &mut Vec<Scored>,
    passed: &mut Vec<Scored>,
) {
    if chosen.len() + near.len() <= most {
        return chosen.extend(near);
    }
    passed.clear();
    for &near in near {
        if chosen.len() == most {
            return;
        }
        let is_elsewhere = |other: &Scored| {
            let between = similarity(near.index(), other.index());
            between < near.score() || (between == near.score() && near.score() < other.score())
        };
        if chosen.iter().all(is_elsewhere) {
            chosen.push(near);
        } else {
            passed.push(near);
        }
    }
    chosen.extend(passed.iter().take(most - chosen.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chooses of points on a line beside the one at 0, nearest first.
    fn chosen(places: &[f32], most: usize) -> Vec<f32> {
        let mut near: Vec<Scored> = (0..).zip(places).map(|(at, place)| Scored::new(-place.abs(), at)).collect();
        near.sort_unstable_by(|a, b| b.cmp(a));
        let similarity = |a: u32, b: u32| -(places[a as usize] - places[b as usize]).abs();
        let mut chosen = Vec::new();
        select(&near, most, similarity, &mut chosen, &mut Vec::new());
        chosen.iter().map(|chosen| places[chosen.index() as usize]).collect()
    }

    #[test]
    fn links_go_both_ways_before_they_go_on() {
        assert_eq!(chosen(&[1.0, 2.0, 3.0, -10.0, -11.0], 2), [1.0, -10.0]);
        assert_eq!(chosen(&[1.0, 2.0, 3.0, -10.0, -11.0], 4), [1.0, -10.0, 2.0, 3.0]);
        assert_eq!(chosen(&[3.0, 2.0], 2), [2.0, 3.0]);
    }

    #[test]
    fn equal_ones_do_not_stand_for_what_lies_elsewhere() {
        assert_eq!(chosen(&[0.0, 0.0, 0.0, 5.0, -7.0, -8.0], 3), [0.0, 5.0, -7.0]);
    }
}
