//! Checkpoints out of order, lost, noted too late, and what is told without one.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use sona::SonaError;
use sona::state::State;
use sona::store::frame::{self, Kind};
use sona::store::journal::{Checkpoint, Options, Replay, Verdict, open, open_read_only};

use crate::world::{Folder, Model, PATIENCE, reopen};

fn path(folder: &Folder, sequence: u64) -> std::path::PathBuf {
    folder.path().join(format!("checkpoint-{sequence:020}.sona"))
}

#[test]
fn an_older_checkpoint_does_not_take_the_place_of_a_newer_one() {
    let folder = Folder::new();
    let (opened, mut model) = reopen(folder.path());
    let journal = &opened.journal;
    for _ in 0..50 {
        model.append(journal);
    }
    let slow = model.clone();
    let cut = journal.cut();
    for _ in 0..50 {
        model.append(journal);
    }
    model.checkpoint(journal).unwrap();
    let late = || journal.checkpoint(Checkpoint { cut, bytes: &slow.bytes(), kept: None }).unwrap_err().code();
    assert_eq!(late(), "SONA_OUT_OF_RANGE");
    let erased = Checkpoint { cut: 100, bytes: &model.bytes(), kept: None };
    journal.erase(erased, |_, _| Verdict::Keep).unwrap();
    assert_eq!(late(), "SONA_OUT_OF_RANGE", "it would bring back what was erased");
    assert!(path(&folder, 100).exists() && !path(&folder, 50).exists());
    drop(opened);
    assert_eq!(reopen(folder.path()).0.report.checkpoint, Some(100));
}

#[test]
fn a_first_checkpoint_that_is_lost_leaves_the_records_from_the_beginning() {
    let folder = Folder::new();
    let (opened, mut model) = reopen(folder.path());
    for n in 1..=60 {
        model.append(&opened.journal);
        if n == 40 {
            model.checkpoint(&opened.journal).unwrap();
        }
    }
    drop(opened);
    for lost in [40, 60] {
        fs::write(path(&folder, lost), b"").unwrap();
        let (opened, model) = reopen(folder.path());
        assert_eq!((model.sequence, opened.report.checkpoint, opened.report.restored), (60, None, 60));
        // the next one must not take away what leads to the whole without it
        model.checkpoint(&opened.journal).unwrap();
        drop(opened);
    }
}

#[test]
fn a_checkpoint_that_cannot_be_removed_keeps_nobody_from_the_next() {
    let folder = Folder::new();
    let (opened, mut model) = reopen(folder.path());
    let stuck = path(&folder, 1);
    fs::create_dir(&stuck).unwrap();
    for _ in 0..4 {
        for _ in 0..10 {
            model.append(&opened.journal);
        }
        model.checkpoint(&opened.journal).unwrap();
    }
    let files = || folder.names().iter().filter(|name| name.starts_with("checkpoint-")).count();
    assert_eq!(files(), 3, "{:?}", folder.names());
    // erasing must not pass over it
    let erased = Checkpoint { cut: 40, bytes: &model.bytes(), kept: None };
    assert_eq!(opened.journal.erase(erased, |_, _| Verdict::Keep).unwrap_err().code(), "SONA_IO");
    fs::remove_dir(&stuck).unwrap();
    model.append(&opened.journal);
    model.checkpoint(&opened.journal).unwrap();
    assert_eq!(files(), 2);
}

/// Everything that is told, as it is told.
#[derive(Debug, Default)]
struct Events {
    told: Vec<String>,
    /// A checkpoint is half restored when it turns out to be damaged.
    fails: bool,
}

impl Replay for Events {
    fn begin(&mut self) -> sona::Result<()> {
        self.told = vec!["beginning".to_owned()];
        Ok(())
    }

    fn checkpoint(&mut self, sequence: u64, _: &[u8]) -> sona::Result<()> {
        self.told = vec![format!("checkpoint {sequence}")];
        if self.fails { Err(SonaError::CorruptState { reason: "the second half".to_owned() }) } else { Ok(()) }
    }

    fn kept(&mut self, sequence: u64, key: u64, _: &[u8]) -> sona::Result<()> {
        self.told.push(format!("kept {sequence} {key}"));
        Ok(())
    }

    fn record(&mut self, sequence: u64, _: &[u8]) -> sona::Result<()> {
        self.told.push(format!("record {sequence}"));
        Ok(())
    }

    fn released(&mut self, sequence: u64, key: u64) -> sona::Result<()> {
        self.told.push(format!("released {sequence} {key}"));
        Ok(())
    }
}

#[test]
fn what_is_told_begins_anew_and_says_what_is_released() {
    let folder = Folder::new();
    let mut events = Events::default();
    let opened = open(folder.path(), Kind::ROUTER, Options::default(), &mut events).unwrap();
    assert_eq!(events.told, ["beginning"]);
    let journal = &opened.journal;
    journal.append_kept(7, b"seven".to_vec());
    let cut = journal.cut();
    let bytes = frame::encode(Kind::ROUTER, &State::default()).unwrap();
    journal.checkpoint(Checkpoint { cut, bytes: &bytes, kept: None }).unwrap();
    journal.append(b"about seven".to_vec());
    journal.release(7);
    journal.append_releasing(8, b"eight".to_vec());
    journal.flush(Some(PATIENCE)).unwrap();
    let after = ["record 2", "released 3 7", "record 4"];
    let mut read = Events::default();
    let (mut reader, _) = open_read_only(folder.path(), Kind::ROUTER, &mut read).unwrap();
    let with_checkpoint = [&["checkpoint 1", "kept 1 7"], after.as_slice()].concat();
    assert_eq!(read.told, with_checkpoint);
    journal.compact().unwrap();
    assert!(reader.refresh(&mut read).unwrap().anew);
    assert_eq!(read.told, with_checkpoint);
    drop((opened, reader));
    let mut events = Events { fails: true, ..Events::default() };
    let opened = open::<Vec<u8>>(folder.path(), Kind::ROUTER, Options::default(), &mut events).unwrap();
    assert_eq!(events.told, [&["beginning", "record 1"], after.as_slice()].concat());
    drop(opened);
}

#[test]
fn a_reader_that_begins_with_nothing_begins_anew_with_nothing() {
    let folder = Folder::new();
    let (opened, mut model) = reopen(folder.path());
    for _ in 0..30 {
        model.append(&opened.journal);
    }
    opened.journal.flush(Some(PATIENCE)).unwrap();
    let mut read = Model::default();
    let (mut reader, _) = open_read_only(folder.path(), Kind::ROUTER, &mut read).unwrap();
    opened.journal.compact().unwrap();
    let refreshed = reader.refresh(&mut read).unwrap();
    assert!(refreshed.anew && read == model, "{refreshed:?}");
}

#[test]
fn readers_that_come_while_checkpoints_are_made_see_one_moment() {
    let folder = Folder::new();
    let (opened, mut model) = reopen(folder.path());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut count = 0;
                    while !done.load(Ordering::Relaxed) {
                        let mut read = Model::default();
                        let (mut reader, _) = open_read_only(folder.path(), Kind::ROUTER, &mut read).unwrap();
                        assert_eq!(read, Model::at(read.sequence));
                        reader.refresh(&mut read).unwrap();
                        assert_eq!(read, Model::at(read.sequence));
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        for _ in 0..150 {
            for _ in 0..7 {
                model.append(&opened.journal);
            }
            model.checkpoint(&opened.journal).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
    });
}
