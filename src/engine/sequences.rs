//! Numbers of trajectories and of suggestions, and which incarnation of the engine issued them.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::error::{Result, SonaError};
use crate::identity::{Incarnation, Issuer, Lineage};
use crate::learner::Held;
use crate::state::{Reader, UNCOUNTABLE, Writer, sound};

/// Who issued what.
#[derive(Debug)]
struct Lineages {
    trajectories: Lineage,
    suggestions: Lineage,
    /// What was held when the state was read.
    held: Option<Held>,
}

/// Both sequences. A restored engine is a new incarnation from the first number that it issues on: until then its state is
/// the one that it began with.
#[derive(Debug)]
pub(super) struct Sequences {
    incarnation: Incarnation,
    begun: AtomicBool,
    /// Whether it has begun since somebody was told.
    anew: AtomicBool,
    lineages: Mutex<Lineages>,
    trajectory: AtomicU64,
    suggestion: AtomicU64,
}

impl Sequences {
    pub(super) fn new() -> Self {
        let incarnation = Incarnation::fresh();
        let lineage = Lineage::new(incarnation, 1);
        Self {
            incarnation,
            begun: AtomicBool::new(true),
            anew: AtomicBool::new(false),
            lineages: Mutex::new(Lineages { trajectories: lineage.clone(), suggestions: lineage, held: None }),
            trajectory: AtomicU64::new(1),
            suggestion: AtomicU64::new(1),
        }
    }

    pub(super) fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// Takes `count` consecutive numbers of trajectories and returns the first.
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE` for more than are left.
    pub(super) fn issue_trajectories(&self, count: u64) -> Result<u64> {
        self.begin();
        let after = |next: u64| next.checked_add(count).filter(|&after| after < UNCOUNTABLE);
        let issued = self.trajectory.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after);
        issued.map_err(|next| SonaError::out_of_range("count", format!("at most {}", UNCOUNTABLE - 1 - next), count))
    }

    /// The number of a suggestion.
    pub(super) fn issue_suggestion(&self) -> u64 {
        self.begin();
        self.suggestion.fetch_add(1, Ordering::Relaxed)
    }

    /// A number that came from elsewhere is taken for issued, so that it never comes again. Whether it had not been.
    ///
    /// # Errors
    /// `SONA_OUT_OF_RANGE` for one that leaves no room.
    pub(super) fn pass_trajectory(&self, number: u64) -> Result<bool> {
        if number < self.next_trajectory() {
            return Ok(false);
        }
        if number >= UNCOUNTABLE - 1 {
            return Err(SonaError::out_of_range("id", "a number that was reserved", number));
        }
        self.begin();
        self.trajectory.fetch_max(number + 1, Ordering::Relaxed);
        Ok(true)
    }

    /// The number that the next trajectory gets.
    pub(super) fn next_trajectory(&self) -> u64 {
        self.trajectory.load(Ordering::Relaxed)
    }

    /// The number that the next suggestion gets.
    pub(super) fn next_suggestion(&self) -> u64 {
        self.suggestion.load(Ordering::Relaxed)
    }

    pub(super) fn trajectory_issuer(&self, incarnation: Incarnation, number: u64) -> Issuer {
        self.issuer(incarnation, number, |lineages| (&lineages.trajectories, self.next_trajectory()))
    }

    pub(super) fn suggestion_issuer(&self, incarnation: Incarnation, number: u64) -> Issuer {
        self.issuer(incarnation, number, |lineages| (&lineages.suggestions, self.next_suggestion()))
    }

    /// The incarnation that issued a trajectory of which something is held.
    pub(super) fn trajectory_incarnation(&self, number: u64) -> Incarnation {
        self.lineages.lock().trajectories.of(number)
    }

    fn issuer<'a>(
        &self,
        incarnation: Incarnation,
        number: u64,
        of: impl FnOnce(&Lineages) -> (&Lineage, u64) + 'a,
    ) -> Issuer {
        let lineages = self.lineages.lock();
        let (lineage, next) = of(&lineages);
        match (incarnation == self.incarnation, lineage.issuer(incarnation, number, next)) {
            // it will be the next
            (true, Issuer::Foreign) if !self.begun.load(Ordering::Acquire) => Issuer::Nobody,
            // what a former one issued after its state was saved
            (false, Issuer::Nobody) => Issuer::Foreign,
            (_, issuer) => issuer,
        }
    }

    /// From here on this incarnation issues.
    fn begin(&self) {
        if self.begun.load(Ordering::Acquire) {
            return;
        }
        let mut lineages = self.lineages.lock();
        if self.begun.load(Ordering::Acquire) {
            return;
        }
        let (trajectory, suggestion) = (self.next_trajectory(), self.next_suggestion());
        let (trajectories, suggestions) =
            lineages.held.take().map(|held| (held.trajectories, held.suggestions)).unzip();
        begin(&mut lineages.trajectories, self.incarnation, trajectory, trajectories.as_deref());
        begin(&mut lineages.suggestions, self.incarnation, suggestion, suggestions.as_deref());
        self.anew.store(true, Ordering::Relaxed);
        self.begun.store(true, Ordering::Release);
    }

    /// Who has issued the trajectories and the suggestions, once this incarnation has begun.
    pub(super) fn lineages(&self) -> Option<[Lineage; 2]> {
        let lineages = self.lineages.lock();
        self.begun.load(Ordering::Acquire).then(|| [lineages.trajectories.clone(), lineages.suggestions.clone()])
    }

    /// Whether this incarnation has begun and nobody [has been told](Self::told_anew).
    pub(super) fn has_begun_anew(&self) -> bool {
        self.anew.load(Ordering::Relaxed)
    }

    pub(super) fn told_anew(&self) {
        self.anew.store(false, Ordering::Relaxed);
    }

    /// Refuses next numbers that no sequences can have.
    pub(super) fn check_next(trajectory: u64, suggestion: u64) -> Result<()> {
        let counted = [trajectory, suggestion].iter().all(|next| (1..UNCOUNTABLE).contains(next));
        if counted { Ok(()) } else { Err(SonaError::corrupt_state("the change does not follow: numbers out of range")) }
    }

    /// Refuses incarnations that can't have issued numbers one after another.
    pub(super) fn check_lineages([trajectories, suggestions]: &[Lineage; 2]) -> Result<()> {
        let sound = [trajectories, suggestions].iter().all(|lineage| lineage.is_sound(UNCOUNTABLE - 1));
        if sound && trajectories.current() == suggestions.current() {
            return Ok(());
        }
        Err(SonaError::corrupt_state("the change does not follow: incarnations out of order"))
    }

    /// Takes over who has issued them elsewhere. This incarnation begins when it issues.
    pub(super) fn follow(&self, [trajectories, suggestions]: [Lineage; 2]) {
        let mut lineages = self.lineages.lock();
        self.skip_to(trajectories.begins(), suggestions.begins());
        *lineages = Lineages { trajectories, suggestions, held: None };
        self.begun.store(false, Ordering::Release);
    }

    /// Takes numbers below these for issued.
    pub(super) fn skip_to(&self, trajectory: u64, suggestion: u64) {
        self.trajectory.fetch_max(trajectory, Ordering::Relaxed);
        self.suggestion.fetch_max(suggestion, Ordering::Relaxed);
    }

    /// Writes both.
    pub(super) fn save(&self, held: &Held, writer: &mut Writer<'_>) {
        // nothing can begin meanwhile, so the numbers are those of the incarnations that are written
        let lineages = self.lineages.lock();
        let next = (self.next_trajectory(), self.next_suggestion());
        writer.check(check(&lineages, next, held));
        writer.value("next_id", &next.0);
        writer.value("next_decision", &next.1);
        let mut writer = writer.scope("incarnations");
        writer.value("trajectories", &lineages.trajectories);
        writer.value("suggestions", &lineages.suggestions);
    }

    /// Reads both, for a new incarnation, or for the one that the state is of.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub(super) fn restore(held: Held, continues: bool, reader: &Reader<'_>) -> Result<Self> {
        let next: (u64, u64) = (reader.value("next_id")?, reader.value("next_decision")?);
        let fresh = Incarnation::fresh();
        let scope = reader.scope("incarnations");
        // of older states nobody knows whose the numbers were
        let first = || Lineage::new(fresh, 1);
        let trajectories = scope.optional("trajectories")?.unwrap_or_else(first);
        let suggestions = scope.optional("suggestions")?.unwrap_or_else(first);
        let lineages = Lineages { trajectories, suggestions, held: None };
        reader.check(check(&lineages, next, &held))?;
        let lineages = Lineages { held: Some(held), ..lineages };
        let incarnation = if continues { lineages.trajectories.current() } else { fresh };
        Ok(Self {
            incarnation,
            begun: AtomicBool::new(incarnation == lineages.trajectories.current()),
            anew: AtomicBool::new(false),
            lineages: Mutex::new(lineages),
            trajectory: AtomicU64::new(next.0),
            suggestion: AtomicU64::new(next.1),
        })
    }
}

/// A new incarnation issues from `next` on. Where nobody knows what is held, any number may be.
fn begin(lineage: &mut Lineage, incarnation: Incarnation, next: u64, held: Option<&[u64]>) {
    let oldest = held.map_or(0, |held| held.first().copied().unwrap_or(next));
    lineage.begin(incarnation, next, oldest);
    if let Some(held) = held {
        lineage.fold(|numbers: Range<u64>| {
            let at = held.partition_point(|&number| number < numbers.start);
            held.get(at).is_some_and(|number| numbers.contains(number))
        });
    }
}

/// Whether the numbers are above those that are held, and both sequences were begun by the same incarnations.
fn check(lineages: &Lineages, next: (u64, u64), held: &Held) -> crate::state::Soundness {
    let Lineages { trajectories, suggestions, .. } = lineages;
    let above =
        |held: &[u64], next: u64| held.last().is_none_or(|&largest| largest < next) && (1..UNCOUNTABLE).contains(&next);
    sound("next_id", above(&held.trajectories, next.0), "a number above those that were issued")?;
    sound("next_decision", above(&held.suggestions, next.1), "a number above those that were issued")?;
    sound("incarnations.trajectories", trajectories.is_sound(next.0), "incarnations in order")?;
    sound("incarnations.suggestions", suggestions.is_sound(next.1), "incarnations in order")?;
    let same = trajectories.current() == suggestions.current();
    sound("incarnations.suggestions", same, "the incarnation that trajectories are of")
}
