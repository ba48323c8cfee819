//! What was erased is in no file.

use sona::state::State;
use sona::store::frame::{self, Kind};
use sona::store::journal::{Checkpoint, Options, Replay, Verdict, open};

use crate::world::{Folder, PATIENCE, reopen};

const MARKER: &[u8] = b"the-subject-that-wants-to-be-forgotten";

/// Everything that a directory tells.
#[derive(Default, Debug)]
struct Told(Vec<(u64, Vec<u8>)>);

impl Replay for Told {
    fn begin(&mut self) -> sona::Result<()> {
        *self = Self::default();
        Ok(())
    }

    fn checkpoint(&mut self, _: u64, _: &[u8]) -> sona::Result<()> {
        Ok(())
    }

    fn kept(&mut self, sequence: u64, _: u64, bytes: &[u8]) -> sona::Result<()> {
        self.record(sequence, bytes)
    }

    fn record(&mut self, sequence: u64, bytes: &[u8]) -> sona::Result<()> {
        self.0.push((sequence, bytes.to_vec()));
        Ok(())
    }

    fn released(&mut self, _: u64, _: u64) -> sona::Result<()> {
        Ok(())
    }
}

fn files_with_marker(folder: &Folder) -> Vec<String> {
    let holds = |name: &String| {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        bytes.windows(MARKER.len()).any(|window| window == MARKER)
    };
    folder.names().into_iter().filter(holds).collect()
}

fn state(with_marker: bool) -> Vec<u8> {
    let subject = if with_marker { std::str::from_utf8(MARKER).unwrap() } else { "nobody" };
    let state = State::collect(|writer| writer.value("subject", subject)).unwrap();
    frame::encode(Kind::ROUTER, &state).unwrap()
}

#[test]
fn erased_bytes_are_in_no_file() {
    let folder = Folder::new();
    let opened = open(folder.path(), Kind::ROUTER, Options::default(), &mut Told::default()).unwrap();
    let journal = &opened.journal;
    let of_subject = |n: u64| format!("{n} {}", std::str::from_utf8(MARKER).unwrap()).into_bytes();
    let other = |n: u64| format!("{n} somebody else").into_bytes();
    let checkpoint = |marked| {
        let cut = journal.cut();
        journal.checkpoint(Checkpoint { cut, bytes: &state(marked), kept: None }).unwrap();
    };
    for n in 1..=300 {
        match n % 6 {
            0 => journal.append_kept(n, of_subject(n)),
            1 => journal.append_kept(n, other(n)),
            2 => journal.append(of_subject(n)),
            3 if n > 100 => journal.append_releasing(n - 99, of_subject(n)),
            _ => journal.append(other(n)),
        };
        if n == 100 || n == 200 {
            checkpoint(true);
        }
    }
    journal.flush(Some(PATIENCE)).unwrap();
    // freed pages keep what checkpoints removed
    assert_eq!(files_with_marker(&folder).len(), 3, "{:?}", folder.names());
    let cut = 250;
    let bytes = state(false);
    let done = journal
        .erase(Checkpoint { cut, bytes: &bytes, kept: None }, |_, bytes| {
            if !bytes.windows(MARKER.len()).any(|window| window == MARKER) {
                return Verdict::Keep;
            }
            if bytes.starts_with(b"26") { Verdict::Replace(b"26x nobody".to_vec()) } else { Verdict::Drop }
        })
        .unwrap();
    assert_eq!(files_with_marker(&folder), Vec::<String>::new());
    assert_eq!(done.checkpoints_removed, [200]);
    assert!(done.dropped > 0 && done.replaced > 0 && done.stayed > 0, "{done:?}");
    assert_eq!(folder.names(), ["checkpoint-00000000000000000250.sona", "journal.redb", "lock"]);
    let appended = journal.append(other(301));
    assert_eq!(appended, 301);
    journal.close(PATIENCE).unwrap();
    drop(opened);

    let mut told = Told::default();
    let opened = open::<Vec<u8>>(folder.path(), Kind::ROUTER, Options::default(), &mut told).unwrap();
    assert_eq!((opened.report.set_aside.len(), opened.report.restored), (0, 51));
    let sequences: Vec<u64> = told.0.iter().map(|(sequence, _)| *sequence).collect();
    let expected = (1..=301).filter(|&n| match n {
        // what is kept of others; nothing released it
        1..=250 => n % 6 == 1,
        // those of the subject that were replaced
        260..=269 => true,
        _ => matches!(n % 6, 1 | 4 | 5) || n == 301,
    });
    assert_eq!(sequences, expected.collect::<Vec<u64>>());
    assert!(told.0.iter().all(|(_, bytes)| !bytes.windows(MARKER.len()).any(|window| window == MARKER)));
}

#[test]
fn compacting_changes_nothing_but_the_length() {
    let folder = Folder::new();
    let (opened, mut model) = reopen(folder.path());
    for round in 0..10 {
        for _ in 0..2_000 {
            model.append(&opened.journal);
        }
        if round != 9 {
            model.checkpoint(&opened.journal).unwrap();
        }
    }
    let done = opened.journal.compact().unwrap();
    assert_eq!((done.dropped, done.replaced), (0, 0));
    assert!(done.bytes_after <= done.bytes_before, "{done:?}");
    for _ in 0..10 {
        model.append(&opened.journal);
    }
    // the fallback is still there
    let newest = folder.path().join("checkpoint-00000000000000018000.sona");
    opened.journal.close(PATIENCE).unwrap();
    drop(opened);
    std::fs::write(&newest, b"").unwrap();
    let (opened, restored) = reopen(folder.path());
    assert_eq!((opened.report.checkpoint, restored), (Some(16_000), model));
}
