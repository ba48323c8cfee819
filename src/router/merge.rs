//! Merging what others have learned: the additive statistics of every origin, the newest version of each.
//!
//! The law: merging is commutative, associative and idempotent in the sums, because of two versions of one origin the newer
//! replaces the older, and of different origins the sums add up, in the order of their names. Local matters (shifts,
//! budget, sessions, tenants, calibration) are not merged.

use super::SonaRouter;
use super::core::Core;
use super::state::{read_sums, write_sums};
use super::sums::Sums;
use crate::error::{Result, SonaError};
use crate::state::{EmbedderId, Reader, Writer};
use crate::store::frame::{self, Kind};

/// What a merge has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merged {
    /// Origins whose sums are new or newer than what was known.
    pub origins: u64,
}

impl SonaRouter {
    /// Takes in what the router of a snapshot has learned, and what had been merged into that.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`; `SONA_INCOMPATIBLE_STATE` for bytes of something else, or sums on another basis; then nothing
    /// has changed. `SONA_CLOSED`.
    pub fn merge(&self, bytes: &[u8]) -> Result<Merged> {
        let mut core = self.open()?;
        let state = frame::decode(Kind::ROUTER, bytes)?;
        core.merge(&state.reader())
    }
}

impl Core {
    /// The sums of all origins, for a snapshot.
    pub(super) fn save_sums(&self, writer: &mut Writer<'_>) {
        write_sums(&self.own, &mut writer.scope("own"));
        writer.value("origins", &self.remote.len());
        for (n, sums) in self.remote.iter().enumerate() {
            write_sums(sums, &mut writer.scope(&format!("origin_{n}")));
        }
    }

    fn merge(&mut self, reader: &Reader<'_>) -> Result<Merged> {
        let theirs = super::basis::Basis::restore(&reader.scope("basis"))?;
        let described =
            |basis: &super::basis::Basis| format!("sums on the basis {} ({:016x})", basis.id(), basis.hash());
        if theirs.hash() != self.basis.hash() {
            return Err(SonaError::incompatible_state(described(&self.basis), described(&theirs)));
        }
        if self.refit.is_some() || reader.scope("refit").contains("rows") {
            let expected = "a router whose basis stays as it is";
            return Err(SonaError::incompatible_state(expected, "one whose basis is still being fitted"));
        }
        let embedder = EmbedderId::restore(reader, self.config.dim)?;
        if let (Some(ours), Some(theirs)) = (&self.embedder, &embedder)
            && ours != theirs
        {
            return Err(SonaError::incompatible_state(ours.described(), theirs.described()));
        }
        let (own, remote) = read_all(&reader.scope("sums"))?;
        // what was learned is of their vectors now, too
        self.embedder = self.embedder.take().or(embedder);
        let mut origins = 0;
        for sums in remote.into_iter().chain([own]) {
            origins += u64::from(self.take_newer(sums));
        }
        if origins > 0 {
            self.solve_all();
        }
        Ok(Merged { origins })
    }

    /// Keeps sums that are newer than what is known of their origin.
    fn take_newer(&mut self, sums: Sums) -> bool {
        if sums.origin == self.own.origin {
            // an older copy of this router met a newer one
            let newer = sums.version > self.own.version;
            if newer {
                self.own = sums;
                // what was told of decisions here may not be in them
                self.pending.clear();
            }
            return newer;
        }
        match self.remote.binary_search_by(|known| known.origin.cmp(&sums.origin)) {
            Ok(at) if self.remote[at].version >= sums.version => false,
            Ok(at) => {
                self.remote[at] = sums;
                true
            }
            Err(at) => {
                self.remote.insert(at, sums);
                true
            }
        }
    }

    /// Solves everything anew.
    pub(super) fn solve_all(&mut self) {
        for at in 0..self.arms.len() {
            self.solve_arm(at);
            self.sum_amounts(at);
        }
        self.solve_shared();
    }
}

/// Own sums and those of the other origins, ordered by their names.
pub(super) fn read_all(reader: &Reader<'_>) -> Result<(Sums, Vec<Sums>)> {
    let own = read_sums(&reader.scope("own"))?;
    let count: usize = reader.value_in("origins", 0..=1_000_000)?;
    let mut remote = Vec::new();
    for n in 0..count {
        remote.push(read_sums(&reader.scope(&format!("origin_{n}")))?);
    }
    let ordered = remote.windows(2).all(|pair: &[Sums]| pair[0].origin < pair[1].origin);
    reader.ensure("origins", ordered, "origins in order, each once")?;
    Ok((own, remote))
}
