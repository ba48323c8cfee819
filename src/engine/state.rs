//! An engine's state as bytes and as a file.

use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use super::facade::SonaEngine;
use super::sequences::Sequences;
use crate::config::Config;
use crate::error::Result;
use crate::learner::Learner;
use crate::state::{EmbedderId, State};
use crate::store::file;
use crate::store::frame::{self, Kind};

impl SonaEngine {
    /// Everything that was learned and everything that waits to be, as bytes: a restored engine gives the same outputs
    /// and learns on the same way, bit for bit. Suggestions that wait for their outcomes are part of it,
    /// trajectories that have begun and not ended are not. Waits
    /// for a cycle under way. Outcomes wait while references are counted, about a millisecond for ten thousand trajectories, not
    /// while anything is written.
    ///
    /// # Errors
    /// `SONA_CLOSED`; `SONA_INTERNAL` where what was learned is not as it can have come about, as
    /// [`restore`](Self::restore) would refuse it.
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        self.check_open()?;
        let (learner, items) = (self.learner.freeze(), self.learner.freeze_items());
        let state = State::collect(|writer| {
            writer.value("config", &self.config.to_json());
            learner.save(&mut writer.scope("learner"));
            items.save(&mut writer.scope("memory"));
            self.sequences.save(&learner.held(), writer);
            EmbedderId::save(self.embedder.get(), writer);
        })?;
        frame::encode(Kind::ENGINE, &state)
    }

    /// The engine of a snapshot, with its settings. It is a new [incarnation](Self::incarnation) from the first number on
    /// that it issues; trajectories that came with the state still take their outcomes.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE` for bytes that are damaged, `SONA_INCOMPATIBLE_STATE` for those of something else or of a
    /// newer format.
    pub fn restore(bytes: &[u8]) -> Result<Self> {
        Self::restore_as(bytes, false)
    }

    /// As [`restore`](Self::restore), where nothing was issued after the snapshot was taken: the same incarnation goes on.
    ///
    /// # Errors
    /// As [`restore`](Self::restore).
    pub fn restore_continuing(bytes: &[u8]) -> Result<Self> {
        Self::restore_as(bytes, true)
    }

    fn restore_as(bytes: &[u8], continues: bool) -> Result<Self> {
        let state = frame::decode(Kind::ENGINE, bytes)?;
        let reader = state.reader();
        let flat: Value = reader.value("config")?;
        let config = Config::from_flat_json(&flat).map_err(|error| reader.corrupt("config", error))?;
        let learner = reader.scope("learner");
        Learner::expect(&config, &learner)?;
        let mut engine = Self::new(config).map_err(|error| reader.corrupt("config", error))?;
        let held = engine.learner.restore(&learner, reader.optional("quality_sum")?)?;
        engine.learner.restore_items(&reader.scope("memory"), &engine.config)?;
        engine.sequences = Sequences::restore(held, continues, &reader)?;
        if let Some(embedder) = EmbedderId::restore(&reader, engine.config.hidden_dim)? {
            engine.embedder = OnceLock::from(embedder);
        }
        Ok(engine)
    }

    /// Writes a snapshot to a file. The file is either the old one or the new one, whatever happens.
    ///
    /// # Errors
    /// `SONA_IO`, `SONA_CLOSED`.
    pub fn save(&self, path: &Path) -> Result<()> {
        file::save(path, &self.snapshot()?)
    }

    /// The engine of a file.
    ///
    /// # Errors
    /// `SONA_IO`, and those of [`restore`](Self::restore).
    pub fn load(path: &Path) -> Result<Self> {
        Self::restore(&file::load(path)?)
    }

    /// As [`load`](Self::load), as [`restore_continuing`](Self::restore_continuing).
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_continuing(path: &Path) -> Result<Self> {
        Self::restore_continuing(&file::load(path)?)
    }
}
