//! The router as programs see it: its locks, its calls, and the order in which changes are applied.
//!
//! Two locks, always taken in this order: what is known (outcomes, models, merging), then the ledger (decisions). Whoever routes
//! reads what was published and takes the ledger's alone, which nobody holds for longer than it takes to note something. A
//! change is planned under the first, noted under the second, which numbers it, and then committed; what can fail is planned.

mod feedback;
mod fit;
#[cfg(feature = "durable")]
mod keeper;
mod log;
mod models;
#[cfg(feature = "durable")]
mod open;
mod route;
mod shared;
mod state;
mod stats;

use std::sync::Arc;
#[cfg(feature = "durable")]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};

#[cfg(feature = "durable")]
pub use keeper::OpenReport;
#[cfg(feature = "durable")]
pub use open::{DurabilityStats, OpenOptions, OpenedRouter};
pub use state::Resume;
pub use stats::{Memory, ModelStats, RouterStats};

use super::change::{Change, FITS, Knowledge, Origin};
use super::event::{Event, Events};
use super::features::Basis;
use super::ledger::{Account, Ledger};
use super::model::Model;
use super::policy::{Arm, View};
use super::posterior::Prompts;
use super::time::{Clock, Now, Reading};
use super::{DecisionId, FEATURES, ModelId};
use crate::check;
use crate::chunks::Chunks;
use crate::config::{Background, RouterConfig};
use crate::error::{Result, SonaError};
use crate::identity::Incarnation;
use crate::patient::Patient;
use crate::simd::Kernels;
use crate::state::EmbedderId;

/// How long closing a router waits for a disk that refuses, in milliseconds.
#[cfg(feature = "durable")]
const CLOSE_MS: u64 = 1_000;

/// Told of every change, in the order in which they are applied.
type Watcher = Box<dyn FnMut(&Change) + Send>;

/// Routes prompts to models and learns from outcomes. All methods take `&self` and may be called from any thread. Whoever
/// routes waits for nobody who learns. Times are milliseconds of two clocks; one number stands for both.
///
/// ```
/// use sona::{Model, Outcome, Request, RouterConfig, SonaRouter};
/// let config = RouterConfig { dim: 2, ..RouterConfig::default() };
/// let router = SonaRouter::new(config, vec![Model::new("small"), Model::new("large")], None, "a")?;
/// for n in 0..200 {
///     let decision = router.route(&[0.6, 0.8], &Request::default(), n)?;
///     let name = router.name(decision.choice().model).unwrap();
///     let quality = if &*name == "large" { 0.9 } else { 0.4 };
///     router.feedback(decision.id, &Outcome { quality: Some(quality), ..Outcome::default() }, n)?;
/// }
/// let decision = router.route(&[0.6, 0.8], &Request::default(), 200)?;
/// assert_eq!(&*router.name(decision.choice().model).unwrap(), "large");
/// # Ok::<(), sona::SonaError>(())
/// ```
pub struct SonaRouter {
    config: Arc<RouterConfig>,
    kernels: &'static Kernels,
    clock: Clock,
    /// What decisions are made from.
    published: ArcSwap<View>,
    /// The prompts so far, as they were when they were last asked for.
    prompts: Mutex<Arc<Prompts>>,
    knowledge: Patient<Knowledge>,
    ledger: Mutex<Ledger>,
    watcher: Mutex<Option<Watcher>>,
    watched: AtomicBool,
    events: Events,
    /// Another name that it goes on under with the next change.
    renamed: Mutex<Option<Arc<str>>>,
    /// What keeps it in a directory, where it was opened in one.
    #[cfg(feature = "durable")]
    keeper: OnceLock<keeper::Keeper>,
    closed: AtomicBool,
}

impl SonaRouter {
    /// A router that has learned nothing. Without a `basis` one is fitted to the prompts that come. `origin` names it among
    /// those whose states are merged.
    ///
    /// # Errors
    /// `SONA_INVALID_CONFIG` for a setting, or a basis for vectors of another length; `SONA_OUT_OF_RANGE` and
    /// `SONA_INVALID_ARGUMENT` for a model, a name twice, or more than 1,000.
    pub fn new(config: RouterConfig, models: Vec<Model>, basis: Option<Arc<Basis>>, origin: &str) -> Result<Self> {
        config.check()?;
        if let Some(basis) = basis.as_ref().filter(|basis| basis.dim() != config.dim) {
            let expected = format!("a basis for features.dim = {}", config.dim);
            return Err(SonaError::invalid_config("features.basis", expected, format!("one for {}", basis.dim())));
        }
        check_first(&models)?;
        let incarnation = Incarnation::fresh();
        let config = Arc::new(config);
        let fits = basis.is_none().then_some(FITS[0]);
        let ledger = Ledger::new(&config, incarnation, fits);
        let mut knowledge = Knowledge::new(config, basis, Origin::new(origin.into(), 0, incarnation));
        knowledge.add_first(models.into_iter().map(Arc::new).collect());
        Ok(Self::with(knowledge, ledger, Clock::default(), None))
    }

    fn with(knowledge: Knowledge, ledger: Ledger, clock: Clock, renamed: Option<Arc<str>>) -> Self {
        Self {
            config: knowledge.config.clone(),
            kernels: knowledge.kernels,
            clock,
            published: ArcSwap::from_pointee(view(&knowledge, None, None)),
            prompts: Mutex::new(Arc::new(knowledge.posterior.prompts())),
            knowledge: Patient::new(knowledge),
            ledger: Mutex::new(ledger),
            watcher: Mutex::default(),
            watched: AtomicBool::new(false),
            events: Events::default(),
            renamed: Mutex::new(renamed),
            #[cfg(feature = "durable")]
            keeper: OnceLock::new(),
            closed: AtomicBool::new(false),
        }
    }

    /// Its settings.
    pub fn config(&self) -> &RouterConfig {
        &self.config
    }

    /// The incarnation that issues ids of decisions.
    pub fn incarnation(&self) -> Incarnation {
        self.ledger.lock().incarnation()
    }

    /// The name of a model, also of one that has been removed.
    pub fn name(&self, id: ModelId) -> Option<Arc<str>> {
        self.published.load().models.names().get(id.0 as usize).cloned()
    }

    /// The basis of now.
    pub fn basis(&self) -> Arc<Basis> {
        self.published.load().basis.clone()
    }

    /// Says whose vectors these are; it is kept with the state. Another embedder's would mean nothing to what was learned.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_INVALID_ARGUMENT`; `SONA_INCOMPATIBLE_STATE` where another one was named before;
    /// `SONA_CLOSED`.
    pub fn set_embedder(&self, embedder: EmbedderId) -> Result<()> {
        let mut knowledge = self.know()?;
        let mut known = knowledge.embedder.clone();
        EmbedderId::settle(&mut known, embedder.clone(), self.config.dim)?;
        if known != knowledge.embedder {
            self.apply_to(&mut knowledge, Change::Embedder(embedder));
        }
        Ok(())
    }

    /// Whose vectors these are, once it was said.
    pub fn embedder(&self) -> Option<EmbedderId> {
        self.knowledge.lock().embedder.clone()
    }

    /// Whether something has happened since the last call of [`take_events`](Self::take_events).
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// What has happened since the last call.
    pub fn take_events(&self) -> Vec<Event> {
        self.events.take()
    }

    /// What the policy would do now at logged features (n x 128): its propensities among the eligible models of each row,
    /// `eligible` and the result n x the number of `names`, which differ. A model that has been removed has 0. None where the hash of
    /// the basis of now is not `basis`.
    ///
    /// # Errors
    /// `SONA_DIM_MISMATCH`, `SONA_CLOSED`.
    pub fn propensities(
        &self,
        basis: u64,
        names: &[String],
        features: &[f32],
        eligible: &[bool],
    ) -> Result<Option<Vec<f64>>> {
        self.check_open()?;
        let view = self.published.load();
        let (rows, rest) = features.as_chunks::<{ 2 * FEATURES }>();
        let expected = rows.len() * names.len();
        if !rest.is_empty() || eligible.len() != expected {
            return Err(SonaError::DimMismatch { argument: "features".into(), expected, got: eligible.len() });
        }
        if view.basis.hash() != basis {
            return Ok(None);
        }
        let place = |name: &String| view.uids.binary_search(&view.models.find("eligible", name).ok()?).ok();
        let places: Vec<Option<usize>> = names.iter().map(place).collect();
        let mut all = Vec::with_capacity(expected);
        for (z, eligible) in rows.iter().zip(eligible.chunks_exact(names.len().max(1))) {
            let mut mask = vec![false; view.arms.len()];
            for (place, eligible) in places.iter().zip(eligible) {
                if let Some(place) = *place {
                    mask[place] |= eligible;
                }
            }
            let propensities = view.propensities_at(z, &mask);
            let of = |(place, eligible): (&Option<usize>, &bool)| {
                place.filter(|_| *eligible).map_or(0.0, |at| propensities[at])
            };
            all.extend(places.iter().zip(eligible).map(of));
        }
        Ok(Some(all))
    }

    /// Tells `watcher` every change from now on, in the order in which they are applied: a journal of them, applied to a copy of
    /// the state of now by [`apply`](Self::apply), leads to the same state. It is called under a lock: it must be quick, and
    /// not call the router.
    pub fn watch_changes(&self, watcher: impl FnMut(&Change) + Send + 'static) {
        *self.watcher.lock() = Some(Box::new(watcher));
        self.watched.store(true, Ordering::SeqCst);
    }

    /// Applies a change that another router with the same state has made, which is checked as a live call is.
    ///
    /// # Errors
    /// `SONA_INVALID_ARGUMENT` for one that does not follow from this state, and those of the call that makes such a change; then
    /// nothing has changed. `SONA_CLOSED`.
    pub fn apply(&self, change: &Change) -> Result<()> {
        let mut knowledge = self.know()?;
        let mut ledger = self.ledger.lock();
        change.check(&knowledge, &ledger)?;
        match change {
            // in the same lock: whoever routes takes the next number
            Change::Decided(decided, reading) if ledger.beginning().is_none() => {
                self.note_decision(&mut ledger, decided.clone(), *reading);
            }
            change => {
                drop(ledger);
                self.apply_to(&mut knowledge, change.clone());
            }
        }
        Ok(())
    }

    /// Refuses every later call. One that was opened in a directory writes what is not there yet, and lets go of it: as
    /// [`close_durable`](Self::close_durable), with a second of patience.
    #[cfg(feature = "durable")]
    pub fn close(&self) {
        // it is closed whatever becomes of it, and who wants to know asks by another name
        let _ = self.close_durable(CLOSE_MS);
    }

    /// Refuses every later call.
    #[cfg(not(feature = "durable"))]
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// The same with what keeps it in a directory, and the events of that.
    #[cfg(feature = "durable")]
    fn kept_by(self, keeper: keeper::Keeper, events: Events) -> Self {
        Self { keeper: keeper.into(), events, ..self }
    }

    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Relaxed) { Err(SonaError::Closed) } else { Ok(()) }
    }

    /// What is known, to change it.
    fn know(&self) -> Result<MutexGuard<'_, Knowledge>> {
        self.check_open()?;
        let knowledge = self.knowledge.lock();
        // it may have been closed meanwhile
        self.check_open()?;
        Ok(knowledge)
    }

    /// Applies a change to what is known, and to the ledger as far as that is concerned. Outcomes have a way of their own.
    fn apply_to(&self, knowledge: &mut Knowledge, change: Change) {
        if !matches!(change, Change::Began(..)) {
            self.begin(knowledge);
        }
        match change {
            Change::Decided(decided, reading) => self.note_decision(&mut self.ledger.lock(), decided, reading),
            Change::Outcome(verdict) | Change::Amended(verdict) => drop(self.take_verdict(knowledge, *verdict)),
            Change::Forgotten(criterion, reading) => drop(self.take_forgetting(knowledge, criterion, reading)),
            Change::WarmStarted(rows) => self.take_rows(knowledge, rows),
            Change::Adopted(basis, seen) => self.take_basis(knowledge, basis, seen),
            Change::Merged(contributions, embedder) => drop(self.take_sums(knowledge, contributions, embedder)),
            change => {
                let mut next = knowledge.clone();
                let mut trials = None;
                let mut gone = None;
                match &change {
                    Change::ModelAdded(model) => {
                        let uid = next.add_model(Arc::new((**model).clone()));
                        trials = Some((uid, self.config.forced_trials));
                    }
                    Change::ModelRemoved(name) => {
                        gone = next.models.find("id", name).ok();
                        gone.into_iter().for_each(|uid| next.remove_model(uid));
                    }
                    Change::Price(name, price) => {
                        if let Ok(uid) = next.models.find("id", name) {
                            next.set_price(uid, *price);
                        }
                    }
                    Change::Embedder(embedder) => next.embedder = Some(embedder.clone()),
                    Change::Began(incarnation, name) => next.begin(*incarnation, name.clone()),
                    // these have ways of their own, above
                    Change::Decided(..)
                    | Change::Outcome(_)
                    | Change::Amended(_)
                    | Change::Forgotten(..)
                    | Change::WarmStarted(_)
                    | Change::Merged(..)
                    | Change::Adopted(..) => {}
                }
                let mut ledger = self.ledger.lock();
                let begun = if let Change::Began(incarnation, _) = &change { Some(*incarnation) } else { None };
                self.note(&mut ledger, || change);
                if let Some((uid, trials)) = trials {
                    ledger.set_trials(uid, trials);
                }
                gone.into_iter().for_each(|uid| ledger.remove_arm(uid));
                begun.into_iter().for_each(|incarnation| ledger.begin(incarnation));
                drop(ledger);
                *knowledge = next;
                self.publish(knowledge, None);
            }
        }
    }

    /// Begins the life that was chosen when the state was restored: with the first change, so that a state that is only read
    /// stays as it is.
    fn begin(&self, knowledge: &mut Knowledge) {
        let Some(incarnation) = self.ledger.lock().beginning() else { return };
        let name = self.renamed.lock().take().unwrap_or_else(|| knowledge.origin.name.clone());
        self.apply_to(knowledge, Change::Began(incarnation, name));
    }

    /// Tells a change to who watches, and counts it: the first thing that is done of it, so that a watcher that panics leaves
    /// the former state.
    fn note(&self, ledger: &mut Ledger, change: impl FnOnce() -> Change) {
        self.note_with(ledger, change, None);
    }

    /// The same of an outcome, with what is made of it.
    fn note_with(&self, ledger: &mut Ledger, change: impl FnOnce() -> Change, account: Option<&Arc<Account>>) {
        let watched = self.watched.load(Ordering::Relaxed);
        if watched || self.is_kept() {
            let change = change();
            if watched && let Some(watcher) = self.watcher.lock().as_mut() {
                watcher(&change);
            }
            self.keep_change(change, account);
        }
        ledger.count_change();
    }

    /// Whether it was opened in a directory.
    #[cfg(feature = "durable")]
    fn is_kept(&self) -> bool {
        self.keeper.get().is_some()
    }

    #[cfg(not(feature = "durable"))]
    fn is_kept(&self) -> bool {
        false
    }

    /// These decisions are not held any more.
    #[cfg(feature = "durable")]
    fn release_kept(&self, numbers: std::ops::Range<u64>) {
        if let Some(keeper) = self.keeper.get() {
            keeper.release(numbers);
        }
    }

    #[cfg(not(feature = "durable"))]
    fn release_kept(&self, _: std::ops::Range<u64>) {}

    #[cfg(feature = "durable")]
    fn keep_change(&self, change: Change, account: Option<&Arc<Account>>) {
        if let Some(keeper) = self.keeper.get() {
            keeper.note(change, account);
        }
    }

    #[cfg(not(feature = "durable"))]
    fn keep_change(&self, _: Change, _: Option<&Arc<Account>>) {}

    /// Makes what is known now what decisions are made from. Returns the view that was published before. `only`: the models of
    /// which something was learned.
    fn publish(&self, knowledge: &Knowledge, only: Option<&[u32]>) -> Arc<View> {
        let former = self.published.load();
        self.published.swap(Arc::new(view(knowledge, Some(&**former), only)))
    }

    fn tell(&self, told: impl IntoIterator<Item = Event>) {
        self.events.tell(told);
    }

    fn reading(&self, now: Now) -> Reading {
        Reading { steady_ms: now.steady_ms, moment: self.clock.read(now) }
    }

    /// A vector scaled to unit length.
    fn unit(&self, argument: &str, vector: &[f32]) -> Result<Vec<f32>> {
        let squared = check::direction(self.kernels, argument, vector, self.config.dim)?;
        let mut unit = vec![0.0; vector.len()];
        check::unit_into(vector, squared, &mut unit);
        Ok(unit)
    }

    fn is_manual(&self) -> bool {
        self.config.background == Background::Manual
    }
}

/// What decisions are made from: anew, or as before but for the models of which something was learned (`only`).
fn view(knowledge: &Knowledge, former: Option<&View>, only: Option<&[u32]>) -> View {
    let arm = |uid: u32, model: &Arc<Model>, max_tokens: Option<f64>| {
        let quality = knowledge.posterior.arm(uid)?;
        let terms = knowledge.economics.arm(uid)?.clone();
        Some(Arc::new(Arm { uid, model: model.clone(), quality, terms, max_tokens }))
    };
    let (shared, tenants) = (knowledge.posterior.shared(), knowledge.posterior.tenants().clone());
    let (basis, epoch, version) = (knowledge.basis.clone(), knowledge.epoch, knowledge.version);
    let many_lessons = knowledge.lessons.as_ref().is_some_and(|lessons| lessons.are_many());
    let slopes = knowledge.economics.slopes().clone();
    // with another prior every model's posterior is another
    let same_prior = former.filter(|former| former.shared.has_prior_of(&shared));
    if let Some((former, only)) = same_prior.zip(only) {
        let mut arms = former.arms.clone();
        // every model expects the slope of all
        if former.slopes.differ(&slopes) {
            let places = former.arms.iter().zip(&*former.uids).enumerate();
            for (at, (former, &uid)) in places.filter(|(_, (_, uid))| !only.contains(uid)) {
                let terms = knowledge.economics.arm(uid).filter(|terms| !Arc::ptr_eq(terms, &former.terms));
                if let (Some(slot), Some(terms)) = (arms.get_mut(at), terms) {
                    *slot = Arc::new(Arm { terms: terms.clone(), ..Arm::clone(former) });
                }
            }
        }
        let siblings = only.iter().flat_map(|&uid| knowledge.posterior.siblings(uid));
        let siblings = siblings.filter(|uid| {
            let known = former.arm(*uid).and_then(|known| known.quality.posterior.as_ref());
            !knowledge.posterior.has_solution(*uid, known)
        });
        for uid in only.iter().copied().chain(siblings) {
            let Ok(at) = former.uids.binary_search(&uid) else { continue };
            let next = former.arms.get(at).and_then(|former| arm(uid, &former.model, former.max_tokens));
            if let (Some(slot), Some(next)) = (arms.get_mut(at), next) {
                *slot = next;
            }
        }
        return View { basis, epoch, version, shared, tenants, arms, slopes, many_lessons, ..former.clone() };
    }
    let models = knowledge.models.list();
    let arms: Chunks<Arc<Arm>> =
        models.iter().filter_map(|(uid, model)| arm(*uid, model, max_tokens(former, *uid, model))).collect();
    let uids = models.iter().map(|(uid, _)| *uid).collect();
    let models = Arc::new(knowledge.models.clone());
    View {
        config: knowledge.config.clone(),
        basis,
        epoch,
        version,
        shared,
        tenants,
        arms,
        uids,
        models,
        slopes,
        origins: knowledge.others.len() as u64,
        many_lessons,
    }
}

/// Tokens at which a model's settings cut answers. They may be long: those that were read before are not read again.
fn max_tokens(former: Option<&View>, uid: u32, model: &Model) -> Option<f64> {
    let same = |arm: &&Arc<Arm>| match (&arm.model.settings, &model.settings) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        _ => false,
    };
    let known = former.and_then(|former| former.arm(uid)).filter(same);
    known.map_or_else(|| model.max_tokens(), |arm| arm.max_tokens)
}

/// Refuses models that a router can't begin with.
fn check_first(models: &[Model]) -> Result<()> {
    let mut known = super::models::Models::default();
    for (n, model) in models.iter().enumerate() {
        let argument = format!("models[{n}]");
        model.check(&argument)?;
        known.check_room(&argument, &model.id)?;
        known.insert(Arc::new(model.clone()));
    }
    for (n, model) in models.iter().enumerate() {
        if let Some(like) = &model.prior.like {
            known.find(&format!("models[{n}].prior.like"), like)?;
        }
    }
    Ok(())
}

impl std::fmt::Debug for SonaRouter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SonaRouter").field("config", &self.config).finish_non_exhaustive()
    }
}
