//! Records in order, restarts, checkpoints, what is kept, the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sona::SonaError;
use sona::state::State as Saved;
use sona::store::frame::{self, Kind};
use sona::store::journal::{Checkpoint, Durability, Options, Replay, State, open};

use crate::world::{Folder, Model, PATIENCE, payload, reopen, try_open};

#[test]
fn records_come_back_in_order_after_each_restart() {
    let folder = Folder::new();
    let mut name = None;
    for round in 0..20_u64 {
        let (opened, mut model) = reopen(folder.path());
        assert_eq!((model.sequence, opened.report.skipped), (round * 37, 0));
        assert_eq!((opened.report.set_aside.len(), opened.report.notes.len()), (0, 0));
        let first = name.get_or_insert_with(|| opened.journal.name().to_owned());
        assert_eq!(first, opened.journal.name());
        for _ in 0..37 {
            model.append(&opened.journal);
        }
        match round % 4 {
            0 => drop(opened),
            1 => assert_eq!(opened.journal.close(PATIENCE), Ok(model.sequence)),
            2 => model.checkpoint(&opened.journal).unwrap(),
            _ => assert_eq!(opened.journal.flush(Some(PATIENCE)), Ok(model.sequence)),
        }
    }
}

#[test]
fn each_durability_commits_when_it_says() {
    for durability in [Durability::Immediate, Durability::Batched, Durability::None] {
        let folder = Folder::new();
        let options = Options { durability, ..Options::default() };
        let (opened, mut model) = try_open(folder.path(), options).unwrap();
        let (journal, began) = (&opened.journal, Instant::now());
        model.append(journal);
        let waited = if durability == Durability::None { Duration::from_millis(300) } else { PATIENCE };
        while journal.durable() == 0 && began.elapsed() < waited {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(journal.durable(), u64::from(durability != Durability::None), "{durability:?}");
        for _ in 0..1_000 {
            model.append(journal);
        }
        assert_eq!(journal.flush(Some(PATIENCE)), Ok(1_001));
        let status = journal.status();
        assert_eq!((status.state, status.queued, status.queued_bytes), (State::Healthy, 0, 0));
        assert_eq!((status.durable, status.appended), (1_001, 1_001));
        assert!(status.bytes > 0 && status.last_error.is_none());
    }
}

#[test]
fn checkpoints_take_the_place_of_records() {
    let folder = Folder::new();
    let (opened, mut model) = reopen(folder.path());
    for round in 1..=5 {
        for _ in 0..100 {
            model.append(&opened.journal);
        }
        model.checkpoint(&opened.journal).unwrap();
        let files = folder.names().iter().filter(|name| name.starts_with("checkpoint-")).count();
        assert_eq!(files, round.min(2));
    }
    model.append(&opened.journal);
    opened.journal.close(PATIENCE).unwrap();
    let (opened, model) = reopen(folder.path());
    assert_eq!((opened.report.checkpoint, opened.report.restored, model.sequence), (Some(500), 1, 501));
    assert_eq!(opened.report.kept, 5);
    assert_eq!(
        folder.names(),
        ["checkpoint-00000000000000000400.sona", "checkpoint-00000000000000000500.sona", "journal.redb", "lock"]
    );
}

#[test]
fn a_checkpoint_of_what_has_not_been_is_refused() {
    let folder = Folder::new();
    let (opened, mut model) = reopen(folder.path());
    model.append(&opened.journal);
    let bytes = model.bytes();
    let refused = |cut, bytes: &[u8]| {
        let error = opened.journal.checkpoint(Checkpoint { cut, bytes, kept: None }).unwrap_err();
        error.code()
    };
    assert_eq!(refused(2, &bytes), "SONA_OUT_OF_RANGE");
    assert_eq!(refused(1, &bytes[..bytes.len() - 1]), "SONA_CORRUPT_STATE");
    assert_eq!(refused(1, b"no state"), "SONA_INCOMPATIBLE_STATE");
    opened.journal.close(PATIENCE).unwrap();
    assert_eq!(refused(1, &bytes), "SONA_CLOSED");
    assert_eq!(opened.journal.flush(None), Ok(1));
    assert_eq!(opened.journal.compact().unwrap_err().code(), "SONA_CLOSED");
    assert_eq!(opened.journal.append(payload(2)), 2, "it gets a number and is given up");
    assert_eq!(opened.journal.flush(None), Err(SonaError::Closed));
    assert_eq!(opened.journal.status().state, State::Closed);
}

#[test]
fn flushes_answer_without_waiting() {
    let folder = Folder::new();
    let (opened, mut model) = reopen(folder.path());
    let (tell, told) = mpsc::channel();
    for _ in 0..10 {
        model.append(&opened.journal);
        let tell = tell.clone();
        opened.journal.flush_then(Some(PATIENCE), move |result| tell.send(result).unwrap());
    }
    for n in 1..=10 {
        assert!(told.recv_timeout(PATIENCE).unwrap().unwrap() >= n);
    }
    // nothing to wait for: it is answered by the time that the call returns
    opened.journal.flush_then(None, move |result| tell.send(result).unwrap());
    assert_eq!(told.try_recv().unwrap(), Ok(10));
}

#[test]
fn another_kind_and_another_version_are_refused() {
    let folder = Folder::new();
    drop(reopen(folder.path()));
    let error = open::<Vec<u8>>(folder.path(), Kind::ENGINE, Options::default(), &mut Model::default()).unwrap_err();
    assert_eq!(error.code(), "SONA_INCOMPATIBLE_STATE");
    assert!(error.to_string().contains("kind router"), "{error}");
    drop(reopen(folder.path()));
}

/// Counts what is kept.
#[derive(Default)]
struct Counter {
    kept: u64,
    records: u64,
}

impl Replay for Counter {
    fn begin(&mut self) -> sona::Result<()> {
        *self = Self::default();
        Ok(())
    }

    fn checkpoint(&mut self, _: u64, _: &[u8]) -> sona::Result<()> {
        *self = Self::default();
        Ok(())
    }

    fn kept(&mut self, _: u64, key: u64, bytes: &[u8]) -> sona::Result<()> {
        assert_eq!(bytes, format!("decision {key}").as_bytes());
        self.kept += 1;
        Ok(())
    }

    fn record(&mut self, _: u64, _: &[u8]) -> sona::Result<()> {
        self.records += 1;
        Ok(())
    }

    fn released(&mut self, _: u64, _: u64) -> sona::Result<()> {
        self.kept -= 1;
        Ok(())
    }
}

#[test]
fn a_hundred_thousand_kept_records_outlive_checkpoints_and_leave_nothing() {
    const KEPT: u64 = 100_000;
    let folder = Folder::new();
    let state = frame::encode(Kind::ROUTER, &Saved::default()).unwrap();
    for round in 0..3 {
        let mut counter = Counter::default();
        let options = Options { max_records: 1 << 20, ..Options::default() };
        let opened = open(folder.path(), Kind::ROUTER, options.clone(), &mut counter).unwrap();
        assert_eq!((counter.kept, counter.records), (0, 0));
        let checkpoint = |journal: &sona::store::journal::Journal<Vec<u8>>| {
            let cut = journal.cut();
            journal.checkpoint(Checkpoint { cut, bytes: &state, kept: None }).unwrap();
        };
        for key in 0..KEPT {
            opened.journal.append_kept(key, format!("decision {key}").into_bytes());
        }
        for _ in 0..3 {
            checkpoint(&opened.journal);
        }
        opened.journal.close(PATIENCE).unwrap();
        drop(opened);
        let opened = open(folder.path(), Kind::ROUTER, options.clone(), &mut counter).unwrap();
        assert_eq!((counter.kept, counter.records, opened.report.kept), (KEPT, 0, KEPT));
        // all are released, half of them kept again under the same keys
        for key in 0..KEPT {
            opened.journal.release(key);
            if key >= KEPT / 2 {
                opened.journal.append_kept(key, format!("decision {key}").into_bytes());
            }
        }
        checkpoint(&opened.journal);
        drop(opened);
        let opened = open(folder.path(), Kind::ROUTER, options.clone(), &mut counter).unwrap();
        assert_eq!((counter.kept, counter.records), (KEPT / 2, 0));
        for key in KEPT / 2..KEPT {
            opened.journal.release(key);
        }
        for _ in 0..3 {
            checkpoint(&opened.journal);
            opened.journal.append(Vec::new());
        }
        checkpoint(&opened.journal);
        // it grows by doubling, how far depends on how the groups fell; a round's records took that much once, not in each round
        let before = opened.journal.status().bytes;
        assert!(before < 20 << 20, "round {round}: {before} bytes");
        let done = opened.journal.compact().unwrap();
        assert!(done.bytes_after < 1 << 20, "{done:?}");
        drop(opened);
    }
}

#[test]
fn closing_while_others_append() {
    for round in 0..30 {
        let folder = Folder::new();
        let options = Options { max_records: 1 << 22, max_bytes: 1 << 30, ..Options::default() };
        let (opened, _) = try_open(folder.path(), options).unwrap();
        let (journal, stop) = (Arc::new(opened.journal), AtomicBool::new(false));
        let closed = std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        journal.append(b"record".to_vec());
                        journal.durable();
                    }
                });
            }
            std::thread::sleep(Duration::from_micros(500 * round));
            let closed = journal.close(PATIENCE);
            stop.store(true, Ordering::Relaxed);
            closed
        });
        // what was appended when it closed is there, and perhaps a few that came meanwhile
        let durable = closed.unwrap();
        drop(journal);
        let mut counter = Counter::default();
        let opened = open::<Vec<u8>>(folder.path(), Kind::ROUTER, Options::default(), &mut counter).unwrap();
        assert!(counter.records >= durable, "{} of {durable}", counter.records);
        assert_eq!(opened.report.set_aside.len(), 0);
    }
}

#[test]
fn many_openings_leave_no_threads_and_no_handles() {
    let folder = Folder::new();
    let count = |what: &str| {
        let listed = std::fs::read_dir(format!("/proc/self/{what}"));
        listed.map(|entries| entries.count()).unwrap_or_default()
    };
    let before = std::thread::available_parallelism().map_or(1, usize::from);
    let rounds = 1_000;
    for round in 0..rounds {
        let (opened, mut model) = try_open(folder.path(), Options::default()).unwrap();
        if round % 100 == 0 {
            model.append(&opened.journal);
        }
        if round % 2 == 0 {
            opened.journal.close(PATIENCE).unwrap();
        }
    }
    // other tests run at the same time, with journals of their own
    assert!(count("task") < 100 + 10 * before, "{} threads", count("task"));
    assert!(count("fd") < 300 + 10 * before, "{} handles", count("fd"));
}
