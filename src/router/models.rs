//! Which models there are, under which numbers and names; which one a new one is like.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::ModelId;
use super::model::Model;
use super::price::{PROMPT_TOKENS, Price};
use crate::error::{Result, SonaError};

/// Most models of one router.
pub const MOST_MODELS: usize = 1_000;

/// Models that have been removed and are remembered: whoever was given one a moment before may ask what it is.
const REMEMBERED: usize = 64;

/// The models of a router. A copy shares what is large.
#[derive(Debug, Clone, Default)]
pub struct Models {
    /// In the order of their numbers.
    list: Vec<(u32, Arc<Model>)>,
    /// Name of every model that there ever was, by its number.
    names: Arc<Vec<Arc<str>>>,
    /// The number of each name that a model has now.
    numbers: Arc<HashMap<Arc<str>, u32>>,
    /// Those that were removed last, newest at the end. No state holds them.
    removed: Arc<VecDeque<(u32, Arc<Model>)>>,
}

impl Models {
    /// As they were. `None` when numbers and names do not belong together.
    pub fn restore(list: Vec<(u32, Arc<Model>)>, names: Vec<Arc<str>>) -> Option<Self> {
        let known = |(uid, model): &(u32, Arc<Model>)| names.get(*uid as usize).is_some_and(|name| *name == model.id);
        let in_order = list.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let numbers: HashMap<_, _> = list.iter().map(|(uid, model)| (model.id.clone(), *uid)).collect();
        let sound = in_order && list.len() <= MOST_MODELS && list.iter().all(known) && numbers.len() == list.len();
        let (names, numbers) = (Arc::new(names), Arc::new(numbers));
        sound.then(|| Self { list, names, numbers, removed: Arc::default() })
    }

    /// All, in the order in which they came.
    pub fn list(&self) -> &[(u32, Arc<Model>)] {
        &self.list
    }

    /// Name of every model that there ever was, by its number.
    pub fn names(&self) -> &Arc<Vec<Arc<str>>> {
        &self.names
    }

    /// The name of a number, which must have been given out.
    pub fn name(&self, uid: u32) -> &Arc<str> {
        &self.names[uid as usize]
    }

    /// The name of a number for people.
    pub fn name_of(&self, model: ModelId) -> String {
        self.names.get(model.0 as usize).map_or_else(|| model.0.to_string(), |name| name.to_string())
    }

    /// One that is there.
    pub fn get(&self, uid: u32) -> Option<&Arc<Model>> {
        let at = self.list.binary_search_by_key(&uid, |(uid, _)| *uid).ok()?;
        Some(&self.list[at].1)
    }

    /// One that is there, or was among the last to be removed; of an older one only its name is known. None for a number that
    /// has not been given out.
    pub fn recall(&self, uid: u32) -> Option<Arc<Model>> {
        let removed = || self.removed.iter().rev().find(|(gone, _)| *gone == uid).map(|(_, model)| model);
        let named = || Some(Arc::new(Model::new(self.names.get(uid as usize)?.clone())));
        self.get(uid).or_else(removed).cloned().or_else(named)
    }

    /// The number of a name.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_MODEL`.
    pub fn find(&self, argument: &str, name: &str) -> Result<u32> {
        let unknown = || SonaError::UnknownModel { argument: argument.into(), got: name.into() };
        self.numbers.get(name).copied().ok_or_else(unknown)
    }

    /// Refuses a number that no model has.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_MODEL`.
    pub fn check(&self, argument: &str, model: ModelId) -> Result<()> {
        match self.get(model.0) {
            Some(_) => Ok(()),
            None => Err(SonaError::UnknownModel { argument: argument.into(), got: self.name_of(model) }),
        }
    }

    /// The number that a model has now, should it have been removed and come back since.
    pub fn current(&self, uid: u32) -> u32 {
        self.numbers.get(self.name(uid)).copied().unwrap_or(uid)
    }

    /// Refuses a model that can't be added.
    ///
    /// # Errors
    /// `SONA_INVALID_ARGUMENT` for a name that is taken, `SONA_OUT_OF_RANGE` for one too many; those of [`Model::check`];
    /// `SONA_UNKNOWN_MODEL` for a sibling that is not there.
    pub fn check_new(&self, argument: &str, model: &Model) -> Result<()> {
        model.check(argument)?;
        if let Some(like) = &model.prior.like {
            self.find(&format!("{argument}.prior.like"), like)?;
        }
        self.check_room(argument, &model.id)
    }

    /// Refuses a name that is taken, and one too many.
    pub fn check_room(&self, argument: &str, name: &str) -> Result<()> {
        if self.numbers.contains_key(name) {
            let expected = "a name that no other model of this router has";
            return Err(SonaError::invalid_argument(&format!("{argument}.id"), expected, format!("{name:?} again")));
        }
        if self.list.len() >= MOST_MODELS {
            let expected = format!("at most {MOST_MODELS} models");
            return Err(SonaError::out_of_range("models", expected, MOST_MODELS + 1));
        }
        match u32::try_from(self.names.len()) {
            Ok(_) => Ok(()),
            Err(_) => Err(SonaError::Internal("model numbers are used up".into())),
        }
    }

    /// Adds one that was checked; its number.
    pub fn insert(&mut self, model: Arc<Model>) -> u32 {
        let uid = self.names.len() as u32;
        Arc::make_mut(&mut self.names).push(model.id.clone());
        Arc::make_mut(&mut self.numbers).insert(model.id.clone(), uid);
        self.list.push((uid, model));
        uid
    }

    /// Takes one away.
    pub fn remove(&mut self, uid: u32) {
        if let Ok(at) = self.list.binary_search_by_key(&uid, |(uid, _)| *uid) {
            let (_, model) = self.list.remove(at);
            Arc::make_mut(&mut self.numbers).remove(&model.id);
            let removed = Arc::make_mut(&mut self.removed);
            if removed.len() == REMEMBERED {
                removed.pop_front();
            }
            removed.push_back((uid, model));
        }
    }

    /// Another price.
    pub fn set_price(&mut self, uid: u32, price: Price) {
        if let Ok(at) = self.list.binary_search_by_key(&uid, |(uid, _)| *uid) {
            Arc::make_mut(&mut self.list[at].1).price = price;
        }
    }

    /// The one with the most tags in common, and of several the one with the nearest price.
    pub fn nearest_sibling(&self, uid: u32) -> Option<u32> {
        let model = self.get(uid)?;
        let price = |model: &Model| model.price.of_call(PROMPT_TOKENS).map_or(0.0, f64::ln);
        let others = self.list.iter().filter(|(other, _)| *other != uid);
        let related = others.filter_map(|(other, sibling)| {
            let kinship = model.kinship(sibling);
            (kinship > 0.0).then(|| (kinship, -(price(model) - price(sibling)).abs(), *other))
        });
        related.max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))).map(|(_, _, other)| other)
    }
}
