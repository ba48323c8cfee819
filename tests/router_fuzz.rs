//! Whatever is called, by how many threads: the state comes back as it was saved, and the changes that were told lead to it.

mod entries;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::{fs, io, thread};

use entries::difference;
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use sona::router::basis::Basis;
use sona::router::{Answer, Asked, Change, Criterion, Limits, Now, OpenOptions, OpenReport, Resume, Told, Usage};
use sona::state::EmbedderId;
use sona::{Background, DecisionId, Exploration, Model, ModelId, Outcome, Price, Request, RouterConfig, SonaRouter};

/// Runs of random calls; more with `SONA_FUZZ_RUNS=<number>`, others with `SONA_FUZZ_SEED=<number>`.
const RUNS: u64 = 25;

/// Calls of a run, or bursts of them.
const STEPS: u64 = 40;

const SOURCES: [&str; 3] = ["judge", "user", "test"];

const CONTINUES: Resume<'_> = Resume { origin: None, continues: true };

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap())
}

/// A router whose changes since some state are kept.
struct Watched {
    router: SonaRouter,
    start: Vec<u8>,
    changes: Arc<Mutex<Vec<Change>>>,
}

impl Watched {
    /// Goes on from a state.
    fn resume(start: Vec<u8>, resume: Resume<'_>) -> Self {
        let router = SonaRouter::restore(&start, resume).unwrap();
        let changes: Arc<Mutex<Vec<Change>>> = Arc::default();
        let kept = changes.clone();
        router.watch_changes(move |change| kept.lock().unwrap().push(change.clone()));
        Self { router, start, changes }
    }

    /// The state comes back, as the same bytes.
    fn check(&self, what: &str) -> Vec<u8> {
        let bytes = self.router.snapshot().unwrap_or_else(|error| panic!("{what}: snapshot: {error}"));
        let back = SonaRouter::restore(&bytes, None).unwrap_or_else(|error| panic!("{what}: restore: {error}"));
        let again = back.snapshot().unwrap_or_else(|error| panic!("{what}: snapshot again: {error}"));
        assert!(again == bytes, "{what}: a restored state is another: {}", difference(&again, &bytes));
        bytes
    }

    /// The changes lead to the state.
    fn check_replay(&self, what: &str) -> Vec<u8> {
        let bytes = self.check(what);
        let copy = SonaRouter::restore(&self.start, CONTINUES).unwrap();
        let broken = SonaRouter::restore(&self.start, CONTINUES).unwrap();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(bytes.len() as u64);
        for change in self.changes.lock().unwrap().iter() {
            copy.apply(&through_bytes(change)).unwrap();
            break_bytes(change, &mut rng, &broken);
        }
        broken.snapshot().unwrap_or_else(|error| panic!("{what}: snapshot after broken changes: {error}"));
        let replayed = copy.snapshot().unwrap_or_else(|error| panic!("{what}: snapshot of the replay: {error}"));
        assert!(replayed == bytes, "{what}: the changes lead to another state: {}", difference(&replayed, &bytes));
        bytes
    }
}

/// A change as bytes and back.
fn through_bytes(change: &Change) -> Change {
    let bytes = change.to_bytes().unwrap();
    let back = Change::from_bytes(&bytes).unwrap();
    assert!(back.to_bytes().unwrap() == bytes, "it comes back as another: {change:?}");
    back
}

/// A change whose bytes are cut, and with a bit that has turned: refused, or one that can be checked.
fn break_bytes(change: &Change, rng: &mut impl Rng, router: &SonaRouter) {
    let mut bytes = change.to_bytes().unwrap();
    let cut = rng.random_range(0..bytes.len());
    assert_eq!(Change::from_bytes(&bytes[..cut]).unwrap_err().code(), "SONA_CORRUPT_STATE");
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Change::from_bytes(&longer).unwrap_err().code(), "SONA_CORRUPT_STATE");
    // most of a decision are its features
    let place =
        if rng.random_bool(0.5) { rng.random_range(0..bytes.len()) } else { rng.random_range(0..bytes.len().min(40)) };
    bytes[place] ^= 1 << rng.random_range(0..8);
    match Change::from_bytes(&bytes) {
        Ok(other) => drop(router.apply(&other)),
        Err(error) => allow(&error, &["SONA_CORRUPT_STATE", "SONA_INCOMPATIBLE_STATE"]),
    }
}

/// What the calls of a run are about.
#[derive(Clone)]
struct World {
    rng: Xoshiro256PlusPlus,
    dim: usize,
    /// The length of all prompts, where they have one.
    tokens: Option<f64>,
    /// The quality of all outcomes, where they have one.
    quality: Option<f64>,
    now: Now,
    ids: Vec<DecisionId>,
    /// A state of another router, to merge.
    foreign: Arc<[u8]>,
    burst: usize,
}

impl World {
    fn chance(&mut self, p: f64) -> bool {
        self.rng.random_bool(p)
    }

    fn below(&mut self, n: usize) -> usize {
        self.rng.random_range(0..n)
    }

    fn source(&mut self) -> String {
        SOURCES[self.below(3)].into()
    }

    /// Few directions with a wobble, so that clusters, sames and opposites come up.
    fn vector(&mut self) -> Vec<f32> {
        let main = self.below(5) % self.dim;
        (0..self.dim).map(|i| if i == main { 1.0 } else { self.rng.random_range(-0.1..0.1) }).collect()
    }

    fn model(&mut self, router: &SonaRouter) -> Option<ModelId> {
        let models = router.models().unwrap();
        if models.is_empty() { None } else { Some(models[self.below(models.len())].0) }
    }

    fn word(&mut self) -> String {
        match self.below(8) {
            0 => String::new(),
            1 => "x".repeat(600) + &self.below(3).to_string(),
            n => format!("w{n}"),
        }
    }

    fn price(&mut self) -> Price {
        let mut part = || match self.below(4) {
            0 => None,
            1 => Some(0.0),
            2 => Some(1e12),
            _ => Some(self.rng.random_range(0.0..5.0)),
        };
        Price { input: part(), output: part() }
    }

    fn new_model(&mut self) -> Model {
        let mut model = Model::new(format!("m{}", self.below(6)));
        model.price = self.price();
        model.prior.weight = self.rng.random_range(0.01..30.0);
        model.prior.quality = self.chance(0.4).then(|| self.rng.random_range(0.0..1.0));
        model.prior.cost_usd = self.chance(0.2).then(|| self.amount());
        model.prior.latency_ms = self.chance(0.2).then(|| self.amount());
        model.prior.like = self.chance(0.2).then(|| format!("m{}", self.below(6)));
        model.model = self.chance(0.5).then(|| "base".into());
        model.settings = self.chance(0.4).then(|| {
            let numbers = ["0", "1e-9", "0.5", "1", "63.9", "700.5", "1e12", "1e308", "-3", "null", r#""700""#];
            let [most, of_sdk] = [0, 0].map(|_| numbers[self.below(numbers.len())]);
            [r#"{"temperature":0.5}"#.into(), format!(r#"{{"maxTokens":{most},"maxOutputTokens":{of_sdk}}}"#)]
                [self.below(2)]
            .clone()
            .into()
        });
        model.metadata = self.chance(0.2).then(|| r#"{"team":"x"}"#.into());
        model.tags = (0..self.below(3)).map(|n| format!("t{n}")).collect();
        model
    }

    fn amount(&mut self) -> f64 {
        match self.below(6) {
            0 | 1 => 0.0,
            2 => 1e12,
            3 => 1e-300,
            _ => self.rng.random_range(0.0..3e3),
        }
    }

    fn told(&mut self) -> Told {
        Told {
            implied: false,
            quality: self.chance(0.6).then(|| self.quality.unwrap_or_else(|| self.rng.random_range(0.0..=1.0))),
            cost_usd: self.chance(0.4).then(|| self.amount() / 1e5),
            latency_ms: self.chance(0.4).then(|| self.amount()),
            answer: self.chance(0.3).then(|| Answer { tokens: self.amount(), truncated: self.chance(0.2) }),
            error: self.chance(0.25).then(|| self.chance(0.5)),
        }
    }

    fn outcome(&mut self, router: &SonaRouter) -> Outcome {
        let (source, amend) = (self.chance(0.7).then(|| self.source().into()), self.chance(0.4));
        let metadata = self.chance(0.1).then(|| r#"{"a":1}"#.into());
        let mut outcome = Outcome { source, amend, metadata, ..Outcome::default() };
        if self.chance(0.2) {
            for _ in 0..1 + self.below(3) {
                let model = self.model(router);
                let told = self.told();
                outcome.attempts.extend(model.map(|model| Asked { model, told, usage: None }));
            }
        } else {
            let Told { quality, cost_usd, latency_ms, answer, error, .. } = self.told();
            let model = if self.chance(0.15) { self.model(router) } else { None };
            let tokens = |Answer { tokens, truncated }| Usage { input: 1.0, output: Some(tokens), truncated };
            let usage = answer.map(tokens);
            outcome = Outcome { quality, cost_usd, latency_ms, usage, error, model, ..outcome };
        }
        outcome
    }

    fn text(&mut self) -> String {
        let parts =
            ["", "Why is that?", "\n- one\n- two", "fn f() { x += 1; }", "今日は", "привет", "\u{0}\u{301}", "12 345"];
        (0..self.below(6)).map(|_| parts[self.below(parts.len())].repeat(1 + self.below(3_000))).collect()
    }

    fn request(&mut self, router: &SonaRouter) -> Request {
        let some = self.chance(0.1).then(|| self.model(router)).flatten();
        Request {
            eligible: some.map(|model| vec![model, model]),
            session: self.chance(0.3).then(|| self.word().into()),
            tenant: self.chance(0.3).then(|| self.word().into()),
            max_cost_usd: self.chance(0.1).then(|| self.amount() / 1e5),
            max_latency_ms: self.chance(0.1).then(|| self.amount()),
            observe: self.chance(0.12),
            text: self.chance(0.4).then(|| self.text().into()),
            prompt_tokens: match self.tokens {
                Some(tokens) => Some(tokens),
                None => self.chance(0.8).then(|| self.amount()),
            },
            metadata: self.chance(0.1).then(|| r#"{"n":1}"#.into()),
        }
    }

    fn pass(&mut self) {
        let ms = self.rng.random_range(0..5);
        self.now.unix_ms = self.now.unix_ms.saturating_add(ms);
        self.now.steady_ms = self.now.steady_ms.saturating_add(ms);
    }

    /// One clock jumps, forwards or back.
    fn jump(&mut self) {
        let by = [60, 3_000, 31_536_000_000, u64::MAX / 2][self.below(4)];
        let back = self.chance(0.5);
        let clock = if self.chance(0.5) { &mut self.now.unix_ms } else { &mut self.now.steady_ms };
        *clock = if back { clock.saturating_sub(by) } else { clock.saturating_add(by).min(u64::MAX / 2) };
    }

    /// A prompt is routed, and something is told of this or of earlier ones.
    fn serve(&mut self, router: &SonaRouter) {
        self.pass();
        let (request, vector) = (self.request(router), self.vector());
        let decided = if self.chance(0.12) {
            router.route_context_free(&request, self.now)
        } else {
            router.route(&vector, &request, self.now)
        };
        match decided {
            Ok(decision) => {
                let sum: f64 = decision.candidates.iter().map(|candidate| candidate.propensity).sum();
                assert!((sum - 1.0).abs() < 1e-9, "propensities sum to {sum}");
                for c in &decision.candidates {
                    let numbers = [c.score, c.quality, c.interval[0], c.interval[1], c.deviation, c.worth, c.optimism];
                    let more = [c.bonus, c.cost, c.latency, c.outcomes, c.evidence, c.tenant, c.availability];
                    let optional = [c.cost_usd, c.latency_ms, c.answer_tokens].map(Option::unwrap_or_default);
                    let all = numbers.iter().chain(&more).chain(&optional).chain(&c.blocks);
                    assert!(all.into_iter().all(|number| number.is_finite()), "{c:?}");
                    for (expected, interval) in [
                        (c.cost_usd, c.cost_interval),
                        (c.latency_ms, c.latency_interval),
                        (c.answer_tokens, c.answer_interval),
                    ] {
                        let holds = |(amount, [low, high]): (f64, [f64; 2])| {
                            0.0 <= low && low <= amount && amount <= high && high.is_finite()
                        };
                        assert!(expected.is_some() == interval.is_some(), "{c:?}");
                        assert!(expected.zip(interval).is_none_or(holds), "{c:?}");
                    }
                    assert!((0.0..=1.0).contains(&c.quality) && (0.0..=1.0).contains(&c.availability), "{c:?}");
                }
                let whole = |tokens: f64| tokens >= 1.0 && tokens.is_finite() && tokens.fract() == 0.0;
                let held = |limits: Limits| {
                    whole(limits.max_tokens)
                        && limits.context_tokens.is_none_or(|tokens| whole(tokens) && tokens >= 64.0)
                };
                assert!(decision.limits.is_none_or(held), "{:?}", decision.limits);
                self.ids.push(decision.id);
            }
            Err(error) => allow(&error, &["SONA_NO_ELIGIBLE_MODEL", "SONA_UNKNOWN_MODEL"]),
        }
        for _ in 0..self.below(3) {
            let Some(at) = self.ids.len().checked_sub(1 + self.below(30)) else { continue };
            let (id, outcome) = (self.ids[at], self.outcome(router));
            if let Err(error) = router.feedback(id, &outcome, self.now) {
                // tokens may lack one price of two, or cost too much
                let priced = outcome.usage.is_some() && outcome.cost_usd.is_none();
                let of_price = ["SONA_INVALID_ARGUMENT", "SONA_OUT_OF_RANGE"];
                allow(
                    &error,
                    if priced && of_price.contains(&error.code()) { &of_price } else { &["SONA_UNKNOWN_MODEL"] },
                );
            }
        }
    }

    fn forget(&mut self, router: &SonaRouter) {
        let decision = if self.ids.is_empty() { None } else { Some(self.below(self.ids.len())) };
        let decision = decision.filter(|_| self.chance(0.3));
        let criterion = Criterion {
            source: self.chance(0.6).then(|| self.source()),
            decision: decision.map(|at| self.ids[at]),
            before: self.chance(0.4).then(|| self.now.unix_ms.saturating_sub(self.rng.random_range(0..200))),
        };
        match router.forget(&criterion, self.now) {
            Ok(_) => {}
            Err(error) => allow(&error, &["SONA_INVALID_ARGUMENT"]),
        }
    }

    fn warm(&mut self, router: &SonaRouter) {
        let mut rows = Vec::new();
        let mut vectors = Vec::new();
        for _ in 0..self.below(6) {
            let Some(model) = self.model(router) else { continue };
            let quality = self.quality.unwrap_or_else(|| self.rng.random_range(0.0..=1.0));
            rows.push((model, quality, self.rng.random_range(0.01..30.0)));
            vectors.extend(self.vector());
        }
        if let Err(error) = router.warm_start(&vectors, &rows) {
            allow(&error, &["SONA_UNKNOWN_MODEL"]);
        }
    }

    /// One call, or a burst of them.
    fn call(&mut self, router: &SonaRouter) {
        match self.below(16) {
            0 => {
                if let Err(error) = router.add_model(self.new_model()) {
                    allow(&error, &["SONA_INVALID_ARGUMENT", "SONA_UNKNOWN_MODEL"]);
                }
            }
            1 => {
                if let Err(error) = router.remove_model(&format!("m{}", self.below(6))) {
                    allow(&error, &["SONA_UNKNOWN_MODEL"]);
                }
            }
            2 => {
                if let Err(error) = router.update_price(&format!("m{}", self.below(6)), self.price()) {
                    allow(&error, &["SONA_UNKNOWN_MODEL"]);
                }
            }
            3 | 4 => self.forget(router),
            5 => self.warm(router),
            6 | 7 => {
                if let Err(error) = router.merge(&self.foreign) {
                    allow(&error, &["SONA_INCOMPATIBLE_STATE"]);
                }
            }
            8 => self.jump(),
            9 if self.chance(0.3) => {
                router.set_embedder(EmbedderId { id: "some".into(), dim: self.dim }).unwrap();
            }
            // all models become better, or worse
            9 => self.quality = [None, Some(0.0), Some(1.0), Some(0.7)][self.below(4)],
            10 => {
                router.take_events();
                let stats = router.stats().unwrap();
                assert!(stats.noise.is_finite() && stats.mean.is_finite() && stats.interval_scale.is_finite());
                router.memory().unwrap();
                router.log_chunk(0, 1_000).unwrap();
            }
            _ => (0..self.below(self.burst)).for_each(|_| self.serve(router)),
        }
    }
}

/// Errors that a call of these runs may meet.
fn allow(error: &sona::SonaError, codes: &[&str]) {
    assert!(codes.contains(&error.code()), "{error}");
}

fn config(rng: &mut impl Rng, seed: u64) -> RouterConfig {
    let explorations = [Exploration::Ucb, Exploration::Thompson, Exploration::Igw, Exploration::Greedy];
    RouterConfig {
        dim: rng.random_range(2..8),
        exploration: explorations[rng.random_range(0..4)],
        propensity_floor: [0.0, 0.05, 0.5][rng.random_range(0..3)],
        cost_weight: rng.random_range(0.0..1.0),
        latency_weight: rng.random_range(0.0..1.0),
        failure_quality: rng.random_range(0.0..1.0),
        budget_usd: rng.random_bool(0.5).then(|| 10_f64.powf(rng.random_range(-4.0..-1.0))),
        pending_capacity: rng.random_range(5..300),
        pending_ttl_ms: rng.random_range(1..500),
        session_ttl_ms: rng.random_range(1..100),
        tenant_capacity: rng.random_range(1..4),
        background: Background::Manual,
        forced_trials: rng.random_range(0..5),
        seed,
        ..RouterConfig::default()
    }
}

fn run(seed: u64) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let config = config(&mut rng, seed);
    let dim = config.dim;
    let fixed = rng.random_bool(0.6).then(|| Arc::new(Basis::projection(dim, 3)));
    // fits are due at 500 prompts and more
    let burst = if fixed.is_none() { 150 } else { 50 };
    let mut make = |origin: &str| {
        let config = RouterConfig { seed: rng.random_range(0..9), ..config.clone() };
        let router =
            SonaRouter::new(config, (0..3).map(|n| Model::new(format!("m{n}"))).collect(), fixed.clone(), origin);
        Watched::resume(router.unwrap().snapshot().unwrap(), CONTINUES)
    };
    let (mut watched, mut other) = (make("a"), make("b"));
    let now = Now { unix_ms: 1_700_000_000_000, steady_ms: 1_000 };
    let tokens = [None, Some(500.0), Some(8_000.0), Some(37.0), Some(0.0)][rng.random_range(0..5)];
    let quality = [None, None, Some(0.0), Some(1.0), Some(0.7)][rng.random_range(0..5)];
    let foreign = other.start.clone().into();
    let threads = if seed.is_multiple_of(4) { 2 + seed % 8 / 4 } else { 1 };
    let mut world = World { rng, dim, tokens, quality, now, ids: Vec::new(), foreign, burst };
    for round in 0..4 {
        let what = format!("seed {seed}, round {round}");
        if threads == 1 {
            for step in 0..STEPS / 4 {
                world.call(&watched.router);
                watched.check(&format!("{what}, step {step}"));
            }
        } else {
            let worlds = (0..threads).map(|thread| {
                let rng = Xoshiro256PlusPlus::seed_from_u64(seed << 8 | round << 4 | thread);
                World { rng, ..world.clone() }
            });
            let run = |mut world: World| {
                (0..STEPS / 8).for_each(|_| world.call(&watched.router));
                world.ids
            };
            let run = &run;
            let ids: Vec<Vec<DecisionId>> = thread::scope(|scope| {
                let running: Vec<_> = worlds.map(|world| scope.spawn(move || run(world))).collect();
                running.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            world.ids = ids.concat();
        }
        watched.check_replay(&what);
        match world.below(8) {
            // the process ends, and another goes on
            0 => watched = Watched::resume(watched.router.snapshot().unwrap(), CONTINUES),
            1 => watched = Watched::resume(watched.router.snapshot().unwrap(), Resume::default()),
            2 => {
                let origin = ["a", "b", "c"][world.below(3)];
                let resume = Resume { origin: Some(origin), continues: world.chance(0.5) };
                watched = Watched::resume(watched.router.snapshot().unwrap(), resume);
            }
            // it ended without saving
            3 => watched = Watched::resume(watched.start.clone(), Resume::default()),
            4 | 5 => std::mem::swap(&mut watched, &mut other),
            _ => {}
        }
        // another's state, or one of its own: of before, or of a copy that goes on
        world.foreign = if world.chance(0.7) {
            other.router.snapshot().unwrap().into()
        } else {
            let copy = Watched::resume(watched.start.clone(), Resume { origin: None, continues: world.chance(0.5) });
            (0..world.below(20)).for_each(|_| world.serve(&copy.router));
            copy.check_replay(&format!("{what}, a copy")).into()
        };
    }
    other.check_replay(&format!("seed {seed}, the other"));
}

#[test]
fn random_runs_come_back_and_are_what_their_changes_lead_to() {
    let first = setting("SONA_FUZZ_SEED", 1);
    (first..first + setting("SONA_FUZZ_RUNS", RUNS)).for_each(run);
}

/// A directory that is removed with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sona-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn open(path: &Path, making: Option<(RouterConfig, Option<Arc<Basis>>)>) -> (Arc<SonaRouter>, OpenReport) {
    let models = (0..3).map(|n| Model::new(format!("m{n}"))).collect();
    let making = making.map(|(config, basis)| (config, models, basis, "a".to_owned()));
    // as few changes as a run may make
    let options = OpenOptions { checkpoint_changes: 150, ..OpenOptions::default() };
    let opened = SonaRouter::open(path, making, options).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (opened.router, opened.report)
}

fn close(router: Arc<SonaRouter>) {
    router.release().unwrap().close_durable(5_000).unwrap();
}

/// A copy of what is on disk, as a process that is killed leaves it: all files as of one moment, in which no checkpoint is written.
fn copy_of(path: &Path, name: &str) -> Folder {
    let listed = || -> io::Result<Vec<_>> {
        let mut files = Vec::new();
        for file in fs::read_dir(path)? {
            let (file, metadata) = file.and_then(|file| Ok((file.path(), file.metadata()?)))?;
            files.push((file, metadata.len(), metadata.modified()?));
        }
        files.sort();
        Ok(files)
    };
    let copy = Folder::new(name);
    let copied = || -> io::Result<bool> {
        let _ = fs::remove_dir_all(&copy.0);
        fs::create_dir_all(&copy.0)?;
        let before = listed()?;
        for (file, ..) in &before {
            fs::copy(file, copy.0.join(file.file_name().unwrap_or_default()))?;
        }
        Ok(listed()? == before)
    };
    while !copied().unwrap_or(false) {
        thread::yield_now();
    }
    copy
}

/// What is on disk leads to the state, whether the process is killed or ends.
fn run_opened(seed: u64) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let config = config(&mut rng, seed);
    let dim = config.dim;
    let basis = rng.random_bool(0.6).then(|| Arc::new(Basis::projection(dim, 3)));
    let burst = if basis.is_none() { 150 } else { 50 };
    let models = vec![Model::new("m0"), Model::new("other")];
    let other = SonaRouter::new(config.clone(), models, basis.clone(), "b").unwrap();
    let now = Now { unix_ms: 1_700_000_000_000, steady_ms: 1_000 };
    let foreign = other.snapshot().unwrap().into();
    let mut world = World { rng, dim, tokens: None, quality: None, now, ids: Vec::new(), foreign, burst };
    (0..20).for_each(|_| world.serve(&other));
    world.foreign = other.snapshot().unwrap().into();
    let folder = Folder::new(&format!("fuzz-open-{seed}"));
    let (mut router, report) = open(&folder.0, Some((config, basis)));
    assert!(report.created && !report.continues);
    for round in 0..6 {
        let what = format!("seed {seed}, round {round}");
        (0..STEPS / 4).for_each(|_| world.call(&router));
        if world.chance(0.4) {
            router.checkpoint().unwrap();
            (0..2).for_each(|_| world.call(&router));
        }
        let state = router.snapshot().unwrap();
        router.flush_durable(None).unwrap();
        let incarnation = router.incarnation();
        if world.chance(0.6) {
            // a checkpoint of its own accord may be under way
            let killed = match world.chance(0.5) {
                true => copy_of(&folder.0, &format!("fuzz-killed-{seed}-{round}")),
                false => {
                    router.checkpoint().unwrap();
                    copy_of(&folder.0, &format!("fuzz-killed-{seed}-{round}"))
                }
            };
            let (copy, report) = open(&killed.0, None);
            let reopened = copy.snapshot().unwrap();
            assert!(reopened == state, "{what}, killed: {}: {report:?}", difference(&reopened, &state));
            assert!(copy.incarnation() != incarnation && !report.continues, "{what}: another life begins");
            assert_eq!(report.skipped, 0, "{what}: {report:?}");
            // it goes on from there, and ends
            (0..5).for_each(|_| world.clone().call(&copy));
            let state = copy.snapshot().unwrap();
            close(copy);
            let (copy, _) = open(&killed.0, None);
            let reopened = copy.snapshot().unwrap();
            assert!(reopened == state, "{what}, killed and closed: {}", difference(&reopened, &state));
            close(copy);
        }
        if world.chance(0.5) {
            close(router);
            let report;
            (router, report) = open(&folder.0, None);
            let reopened = router.snapshot().unwrap();
            assert!(reopened == state, "{what}: {}: {report:?}", difference(&reopened, &state));
            assert!(router.incarnation() == incarnation && report.continues, "{what}: it goes on: {report:?}");
        }
    }
    close(router);
}

#[test]
fn what_is_on_disk_leads_to_the_state() {
    let first = setting("SONA_FUZZ_SEED", 1);
    (first..first + setting("SONA_FUZZ_RUNS", RUNS / 3)).for_each(run_opened);
}
