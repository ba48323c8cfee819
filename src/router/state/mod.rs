//! A router's state as bytes and as a file. Entries: `docs/state.md`.

mod arms;
mod records;
mod sums;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::SonaRouter;
use super::basis::Basis;
use super::budget::Budget;
use super::calibration::Calibration;
use super::core::{Core, MOST_MODELS};
use super::difficulty::Difficulty;
use super::forget::Tally;
use super::objective::Objective;
use super::pending::Pending;
use super::refit::{Lesson, Refit};
use super::sessions::{Session, Sessions};
use super::sums::{BOTH, Moments};
use crate::config::RouterConfig;
use crate::error::Result;
use crate::linear::Symmetric;
use crate::simd::Kernels;
use crate::state::{EmbedderId, Reader, State, UNCOUNTABLE, Writer};
use crate::store::file;
use crate::store::frame::{self, Kind};

pub(super) use sums::{read_sums, write_sums};

/// Largest number that sums of outcomes can have come to.
const LARGEST: f64 = 1e15;

impl SonaRouter {
    /// Everything that was learned and every decision that is held, as bytes: a restored router gives the same answers and
    /// learns on the same way, bit for bit. Other calls wait while it copies, about a millisecond per megabyte.
    ///
    /// # Errors
    /// `SONA_CLOSED`, `SONA_OUT_OF_RANGE` when names and words come to more than 100 MB.
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        let state = {
            let core = self.open()?;
            State::collect(|writer| core.save(writer))?
        };
        frame::encode(Kind::ROUTER, &state)
    }

    /// The router of a snapshot. It goes on under the same origin: two that are restored from the same bytes and both learn
    /// can't be told apart by a merge, unless one is given another `origin`. Then what was learned so far stays under the
    /// former one.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE` for bytes that are damaged, `SONA_INCOMPATIBLE_STATE` for those of something else or of a newer
    /// format.
    pub fn restore(bytes: &[u8], origin: Option<&str>) -> Result<Self> {
        let state = frame::decode(Kind::ROUTER, bytes)?;
        let mut core = Core::restore(&state.reader())?;
        if let Some(origin) = origin {
            core.fork(origin);
        }
        Ok(Self::with(core))
    }

    /// Writes the state to a file, which is the old one or the new one whatever happens.
    ///
    /// # Errors
    /// `SONA_IO`, and as [`snapshot`](Self::snapshot).
    pub fn save(&self, path: &Path) -> Result<()> {
        file::save(path, &self.snapshot()?)
    }

    /// The router of a file that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// `SONA_IO`, and as [`restore`](Self::restore).
    pub fn load(path: &Path, origin: Option<&str>) -> Result<Self> {
        Self::restore(&file::load(path)?, origin)
    }
}

impl Core {
    fn save(&self, writer: &mut Writer<'_>) {
        writer.value("config", &self.config.to_json());
        self.basis.save(&mut writer.scope("basis"));
        if let Some(refit) = &self.refit {
            let mut scope = writer.scope("refit");
            scope.tensor("rows", &[refit.rows.len() / self.config.dim, self.config.dim], &refit.rows);
            scope.value("lessons", &refit.lessons);
            scope.value("fits", &refit.fits);
        }
        self.save_sums(&mut writer.scope("sums"));
        let (p, g) = self.difficulty.parts();
        writer.tensor("difficulty_p", &[p.triangle().len()], p.triangle());
        writer.tensor("difficulty_g", &[g.len()], g);
        writer.value("moments", &self.moments);
        writer.value("names", &self.names);
        writer.value("arms", &self.arms.len());
        for (n, arm) in self.arms.iter().enumerate() {
            arms::write(arm, &mut writer.scope(&format!("arm_{n}")));
        }
        records::write(&self.pending, &mut writer.scope("pending"));
        writer.value("budget", &self.budget);
        writer.value("sessions", &self.sessions.list());
        arms::write_tenants(&self.tenants, &mut writer.scope("tenants"));
        writer.value("calibration", &self.calibration);
        writer.value("tally", &self.tally);
        writer.value("learned", &self.learned);
        EmbedderId::save(self.embedder.as_ref(), writer);
    }

    fn restore(reader: &Reader<'_>) -> Result<Self> {
        let flat: Value = reader.value("config")?;
        let config = RouterConfig::from_flat_json(&flat).map_err(|error| reader.corrupt("config", error))?;
        let basis = Arc::new(Basis::restore(&reader.scope("basis"))?);
        reader.ensure("basis", basis.dim() == config.dim, "a basis for the configured dimension")?;
        let (own, remote) = super::merge::read_all(&reader.scope("sums"))?;
        let names: Vec<Arc<str>> = reader.value("names")?;
        let known = names.len();
        let refit = read_refit(&reader.scope("refit"), config.dim, known)?;
        let triangle = read_numbers(reader, "difficulty_p", BOTH * (BOTH + 1) / 2)?;
        let g = read_numbers(reader, "difficulty_g", BOTH)?;
        let p = Symmetric::from_triangle(BOTH, triangle).ok_or_else(|| reader.corrupt("difficulty_p", "its length"))?;
        reader.ensure("difficulty_p", has_positive_diagonal(&p), "variances above 0")?;
        let moments: Moments = reader.value("moments")?;
        reader.ensure("moments", moments.is_sound(), "sums of outcomes")?;
        let count: usize = reader.value_in("arms", 0..=MOST_MODELS)?;
        let mut arms = Vec::with_capacity(count);
        for n in 0..count {
            arms.push(arms::read(&reader.scope(&format!("arm_{n}")), &names)?);
        }
        let in_order = arms.windows(2).all(|pair| pair[0].uid < pair[1].uid);
        reader.ensure("arms", in_order, "models in the order of their numbers")?;
        let ids: HashSet<&str> = arms.iter().map(|arm| &*arm.model.id).collect();
        reader.ensure("arms", ids.len() == arms.len(), "each model once")?;
        let pending: Pending = records::read(&reader.scope("pending"), &config, known)?;
        let rows = refit.as_ref().map_or(0, |refit| refit.rows.len() / config.dim);
        let there = |row: Option<u32>| row.is_none_or(|row| (row as usize) < rows);
        let all_there = pending.records().iter().all(|record| there(record.facts.row));
        reader.ensure("pending", all_there, "prompts that are there")?;
        let budget: Option<Budget> = reader.value("budget")?;
        let as_configured = budget.as_ref().map(|budget| budget.usd) == config.budget_usd;
        reader.ensure(
            "budget",
            as_configured && budget.is_none_or(|budget| budget.is_sound()),
            "the configured one",
        )?;
        let sessions: Vec<(Arc<str>, Session)> = reader.value("sessions")?;
        let calibration: Calibration = reader.value("calibration")?;
        reader.ensure("calibration", calibration.is_sound(), "sums of outcomes")?;
        let tally: Tally = reader.value("tally")?;
        reader.ensure("tally", tally.is_sound(), "counts of outcomes")?;
        Ok(Self {
            objective: Objective::new(&config),
            kernels: Kernels::best(),
            basis,
            refit,
            own,
            remote,
            moments,
            difficulty: Difficulty::from_parts(p, g),
            arms,
            names,
            pending,
            budget,
            sessions: Sessions::restore(config.session_ttl_ms, sessions),
            tenants: arms::read_tenants(&reader.scope("tenants"), config.tenant_capacity, known)?,
            calibration,
            tally,
            learned: reader.value_in("learned", 0..UNCOUNTABLE)?,
            events: Default::default(),
            embedder: EmbedderId::restore(reader, config.dim)?,
            scratch: vec![0.0; BOTH],
            features: [0.0; BOTH],
            config,
        })
    }

    /// Goes on under another origin: what it has learned so far stays with the former, and so do its decisions: their outcomes
    /// are not its to change.
    fn fork(&mut self, origin: &str) {
        if origin == self.own.origin {
            return;
        }
        if self.refit.is_some() {
            // what was learned will be learned again, under the new name; there is nobody else's
            self.own.origin = origin.to_owned();
            return;
        }
        let former = std::mem::replace(&mut self.own, super::sums::Sums::new(origin.to_owned()));
        // it may have been merged back from where it was forked to
        if let Ok(at) = self.remote.binary_search_by(|known| known.origin.as_str().cmp(origin)) {
            self.own = self.remote.remove(at);
        }
        if let Err(at) = self.remote.binary_search_by(|known| known.origin.cmp(&former.origin)) {
            self.remote.insert(at, former);
        }
        self.pending.clear();
    }
}

fn read_refit(reader: &Reader<'_>, dim: usize, known: usize) -> Result<Option<Refit>> {
    if !reader.contains("rows") {
        return Ok(None);
    }
    let (_, rows) = reader.rows("rows", &[dim])?;
    let lessons: Vec<Lesson> = reader.value("lessons")?;
    reader.ensure("lessons", lessons.iter().all(Lesson::is_sound), "qualities from 0 to 1")?;
    let refit = Refit::restore(dim, rows, lessons, reader.value("fits")?);
    let refit = refit.ok_or_else(|| reader.corrupt("lessons", "expected rows that are there"))?;
    reader.ensure("lessons", refit.arms().all(|arm| (arm as usize) < known), "models that there were")?;
    Ok(Some(refit))
}

/// Numbers of a size that outcomes can have come to.
fn read_numbers(reader: &Reader<'_>, name: &str, length: usize) -> Result<Vec<f64>> {
    let numbers: Vec<f64> = reader.tensor(name, &[length])?;
    reader.ensure(name, numbers.iter().all(|x| x.abs() <= LARGEST), "numbers that outcomes can have come to")?;
    Ok(numbers)
}

/// A positive diagonal: the least that a matrix of variances has.
fn has_positive_diagonal(matrix: &Symmetric) -> bool {
    (0..matrix.dim()).all(|i| matrix.at(i, i) > 0.0)
}
