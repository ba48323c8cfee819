//! Which of those that are near become neighbours.
//!
//! Malkov and Yashunin (2018), algorithm 4: one that is nearer to a neighbour chosen before than to the slot itself can be
//! reached through it, so that links go in all directions; places that are left go to the nearest of those.

use crate::linear::Scored;

/// Chooses at most `most` of `near` (scored by their similarity to the slot, best first) beside those that are in `chosen`
/// already, and adds them to `chosen`. `passed` is for use in between.
pub(super) fn select(
    near: &[Scored],
    most: usize,
    similarity: impl Fn(u32, u32) -> f32,
    chosen: &mut Vec<u32>,
    passed: &mut Vec<u32>,
) {
    if chosen.len() + near.len() <= most {
        return chosen.extend(near.iter().map(|near| near.index()));
    }
    passed.clear();
    for near in near {
        if chosen.len() == most {
            return;
        }
        let at = near.index();
        if chosen.iter().all(|&other| similarity(at, other) < near.score()) {
            chosen.push(at);
        } else {
            passed.push(at);
        }
    }
    chosen.extend(passed.iter().take(most - chosen.len()));
}
