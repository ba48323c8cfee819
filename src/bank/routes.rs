//! Route prototypes: exact, instant, removable.
//!
//! p_k = normalise(PRIOR_WEIGHT a_k + sum over the times k was chosen of (r - (1 - r) / 2) x).
//! The sum is 64-bit fixed point over f16 queries, so adding and removing commute to the last bit.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::index::{GENERATIONS, LEAF, Leaf, MAX_ROUTES, RouteId, RouteIndex, RouteRow, SLOTS};
use super::pool::ArcPool;
use crate::error::{Result, SonaError};
use crate::simd::Kernels;
use crate::state::{Reader, Soundness, UNCOUNTABLE, Writer, all_unit, sound};

/// How many right answers the prior embedding counts for.
const PRIOR_WEIGHT: f64 = 3.0;

/// Bits after the point of an outcome in a prototype's sum.
const OUTCOME_BITS: u32 = 12;

/// Bits after the point of an outcome in a mean that is shown.
const QUALITY_BITS: u32 = 24;

/// Bits after the point of a query coordinate: every f16 of magnitude up to 1 is a whole multiple of 2^-24.
const QUERY_BITS: u32 = 24;

/// One more bit for the half below. A coordinate of 1 takes 2^26 right answers, 67 million, before it saturates; only
/// then does the order of outcomes begin to matter.
const SUM_SCALE: f64 = 1.0 / (1_u64 << (OUTCOME_BITS + 1 + QUERY_BITS)) as f64;

/// The most by which one outcome moves a coordinate of a sum: twice a query coordinate of 1, and the rounding that a unit
/// vector may have.
const FARTHEST: i64 = (2 << OUTCOME_BITS) * ((1 << QUERY_BITS) + (1 << (QUERY_BITS - 7)));

/// Other names that a route can have.
pub const MAX_ALIASES: usize = 64;

/// Rows kept for reuse beyond the published ones.
const SPARE: usize = 8;

/// Former versions kept of each leaf.
const SPARE_LEAVES: usize = 3;

/// Outcome as fixed point.
fn fixed(outcome: f32, bits: u32) -> i64 {
    (f64::from(outcome) * (1_u64 << bits) as f64).round() as i64
}

/// The weight r - (1 - r) / 2 = (3 r - 1) / 2 with one more bit after the point, exactly.
fn fixed_weight(outcome: i64) -> i64 {
    3 * outcome - (1 << OUTCOME_BITS)
}

/// Where a route's prior comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PriorFrom {
    /// It has none yet.
    Nowhere,
    /// The caller gave it.
    Caller,
    /// The query of an outcome of at least [`GOOD`], by the outcome's place in the order of all.
    Outcome(u64),
}

/// The outcome from which on a query can become the prior of a route that has none.
pub const GOOD: f32 = 0.5;

/// One route in a state, besides its vectors.
#[derive(Serialize, Deserialize)]
struct RouteEntry {
    id: u32,
    name: String,
    prior_from: PriorFrom,
    count: u64,
    quality: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
}

/// Outcomes of one route added up, to be taken back at once.
#[derive(Debug, Clone)]
pub struct OutcomeSum {
    sum: Box<[i64]>,
    count: u64,
    quality: i64,
}

impl OutcomeSum {
    /// Of no outcomes, for queries of `dim` numbers.
    pub fn new(dim: usize) -> Self {
        Self { sum: vec![0; dim].into(), count: 0, quality: 0 }
    }

    /// Numbers of a query.
    pub fn dim(&self) -> usize {
        self.sum.len()
    }

    /// Adds an outcome in [0, 1] for a unit query (f16-exact).
    pub fn add(&mut self, query: &[f32], outcome: f32) {
        self.count += 1;
        self.quality = self.quality.saturating_add(fixed(outcome, QUALITY_BITS));
        add_weighted(&mut self.sum, query, fixed_weight(fixed(outcome, OUTCOME_BITS)));
    }
}

/// sum += weight x query, in fixed point.
fn add_weighted(sum: &mut [i64], query: &[f32], weight: i64) {
    let scale = (1_u32 << QUERY_BITS) as f32;
    for (sum, x) in sum.iter_mut().zip(query) {
        *sum = sum.saturating_add(weight * i64::from((x * scale) as i32));
    }
}

#[derive(Debug, Clone)]
struct Route {
    prior: Option<Arc<[f32]>>,
    prior_from: PriorFrom,
    sum: Box<[i64]>,
    count: u64,
    /// Sum of outcomes, for their mean.
    quality: i64,
    metadata: Option<Arc<str>>,
    aliases: Arc<[Arc<str>]>,
    described: u64,
    row: Arc<RouteRow>,
}

/// The writer's side: sums of every route, and the index that readers get.
#[derive(Debug)]
pub struct RouteBook {
    dim: usize,
    learn: bool,
    /// By names and aliases.
    by_name: HashMap<Arc<str>, RouteId>,
    /// How many of these are aliases.
    aliases: usize,
    /// Shared with copies that are being written.
    routes: Vec<Option<Arc<Route>>>,
    generations: Vec<u32>,
    vacant: Vec<usize>,
    index: Arc<RouteIndex>,
    /// How often a route has been described.
    described: u64,
    rows: ArcPool<RouteRow>,
    /// One pool per leaf: a former version of the same leaf differs in a few rows only.
    leaves: Vec<ArcPool<Leaf>>,
    tops: ArcPool<RouteIndex>,
}

impl RouteBook {
    /// No routes. With `learn` off, prototypes stay at their priors while outcomes are still counted.
    pub fn new(dim: usize, learn: bool) -> Self {
        Self {
            dim,
            learn,
            by_name: HashMap::new(),
            aliases: 0,
            routes: Vec::new(),
            generations: Vec::new(),
            vacant: Vec::new(),
            index: Arc::default(),
            described: 0,
            rows: ArcPool::new(SPARE),
            leaves: Vec::new(),
            tops: ArcPool::new(SPARE),
        }
    }

    /// What readers should see now.
    pub fn index(&self) -> &Arc<RouteIndex> {
        &self.index
    }

    /// The id of a name or an alias.
    pub fn find(&self, name: &str) -> Option<RouteId> {
        self.by_name.get(name).copied()
    }

    /// The book as it is now, to be written while this one goes on. Costs a count per route.
    pub fn frozen(&self) -> Self {
        Self {
            routes: self.routes.clone(),
            generations: self.generations.clone(),
            vacant: self.vacant.clone(),
            index: self.index.clone(),
            ..Self::new(self.dim, self.learn)
        }
    }

    /// Bytes that the routes take, with what readers see of them.
    pub fn bytes(&self) -> usize {
        let of_route = |route: &Arc<Route>| {
            let Route { prior, sum, row, .. } = &**route;
            let vectors = size_of_val(&**sum) + size_of_val(&*row.prototype) + prior.as_deref().map_or(0, size_of_val);
            let aliases: usize = row.aliases.iter().map(|alias| alias.len()).sum();
            let words = row.name.len() + aliases + row.metadata.as_deref().map_or(0, str::len);
            size_of::<Route>() + size_of::<RouteRow>() + words + vectors
        };
        self.routes.iter().flatten().map(of_route).sum::<usize>()
            + size_of_val(&*self.routes)
            + size_of_val(&*self.generations)
            + size_of_val(&*self.vacant)
    }

    /// The id that the next new route gets. Errors speak of `argument`.
    ///
    /// # Errors
    /// [`SonaError::OutOfRange`] when there are [`MAX_ROUTES`] already.
    pub fn vacancy(&self, argument: &str) -> Result<RouteId> {
        if self.by_name.len() - self.aliases >= MAX_ROUTES {
            return Err(SonaError::out_of_range(argument, format!("at most {MAX_ROUTES} routes"), "one more"));
        }
        // a slot whose generations are used up stays empty, so that an id never comes to name another route
        let slot = self.vacant.last().copied().unwrap_or(self.routes.len());
        if slot >= SLOTS {
            return Err(SonaError::out_of_range(argument, "fewer than a billion routes added and removed", "one more"));
        }
        Ok(RouteId::new(slot, self.generations.get(slot).copied().unwrap_or_default()))
    }

    /// Adds a route, or replaces the prior of a known one; what it learned stays. `prior` is a unit vector, errors
    /// speak of `argument`.
    ///
    /// # Errors
    /// [`SonaError::OutOfRange`] when there are [`MAX_ROUTES`] already.
    pub fn add(&mut self, kernels: &Kernels, argument: &str, name: &str, prior: Option<&[f32]>) -> Result<RouteId> {
        if let Some(id) = self.find(name) {
            if let Some(prior) = prior {
                let route = self.route_mut(id.slot()).expect("a named route has its slot filled");
                route.prior = Some(prior.into());
                route.prior_from = PriorFrom::Caller;
                self.publish_row(kernels, id);
            }
            return Ok(id);
        }
        let id = self.vacancy(argument)?;
        self.vacant.pop();
        if id.slot() == self.routes.len() {
            self.routes.push(None);
            self.generations.push(0);
        }
        let prior_from = prior.map_or(PriorFrom::Nowhere, |_| PriorFrom::Caller);
        self.insert(id, name.into(), prior.map(Into::into), prior_from);
        self.publish_row(kernels, id);
        Ok(id)
    }

    /// Keeps metadata with a route; an id of a removed route changes nothing.
    pub fn describe(&mut self, kernels: &Kernels, id: RouteId, metadata: &Arc<str>) {
        let described = self.described + 1;
        if let Some(route) = self.existing(id) {
            route.metadata = Some(metadata.clone());
            route.described = described;
            self.described = described;
            self.publish_row(kernels, id);
        }
    }

    /// Refuses aliases that name another route or that are too many or empty. `id`: the route that they are for, if it is there yet;
    /// `name`: its name. Errors speak of `argument`.
    ///
    /// # Errors
    /// [`SonaError::OutOfRange`], [`SonaError::InvalidArgument`].
    pub fn check_aliases(
        &self,
        argument: &str,
        id: Option<RouteId>,
        name: &str,
        aliases: &[impl AsRef<str>],
    ) -> Result<()> {
        if aliases.len() > MAX_ALIASES {
            return Err(SonaError::out_of_range(argument, format!("at most {MAX_ALIASES}"), aliases.len()));
        }
        for (n, alias) in aliases.iter().map(AsRef::as_ref).enumerate() {
            let argument = format!("{argument}[{n}]");
            if alias.is_empty() {
                return Err(SonaError::out_of_range(&argument, "a name of at least one character", "an empty one"));
            }
            let is_other = self.find(alias).is_some_and(|other| Some(other) != id);
            let twice = aliases[..n].iter().any(|earlier| earlier.as_ref() == alias);
            if is_other || twice || alias == name {
                return Err(SonaError::invalid_argument(
                    &argument,
                    "a name that is not a route's name or alias already, once",
                    alias,
                ));
            }
        }
        Ok(())
    }

    /// Gives a route these other names, which have been [checked](Self::check_aliases), in place of those that it had; an id of a
    /// removed route changes nothing.
    pub fn alias(&mut self, kernels: &Kernels, id: RouteId, aliases: &Arc<[Arc<str>]>) {
        let described = self.described + 1;
        let Some(route) = self.existing(id) else { return };
        let former = std::mem::replace(&mut route.aliases, aliases.clone());
        route.described = described;
        self.described = described;
        self.drop_names(&former);
        self.aliases += aliases.len();
        self.by_name.extend(aliases.iter().map(|alias| (alias.clone(), id)));
        self.publish_row(kernels, id);
    }

    fn drop_names(&mut self, aliases: &[Arc<str>]) {
        self.aliases -= aliases.len();
        for alias in aliases {
            self.by_name.remove(alias);
        }
    }

    /// Fills an empty place with a route that has seen nothing.
    fn insert(&mut self, id: RouteId, name: Arc<str>, prior: Option<Arc<[f32]>>, prior_from: PriorFrom) {
        let row = RouteRow {
            id,
            name: name.clone(),
            metadata: None,
            aliases: Arc::default(),
            described: 0,
            prototype: vec![0.0; self.dim].into(),
            prior: None,
            length: 0.0,
            ranked: false,
            count: 0,
            avg_quality: 0.0,
        };
        let sum = vec![0; self.dim].into();
        self.routes[id.slot()] = Some(Arc::new(Route {
            prior,
            prior_from,
            sum,
            count: 0,
            quality: 0,
            metadata: None,
            aliases: Arc::default(),
            described: 0,
            row: Arc::new(row),
        }));
        self.by_name.insert(name, id);
    }

    /// Removes a route and what it learned. Its id is never issued again for another one.
    pub fn remove(&mut self, id: RouteId) -> bool {
        if self.index.get(id).is_none() {
            return false;
        }
        let slot = id.slot();
        let route = self.routes[slot].take().expect("an indexed route has its slot filled");
        self.by_name.remove(&route.row.name);
        self.drop_names(&route.aliases);
        self.generations[slot] = id.generation() + 1;
        if self.generations[slot] < GENERATIONS {
            self.vacant.push(slot);
        }
        self.replace(slot, None, route.row.ranked, false);
        true
    }

    /// Counts one outcome in [0, 1] of a route for a unit query (f16-exact) and publishes its new row. `sequence` is
    /// the outcome's place in the order of all. An id of a removed route changes nothing.
    pub fn record(&mut self, kernels: &Kernels, id: RouteId, query: &[f32], outcome: f32, sequence: u64) {
        if let Some(route) = self.existing(id) {
            if route.prior.is_none() && outcome >= GOOD {
                route.prior = Some(query.into());
                route.prior_from = PriorFrom::Outcome(sequence);
            }
            self.change(kernels, id, query, None, Some(outcome));
        }
    }

    /// Replaces an outcome that was counted: the sums are those of the other order to the last bit.
    pub fn amend(&mut self, kernels: &Kernels, id: RouteId, query: &[f32], from: f32, to: f32) {
        self.change(kernels, id, query, Some(from), Some(to));
    }

    /// Takes back all that was added up; an id of a removed route changes nothing.
    pub fn take_back_all(&mut self, kernels: &Kernels, id: RouteId, taken: &OutcomeSum) {
        let learn = self.learn;
        let Some(route) = self.existing(id) else { return };
        route.count = route.count.saturating_sub(taken.count);
        route.quality = route.quality.saturating_sub(taken.quality);
        if learn {
            for (sum, taken) in route.sum.iter_mut().zip(&taken.sum) {
                *sum = sum.saturating_sub(*taken);
            }
        }
        self.publish_row(kernels, id);
    }

    /// Where the prior of a route comes from; none for a removed one.
    pub fn prior_from(&self, id: RouteId) -> Option<PriorFrom> {
        self.index.get(id)?;
        self.routes[id.slot()].as_ref().map(|route| route.prior_from)
    }

    /// Replaces a prior that was taken from a query: by the query of another outcome, or by none.
    pub fn learn_prior(&mut self, kernels: &Kernels, id: RouteId, prior: Option<(u64, &[f32])>) {
        if let Some(route) = self.existing(id) {
            route.prior = prior.map(|(_, query)| query.into());
            route.prior_from = prior.map_or(PriorFrom::Nowhere, |(sequence, _)| PriorFrom::Outcome(sequence));
            self.publish_row(kernels, id);
        }
    }

    /// Whether an id has been issued, for a route that exists or one that has been removed.
    pub fn was_issued(&self, id: RouteId) -> bool {
        let slot = id.slot();
        let exists = self.routes.get(slot).is_some_and(Option::is_some);
        self.generations.get(slot).is_some_and(|&next| id.generation() < next || exists && id.generation() == next)
    }

    /// Whether the priors come from outcomes up to `last`, the sums count the outcomes that are `held` and can be taken back,
    /// and every place has a route, can have another, or is used up.
    pub fn check(&self, last: u64, held: &BTreeMap<RouteId, OutcomeSum>) -> Soundness {
        let routes = || self.routes.iter().flatten().map(Arc::as_ref);
        sound("routes", routes().count() <= MAX_ROUTES, format_args!("at most {MAX_ROUTES} routes"))?;
        sound("generations", self.generations.len() <= SLOTS, format_args!("at most {SLOTS} places"))?;
        let counted = |route: &Route| route.count < UNCOUNTABLE && self.counts(route, held.get(&route.row.id));
        sound("routes", routes().all(counted), "sums of the outcomes that are held and of others from 0 to 1")?;
        let origin = |route: &Route| match route.prior_from {
            PriorFrom::Nowhere => route.prior.is_none(),
            PriorFrom::Caller => route.prior.is_some(),
            PriorFrom::Outcome(sequence) => route.prior.is_some() && (1..=last).contains(&sequence),
        };
        sound("routes", routes().all(origin), "priors from outcomes that there were")?;
        let names = || routes().flat_map(|route| std::iter::once(&route.row.name).chain(&*route.aliases));
        let different = names().collect::<HashSet<_>>().len() == names().count();
        let few = routes().all(|route| route.aliases.len() <= MAX_ALIASES);
        sound("routes", different && few && names().all(|name| !name.is_empty()), "names and aliases that differ")?;
        let described = |route: &Route| route.metadata.as_deref().is_none_or(is_object);
        sound("routes", routes().all(described), "metadata that is a JSON object")?;
        let unit = |route: &Route| route.prior.as_deref().is_none_or(|prior| all_unit(prior, self.dim));
        sound("priors", routes().all(unit), "unit vectors")?;
        let vacant: HashSet<usize> = self.vacant.iter().copied().collect();
        sound("vacant", vacant.len() == self.vacant.len(), "different places")?;
        let place = |(slot, &generation): (usize, &u32)| match (&self.routes[slot], vacant.contains(&slot)) {
            (Some(_), vacant) => !vacant && generation < GENERATIONS,
            (None, true) => generation < GENERATIONS,
            (None, false) => generation == GENERATIONS,
        };
        let places = self.vacant.iter().all(|&slot| slot < self.generations.len());
        let all = places && self.generations.iter().enumerate().all(place);
        sound("vacant", all, "the places that are free and not used up")?;
        sound("removed", self.index.removed < UNCOUNTABLE, "a count")
    }

    /// Whether outcomes in [0, 1] can add up to what is left of a route without those that are held.
    fn counts(&self, route: &Route, held: Option<&OutcomeSum>) -> bool {
        let (count, quality) = held.map_or((0, 0), |held| (held.count, held.quality));
        let Some(left) = route.count.checked_sub(count) else { return false };
        let left = i64::try_from(left).unwrap_or(i64::MAX);
        let held = held.filter(|_| self.learn).map(|held| &held.sum);
        let farthest = if self.learn { left.saturating_mul(FARTHEST) } else { 0 };
        let within = |(n, sum): (usize, &i64)| {
            let rest = sum.saturating_sub(held.map_or(0, |held| held[n]));
            (-farthest..=farthest).contains(&rest)
        };
        (0..=left.saturating_mul(1 << QUALITY_BITS)).contains(&route.quality.saturating_sub(quality))
            && route.sum.iter().enumerate().all(within)
    }

    /// Writes every route with its sums.
    pub fn save(&self, writer: &mut Writer<'_>) {
        let routes: Vec<&Route> = self.routes.iter().flatten().map(Arc::as_ref).collect();
        let entries: Vec<RouteEntry> = routes
            .iter()
            .map(|route| RouteEntry {
                id: route.row.id.packed(),
                name: route.row.name.to_string(),
                prior_from: route.prior_from,
                count: route.count,
                quality: route.quality,
                metadata: route.metadata.as_deref().map(str::to_owned),
                aliases: route.aliases.iter().map(|alias| alias.to_string()).collect(),
            })
            .collect();
        let priors: Vec<f32> = routes.iter().filter_map(|route| route.prior.as_deref()).flatten().copied().collect();
        let sums: Vec<i64> = routes.iter().flat_map(|route| route.sum.iter().copied()).collect();
        writer.value("routes", &entries);
        writer.tensor("priors", &[priors.len() / self.dim, self.dim], &priors);
        writer.tensor("sums", &[routes.len(), self.dim], &sums);
        writer.value("generations", &self.generations);
        writer.value("vacant", &self.vacant);
        writer.value("removed", &self.index.removed);
    }

    /// Reads into a book without routes; ask whether it is [sound](Self::check).
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(&mut self, kernels: &Kernels, reader: &Reader<'_>) -> Result<()> {
        let entries: Vec<RouteEntry> = reader.value("routes")?;
        let sums: Vec<i64> = reader.tensor("sums", &[entries.len(), self.dim])?;
        let with_prior = entries.iter().filter(|entry| entry.prior_from != PriorFrom::Nowhere).count();
        let priors: Vec<f32> = reader.tensor("priors", &[with_prior, self.dim])?;
        self.generations = reader.value("generations")?;
        self.vacant = reader.value("vacant")?;
        let slots = self.generations.len();
        reader.ensure("generations", slots <= SLOTS, format_args!("at most {SLOTS} places"))?;
        self.routes.resize_with(slots, || None);
        let mut priors = priors.chunks_exact(self.dim);
        let mut aliased = Vec::new();
        for (entry, sum) in entries.into_iter().zip(sums.chunks_exact(self.dim)) {
            let id = RouteId::from_packed(entry.id);
            let free = id.slot() < slots && self.routes[id.slot()].is_none();
            let issued = free && self.generations[id.slot()] == id.generation();
            reader.ensure("routes", issued, "ids of places of their own")?;
            let fresh = !entry.name.is_empty() && self.find(&entry.name).is_none();
            reader.ensure("routes", fresh, "names that differ")?;
            let prior = (entry.prior_from != PriorFrom::Nowhere).then(|| priors.next().unwrap_or_default().into());
            self.insert(id, entry.name.into(), prior, entry.prior_from);
            let route = self.route_mut(id.slot()).expect("the route was inserted");
            (route.sum, route.count, route.quality) = (sum.into(), entry.count, entry.quality);
            self.publish_row(kernels, id);
            if let Some(metadata) = entry.metadata {
                self.describe(kernels, id, &metadata.into());
            }
            if !entry.aliases.is_empty() {
                aliased.push((id, entry.aliases));
            }
        }
        for (id, aliases) in aliased {
            let row = self.index.get(id).cloned();
            let checked = row.map(|row| self.check_aliases("aliases", Some(id), &row.name, &aliases));
            reader.ensure(
                "routes",
                checked.is_some_and(|checked| checked.is_ok()),
                "aliases that no other route has",
            )?;
            self.alias(kernels, id, &aliases.into_iter().map(Arc::from).collect());
        }
        let mut index = (*self.index).clone();
        index.removed = reader.value("removed")?;
        self.index = Arc::new(index);
        Ok(())
    }

    fn existing(&mut self, id: RouteId) -> Option<&mut Route> {
        self.index.get(id)?;
        self.route_mut(id.slot())
    }

    /// A route of one's own: one that is shared with a copy that is being written is copied first.
    fn route_mut(&mut self, slot: usize) -> Option<&mut Route> {
        self.routes[slot].as_mut().map(Arc::make_mut)
    }

    /// Takes one outcome out and puts another in, where there are such.
    fn change(&mut self, kernels: &Kernels, id: RouteId, query: &[f32], out: Option<f32>, into: Option<f32>) {
        let learn = self.learn;
        let Some(route) = self.existing(id) else { return };
        let quality = |outcome: Option<f32>| outcome.map_or(0, |outcome| fixed(outcome, QUALITY_BITS));
        let weight = |outcome: Option<f32>| outcome.map_or(0, |outcome| fixed_weight(fixed(outcome, OUTCOME_BITS)));
        route.count = (route.count + u64::from(into.is_some())).saturating_sub(u64::from(out.is_some()));
        route.quality = route.quality.saturating_add(quality(into) - quality(out));
        if learn {
            add_weighted(&mut route.sum, query, weight(into) - weight(out));
        }
        self.publish_row(kernels, id);
    }

    fn publish_row(&mut self, kernels: &Kernels, id: RouteId) {
        let slot = id.slot();
        let (dim, learn) = (self.dim, self.learn);
        let route = self.routes[slot].as_mut().map(Arc::make_mut).expect("only existing routes are published");
        let name = route.row.name.clone();
        let row = self.rows.publish(
            || RouteRow {
                id,
                name: name.clone(),
                metadata: None,
                aliases: Arc::default(),
                described: 0,
                prototype: vec![0.0; dim].into(),
                prior: None,
                length: 0.0,
                ranked: false,
                count: 0,
                avg_quality: 0.0,
            },
            |row| {
                row.id = id;
                row.name = name.clone();
                row.metadata.clone_from(&route.metadata);
                row.aliases.clone_from(&route.aliases);
                row.prior.clone_from(&route.prior);
                row.described = route.described;
                row.ranked = route.prior.is_some();
                row.count = route.count;
                row.avg_quality = match route.count {
                    0 => 0.0,
                    count => route.quality as f64 / (1_u64 << QUALITY_BITS) as f64 / count as f64,
                };
                let length = write_prototype(kernels, route.prior.as_deref(), &route.sum, &mut row.prototype);
                row.length = if learn { length } else { 0.0 };
            },
        );
        let before = std::mem::replace(&mut route.row, row.clone());
        let (was, is) = (before.ranked && self.index.get(id).is_some(), row.ranked);
        self.replace(slot, Some(row), was, is);
        self.rows.retire(before);
    }

    /// Puts a row into a fresh leaf and a fresh top, both taken from their pools.
    fn replace(&mut self, slot: usize, row: Option<Arc<RouteRow>>, was_ranked: bool, is_ranked: bool) {
        let at = slot / LEAF;
        let current = self.index.clone();
        let removed = u64::from(row.is_none());
        if self.leaves.len() <= at {
            self.leaves.resize_with(at + 1, || ArcPool::new(SPARE_LEAVES));
        }
        let leaf = self.leaves[at].publish(Leaf::default, |leaf| {
            let rows = current.leaves.get(at).map_or(&[][..], |leaf| &leaf.rows);
            adopt(&mut leaf.rows, rows, |a, b| match (a, b) {
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                (None, None) => true,
                _ => false,
            });
            if leaf.rows.len() <= slot % LEAF {
                leaf.rows.resize(slot % LEAF + 1, None);
            }
            leaf.rows[slot % LEAF] = row;
        });
        let top = self.tops.publish(RouteIndex::default, |top| {
            adopt(&mut top.leaves, &current.leaves, Arc::ptr_eq);
            if top.leaves.len() <= at {
                top.leaves.resize(at + 1, Arc::default());
            }
            top.leaves[at] = leaf;
            top.ranked = current.ranked + usize::from(is_ranked) - usize::from(was_ranked);
            top.removed = current.removed + removed;
        });
        if let Some(leaf) = current.leaves.get(at) {
            self.leaves[at].retire(leaf.clone());
        }
        drop(current);
        let before = std::mem::replace(&mut self.index, top);
        self.tops.retire(before);
    }
}

/// Whether a text is a JSON object, as metadata is.
pub fn is_object(text: &str) -> bool {
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok()
}

/// Makes `into` equal `from`, touching only the entries that differ: a shared count costs an atomic each.
fn adopt<T: Clone>(into: &mut Vec<T>, from: &[T], same: impl Fn(&T, &T) -> bool) {
    into.truncate(from.len());
    let known = into.len();
    for (old, new) in into.iter_mut().zip(from) {
        if !same(old, new) {
            *old = new.clone();
        }
    }
    into.extend_from_slice(&from[known..]);
}

/// Writes the unit prototype and returns the length of the sum; zeros without a prior.
fn write_prototype(kernels: &Kernels, prior: Option<&[f32]>, sum: &[i64], out: &mut [f32]) -> f32 {
    let Some(prior) = prior else {
        out.fill(0.0);
        return 0.0;
    };
    for ((out, &prior), &sum) in out.iter_mut().zip(prior).zip(sum) {
        *out = (PRIOR_WEIGHT * f64::from(prior) + sum as f64 * SUM_SCALE) as f32;
    }
    let norm = kernels.dot(out, out).sqrt();
    if norm > 0.0 {
        out.iter_mut().for_each(|value| *value /= norm);
    } else {
        // failures alone can cancel a prior exactly; the prior is then the best that is known
        out.copy_from_slice(prior);
    }
    norm
}

#[cfg(test)]
mod tests;
