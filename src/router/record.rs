//! What a directory's journal holds of a router, beside its checkpoints.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::change::{Change, codec};
use super::ledger::{Account, Decided};
use crate::error::Result;
use crate::store::journal;

/// What is appended. Making one costs a few counted references; its bytes are made by the journal's thread.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Record {
    /// The state that everything began with.
    Made(#[serde(with = "bytes")] Arc<[u8]>),
    /// A change. A decision is kept until it is not held any more.
    Change(Change),
    /// What was told of a decision, and all that was made of it: kept with the decision, so that it need not be made again.
    Told(Change, Arc<Account>),
    /// A decision that is held, with what was made of it, in place of all that was kept of it.
    Held(Arc<Decided>, Option<Arc<Account>>),
    /// A process goes on from here. What follows may be lost with it.
    Opened,
    /// It has ended, and nothing was lost.
    Closed,
}

impl Record {
    /// What bytes stand for.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`, `SONA_INCOMPATIBLE_STATE`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        codec::decode(bytes)
    }
}

impl journal::Record for Record {
    fn encode(&self, into: &mut Vec<u8>) -> Result<()> {
        codec::encode(self, into)
    }

    fn weight(&self) -> usize {
        let words =
            |all: &[&Option<Arc<str>>]| all.iter().filter_map(|word| word.as_ref()).map(|word| word.len()).sum();
        let decided = |decided: &Decided| {
            let Decided { prompt, eligible, session, tenant, subject, metadata, .. } = decided;
            let words: usize = words(&[session, tenant, subject, metadata]);
            let prompt = prompt.as_ref().map_or(0, |prompt| size_of_val(&**prompt));
            size_of::<Decided>() + words + prompt + size_of_val(&*eligible.others)
        };
        let account = |account: &Account| {
            let words: usize = words(&[&account.source, &account.metadata]);
            size_of::<Account>() + words + size_of_val(&*account.attempts)
        };
        let of_record = match self {
            Self::Made(bytes) => bytes.len(),
            Self::Change(Change::Decided(made, _)) => decided(made),
            Self::Change(Change::WarmStarted(rows)) => {
                rows.iter().map(|row| size_of_val(row) + size_of_val(&*row.prompt)).sum()
            }
            Self::Change(Change::Adopted(Some(basis), _)) => {
                let parts = basis.parts();
                size_of_val(&*parts.mean) + size_of_val(&*parts.directions) + size_of_val(&*parts.centroids)
            }
            Self::Told(_, made) => 2 * account(made),
            Self::Held(made, told) => decided(made) + told.as_deref().map_or(0, account),
            Self::Change(_) | Self::Opened | Self::Closed => 0,
        };
        size_of::<Self>() + of_record
    }
}

/// Bytes at once, not each for itself.
mod bytes {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &Arc<[u8]>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<[u8]>, D::Error> {
        <&[u8]>::deserialize(from).map(Arc::from)
    }
}
