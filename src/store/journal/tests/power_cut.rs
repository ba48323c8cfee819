//! The file as a power cut leaves it: what was synced, and any part of what was not.

use std::fs;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use proptest::test_runner::TestRng;
use rand::RngExt;

use super::*;
use crate::store::journal::Durability;

/// What was done to a file, and what was promised meanwhile.
struct Recording {
    script: Arc<Script>,
    /// After so many events this record was durable.
    acknowledged: Vec<(usize, u64)>,
    /// After so many events there was a checkpoint.
    checkpoints: Vec<(usize, u64)>,
}

/// Writes groups with the file recorded, with a checkpoint after every second.
fn recorded(groups: &[u64]) -> Recording {
    let folder = Folder::new();
    drop(opened(&folder.0, Options::default()));
    let script = Arc::new(Script::default());
    script.recording.store(true, Ordering::SeqCst);
    let options = Options { durability: Durability::None, file: Some(script.clone()), ..Options::default() };
    let (opened_here, _) = opened(&folder.0, options);
    let (mut acknowledged, mut checkpoints) = (vec![(0, 0)], Vec::new());
    for (at, &count) in groups.iter().enumerate() {
        append(&opened_here.journal, count);
        let durable = opened_here.journal.flush(Some(PATIENCE)).unwrap();
        acknowledged.push((script.events(), durable));
        if at % 2 == 1 {
            // its file is synced before the journal is told of it
            checkpoints.push((script.events(), durable));
            checkpoint(&opened_here.journal).unwrap();
        }
    }
    opened_here.journal.close(PATIENCE).unwrap();
    Recording { script, acknowledged, checkpoints }
}

/// Opens what a cut after so many events leaves.
fn check(recording: &Recording, events: usize, random: &mut TestRng) {
    let image = recording.script.image(events, || random.random());
    let cut = Folder::new();
    fs::create_dir_all(&cut.0).unwrap();
    fs::write(cut.0.join("journal.redb"), image).unwrap();
    for (_, sequence) in recording.checkpoints.iter().filter(|(at, _)| *at < events) {
        fs::write(cut.0.join(format!("checkpoint-{sequence:020}.sona")), state()).unwrap();
    }
    let durable = recording.acknowledged.iter().rev().find(|(at, _)| *at <= events).map_or(0, |(_, durable)| *durable);
    let (again, told) = opened(&cut.0, Options::default());
    assert!(told.last() >= durable, "after {events} events: {} of {durable}", told.last());
    assert_eq!(told.records, (told.checkpoint + 1..=told.last()).collect::<Vec<u64>>(), "after {events} events");
    assert_eq!(again.report.set_aside.len(), 0, "after {events} events: {:?}", again.report.notes);
    // and it goes on from there
    let next = append(&again.journal, 1);
    assert_eq!(again.journal.close(PATIENCE), Ok(next));
}

#[test]
fn a_cut_after_every_event_loses_nothing_that_was_acknowledged() {
    let recording = recorded(&[1, 40, 3, 30, 2]);
    let mut random = TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &[3; 32]);
    for events in 0..=recording.script.events() {
        check(&recording, events, &mut random);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_cut_at_any_moment_loses_nothing_that_was_acknowledged(
        groups in prop::collection::vec(1_u64..200, 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 8),
        seed in any::<[u8; 32]>(),
    ) {
        let recording = recorded(&groups);
        let mut random = TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &seed);
        for cut in cuts {
            check(&recording, cut.index(recording.script.events() + 1), &mut random);
        }
    }
}
