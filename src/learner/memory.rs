//! What a learner takes.

use std::collections::HashSet;
use std::sync::Arc;

use super::core::Learner;
use super::training::example::Example;
use super::training::layer::Layer;
use crate::bank::patterns::Placed;
use crate::trajectory::record::Record;

/// Bytes that the parts of an engine take, but for working memory and what the allocator adds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Trajectories that are held: those that wait, those that can be corrected and those that training goes on from. Each
    /// counts once, its place in every list as well.
    pub trajectories: u64,
    /// Both adapters with the state of their training, and the activations that they have seen.
    pub adapters: u64,
    /// Weights of kept versions that do not serve.
    pub versions: u64,
    /// Routes with their prototypes.
    pub routes: u64,
    /// Patterns of past trajectories.
    pub patterns: u64,
    /// Suggestions that are kept for their outcomes.
    pub suggestions: u64,
    /// Past queries, searchable, and what was pooled for the newest outcomes.
    pub episodes: u64,
    /// Items that were remembered, with all that is known of them.
    pub items: u64,
}

impl Learner {
    /// Bytes that its parts take. Waits for a cycle under way, and looks through what is held on a copy: no outcome waits.
    pub fn memory(&self) -> Memory {
        let published = self.snapshot();
        let serving = published.tiers().chain(published.upper.iter().flatten().map(|upper| &**upper));
        let serving: usize = serving.map(|lora| lora.bytes()).sum();
        let frozen = self.freeze();
        let training = &frozen.training;

        let (mut seen, mut records) = (HashSet::new(), 0);
        let corrigible = frozen.ledger.iter().map(|(record, ..)| record);
        for record in corrigible.chain(training.records()).chain(&frozen.waiting) {
            records += if seen.insert(Arc::as_ptr(record)) { record.bytes() } else { 0 };
        }
        let examples: usize = training.layers.iter().map(|layer| layer.records().count()).sum();
        let places = frozen.ledger.len() * size_of::<(u64, u64, u64, Arc<Record>)>()
            + frozen.waiting.len() * size_of::<Arc<Record>>()
            + training.members.held.len() * size_of::<(Arc<Record>, Placed)>()
            + training.members.fresh.len() * size_of::<Arc<Record>>()
            + examples * size_of::<Example>()
            + frozen.tally.bytes();

        let of_layer = |layer: &Layer| layer.base.bytes() + layer.activations.bytes();
        let layers: usize = training.layers.iter().map(of_layer).sum::<usize>() + training.layers[0].offsets.bytes();
        let micro = frozen.tier.micro.bytes() + frozen.tier.activations.bytes();

        let mut shared: HashSet<_> = training.layers.iter().map(|layer| Arc::as_ptr(&layer.base)).collect();
        let kept = frozen.versions.kept().iter().flat_map(|kept| &kept.layers);
        let versions: usize = kept.filter(|base| shared.insert(Arc::as_ptr(base))).map(|base| base.bytes()).sum();
        let mut shared = HashSet::from([Arc::as_ptr(&training.layers[0].offsets)]);
        let kept = frozen.versions.kept().iter().map(|kept| &kept.offsets);
        let offsets = kept.filter(|offsets| shared.insert(Arc::as_ptr(offsets))).map(|offsets| offsets.bytes());
        let versions = versions + offsets.sum::<usize>();
        Memory {
            trajectories: (records + places) as u64,
            adapters: (serving + layers + micro) as u64,
            versions: versions as u64,
            routes: frozen.routes.bytes() as u64,
            patterns: training.members.book.bytes() as u64,
            suggestions: self.suggestions.bytes() as u64,
            episodes: (frozen.episode_bytes + frozen.reasoned.bytes()) as u64,
            items: self.item_bytes() as u64,
        }
    }
}
