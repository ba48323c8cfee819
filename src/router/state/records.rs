//! Decisions that are held, as entries: numbers in tables, one row each, and words by their place in a list.

use std::collections::HashMap;
use std::sync::Arc;

use super::LARGEST;
use crate::config::RouterConfig;
use crate::error::Result;
use crate::router::pending::{Facts, Learned, Pair, Pending, Reason, Record, Told};
use crate::router::sums::BOTH;
use crate::state::{Reader, UNCOUNTABLE, Writer};

/// Whole numbers of a row: id, at, seed, told at, reason, observed, models, words, candidates, row, marks of learning,
/// version, whether a cost is relative.
const WHOLE: usize = 21;

/// Other numbers of a row.
const REAL: usize = 19;

/// In place of a whole number that is not there.
const NONE: u64 = u64::MAX;

/// Writes all decisions.
pub fn write(pending: &Pending, writer: &mut Writer<'_>) {
    let mut words = Words::default();
    let (mut whole, mut real, mut there) = (Vec::new(), Vec::new(), Vec::new());
    let (mut z, mut models, mut propensities) = (Vec::new(), Vec::new(), Vec::new());
    for record in pending.records() {
        let Record { facts, told, .. } = record;
        let number = |x: Option<u32>| x.map_or(NONE, u64::from);
        let (quality, cost, latency) = (record.quality, record.cost, record.latency);
        whole.extend([
            record.id,
            record.at,
            facts.seed,
            told.at,
            facts.reason as u64,
            u64::from(facts.observed) | u64::from(facts.context_free) << 1,
            u64::from(facts.arm),
            number(told.model),
            words.place(facts.session.as_ref()),
            words.place(facts.tenant.as_ref()),
            words.place(told.source.as_ref()),
            facts.eligible.len() as u64,
            number(facts.row),
            number(quality.map(|learned| learned.arm)),
            quality.map_or(NONE, |learned| learned.at),
            number(cost.map(|pair| pair.arm)),
            cost.map_or(NONE, |pair| pair.at),
            number(latency.map(|pair| pair.arm)),
            latency.map_or(NONE, |pair| pair.at),
            facts.version,
            u64::from(cost.is_some_and(|pair| pair.relative)),
        ]);
        let learned = quality.map(|l| [l.r, l.e, l.errors[0], l.errors[1], l.left]).unwrap_or_default();
        let pair = |pair: Option<Pair>| pair.map(|pair| [pair.x, pair.y]).unwrap_or_default();
        let optional = [
            facts.expected_cost,
            facts.expected_latency,
            facts.reserved,
            facts.prompt_tokens,
            told.quality,
            told.cost_usd,
            told.latency_ms,
            told.error.map(|failed| f64::from(u8::from(failed))),
        ];
        real.extend([facts.propensity, facts.expected_quality]);
        real.extend(optional.map(Option::unwrap_or_default));
        real.extend(learned);
        real.extend(pair(cost));
        real.extend(pair(latency));
        there.extend(optional.map(|value| u8::from(value.is_some())));
        z.extend_from_slice(&record.z);
        models.extend(facts.eligible.iter().map(|(model, _)| *model));
        propensities.extend(facts.eligible.iter().map(|(_, p)| *p));
    }
    let n = pending.records().len();
    writer.value("next", &pending.next());
    writer.value("words", &words.list);
    writer.tensor("whole", &[n, WHOLE], &whole);
    writer.tensor("real", &[n, REAL], &real);
    writer.tensor("there", &[n, 8], &there);
    writer.tensor("z", &[n, BOTH], &z);
    writer.tensor("models", &[models.len()], &models);
    writer.tensor("propensities", &[propensities.len()], &propensities);
}

/// Reads all decisions. `known`: how many models there ever were.
pub fn read(reader: &Reader<'_>, config: &RouterConfig, known: usize) -> Result<Pending> {
    let words: Vec<Arc<str>> = reader.value("words")?;
    let (n, whole) = reader.rows::<u64>("whole", &[WHOLE])?;
    let real: Vec<f64> = reader.tensor("real", &[n, REAL])?;
    let there: Vec<u8> = reader.tensor("there", &[n, 8])?;
    let z: Vec<f32> = reader.tensor("z", &[n, BOTH])?;
    let (_, models) = reader.rows::<u32>("models", &[])?;
    let propensities: Vec<f64> = reader.tensor("propensities", &[models.len()])?;
    reader.ensure("real", real.iter().all(|x| x.abs() <= LARGEST), "numbers that outcomes can have come to")?;
    let shares = |n: usize| real.chunks_exact(REAL).all(|row| (0.0..=1.0).contains(&row[n]));
    reader.ensure("real", [0, 1, 6, 10].into_iter().all(shares), "probabilities and qualities")?;
    reader.ensure("z", z.iter().all(|z| z.abs() <= 1e6), "features")?;
    reader.ensure("models", models.iter().all(|&model| (model as usize) < known), "models that there were")?;
    reader.ensure("propensities", propensities.iter().all(|p| (0.0..=1.0).contains(p)), "probabilities")?;

    let mut from = 0;
    let mut records = Vec::with_capacity(n);
    let rows = whole.chunks_exact(WHOLE).zip(real.chunks_exact(REAL)).zip(there.chunks_exact(8));
    for (((whole, real), there), z) in rows.zip(z.chunks_exact(BOTH)) {
        let corrupt = |what: &str| reader.corrupt("whole", format_args!("expected {what}"));
        let model = |x: u64| match x {
            NONE => Ok(None),
            x if (x as usize) < known => Ok(Some(x as u32)),
            _ => Err(corrupt("models that there were")),
        };
        let word = |x: u64| match x {
            NONE => Ok(None),
            x => words.get(x as usize).cloned().map(Some).ok_or_else(|| corrupt("words that are there")),
        };
        let flags = if whole[5] > 3 { return Err(corrupt("known flags")) } else { whole[5] };
        let reason = match whole[4] {
            0 => Reason::Policy,
            1 => Reason::Session,
            2 => Reason::Trial,
            _ => return Err(corrupt("a reason")),
        };
        let count = usize::try_from(whole[11]).ok().filter(|&count| count <= models.len() - from);
        let to = from + count.ok_or_else(|| corrupt("as many candidates as there are"))?;
        let optional = |n: usize| (there[n] != 0).then_some(real[2 + n]);
        let row = if whole[12] == NONE { None } else { Some(u32::try_from(whole[12]).map_err(|_| corrupt("a row"))?) };
        let facts = Facts {
            arm: model(whole[6])?.ok_or_else(|| corrupt("a chosen model"))?,
            propensity: real[0],
            reason,
            observed: flags & 1 != 0,
            seed: whole[2],
            version: whole[19],
            eligible: models[from..to].iter().copied().zip(propensities[from..to].iter().copied()).collect(),
            expected_quality: real[1],
            expected_cost: optional(0),
            expected_latency: optional(1),
            reserved: optional(2),
            prompt_tokens: optional(3),
            session: word(whole[8])?,
            tenant: word(whole[9])?,
            row,
            context_free: flags & 2 != 0,
        };
        let told = Told {
            quality: optional(4),
            cost_usd: optional(5),
            latency_ms: optional(6),
            error: optional(7).map(|failed| failed != 0.0),
            source: word(whole[10])?,
            model: model(whole[7])?,
            at: whole[3],
        };
        let quality = model(whole[13])?.map(|arm| Learned {
            arm,
            r: real[10],
            e: real[11],
            errors: [real[12], real[13]],
            left: real[14],
            at: whole[14],
        });
        let pair = |arm: u64, at: u64, n: usize, relative: bool| -> Result<Option<Pair>> {
            Ok(model(arm)?.map(|arm| Pair { arm, x: real[n], y: real[n + 1], relative, at }))
        };
        let features = z.try_into().map_err(|_| corrupt("features"))?;
        let (cost, latency) = (pair(whole[15], whole[16], 15, whole[20] != 0)?, pair(whole[17], whole[18], 17, false)?);
        records.push(Record { id: whole[0], at: whole[1], z: features, facts, told, quality, cost, latency });
        from = to;
    }
    let next = reader.value_in("next", 1..UNCOUNTABLE)?;
    Pending::restore(config.pending_capacity, config.pending_ttl_ms, next, records)
        .ok_or_else(|| reader.corrupt("whole", "expected decisions in order"))
}

/// Words that recur, each once.
#[derive(Default)]
struct Words {
    list: Vec<Arc<str>>,
    places: HashMap<Arc<str>, u64>,
}

impl Words {
    fn place(&mut self, word: Option<&Arc<str>>) -> u64 {
        let Some(word) = word else { return NONE };
        if let Some(&place) = self.places.get(word) {
            return place;
        }
        let place = self.list.len() as u64;
        self.list.push(word.clone());
        self.places.insert(word.clone(), place);
        place
    }
}
