//! Models come, go and change their price.

use std::sync::Arc;

use super::knowledge::Knowledge;
use crate::router::model::Model;
use crate::router::posterior::PriorFrom;
use crate::router::price::Price;

impl Knowledge {
    /// The prices of a model for a decision that was made by a version of what was known; of one that has been removed since, its
    /// last. None where nothing is known of it any more.
    pub fn price_at(&self, uid: u32, version: u64) -> Option<Price> {
        if let Some(terms) = self.economics.arm(uid) {
            return Some(terms.price_at(version));
        }
        let price = self.models.recall(uid)?.price;
        (price != Price::default()).then_some(price)
    }

    /// Adds the models that a router begins with, which were checked. Others may be like those whose quality was said, so those
    /// come first.
    pub fn add_first(&mut self, models: Vec<Arc<Model>>) {
        let uids: Vec<u32> = models.into_iter().map(|model| self.insert(model)).collect();
        self.set_priors(&uids);
    }

    /// Adds a model that was checked; its number.
    pub fn add_model(&mut self, model: Arc<Model>) -> u32 {
        self.version += 1;
        let uid = self.insert(model);
        self.set_prior(uid);
        uid
    }

    /// Takes a model away. What it has learned stays, should it return.
    pub fn remove_model(&mut self, uid: u32) {
        self.version += 1;
        self.models.remove(uid);
        self.posterior.remove(uid);
        self.economics.remove(uid);
    }

    /// Sets a price; parts that are not given stay.
    pub fn set_price(&mut self, uid: u32, price: Price) {
        self.version += 1;
        let Some(model) = self.models.get(uid) else { return };
        let price = Price { input: price.input.or(model.price.input), output: price.output.or(model.price.output) };
        self.models.set_price(uid, price);
        self.economics.set_price(uid, price, self.version);
    }

    /// Sets the priors of several models: first those whose quality was said, for others may be like them.
    pub fn set_priors(&mut self, uids: &[u32]) {
        let is_said = |uid: u32| {
            let prior = self.models.get(uid).map(|model| &model.prior);
            prior.is_some_and(|prior| prior.like.is_none() && prior.quality.is_some())
        };
        let (said, others): (Vec<u32>, Vec<u32>) = uids.iter().partition(|&&uid| is_said(uid));
        said.into_iter().chain(others).for_each(|uid| self.set_prior(uid));
    }

    fn insert(&mut self, model: Arc<Model>) -> u32 {
        let (name, called, price) = (model.id.clone(), model.called().clone(), model.price);
        let uid = self.models.insert(model);
        self.posterior.insert(uid, &name, &called);
        self.economics.insert(uid, &name, price, self.version);
        uid
    }

    /// What is expected of a new model: what a sibling knows that was named, else the mean that was said, else what its nearest
    /// sibling by tags knows, where no other arm is of the same model, which it would inherit from. A sibling knows its outcomes
    /// and its own prior; one that has been removed knows nothing.
    fn set_prior(&mut self, uid: u32) {
        let Some(model) = self.models.get(uid).cloned() else { return };
        let prior = &model.prior;
        let sibling = |uid: u32| PriorFrom::Sibling(uid, prior.weight);
        let is_sibling = |other: &u32| self.posterior.siblings(uid).any(|sibling| sibling == *other);
        let named = prior.like.as_deref().and_then(|like| self.models.find("like", like).ok());
        // what it inherits it need not be given, too
        let named = named.filter(|other| !is_sibling(other));
        let said = prior.quality.map(|quality| PriorFrom::Mean(quality, prior.weight));
        let alone = self.posterior.siblings(uid).next().is_none();
        let nearest = self.models.nearest_sibling(uid).filter(|_| alone);
        let sources = [named.map(sibling), said, nearest.map(sibling)];
        sources.into_iter().flatten().any(|from| self.posterior.set_prior(uid, from));
    }
}
