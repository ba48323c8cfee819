//! Outcomes that are kept to be learned again, while a basis is being fitted.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::chunks::Chunks;

/// An outcome from elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct WarmRow {
    /// Unit vector of the prompt.
    pub prompt: Arc<[f32]>,
    /// Number of its vector among those of all prompts, while a basis is being fitted.
    pub row: Option<u32>,
    /// The model.
    pub arm: u32,
    /// How good the answer was, 0 to 1.
    pub quality: f64,
    /// Outcomes that it counts for.
    pub weight: f64,
}

/// Prompts at which a basis is fitted; with the last it stays.
pub const FITS: [usize; 4] = [500, 1_000, 2_000, 4_000];

/// Outcomes after which no basis is fitted any more, should prompts repeat: they are kept until then.
const MOST_LESSONS: usize = 200_000;

/// An outcome that will be learned again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// Number of the decision and place of the attempt; none for a row from elsewhere.
    pub of: Option<(u64, u32)>,
    /// The batch of a row from elsewhere.
    pub batch: Option<u64>,
    /// Of its prompt; none where nothing was known of it.
    pub row: Option<u32>,
    /// The model.
    pub arm: u32,
    /// What it counts for.
    pub w: f64,
    /// The quality; none once it is forgotten.
    pub r: Option<f64>,
    /// Whose request it was.
    pub tenant: Option<Arc<str>>,
}

impl Lesson {
    fn is_sound(&self) -> bool {
        let weight = self.w > 0.0 && self.w <= 1_000.0;
        self.r.is_none_or(|r| (0.0..=1.0).contains(&r)) && weight && (self.of.is_some() || self.row.is_some())
    }
}

/// Outcomes so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lessons {
    list: Chunks<Lesson>,
    places: HashMap<(u64, u32), usize>,
    /// Lessons of prompts that are known.
    known: usize,
    batches: u64,
    /// Fits made.
    pub fits: usize,
}

impl Lessons {
    /// As they were. `None` when they can't have been told, or name one of `rows` prompts or `arms` models that is not there.
    pub fn restore(list: Vec<Lesson>, fits: usize, rows: usize, arms: usize) -> Option<Self> {
        let there = |lesson: &Lesson| {
            lesson.row.is_none_or(|row| (row as usize) < rows) && (lesson.arm as usize) < arms && lesson.is_sound()
        };
        let sound = fits < FITS.len() && list.iter().all(there);
        let places = list.iter().enumerate().filter_map(|(place, lesson)| Some((lesson.of?, place))).collect();
        let known = list.iter().filter(|lesson| lesson.row.is_some()).count();
        let batches = list.iter().filter_map(|lesson| lesson.batch).max().map_or(0, |last| last.saturating_add(1));
        sound.then(|| Self { list: list.into_iter().collect(), places, known, batches, fits })
    }

    /// All, in the order in which they were told.
    pub fn list(&self) -> &Chunks<Lesson> {
        &self.list
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> u64 {
        (self.list.len() * (size_of::<Lesson>() + 3 * size_of::<u64>())) as u64
    }

    /// Whether there are so many that no more are waited for.
    pub fn are_many(&self) -> bool {
        self.known >= MOST_LESSONS
    }

    /// An outcome was told, or told anew. Of those whose prompts are not known no more are kept than of all: a basis can't be
    /// fitted because of them, so they could go on for ever.
    pub fn told(&mut self, of: (u64, u32), row: Option<u32>, arm: u32, r: Option<f64>, tenant: Option<&Arc<str>>) {
        match self.places.get(&of) {
            Some(&place) => {
                if let Some(lesson) = self.list.get_mut(place) {
                    (lesson.arm, lesson.r) = (arm, r);
                }
            }
            None if r.is_none() => {}
            None if row.is_none() && self.list.len() - self.known >= MOST_LESSONS => {}
            None => {
                self.known += usize::from(row.is_some());
                self.places.insert(of, self.list.len());
                let tenant = tenant.cloned();
                self.list.push(Lesson { of: Some(of), batch: None, row, arm, w: 1.0, r, tenant });
            }
        }
    }

    /// A batch came from elsewhere.
    pub fn warm(&mut self, rows: &[WarmRow]) {
        for &WarmRow { row, arm, quality, weight, .. } in rows {
            self.known += 1;
            let batch = Some(self.batches);
            self.list.push(Lesson { of: None, batch, row, arm, w: weight, r: Some(quality), tenant: None });
        }
        self.batches += 1;
    }

    /// How many fits there have been once so many prompts were seen.
    pub fn fits_after(&self, seen: usize) -> usize {
        if self.are_many() { FITS.len() } else { FITS.iter().take_while(|&&fit| fit <= seen).count() }
    }
}
