//! Costs, latencies and calls as entries of a state, and back.

use std::sync::Arc;

use super::book::{Economics, OriginAmounts, Terms};
use crate::error::Result;
use crate::state::{Reader, Writer};

impl Economics {
    /// What can't have come about by outcomes, if anything: a state with it is neither written nor read.
    pub fn unsound(&self) -> Option<&'static str> {
        let mut origins = std::iter::once(self.own()).chain(self.others());
        if !origins.all(|origin| origin.is_sound()) {
            return Some("sums of costs, latencies and calls");
        }
        self.terms().any(|(_, terms)| !terms.is_sound()).then_some("costs, latencies and calls of models")
    }

    /// Writes everything but the sums of origins, which are written by their names.
    pub fn save(&self, writer: &mut Writer<'_>) {
        for (n, (_, terms)) in self.terms().enumerate() {
            writer.value(&format!("terms_{n}"), &**terms);
        }
    }

    /// Reads what [`save`](Self::save) wrote. `models`: numbers and names of the models that there are.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(
        reader: &Reader<'_>,
        own: Arc<OriginAmounts>,
        others: Vec<Arc<OriginAmounts>>,
        models: &[(u32, Arc<str>)],
    ) -> Result<Self> {
        let mut arms = Vec::with_capacity(models.len());
        for (n, (uid, name)) in models.iter().enumerate() {
            let terms: Terms = reader.value(&format!("terms_{n}"))?;
            arms.push((*uid, name.clone(), terms));
        }
        let economics = Self::from_parts(own, others, arms);
        match economics.unsound() {
            None => Ok(economics),
            Some(what) => Err(reader.corrupt("terms", format_args!("expected {what}"))),
        }
    }
}
