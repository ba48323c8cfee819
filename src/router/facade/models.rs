//! Models while the router runs, and merging.

use std::sync::Arc;

use super::{ModelId, SonaRouter};
use crate::error::Result;
use crate::router::change::{Change, Contribution, Knowledge, Merged, check_merge, check_price};
use crate::router::model::Model;
use crate::router::price::Price;
use crate::router::state::Foreign;
use crate::state::EmbedderId;

impl SonaRouter {
    /// Adds a model while running. It starts with its prior and what arms of the same model have shown; where there are neither,
    /// with what the nearest by tags has. It gets [`RouterConfig::forced_trials`](crate::RouterConfig::forced_trials). One that was
    /// removed comes back with what it had learned.
    ///
    /// # Errors
    /// As [`new`](Self::new); `SONA_UNKNOWN_MODEL` for a sibling that is not there.
    pub fn add_model(&self, model: Model) -> Result<ModelId> {
        let mut knowledge = self.know()?;
        knowledge.models.check_new("model", &model)?;
        let name = model.id.clone();
        self.apply_to(&mut knowledge, Change::ModelAdded(Box::new(model)));
        knowledge.models.find("model", &name).map(ModelId)
    }

    /// Takes a model away. Outcomes of its decisions are still taken in.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_MODEL`, `SONA_CLOSED`.
    pub fn remove_model(&self, name: &str) -> Result<ModelId> {
        let mut knowledge = self.know()?;
        let uid = knowledge.models.find("id", name)?;
        let name = knowledge.models.name(uid).clone();
        self.apply_to(&mut knowledge, Change::ModelRemoved(name));
        Ok(ModelId(uid))
    }

    /// Sets prices; those that are not given stay. Nothing has to be learned anew.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_MODEL`, `SONA_NOT_FINITE`, `SONA_OUT_OF_RANGE`, `SONA_CLOSED`.
    pub fn update_price(&self, name: &str, price: Price) -> Result<()> {
        let mut knowledge = self.know()?;
        let uid = knowledge.models.find("id", name)?;
        check_price(&price)?;
        let known = knowledge.models.get(uid).map(|model| model.price).unwrap_or_default();
        if price.input.or(known.input) != known.input || price.output.or(known.output) != known.output {
            let name = knowledge.models.name(uid).clone();
            self.apply_to(&mut knowledge, Change::Price(name, price));
        }
        Ok(())
    }

    /// All models with their numbers, in the order in which they came.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn models(&self) -> Result<Vec<(ModelId, Model)>> {
        self.check_open()?;
        let view = self.published.load();
        Ok(view.models.list().iter().map(|(uid, model)| (ModelId(*uid), (**model).clone())).collect())
    }

    /// A model by its number, also one that was removed since: of the last 64 all is known, of older ones their name. None for
    /// a number that no model has had.
    ///
    /// # Errors
    /// `SONA_CLOSED`.
    pub fn model(&self, id: ModelId) -> Result<Option<Arc<Model>>> {
        self.check_open()?;
        Ok(self.published.load().models.recall(id.0))
    }

    /// The number of a model.
    ///
    /// # Errors
    /// `SONA_UNKNOWN_MODEL`, `SONA_CLOSED`.
    pub fn model_id(&self, argument: &str, name: &str) -> Result<ModelId> {
        self.check_open()?;
        self.published.load().models.find(argument, name).map(ModelId)
    }

    /// Takes in what the router of a snapshot has learned, and what had been merged into that.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`; `SONA_INCOMPATIBLE_STATE` for bytes of something else, or sums on another basis; then nothing
    /// has changed. `SONA_CLOSED`.
    pub fn merge(&self, bytes: &[u8]) -> Result<Merged> {
        self.check_open()?;
        let Foreign { basis, fitting, embedder, contributions } = Foreign::read(bytes, self.config.dim)?;
        let mut knowledge = self.know()?;
        check_merge(&knowledge, &basis, fitting, embedder.as_ref())?;
        self.begin(&mut knowledge);
        Ok(self.take_sums(&mut knowledge, contributions.into(), embedder))
    }

    pub(super) fn take_sums(
        &self,
        knowledge: &mut Knowledge,
        contributions: Arc<[Contribution]>,
        embedder: Option<EmbedderId>,
    ) -> Merged {
        let mut next = knowledge.clone();
        let (merged, replaced) = next.merge(&contributions, embedder.as_ref());
        if merged.origins == 0 && next.embedder == knowledge.embedder {
            return merged;
        }
        let mut ledger = self.ledger.lock();
        self.note(&mut ledger, || Change::Merged(contributions, embedder));
        if replaced {
            // what was told of decisions here may not be in the sums
            self.release_kept(ledger.first()..ledger.next());
            ledger.clear();
        }
        drop(ledger);
        *knowledge = next;
        self.publish(knowledge, None);
        merged
    }
}
