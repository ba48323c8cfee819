//! Decisions, sessions and the budget as entries of a state, and back: numbers in tables, words one after another.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::sessions::Session;
use super::{Account, Answer, Attempt, Charge, Decided, Eligible, Ledger, Prompts, Reason, Sessions, Tally, Told};
use crate::chunks::Chunks;
use crate::config::RouterConfig;
use crate::error::Result;
use crate::identity::Lineage;
use crate::router::economics::{Budget, Kind, Observation};
use crate::router::features::{BOTH, CUES, Cues};
use crate::router::posterior::Learned;
use crate::router::time::{Moment, Reading};
use crate::router::words::{NO_WORD, WordList, Words};
use crate::state::{Reader, UNCOUNTABLE, Writer};

use super::Entry;

/// In place of a whole number that is not there.
const NONE: u64 = u64::MAX;

/// Whole numbers of a decision, other numbers, and those of them that need not be there.
const WHOLE: usize = 16;
const REAL: usize = 9;
const OPTIONAL: usize = 6;

/// The same of an attempt.
const ATTEMPT_WHOLE: usize = 2;
const ATTEMPT_OPTIONAL: usize = 4;

/// What there is of an attempt, by bits: what was made of its quality, cost, latency and answer; a length of that, which was cut; a
/// cost by a price list.
const QUALITY: u64 = 1;
const COST: u64 = 1 << 1;
const LATENCY: u64 = 1 << 2;
const LENGTH: u64 = 1 << 3;
const ANSWER: u64 = 1 << 4;
const TRUNCATED: u64 = 1 << 5;
const IMPLIED: u64 = 1 << 6;
const ALL_MARKS: u64 = (1 << 7) - 1;

/// In place of an expected length that is not known.
const UNKNOWN: f64 = -1.0;

impl Ledger {
    /// What can't have come about, if anything: a state with it is neither written nor read. `known`: how many models there ever
    /// were.
    pub fn unsound(&self, known: usize) -> Option<&'static str> {
        let in_order = self.records.iter().zip(self.records.iter().skip(1));
        let in_order =
            in_order.map(|(a, b)| (a.decided.number, b.decided.number)).all(|(a, b)| a.checked_add(1) == Some(b));
        let ends = self.records.last().is_none_or(|last| last.decided.number.checked_add(1) == Some(self.next));
        let accounts = self.records.iter().filter_map(|entry| entry.account.as_ref());
        let accounts = accounts
            .into_iter()
            .all(|account| !account.attempts.is_empty() && account.attempts.iter().all(Attempt::is_sound));
        let rows = self.prompts.as_ref().map_or(0, |prompts| prompts.rows.len());
        let decided = |entry: &Entry| {
            let Decided { row, prompt, .. } = &*entry.decided;
            let kept = row.is_some() == prompt.is_some() && row.is_none_or(|row| (row as usize) < rows);
            kept && entry.decided.is_sound(known)
        };
        let counts = self.chosen.values().chain(self.trials.values()).all(|&count| count < UNCOUNTABLE);
        let checks = [
            (in_order && ends && self.records.len() <= self.capacity, "decisions in order, no more than the capacity"),
            (self.next > 0 && self.next < UNCOUNTABLE && self.changes < UNCOUNTABLE, "counts of decisions"),
            (self.lineage.is_sound(self.next), "incarnations in the order in which they issued numbers"),
            (self.budget.is_none_or(|budget| budget.is_sound()), "a budget"),
            (self.tally.is_sound(), "counts of outcomes"),
            (self.records.iter().all(decided), "decisions that can have been made"),
            (accounts, "outcomes that can have been told"),
            (counts, "counts of models"),
        ];
        checks.into_iter().find(|(sound, _)| !sound).map(|(_, what)| what)
    }

    /// Writes everything.
    pub fn save(&self, writer: &mut Writer<'_>) {
        writer.value("next", &self.next);
        writer.value("changes", &self.changes);
        writer.value("epoch", &self.epoch);
        writer.value("lineage", &self.lineage);
        writer.value("reading", &self.reading);
        writer.value("before", &self.before);
        writer.value("budget", &self.budget);
        writer.value("tally", &self.tally);
        let counts = |counts: &BTreeMap<u32, u64>| counts.iter().map(|(arm, count)| (*arm, *count)).collect::<Vec<_>>();
        writer.value("chosen", &counts(&self.chosen));
        writer.value("trials", &counts(&self.trials));
        let sessions: Vec<u64> = self
            .sessions
            .list()
            .flat_map(|session| [session.key as u64, (session.key >> 64) as u64, u64::from(session.arm), session.at])
            .collect();
        writer.tensor("sessions", &[sessions.len() / 4, 4], &sessions);
        if let Some(prompts) = &self.prompts {
            let rows: Vec<f32> = prompts.rows.iter().flat_map(|row| row.iter().copied()).collect();
            let dim = prompts.rows.first().map_or(0, |row| row.len());
            writer.tensor("prompts", &[prompts.rows.len(), dim], &rows);
            writer.value("due", &prompts.due);
        }
        write_records(&self.records, writer);
    }

    /// Reads what [`save`](Self::save) wrote. `known`: how many models there ever were.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn restore(reader: &Reader<'_>, config: &RouterConfig, known: usize) -> Result<Self> {
        let next = reader.value("next")?;
        let lineage: Lineage = reader.value("lineage")?;
        let budget: Option<Budget> = reader.value("budget")?;
        let as_configured = budget.map(|budget| budget.usd) == config.budget_usd;
        reader.ensure("budget", as_configured, "the configured one")?;
        let tally: Tally = reader.value("tally")?;
        let counts = |name: &str| -> Result<BTreeMap<u32, u64>> {
            let list: Vec<(u32, u64)> = reader.value(name)?;
            let map: BTreeMap<u32, u64> = list.iter().copied().collect();
            let there = map.keys().all(|&arm| (arm as usize) < known);
            reader.ensure(name, there && map.len() == list.len(), "models that there were, each once")?;
            Ok(map)
        };
        let (_, sessions) = reader.rows::<u64>("sessions", &[4])?;
        let arms = sessions.chunks_exact(4).all(|row| row[2] < known as u64);
        reader.ensure("sessions", arms, "models that there were")?;
        let session = |row: &[u64]| Session {
            key: u128::from(row[0]) | u128::from(row[1]) << 64,
            arm: row[2] as u32,
            at: row[3],
        };
        let sessions = Sessions::restore(config.session_ttl_ms, sessions.chunks_exact(4).map(session));
        let sessions = sessions.ok_or_else(|| reader.corrupt("sessions", "expected sessions, each once"))?;
        let prompts = match reader.contains("due") {
            true => Some(Prompts { rows: read_prompts(reader, config.dim)?, due: reader.value("due")? }),
            false => None,
        };
        let rows = prompts.as_ref().map(|prompts| &prompts.rows);
        let (chosen, trials) = (Arc::new(counts("chosen")?), Arc::new(counts("trials")?));
        let ledger = Self {
            records: read_records(reader, rows, known)?,
            next,
            capacity: config.pending_capacity,
            ttl_ms: config.pending_ttl_ms,
            lineage,
            pending: None,
            changes: reader.value("changes")?,
            epoch: reader.value("epoch")?,
            sessions,
            budget,
            chosen,
            trials,
            tally,
            prompts,
            reading: reader.value::<Reading>("reading")?,
            before: reader.value("before")?,
            lists: Vec::new(),
        };
        match ledger.unsound(known) {
            None => Ok(ledger),
            Some(what) => Err(reader.corrupt("whole", format_args!("expected {what}"))),
        }
    }
}

fn read_prompts(reader: &Reader<'_>, dim: usize) -> Result<Chunks<Arc<[f32]>>> {
    let empty = reader.rows::<f32>("prompts", &[0]).is_ok_and(|(rows, _)| rows == 0);
    if empty {
        return Ok(Chunks::default());
    }
    let (_, rows) = reader.rows::<f32>("prompts", &[dim])?;
    reader.ensure("prompts", crate::state::all_unit(&rows, dim), "vectors of unit length")?;
    Ok(rows.chunks_exact(dim).map(Arc::from).collect())
}

/// Tables of decisions while they are filled.
#[derive(Default)]
struct Tables {
    whole: Vec<u64>,
    real: Vec<f64>,
    there: Vec<u8>,
    z: Vec<f32>,
    /// Whether there are cues, and those.
    cues: Vec<u8>,
    /// Lengths of answers that were expected.
    answers: Vec<f64>,
    attempts: Vec<u64>,
    attempt_real: Vec<f64>,
    attempt_there: Vec<u8>,
    learned: Vec<u64>,
    learned_real: Vec<f64>,
    amounts: Vec<Observation>,
    /// Lengths of answers that were told.
    told_answers: Vec<f64>,
    lists: Vec<u32>,
    list_ends: Vec<u64>,
    others: Vec<u32>,
    propensities: Vec<f64>,
    words: Words,
    list_places: HashMap<Arc<[u32]>, u64>,
}

fn write_records(records: &Chunks<Entry>, writer: &mut Writer<'_>) {
    let mut t = Tables::default();
    records.iter().for_each(|entry| t.add(entry));
    let (n, attempts) = (records.len(), t.attempts.len() / ATTEMPT_WHOLE);
    writer.tensor("whole", &[n, WHOLE], &t.whole);
    writer.tensor("real", &[n, REAL], &t.real);
    writer.tensor("there", &[n, OPTIONAL], &t.there);
    writer.tensor("z", &[n, BOTH], &t.z);
    writer.tensor("cues", &[n, 1 + CUES], &t.cues);
    writer.tensor("attempts", &[attempts, ATTEMPT_WHOLE], &t.attempts);
    writer.tensor("attempt_real", &[attempts, ATTEMPT_OPTIONAL], &t.attempt_real);
    writer.tensor("attempt_there", &[attempts, ATTEMPT_OPTIONAL], &t.attempt_there);
    writer.tensor("learned", &[t.learned.len() / ATTEMPT_WHOLE, ATTEMPT_WHOLE], &t.learned);
    writer.tensor("learned_real", &[t.learned.len() / ATTEMPT_WHOLE, 5], &t.learned_real);
    let of_amounts: Vec<u64> =
        t.amounts.iter().flat_map(|observation| [observation.at, observation.scale.basis as u64]).collect();
    let amounts: Vec<f64> = t.amounts.iter().flat_map(|observation| observation.numbers()).collect();
    writer.tensor("amounts", &[t.amounts.len(), 2], &of_amounts);
    writer.tensor("amounts_real", &[t.amounts.len(), Observation::NUMBERS], &amounts);
    // states from before answers had lengths have none of these
    if t.answers.iter().any(|tokens| *tokens != UNKNOWN) {
        writer.tensor("expected_answers", &[n], &t.answers);
    }
    if !t.told_answers.is_empty() {
        writer.tensor("answers", &[t.told_answers.len()], &t.told_answers);
    }
    writer.tensor("lists", &[t.lists.len()], &t.lists);
    writer.tensor("list_ends", &[t.list_ends.len()], &t.list_ends);
    writer.tensor("others", &[t.others.len()], &t.others);
    writer.tensor("propensities", &[t.propensities.len()], &t.propensities);
    t.words.save(writer);
}

impl Tables {
    fn add(&mut self, Entry { decided, account }: &Entry) {
        let Decided { eligible, charge, .. } = &**decided;
        let list = self.list(&eligible.models);
        let account_words = account.as_deref().map_or([NO_WORD; 2], |account| {
            [self.words.place(account.source.as_ref()), self.words.place(account.metadata.as_ref())]
        });
        let words = [&decided.session, &decided.tenant, &decided.subject, &decided.metadata];
        let words = words.map(|word| self.words.place(word.as_ref()));
        let flags = u64::from(decided.observed) | u64::from(decided.context_free) << 1 | (decided.reason as u64) << 2;
        self.whole.extend([
            decided.number,
            decided.at.unix_ms,
            decided.at.life_ms,
            decided.seed,
            decided.version,
            flags,
            u64::from(decided.arm),
            decided.row.map_or(NONE, u64::from),
            list,
            eligible.others.len() as u64,
            account.as_ref().map_or(NONE, |account| account.attempts.len() as u64),
            account.as_ref().map_or(0, |account| account.at.unix_ms),
            account.as_ref().map_or(0, |account| account.at.life_ms),
            words[0] | words[1] << 32,
            words[2] | words[3] << 32,
            account_words[0] | account_words[1] << 32,
        ]);
        let optional = [
            decided.expected_cost,
            decided.expected_latency,
            decided.prompt_tokens,
            charge.map(|charge| charge.reserved),
            charge.map(|charge| charge.dearest),
            charge.map(|charge| charge.cheapest),
        ];
        self.real.extend([decided.propensity, decided.expected_quality, eligible.usual]);
        self.real.extend(optional.map(Option::unwrap_or_default));
        self.there.extend(optional.map(|value| u8::from(value.is_some())));
        self.answers.push(decided.expected_answer.unwrap_or(UNKNOWN));
        self.z.extend_from_slice(&decided.z);
        self.cues.push(u8::from(decided.cues.is_some()));
        self.cues.extend(decided.cues.unwrap_or_default().0.map(|cue| cue as u8));
        self.others.extend(eligible.others.iter().map(|(at, _)| *at));
        self.propensities.extend(eligible.others.iter().map(|(_, p)| *p));
        for attempt in account.iter().flat_map(|account| &account.attempts) {
            self.attempt(attempt);
        }
    }

    fn attempt(&mut self, attempt @ Attempt { arm, told, quality, cost, latency, length }: &Attempt) {
        let marks = [
            (QUALITY, quality.is_some()),
            (COST, cost.is_some()),
            (LATENCY, latency.is_some()),
            (LENGTH, length.is_some()),
            (ANSWER, told.answer.is_some()),
            (TRUNCATED, told.answer.is_some_and(|answer| answer.truncated)),
            (IMPLIED, told.implied),
        ];
        let marks = marks.into_iter().filter(|(_, there)| *there).fold(0, |marks, (mark, _)| marks | mark);
        self.attempts.extend([u64::from(*arm), marks]);
        self.told_answers.extend(told.answer.map(|answer| answer.tokens));
        let told = [told.quality, told.cost_usd, told.latency_ms, told.error.map(|failed| f64::from(u8::from(failed)))];
        self.attempt_real.extend(told.map(Option::unwrap_or_default));
        self.attempt_there.extend(told.map(|value| u8::from(value.is_some())));
        if let Some(Learned { uid, r, e, errors, left, at }) = quality {
            self.learned.extend([u64::from(*uid), *at]);
            self.learned_real.extend([*r, *e, errors[0], errors[1], *left]);
        }
        self.amounts.extend(attempt.amounts().into_iter().filter_map(|(_, amount)| amount));
    }

    fn list(&mut self, models: &Arc<[u32]>) -> u64 {
        if let Some(&place) = self.list_places.get(models) {
            return place;
        }
        let place = self.list_ends.len() as u64;
        self.lists.extend_from_slice(models);
        self.list_ends.push(self.lists.len() as u64);
        self.list_places.insert(models.clone(), place);
        place
    }
}

fn read_records(reader: &Reader<'_>, rows: Option<&Chunks<Arc<[f32]>>>, known: usize) -> Result<Chunks<Entry>> {
    let (n, whole) = reader.rows::<u64>("whole", &[WHOLE])?;
    let real: Vec<f64> = reader.tensor("real", &[n, REAL])?;
    let there: Vec<u8> = reader.tensor("there", &[n, OPTIONAL])?;
    let z: Vec<f32> = reader.tensor("z", &[n, BOTH])?;
    let cues: Vec<u8> = reader.tensor("cues", &[n, 1 + CUES])?;
    let answers = match reader.contains("expected_answers") {
        true => reader.tensor::<f64>("expected_answers", &[n])?,
        false => vec![UNKNOWN; n],
    };
    let mut answers = answers.into_iter().map(|tokens| (tokens != UNKNOWN).then_some(tokens));
    let lists = read_lists(reader)?;
    let words = WordList::read(reader)?;
    let (_, others) = reader.rows::<u32>("others", &[])?;
    let propensities: Vec<f64> = reader.tensor("propensities", &[others.len()])?;
    let mut others = others.into_iter().zip(propensities);
    let mut attempts = Attempts::read(reader, known)?;
    let mut records = Chunks::default();
    let table = whole.chunks_exact(WHOLE).zip(real.chunks_exact(REAL)).zip(there.chunks_exact(OPTIONAL));
    for ((((whole, real), there), z), cues) in table.zip(z.chunks_exact(BOTH)).zip(cues.chunks_exact(1 + CUES)) {
        let corrupt = |what: &str| reader.corrupt("whole", format_args!("expected {what}"));
        let word = |packed: u64, high: bool| words.get(if high { packed >> 32 } else { packed & 0xffff_ffff });
        let word = |packed: u64, high: bool| word(packed, high).map_err(|_| corrupt("words that are there"));
        let reason = match whole[5] >> 2 {
            0 => Reason::Policy,
            1 => Reason::Session,
            2 => Reason::Trial,
            _ => return Err(corrupt("a reason")),
        };
        let models = lists.get(whole[8] as usize).cloned().ok_or_else(|| corrupt("a list of models"))?;
        let count = usize::try_from(whole[9]).ok().filter(|&count| count <= models.len());
        let count = count.ok_or_else(|| corrupt("no more probabilities than models"))?;
        let of_list: Box<[(u32, f64)]> = others.by_ref().take(count).collect();
        let arm = u32::try_from(whole[6]).ok().filter(|_| of_list.len() == count);
        let arm = arm.ok_or_else(|| corrupt("models that there were"))?;
        let row = if whole[7] == NONE { None } else { Some(u32::try_from(whole[7]).map_err(|_| corrupt("a row"))?) };
        let prompt = row.map(|row| rows.and_then(|rows| rows.get(row as usize)).cloned());
        let prompt = prompt.map(|prompt| prompt.ok_or_else(|| corrupt("prompts that are there"))).transpose()?;
        let optional = |n: usize| (there[n] != 0).then_some(real[3 + n]);
        let charge = match (optional(3), optional(4), optional(5)) {
            (Some(reserved), Some(dearest), Some(cheapest)) => Some(Charge { dearest, cheapest, reserved }),
            (None, None, None) => None,
            _ => return Err(corrupt("all of a charge, or nothing")),
        };
        let decided = Decided {
            number: whole[0],
            at: Moment { unix_ms: whole[1], life_ms: whole[2] },
            z: z.try_into().map_err(|_| corrupt("features"))?,
            prompt,
            row,
            context_free: whole[5] & 2 != 0,
            arm,
            propensity: real[0],
            reason,
            observed: whole[5] & 1 != 0,
            seed: whole[3],
            version: whole[4],
            eligible: Eligible { models, usual: real[2], others: of_list },
            expected_quality: real[1],
            expected_cost: optional(0),
            expected_latency: optional(1),
            expected_answer: answers.next().flatten(),
            charge,
            prompt_tokens: optional(2),
            cues: match cues[0] {
                0 if cues.iter().all(|&cue| cue == 0) => None,
                1 => Some(Cues(std::array::from_fn(|i| cues[1 + i] as i8))),
                _ => return Err(corrupt("cues of a text, or none")),
            },
            session: word(whole[13], false)?,
            tenant: word(whole[13], true)?,
            subject: word(whole[14], false)?,
            metadata: word(whole[14], true)?,
        };
        let account = match whole[10] {
            NONE => None,
            count => Some(Arc::new(Account {
                attempts: attempts.take(count).ok_or_else(|| corrupt("attempts that are there"))?,
                source: word(whole[15], false)?,
                metadata: word(whole[15], true)?,
                at: Moment { unix_ms: whole[11], life_ms: whole[12] },
            })),
        };
        records.push(Entry { decided: Arc::new(decided), account });
    }
    Ok(records)
}

fn read_lists(reader: &Reader<'_>) -> Result<Vec<Arc<[u32]>>> {
    let (_, models) = reader.rows::<u32>("lists", &[])?;
    let (_, ends) = reader.rows::<u64>("list_ends", &[])?;
    let sound = ends.is_sorted() && ends.last().copied().unwrap_or(0) == models.len() as u64;
    reader.ensure("list_ends", sound, "the ends of lists")?;
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let lists: Vec<Arc<[u32]>> =
        starts.zip(&ends).map(|(start, &end)| models[start as usize..end as usize].into()).collect();
    let in_order = lists.iter().all(|list| list.is_sorted_by(|a, b| a < b));
    reader.ensure("lists", in_order, "models in order, each once")?;
    Ok(lists)
}

/// Attempts in the order in which they were written.
struct Attempts(std::vec::IntoIter<Attempt>);

impl Attempts {
    fn read(reader: &Reader<'_>, known: usize) -> Result<Self> {
        let (n, whole) = reader.rows::<u64>("attempts", &[ATTEMPT_WHOLE])?;
        let real: Vec<f64> = reader.tensor("attempt_real", &[n, ATTEMPT_OPTIONAL])?;
        let there: Vec<u8> = reader.tensor("attempt_there", &[n, ATTEMPT_OPTIONAL])?;
        let (l, learned) = reader.rows::<u64>("learned", &[ATTEMPT_WHOLE])?;
        let learned_real: Vec<f64> = reader.tensor("learned_real", &[l, 5])?;
        let (a, amounts) = reader.rows::<u64>("amounts", &[2])?;
        let amounts_real: Vec<f64> = reader.tensor("amounts_real", &[a, Observation::NUMBERS])?;
        let mut qualities = learned.chunks_exact(ATTEMPT_WHOLE).zip(learned_real.chunks_exact(5));
        let mut amounts = amounts.chunks_exact(2).zip(amounts_real.chunks_exact(Observation::NUMBERS));
        let answers = if reader.contains("answers") { reader.rows::<f64>("answers", &[])?.1 } else { Vec::new() };
        let mut answers = answers.into_iter();
        let corrupt = |what: &str| reader.corrupt("attempts", format_args!("expected {what}"));
        let model = |uid: u64| match uid {
            uid if uid < known as u64 => Ok(uid as u32),
            _ => Err(corrupt("models that there were")),
        };
        let mut attempts = Vec::with_capacity(n);
        let table = whole.chunks_exact(ATTEMPT_WHOLE).zip(real.chunks_exact(ATTEMPT_OPTIONAL));
        for ((whole, real), there) in table.zip(there.chunks_exact(ATTEMPT_OPTIONAL)) {
            let optional = |n: usize| (there[n] != 0).then_some(real[n]);
            let marked = |mark: u64| whole[1] & mark != 0;
            if whole[1] & !ALL_MARKS != 0 || marked(TRUNCATED) && !marked(ANSWER) {
                return Err(corrupt("what was told"));
            }
            let answer = marked(ANSWER).then(|| Some(Answer { tokens: answers.next()?, truncated: marked(TRUNCATED) }));
            let told = Told {
                quality: optional(0),
                cost_usd: optional(1),
                implied: marked(IMPLIED),
                latency_ms: optional(2),
                answer: answer.map(|answer| answer.ok_or_else(|| corrupt("lengths of answers"))).transpose()?,
                error: optional(3).map(|failed| failed != 0.0),
            };
            let mut attempt = Attempt::new(model(whole[0])?, told);
            if marked(QUALITY) {
                let (whole, real) = qualities.next().ok_or_else(|| corrupt("what was learned"))?;
                let (uid, at) = (model(whole[0])?, whole[1]);
                let [r, e, first, second, left] = [real[0], real[1], real[2], real[3], real[4]];
                attempt.quality = Some(Learned { uid, r, e, errors: [first, second], left, at });
            }
            for (mark, kind) in [(COST, Kind::Cost), (LATENCY, Kind::Latency), (LENGTH, Kind::Length)] {
                if marked(mark) {
                    let (whole, real) = amounts.next().ok_or_else(|| corrupt("amounts"))?;
                    let observation = Observation::from_numbers(whole[0], whole[1], real);
                    attempt.set_amount(kind, Some(observation.ok_or_else(|| corrupt("an amount"))?));
                }
            }
            attempts.push(attempt);
        }
        if answers.next().is_some() {
            return Err(corrupt("no more lengths of answers than were told"));
        }
        Ok(Self(attempts.into_iter()))
    }

    fn take(&mut self, count: u64) -> Option<Vec<Attempt>> {
        let count = usize::try_from(count).ok().filter(|&count| count <= self.0.len())?;
        Some(self.0.by_ref().take(count).collect())
    }
}
