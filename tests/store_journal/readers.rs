//! Who may have a directory open at the same time.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use sona::store::frame::Kind;
use sona::store::journal::{Options, Refreshed, Verdict, open_read_only};

use crate::world::{Folder, Model, PATIENCE, reopen, try_open};

const FOLDER: &str = "SONA_JOURNAL_SECOND";

/// Opens a directory that another process has open, for writing and for reading. Does nothing as a test of its own.
#[test]
fn second_process() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = Path::new(&folder);
    let error = try_open(folder, Options::default()).map(|_| ()).unwrap_err();
    println!("refused with {}", error.code());
    let mut model = Model::default();
    let (_, refreshed) = open_read_only(folder, Kind::ROUTER, &mut model).unwrap();
    assert_eq!(model, Model::at(model.sequence));
    println!("read up to {}", refreshed.sequence);
}

#[test]
fn a_second_process_may_only_read() {
    let folder = Folder::new();
    let (opened, mut model) = reopen(folder.path());
    for _ in 0..123 {
        model.append(&opened.journal);
    }
    opened.journal.flush(Some(PATIENCE)).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["readers::second_process", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let said: Vec<String> = BufReader::new(output.stdout.as_slice()).lines().map_while(Result::ok).collect();
    let says = |what: &str| said.iter().any(|line| line.ends_with(what));
    assert!(says("refused with SONA_LOCKED") && says("read up to 123"), "{said:?}");
}

#[test]
fn a_second_opening_in_one_process_is_refused() {
    let folder = Folder::new();
    let (opened, _) = reopen(folder.path());
    let error = try_open(folder.path(), Options::default()).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), "SONA_LOCKED");
    assert!(error.to_string().contains("another process or engine"), "{error}");
    drop(opened);
    drop(reopen(folder.path()));
}

#[test]
fn a_reader_follows_the_writer() {
    let folder = Folder::new();
    let (opened, mut model) = reopen(folder.path());
    let (journal, mut read) = (&opened.journal, Model::default());
    let (mut reader, refreshed) = open_read_only(folder.path(), Kind::ROUTER, &mut read).unwrap();
    assert_eq!(refreshed, Refreshed { sequence: 0, told: 0, anew: true, checkpoint_only: false });
    let mut anew = 0;
    for round in 0_u64..40 {
        for _ in 0..25 {
            model.append(journal);
        }
        journal.flush(Some(PATIENCE)).unwrap();
        if round % 3 == 0 {
            model.checkpoint(journal).unwrap();
        }
        if round == 17 {
            journal.rewrite(|_, _| Verdict::Keep).unwrap();
        }
        // sometimes it is so late that records are gone
        if round < 8 || round % 16 < 4 {
            let refreshed = reader.refresh(&mut read).unwrap();
            assert_eq!((refreshed.sequence, reader.sequence()), (model.sequence, model.sequence));
            anew += u64::from(refreshed.anew);
            assert_eq!(read, model, "round {round}");
        }
    }
    assert_eq!(anew, 3, "after the rewriting and twice when it was late");
    reader.refresh(&mut read).unwrap();
    let nothing = reader.refresh(&mut read).unwrap();
    assert_eq!((nothing.told, nothing.anew), (0, false));
    // it goes on when the writer ends, and when another begins
    drop(opened);
    assert_eq!(reader.refresh(&mut read).unwrap().sequence, model.sequence);
    let (opened, mut model) = reopen(folder.path());
    model.append(&opened.journal);
    opened.journal.flush(Some(PATIENCE)).unwrap();
    assert_eq!(reader.refresh(&mut read).unwrap().sequence, model.sequence);
    assert_eq!(read, model);
}

#[test]
fn what_is_not_there_or_of_another_kind_is_not_read() {
    let folder = Folder::new();
    let refused = |kind| open_read_only(folder.path(), kind, &mut Model::default()).unwrap_err().code();
    assert_eq!(refused(Kind::ROUTER), "SONA_IO");
    drop(reopen(folder.path()));
    assert_eq!(refused(Kind::ENGINE), "SONA_INCOMPATIBLE_STATE");
}

#[test]
fn a_journal_that_was_not_closed_is_read_from_its_checkpoint() {
    let (folder, copy) = (Folder::new(), Folder::new());
    let (opened, mut model) = reopen(folder.path());
    for _ in 0..50 {
        model.append(&opened.journal);
    }
    model.checkpoint(&opened.journal).unwrap();
    let pending = model.clone();
    model.append(&opened.journal);
    opened.journal.flush(Some(PATIENCE)).unwrap();
    std::fs::create_dir_all(copy.path()).unwrap();
    for name in folder.names() {
        std::fs::copy(folder.path().join(&name), copy.path().join(&name)).unwrap();
    }
    let mut read = Model::default();
    let (mut reader, refreshed) = open_read_only(copy.path(), Kind::ROUTER, &mut read).unwrap();
    assert_eq!(refreshed, Refreshed { sequence: 50, told: 0, anew: true, checkpoint_only: true });
    assert_eq!((read.sequence, read.bytes()), (50, pending.bytes()));
    assert!(!reader.refresh(&mut read).unwrap().anew);
    // a writer mends it
    let (opened, model) = reopen(copy.path());
    assert_eq!(model.sequence, 51);
    let refreshed = reader.refresh(&mut read).unwrap();
    assert_eq!((refreshed.sequence, refreshed.checkpoint_only), (51, false));
    assert_eq!(read, model);
    drop(opened);
}
