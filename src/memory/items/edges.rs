//! Edges between items: which came after which, which were used together. Each stands at both of its ends.

use std::sync::Arc;

use super::rows::{Edge, Rows};
use crate::memory::slot::Slot;

/// Most edges of an item: the strongest.
pub const MOST_EDGES: usize = 8;

/// Most items that one outcome is about.
pub const MOST_TOGETHER: usize = 100;

/// Weight of an edge to the next item of a session.
const NEXT: f32 = 0.5;

/// Weight of an edge between items that were used together, at first.
const TOGETHER: f32 = 0.25;

/// The share by which an outcome moves weights and usefulness at most.
const STEP: f32 = 0.05;

/// The weights that an edge can have.
pub(super) const WEIGHTS: std::ops::RangeInclusive<f32> = 0.05..=1.0;

/// The usefulness that an item can have.
pub(super) const USEFULNESS: std::ops::RangeInclusive<f32> = 0.25..=4.0;

/// What an outcome makes of weights and usefulness: 5 % more for quality 1, 5 % less for 0.
pub(super) fn factor(quality: f64) -> f32 {
    1.0 + STEP * (2.0 * quality as f32 - 1.0)
}

/// Links the next item of a session with the one before.
pub(super) fn follow(rows: &mut Rows, count: &mut usize, before: Slot, next: Slot) {
    link(rows, count, before, next, NEXT);
}

/// Moves the edges among items that were used together, each once, and links those that are not yet where it went well.
pub(super) fn move_among(rows: &mut Rows, count: &mut usize, slots: &[Slot], quality: f64) {
    let factor = factor(quality);
    // those that are near in the list first: they get the places
    for apart in 1..slots.len() {
        for (&a, &b) in slots.iter().zip(&slots[apart..]) {
            match weight(rows, a, b) {
                Some(weight) => set_both(rows, a, b, clamp(weight * factor, WEIGHTS)),
                None if quality >= 0.5 => link(rows, count, a, b, TOGETHER),
                None => {}
            }
        }
    }
}

/// Takes away all edges of an item.
pub(super) fn unlink_all(rows: &mut Rows, count: &mut usize, slot: Slot) {
    let edges = rows.get(slot).and_then(|row| row.edges.clone());
    for edge in edges.iter().flat_map(|edges| edges.iter()) {
        unlink(rows, count, slot, Slot(edge.to));
    }
}

/// An edge as it was read; both ends have room.
pub(super) fn restore(rows: &mut Rows, count: &mut usize, a: Slot, b: Slot, weight: f32) {
    set_both(rows, a, b, weight);
    *count += 1;
}

pub(super) fn clamp(x: f32, range: std::ops::RangeInclusive<f32>) -> f32 {
    x.clamp(*range.start(), *range.end())
}

fn weight(rows: &Rows, from: Slot, to: Slot) -> Option<f32> {
    let edges = rows.get(from)?.edges();
    edges.binary_search_by_key(&to.0, |edge| edge.to).ok().map(|at| edges[at].weight)
}

/// Links two items, or makes their edge as strong. An end without room gives up its weakest edge for a stronger one.
fn link(rows: &mut Rows, count: &mut usize, a: Slot, b: Slot, new: f32) {
    if let Some(known) = weight(rows, a, b) {
        if known < new {
            set_both(rows, a, b, new);
        }
        return;
    }
    let (Some(one), Some(other)) = (room(rows, a, new), room(rows, b, new)) else { return };
    for (end, given_up) in [(a, one), (b, other)] {
        if let Some(to) = given_up {
            unlink(rows, count, end, to);
        }
    }
    set_both(rows, a, b, new);
    *count += 1;
}

/// Whether an item can have one more edge of a weight, and which one goes for it.
fn room(rows: &Rows, slot: Slot, new: f32) -> Option<Option<Slot>> {
    let edges = rows.get(slot)?.edges();
    if edges.len() < MOST_EDGES {
        return Some(None);
    }
    let weakest = edges.iter().min_by(|a, b| a.weight.total_cmp(&b.weight))?;
    (weakest.weight < new).then_some(Some(Slot(weakest.to)))
}

fn set_both(rows: &mut Rows, a: Slot, b: Slot, weight: f32) {
    set(rows, a, b, weight);
    set(rows, b, a, weight);
}

fn set(rows: &mut Rows, from: Slot, to: Slot, weight: f32) {
    change(rows, from, |edges| {
        let edge = Edge { to: to.0, weight };
        match edges.binary_search_by_key(&to.0, |edge| edge.to) {
            Ok(at) => edges[at] = edge,
            Err(at) => edges.insert(at, edge),
        }
    });
}

fn unlink(rows: &mut Rows, count: &mut usize, a: Slot, b: Slot) {
    change(rows, a, |edges| edges.retain(|edge| edge.to != b.0));
    change(rows, b, |edges| edges.retain(|edge| edge.to != a.0));
    *count -= 1;
}

fn change(rows: &mut Rows, of: Slot, change: impl FnOnce(&mut Vec<Edge>)) {
    if let Some(row) = rows.get_mut(of) {
        let mut edges = row.edges().to_vec();
        change(&mut edges);
        row.edges = (!edges.is_empty()).then(|| Arc::from(edges));
    }
}
