//! Outcomes that are kept to be learned again, while a basis is being fitted.

use std::collections::HashMap;
use std::sync::Arc;

use crate::chunks::Chunks;
use crate::error::Result;
use crate::router::words::{WordList, Words};
use crate::state::{Reader, UNCOUNTABLE, Writer};

/// An outcome from elsewhere.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "durable", derive(serde::Serialize, serde::Deserialize))]
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

/// Outcomes that make the last fit due, however few prompts they belong to: they are kept until then.
const MANY: usize = 200_000;

/// Outcomes after which nobody waits for that fit any more.
const TOO_MANY: usize = 2 * MANY;

/// Whole numbers of each outcome in a state, and what stands for one that is missing.
const WHOLE: usize = 6;
const NONE: u64 = u64::MAX;

/// An outcome that will be learned again.
#[derive(Debug, Clone, PartialEq)]
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
    batches: u64,
    /// Fits made.
    pub fits: usize,
}

impl Lessons {
    /// Writes them.
    pub fn save(&self, writer: &mut Writer<'_>) {
        let mut words = Words::default();
        let (mut whole, mut real, mut there) = (Vec::new(), Vec::new(), Vec::new());
        for Lesson { of, batch, row, arm, w, r, tenant } in self.list.iter() {
            let (number, attempt) = of.map_or((NONE, 0), |(number, attempt)| (number, u64::from(attempt)));
            let (batch, row) = (batch.unwrap_or(NONE), row.map_or(NONE, u64::from));
            whole.extend([number, attempt, batch, row, u64::from(*arm), words.place(tenant.as_ref())]);
            real.extend([*w, r.unwrap_or_default()]);
            there.push(u8::from(r.is_some()));
        }
        writer.tensor("whole", &[self.list.len(), WHOLE], &whole);
        writer.tensor("real", &[self.list.len(), 2], &real);
        writer.tensor("there", &[self.list.len()], &there);
        words.save(writer);
        writer.value("fits", &self.fits);
    }

    /// Reads what [`save`](Self::save) wrote, where there are `rows` prompts and ever were `arms` models.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(reader: &Reader<'_>, rows: usize, arms: usize) -> Result<Self> {
        let (n, whole) = reader.rows::<u64>("whole", &[WHOLE])?;
        let real: Vec<f64> = reader.tensor("real", &[n, 2])?;
        let there: Vec<u8> = reader.tensor("there", &[n])?;
        let words = WordList::read(reader)?;
        let corrupt = || reader.corrupt("whole", "expected outcomes of prompts and models that are there");
        let small = |number: u64| u32::try_from(number).map_err(|_| corrupt());
        let mut restored = Self { fits: reader.value("fits")?, ..Self::default() };
        for ((whole, real), there) in whole.chunks_exact(WHOLE).zip(real.chunks_exact(2)).zip(there) {
            let given = |number: u64| Some(number).filter(|&number| number != NONE);
            let attempt = small(whole[1])?;
            let lesson = Lesson {
                of: given(whole[0]).map(|number| (number, attempt)),
                batch: given(whole[2]),
                row: given(whole[3]).map(small).transpose()?,
                arm: small(whole[4])?,
                w: real[0],
                r: (there != 0).then_some(real[1]),
                tenant: words.get(whole[5]).map_err(|_| corrupt())?,
            };
            if let Some(of) = lesson.of {
                restored.places.insert(of, restored.list.len());
            }
            restored.batches = restored.batches.max(lesson.batch.map_or(0, |batch| batch.saturating_add(1)));
            restored.list.push(lesson);
        }
        if restored.are_sound(rows, arms) { Ok(restored) } else { Err(corrupt()) }
    }

    /// Whether they can have been told, where there are `rows` prompts and ever were `arms` models.
    pub fn are_sound(&self, rows: usize, arms: usize) -> bool {
        let there = |lesson: &Lesson| {
            lesson.row.is_none_or(|row| (row as usize) < rows) && (lesson.arm as usize) < arms && lesson.is_sound()
        };
        let of_decisions = self.list.iter().filter(|lesson| lesson.of.is_some()).count();
        let counts = self.fits < FITS.len() && self.batches < UNCOUNTABLE;
        counts && of_decisions == self.places.len() && self.list.iter().all(there)
    }

    /// All, in the order in which they were told.
    pub fn list(&self) -> &Chunks<Lesson> {
        &self.list
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> u64 {
        (self.list.len() * (size_of::<Lesson>() + 3 * size_of::<u64>())) as u64
    }

    /// Whether there are so many that the last fit is due.
    pub fn are_many(&self) -> bool {
        self.list.len() >= MANY
    }

    /// Whether there are so many that no fit is waited for any more.
    pub fn are_too_many(&self) -> bool {
        self.list.len() >= TOO_MANY
    }

    /// An outcome was told, or told anew.
    pub fn told(&mut self, of: (u64, u32), row: Option<u32>, arm: u32, r: Option<f64>, tenant: Option<&Arc<str>>) {
        match self.places.get(&of) {
            Some(&place) => {
                if let Some(lesson) = self.list.get_mut(place) {
                    (lesson.arm, lesson.r) = (arm, r);
                }
            }
            None if r.is_none() => {}
            None => {
                self.places.insert(of, self.list.len());
                let tenant = tenant.cloned();
                self.list.push(Lesson { of: Some(of), batch: None, row, arm, w: 1.0, r, tenant });
            }
        }
    }

    /// A batch came from elsewhere.
    pub fn warm(&mut self, rows: &[WarmRow]) {
        for &WarmRow { row, arm, quality, weight, .. } in rows {
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
