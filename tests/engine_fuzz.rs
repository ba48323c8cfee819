//! Random calls: every state that is saved comes back, as the same bytes, answers the same and goes on the same way. `SONA_FUZZ_RUNS` says how
//! many runs (default 200), `SONA_FUZZ_SEED` the first of their seeds (default 1).

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use sona::engine::{Asked, ItemId, Memo};
use sona::{Background, Config, Criterion, LearningSignal, PatternType, SonaEngine, SuggestionOutcome, Verdict};

const CALLS: usize = 40;
const NOON: u64 = 1_700_000_000_000;

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name}: a whole number")))
}

/// One run of random calls.
struct Run {
    rng: Xoshiro256PlusPlus,
    dim: usize,
    layers: u32,
    engine: SonaEngine,
    ids: Vec<u64>,
    /// What was called so far.
    calls: Vec<&'static str>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let dim = [1, 2, 3, 5, 8, 33][rng.random_range(0..6)];
        let layers = rng.random_range(1..=4);
        let config = Config {
            hidden_dim: dim,
            base_lora_rank: rng.random_range(1..=4),
            micro_lora_rank: rng.random_range(1..=2),
            base_lora_layers: layers as usize,
            base_lora_lr: [0.002, 0.002, 1.0][rng.random_range(0..3)],
            ewc_lambda: [0.0, 1_000.0, 1e6][rng.random_range(0..3)],
            consolidation_interval: rng.random_range(1..60),
            pattern_clusters: [1, 2, 3, 4, 20][rng.random_range(0..5)],
            trajectory_capacity: [1, 7, 40, 300][rng.random_range(0..4)],
            replay_capacity: [64, 200][rng.random_range(0..2)],
            promotion_gate: rng.random(),
            memory_capacity: [1, 5, 30, 100_000][rng.random_range(0..4)],
            tier_prototypes: rng.random_bool(0.75),
            tier_micro: rng.random_bool(0.75),
            tier_base: rng.random_bool(0.75),
            background: Background::Manual,
            seed,
            ..Config::default()
        };
        let engine = SonaEngine::new(config).unwrap();
        engine.set_time(NOON);
        Self { rng, dim, layers, engine, ids: Vec::new(), calls: Vec::new() }
    }

    /// Few directions, with and without a wobble: clusters, equal and opposite vectors come up.
    fn vector(&mut self) -> Vec<f32> {
        let axis = self.rng.random_range(0..5) % self.dim;
        let wobble = [0.0, 0.1, 1.0][self.rng.random_range(0..3)];
        let sign = if self.rng.random_bool(0.2) { -1.0 } else { 1.0 };
        let on_axis = |i: usize| if i == axis { sign } else { 0.0 };
        (0..self.dim).map(|i| on_axis(i) + wobble * self.rng.random_range(-1.0..1.0)).collect()
    }

    fn name(&mut self) -> String {
        format!("route {}", self.rng.random_range(0..4))
    }

    fn source(&mut self) -> &'static str {
        ["a", "b", "c"][self.rng.random_range(0..3)]
    }

    fn quality(&mut self) -> f64 {
        match self.rng.random_range(0..3) {
            0 => 0.0,
            1 => 1.0,
            _ => self.rng.random(),
        }
    }

    fn end_some(&mut self) {
        for _ in 0..self.rng.random_range(0..60) {
            let (query, activation) = (self.vector(), self.vector());
            let mut trajectory = self.engine.begin_trajectory(&query).unwrap();
            trajectory.set_source(self.source());
            if self.rng.random_bool(0.3) {
                trajectory.set_pattern_type(PatternType::ALL[self.rng.random_range(0..6)]);
            }
            match self.rng.random_range(0..4) {
                0 => drop(trajectory.set_route(&self.name())),
                1 => {
                    let decision = self.engine.suggest_routes(&query, 2, None).unwrap().id;
                    trajectory.set_route(&self.name()).set_decision(decision);
                }
                2 => {
                    let (layer, reward) = (self.rng.random_range(0..self.layers), self.rng.random_range(-0.5..1.5));
                    trajectory.add_step_to(layer, &activation, &[0.5], reward).unwrap();
                }
                _ => {
                    let node = format!("node {}", self.rng.random_range(0..5));
                    trajectory.record_step(&node, self.rng.random(), self.rng.random_range(0.0..1e3)).unwrap();
                }
            }
            self.ids.push(trajectory.id());
            let quality = self.quality();
            self.engine.end_trajectory(trajectory, quality).unwrap();
        }
    }

    fn amend_some(&mut self) {
        for back in 1..=self.ids.len().min(20) {
            let verdicts = [Verdict::Success, Verdict::Failure, Verdict::Unknown];
            let signal = LearningSignal {
                quality: self.rng.random_bool(0.7).then(|| self.quality()),
                verdict: self.rng.random_bool(0.2).then(|| verdicts[self.rng.random_range(0..3)]),
                latency_ms: self.rng.random_bool(0.3).then(|| self.rng.random_range(0.0..1e12)),
            };
            if self.rng.random_bool(0.4) {
                // pushed out or forgotten by now, perhaps
                let _ = self.engine.learn_from_feedback(self.ids[self.ids.len() - back], &signal);
            }
        }
    }

    fn feedback_some(&mut self) {
        for _ in 0..self.rng.random_range(0..20) {
            let query = self.vector();
            let suggestion = self.engine.suggest_routes(&query, 2, None).unwrap().id;
            let (name, source) = (self.name(), self.source());
            let outcome = SuggestionOutcome {
                quality: Some(self.quality()),
                route: self.rng.random_bool(0.5).then_some(&name[..]),
                create: true,
                source: Some(source),
                ..SuggestionOutcome::default()
            };
            if self.rng.random_bool(0.7) {
                self.engine.feedback(suggestion, &outcome).unwrap();
            }
        }
    }

    fn use_items(&mut self) {
        for _ in 0..self.rng.random_range(0..20) {
            let (vector, subject, session) = (self.vector(), self.name(), self.name());
            let metadata = format!(r#"{{"n":{}}}"#, self.rng.random_range(0..100));
            let memo = Memo {
                metadata: self.rng.random_bool(0.5).then_some(&metadata[..]),
                tags: &["x", "y", "z"][..self.rng.random_range(0..4)],
                subject: self.rng.random_bool(0.5).then_some(&subject),
                session: self.rng.random_bool(0.7).then_some(&session),
                id: None,
            };
            self.engine.remember(&vector, &memo).unwrap();
            let asked = Asked { k: 5, expand: self.rng.random_range(0..2), ..Asked::default() };
            let query = self.vector();
            let found = self.engine.recall(&query, &asked).unwrap();
            let found: Vec<ItemId> = found.iter().map(|found| found.item.id()).collect();
            let quality = self.quality();
            match self.rng.random_range(0..6) {
                0..3 => _ = self.engine.reinforce(&found, quality).unwrap(),
                3 if !found.is_empty() => _ = self.engine.forget_item(found[0]).unwrap(),
                4 => _ = self.engine.forget_subject(&subject).unwrap(),
                _ => {}
            }
        }
    }

    fn call(&mut self) -> &'static str {
        match self.rng.random_range(0..14) {
            13 => {
                self.use_items();
                "use items"
            }
            12 => {
                self.feedback_some();
                "feedback"
            }
            0 => {
                let (name, prior) = (self.name(), self.rng.random_bool(0.5).then(|| self.vector()));
                self.engine.add_route(&name, prior.as_deref()).unwrap();
                "add"
            }
            1 => {
                let name = self.name();
                // it need not exist
                let _ = self.engine.remove_route(&name);
                "remove"
            }
            2 => {
                self.amend_some();
                "amend"
            }
            3 => {
                let source = Some(self.source());
                self.engine.forget(&Criterion { source, ..Criterion::default() }).unwrap();
                "forget a source"
            }
            4 if !self.ids.is_empty() => {
                let trajectory = Some(self.ids[self.rng.random_range(0..self.ids.len())]);
                self.engine.forget(&Criterion { trajectory, ..Criterion::default() }).unwrap();
                "forget one"
            }
            5 | 6 => {
                self.engine.force_learn().unwrap();
                "learn"
            }
            7 => {
                let (versions, _) = self.engine.versions().unwrap();
                self.engine.rollback(versions[self.rng.random_range(0..versions.len())].version).unwrap();
                "roll back"
            }
            8 => {
                self.engine.flush().unwrap();
                "flush"
            }
            _ => {
                self.end_some();
                "end"
            }
        }
    }

    /// The same call on this engine and on the one that was restored from it.
    fn go_on(&mut self, restored: SonaEngine) {
        let (rng, ids, calls) = (self.rng.clone(), self.ids.clone(), self.calls.clone());
        let mut twin = Run { rng, dim: self.dim, layers: self.layers, engine: restored, ids, calls };
        let call = self.call();
        assert_eq!(twin.call(), call);
        self.calls.push(call);
        let same = self.engine.snapshot().unwrap() == twin.engine.snapshot().unwrap();
        assert!(same, "{:?}: goes on another way", self.calls);
    }

    /// The state comes back.
    fn check(&mut self, continues: bool) -> SonaEngine {
        let calls = &self.calls;
        let bytes = self.engine.snapshot().unwrap_or_else(|error| panic!("{calls:?}: snapshot: {error}"));
        let restored = if continues { SonaEngine::restore_continuing(&bytes) } else { SonaEngine::restore(&bytes) };
        let restored = restored.unwrap_or_else(|error| panic!("{calls:?}: restore: {error}"));
        restored.set_time(NOON);
        assert!(restored.snapshot().unwrap() == bytes, "{calls:?}: other bytes");
        let query = self.vector();
        let ranked = |engine: &SonaEngine| engine.suggest_routes(&query, 3, None).unwrap().ranked;
        let found = |engine: &SonaEngine| {
            let found = engine.find_patterns(&query, 9, Some(0.0)).unwrap();
            found.iter().map(|found| (found.pattern.id, found.similarity.to_bits())).collect::<Vec<_>>()
        };
        let items = |engine: &SonaEngine| {
            let found = engine.recall(&query, &Asked { expand: 1, ..Asked::default() }).unwrap();
            let told =
                |found: &sona::engine::Recalled| (found.item.id(), found.score.to_bits(), found.via, found.item.uses());
            found.iter().map(told).collect::<Vec<_>>()
        };
        assert_eq!(items(&restored), items(&self.engine), "{:?}", self.calls);
        assert_eq!(ranked(&restored), ranked(&self.engine), "{:?}", self.calls);
        assert_eq!(found(&restored), found(&self.engine), "{:?}", self.calls);
        assert_eq!(restored.stats(), self.engine.stats(), "{:?}", self.calls);
        restored
    }
}

#[test]
fn every_state_of_random_runs_comes_back() {
    let first = from_environment("SONA_FUZZ_SEED", 1);
    for seed in first..first + from_environment("SONA_FUZZ_RUNS", 200) {
        let mut run = Run::new(seed);
        for _ in 0..CALLS {
            let call = run.call();
            run.calls.push(call);
            let continues = run.rng.random();
            let restored = run.check(continues);
            if continues && run.rng.random_bool(0.4) {
                run.go_on(restored);
            } else if run.rng.random_bool(0.1) {
                run.calls.push("restored");
                run.engine = restored;
            }
        }
    }
}

/// Three kinds of queries with room for two patterns: once the first kind is forgotten, a cycle without anything new splits
/// what is left.
#[test]
fn what_is_reshaped_without_anything_new_is_published_and_comes_back() {
    for (kinds, clusters, each) in [(2_usize, 2, 40), (3, 3, 40), (4, 3, 64), (3, 5, 17)] {
        let config =
            Config { hidden_dim: 6, pattern_clusters: clusters, background: Background::Manual, ..Config::default() };
        let engine = SonaEngine::new(config).unwrap();
        let tell = |query: [f32; 6], source: &str, quality: f64| {
            let mut trajectory = engine.begin_trajectory(&query).unwrap();
            trajectory.set_source(source);
            engine.end_trajectory(trajectory, quality).unwrap();
        };
        for n in 0..each {
            let wobble = (n as f32 * 0.7).sin() * 0.01;
            for kind in 2..2 + kinds - 1 {
                let mut query = [0.0, 0.0, 0.0, 0.0, 0.0, wobble];
                query[kind.min(4)] = 1.0;
                tell(query, "passing", 0.5);
            }
            tell([1.0, 0.35, 0.0, 0.0, 0.0, wobble], "staying", 1.0);
            tell([1.0, -0.35, 0.0, 0.0, 0.0, wobble], "staying", 0.0);
        }
        let come_back = |when: &str| {
            let bytes = engine.snapshot().unwrap();
            let restored = SonaEngine::restore(&bytes).unwrap_or_else(|error| panic!("{kinds} kinds, {when}: {error}"));
            assert!(restored.snapshot().unwrap() == bytes, "{kinds} kinds, {when}");
            let patterns = |engine: &SonaEngine| engine.stats().unwrap().patterns;
            assert_eq!(patterns(&restored), patterns(&engine), "{kinds} kinds, {when}");
            patterns(&engine)
        };
        engine.force_learn().unwrap();
        come_back("learned");
        engine.forget(&Criterion { source: Some("passing"), ..Criterion::default() }).unwrap();
        come_back("forgotten");
        let report = engine.force_learn().unwrap();
        assert_eq!(report.patterns, come_back("learned again"), "readers see another number of patterns");
    }
}
