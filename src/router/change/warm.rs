//! Outcomes from elsewhere, of which nobody knows in what order they came: none is assumed.

use std::sync::Arc;

use super::knowledge::Knowledge;
use super::lessons::WarmRow;
use crate::router::features::{BOTH, Features};
use crate::router::posterior::Row;

impl Knowledge {
    /// Rows, numbered, will be learned again on the next basis.
    pub fn remember_rows(&mut self, rows: &[WarmRow]) {
        if let Some(lessons) = &mut self.lessons {
            Arc::make_mut(lessons).warm(rows);
        }
    }

    /// Takes rows in as one batch.
    pub fn warm_start(&mut self, rows: &[WarmRow]) {
        self.advance();
        let mut z = [0.0; BOTH];
        let batch: Vec<Row> = rows
            .iter()
            .map(|row| {
                self.basis.features(self.kernels, &row.prompt, &mut z);
                self.row(Features::new(&z), row.arm, row.weight, row.quality)
            })
            .collect();
        self.posterior.learn_batch(&batch);
    }

    /// A row of a batch, of a model that may have come back under another number.
    pub(super) fn row(&self, z: Features, arm: u32, w: f64, r: f64) -> Row {
        let uid = self.models.current(arm);
        Row { z, uid, name: self.models.name(uid).clone(), w, r }
    }
}
