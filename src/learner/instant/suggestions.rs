//! The newest suggestions: the query, the best route, the nearest ones and what was pooled, until an outcome comes.
//!
//! Readers make suggestions, and must not wait for each other: the places are dealt out to several lists with a lock each, so
//! that suggestions that follow on each other are in different ones.

use half::f16;
use half::slice::HalfFloatSliceExt;
use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};

use super::considered::Considered;
use crate::adapter::objective::NEAREST;
use crate::bank::index::RouteId;
use crate::error::Result;
use crate::state::{Reader, Soundness, UNCOUNTABLE, Writer, all_unit, sound};

/// What a suggestion in a state has.
const BEST: u8 = 1;
const QUERY: u8 = 2;

/// Places of one list.
const LIST: usize = 256;

/// A ring of suggestions by their numbers.
#[derive(Debug)]
pub struct Suggestions {
    dim: usize,
    capacity: usize,
    /// As long as they have been used so far.
    lists: Box<[Mutex<Vec<Kept>>]>,
}

/// One suggestion.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// Its number; 0 for an empty place.
    id: u64,
    /// The trajectory that told its outcome; 0 for none so far.
    trajectory: u64,
    best: Option<RouteId>,
    nearest: Vec<RouteId>,
    /// The unit query; empty where it was not known, and once there is an outcome, whose record has it.
    query: Vec<f16>,
    /// What was pooled; empty once there is an outcome.
    considered: Considered,
}

/// What is known of a suggestion.
#[derive(Debug, Clone, PartialEq)]
pub enum Suggested {
    /// It waits for an outcome.
    Waiting {
        /// The unit query.
        query: Vec<f16>,
        /// The best route.
        best: Option<RouteId>,
    },
    /// It was made without a query, so that nothing can be learned from its outcome.
    Blind,
    /// A trajectory has told its outcome.
    Answered {
        /// Its number.
        trajectory: u64,
    },
    /// Nothing: it is too old.
    Gone,
}

impl Suggestions {
    /// None yet, for queries of `dim` numbers.
    pub fn new(dim: usize, capacity: usize) -> Self {
        Self { dim, capacity, lists: (0..capacity.div_ceil(LIST)).map(|_| Mutex::default()).collect() }
    }

    fn place(&self, id: u64) -> MappedMutexGuard<'_, Kept> {
        let at = (id % self.capacity as u64) as usize;
        let (list, place) = (at % self.lists.len(), at / self.lists.len());
        MutexGuard::map(self.lists[list].lock(), |list| {
            if list.len() <= place {
                list.resize_with(place + 1, Kept::default);
            }
            &mut list[place]
        })
    }

    /// Keeps a suggestion, with room for a query where it has one. Once every place has been used nothing is allocated.
    pub fn keep(
        &self,
        id: u64,
        best: Option<RouteId>,
        nearest: &[RouteId],
        considered: &Considered,
        query: Option<impl FnOnce(&mut [f16])>,
    ) {
        let mut kept = self.place(id);
        kept.id = id;
        kept.trajectory = 0;
        kept.best = best;
        kept.nearest.clear();
        kept.nearest.extend_from_slice(nearest);
        kept.considered.copy_from(considered);
        kept.query.clear();
        if let Some(query) = query {
            kept.query.resize(self.dim, f16::ZERO);
            query(&mut kept.query);
        }
    }

    /// What is known of one.
    pub fn find(&self, id: u64) -> Suggested {
        let kept = self.place(id);
        match (kept.id == id, kept.trajectory) {
            (false, _) => Suggested::Gone,
            (true, 0) if kept.query.is_empty() => Suggested::Blind,
            (true, 0) => Suggested::Waiting { query: kept.query.clone(), best: kept.best },
            (true, trajectory) => Suggested::Answered { trajectory },
        }
    }

    /// Whether it waits for an outcome.
    pub fn waits(&self, id: u64) -> bool {
        let kept = self.place(id);
        kept.id == id && kept.trajectory == 0 && !kept.query.is_empty()
    }

    /// The routes that were nearest; none when it is too old, or none were known.
    pub fn nearest<'a>(&self, id: u64, into: &'a mut [RouteId; NEAREST]) -> Option<&'a [RouteId]> {
        let kept = self.place(id);
        let into = &mut into[..kept.nearest.len()];
        into.copy_from_slice(&kept.nearest);
        (kept.id == id && !into.is_empty()).then_some(into)
    }

    /// Notes which trajectory told the outcome, and calls `first` with what was pooled for the suggestion where it is the first;
    /// that one stays.
    pub fn answer(&self, id: u64, trajectory: u64, first: impl FnOnce(&mut Considered)) {
        let mut kept = self.place(id);
        if kept.id == id && kept.trajectory == 0 {
            kept.trajectory = trajectory;
            kept.query.clear();
            first(&mut kept.considered);
            kept.considered.clear();
        }
    }

    /// All that are kept, in order.
    pub fn frozen(&self) -> Frozen {
        let of_list =
            |list: &Mutex<Vec<Kept>>| list.lock().iter().filter(|kept| kept.id > 0).cloned().collect::<Vec<_>>();
        let mut kept: Vec<Kept> = self.lists.iter().flat_map(of_list).collect();
        kept.sort_unstable_by_key(|kept| kept.id);
        Frozen { dim: self.dim, capacity: self.capacity, kept }
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        let of_place = |kept: &Kept| {
            kept.nearest.capacity() * size_of::<RouteId>()
                + kept.query.capacity() * size_of::<f16>()
                + kept.considered.bytes()
        };
        let of_list = |list: &Mutex<Vec<Kept>>| {
            let list = list.lock();
            list.capacity() * size_of::<Kept>() + list.iter().map(of_place).sum::<usize>()
        };
        size_of_val(&*self.lists) + self.lists.iter().map(of_list).sum::<usize>()
    }

    /// Puts back those of a state.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(&self, reader: &Reader<'_>) -> Result<()> {
        let frozen = Frozen::restore(self.dim, self.capacity, reader)?;
        for kept in frozen.kept {
            let mut place = self.place(kept.id);
            *place = kept;
        }
        Ok(())
    }
}

/// Suggestions as they were at one moment, in order.
#[derive(Debug)]
pub struct Frozen {
    dim: usize,
    capacity: usize,
    kept: Vec<Kept>,
}

impl Frozen {
    /// Their numbers, in order.
    pub fn ids(&self) -> impl Iterator<Item = u64> {
        self.kept.iter().map(|kept| kept.id)
    }

    /// Whether they can have been made, of routes that were `issued`.
    pub fn check(&self, issued: impl Fn(RouteId) -> bool) -> Soundness {
        let kept = &self.kept;
        let numbered = kept.iter().all(|kept| (1..UNCOUNTABLE).contains(&kept.id) && kept.trajectory < UNCOUNTABLE);
        sound("id", numbered, "numbers from 1")?;
        let in_order = kept.is_sorted_by(|a, b| a.id < b.id);
        sound("id", in_order && self.places_differ(), "places of their own, in order")?;
        let routes = kept.iter().flat_map(|kept| kept.nearest.iter().chain(&kept.best));
        sound("nearest", routes.copied().all(&issued), "routes that there were")?;
        sound("nearest", kept.iter().all(|kept| kept.nearest.len() <= NEAREST), format_args!("at most {NEAREST}"))?;
        let considered = kept.iter().all(|kept| kept.considered.is_sound(&issued) && kept.may_have_considered());
        sound("features", considered, "what can have been pooled")?;
        let mut unit = vec![0.0; self.dim];
        let query = |kept: &Kept| {
            if kept.query.is_empty() {
                return true;
            }
            let waits = kept.trajectory == 0 && kept.query.len() == self.dim;
            if waits {
                kept.query.convert_to_f32_slice(&mut unit);
            }
            waits && all_unit(&unit, self.dim)
        };
        sound("query", kept.iter().all(query), "unit vectors")
    }

    fn places_differ(&self) -> bool {
        let mut places: Vec<u64> = self.kept.iter().map(|kept| kept.id % self.capacity as u64).collect();
        places.sort_unstable();
        places.is_sorted_by(|a, b| a < b)
    }

    /// Writes them.
    pub fn save(&self, writer: &mut Writer<'_>) {
        let kept = &self.kept;
        let count = kept.len();
        writer.tensor("id", &[count], &kept.iter().map(|kept| kept.id).collect::<Vec<u64>>());
        writer.tensor("trajectory", &[count], &kept.iter().map(|kept| kept.trajectory).collect::<Vec<u64>>());
        let has = |kept: &Kept| u8::from(kept.best.is_some()) * BEST + u8::from(!kept.query.is_empty()) * QUERY;
        writer.tensor("has", &[count], &kept.iter().map(has).collect::<Vec<u8>>());
        writer.tensor("near", &[count], &kept.iter().map(|kept| kept.nearest.len() as u32).collect::<Vec<u32>>());
        // the best comes first, where there is one
        let routes = kept.iter().flat_map(|kept| kept.best.iter().chain(&kept.nearest));
        let routes: Vec<u32> = routes.map(|route| route.packed()).collect();
        writer.tensor("routes", &[routes.len()], &routes);
        let queries: Vec<f16> = kept.iter().flat_map(|kept| kept.query.iter().copied()).collect();
        writer.tensor("queries", &[queries.len() / self.dim, self.dim], &queries);
        Considered::save_all(kept.iter().map(|kept| &kept.considered), &mut writer.scope("considered"));
    }

    fn restore(dim: usize, capacity: usize, reader: &Reader<'_>) -> Result<Self> {
        if !reader.contains("id") {
            // an older state, which kept none
            return Ok(Self { dim, capacity, kept: Vec::new() });
        }
        let (count, ids) = reader.rows::<u64>("id", &[])?;
        let trajectories: Vec<u64> = reader.tensor("trajectory", &[count])?;
        let has: Vec<u8> = reader.tensor("has", &[count])?;
        reader.ensure("has", has.iter().all(|&has| has <= BEST | QUERY), "a best route, a query, both or neither")?;
        let near: Vec<u32> = reader.tensor("near", &[count])?;
        reader.ensure("near", near.iter().all(|&near| near as usize <= NEAREST), format_args!("at most {NEAREST}"))?;
        let holding = |what: u8| has.iter().filter(|&&has| has & what > 0).count();
        let listed = near.iter().map(|&near| near as usize).sum::<usize>() + holding(BEST);
        let routes: Vec<u32> = reader.tensor("routes", &[listed])?;
        let queries: Vec<f16> = reader.tensor("queries", &[holding(QUERY), dim])?;
        let mut considered = Considered::restore_all(count, &reader.scope("considered"))?.into_iter();
        let mut routes = routes.into_iter().map(RouteId::from_packed);
        let mut queries = queries.chunks_exact(dim);
        let kept = (0..count).map(|n| Kept {
            id: ids[n],
            trajectory: trajectories[n],
            best: if has[n] & BEST > 0 { routes.next() } else { None },
            nearest: routes.by_ref().take(near[n] as usize).collect(),
            query: if has[n] & QUERY > 0 { queries.next().unwrap_or_default().to_vec() } else { Vec::new() },
            considered: considered.next().unwrap_or_default(),
        });
        let frozen = Self { dim, capacity, kept: kept.collect() };
        // before any is put into its place
        reader.check(frozen.check(|_| true))?;
        Ok(frozen)
    }
}

impl Kept {
    fn may_have_considered(&self) -> bool {
        !self.query.is_empty() || self.considered.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(suggestions: &Suggestions, id: u64) {
        suggestions.keep(
            id,
            Some(RouteId::from_packed(7)),
            &[RouteId::from_packed(7)],
            &Considered::default(),
            Some(|query: &mut [f16]| query.fill(f16::ONE)),
        );
    }

    #[test]
    fn a_suggestion_is_known_until_another_takes_its_place() {
        let suggestions = Suggestions::new(1, 3);
        keep(&suggestions, 1);
        let waiting = Suggested::Waiting { query: vec![f16::ONE], best: Some(RouteId::from_packed(7)) };
        assert_eq!(suggestions.find(1), waiting);
        suggestions.answer(1, 9, |_| ());
        suggestions.answer(1, 10, |_| panic!("it has one"));
        assert_eq!(suggestions.find(1), Suggested::Answered { trajectory: 9 });
        (2..=4).for_each(|id| keep(&suggestions, id));
        assert_eq!(suggestions.find(1), Suggested::Gone);
        assert_eq!(suggestions.find(4), waiting);
        suggestions.answer(1, 11, |_| panic!("it is gone"));
        assert!(suggestions.waits(4));
    }
}
