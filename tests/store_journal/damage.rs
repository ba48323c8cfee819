//! Files that are not as they were written.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rand::RngExt;
use sona::store::frame::Kind;
use sona::store::journal::{Options, check, damaged_files, open};

use crate::world::{Folder, Model, PATIENCE, reopen, try_open};

const CHECKPOINT: u64 = 120;
const PREVIOUS: u64 = 80;
const RECORDS: u64 = 170;

/// A directory with two checkpoints and records after each, closed.
fn written() -> Folder {
    let folder = Folder::new();
    let (opened, mut model) = reopen(folder.path());
    for _ in 0..RECORDS {
        let sequence = model.append(&opened.journal);
        if [40, PREVIOUS, CHECKPOINT].contains(&sequence) {
            model.checkpoint(&opened.journal).unwrap();
        }
    }
    opened.journal.close(PATIENCE).unwrap();
    folder
}

fn copy(from: &Folder) -> Folder {
    let to = Folder::new();
    fs::create_dir_all(to.path()).unwrap();
    for name in from.names() {
        fs::copy(from.path().join(&name), to.path().join(&name)).unwrap();
    }
    to
}

fn newest(folder: &Folder) -> std::path::PathBuf {
    folder.path().join(format!("checkpoint-{CHECKPOINT:020}.sona"))
}

fn damage(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_checkpoint_makes_way_for_the_one_before() {
    let cases: [fn(&mut Vec<u8>); 4] =
        [|bytes| bytes[70] ^= 1, |bytes| bytes.truncate(100), Vec::clear, |bytes| bytes.fill(0)];
    let written = written();
    for change in cases {
        let folder = copy(&written);
        damage(&newest(&folder), change);
        let (opened, model) = reopen(folder.path());
        assert_eq!(model, Model::at(RECORDS), "with the records since");
        let report = &opened.report;
        assert_eq!((report.checkpoint, report.skipped, report.set_aside.len()), (Some(PREVIOUS), 1, 1));
        let name = report.set_aside[0].file_name().unwrap().to_str().unwrap();
        assert_eq!(name, format!("damaged-checkpoint-{CHECKPOINT:020}-7.sona"));
        assert_eq!(damaged_files(folder.path()).unwrap(), report.set_aside);
        drop(opened);
        // it is not found again, and checkpoints go on
        let (opened, model) = reopen(folder.path());
        assert_eq!((opened.report.checkpoint, opened.report.set_aside.len()), (Some(PREVIOUS), 0));
        model.checkpoint(&opened.journal).unwrap();
        drop(opened);
        assert_eq!(reopen(folder.path()).0.report.checkpoint, Some(RECORDS));
    }
}

#[test]
fn without_a_good_state_nothing_is_begun() {
    let written = written();
    let folder = copy(&written);
    let before = folder.names();
    for path in [newest(&folder), folder.path().join(format!("checkpoint-{PREVIOUS:020}.sona"))] {
        damage(&path, |bytes| bytes[80] ^= 1);
    }
    for _ in 0..2 {
        let error = try_open(folder.path(), Options::default()).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), "SONA_CORRUPT_STATE");
        assert!(error.to_string().contains("restore a backup"), "{error}");
        assert_eq!(folder.names(), before, "nothing has changed");
    }
}

#[test]
fn a_journal_that_is_gone_or_other_bytes_costs_what_came_after_the_checkpoint() {
    let written = written();
    let cases: [fn(&Path); 4] = [
        |path| fs::remove_file(path).unwrap(),
        |path| fs::write(path, b"").unwrap(),
        |path| fs::write(path, vec![b'x'; 100_000]).unwrap(),
        |path| damage(path, |bytes| bytes.truncate(5_000)),
    ];
    for (case, change) in cases.into_iter().enumerate() {
        let folder = copy(&written);
        change(&folder.path().join("journal.redb"));
        let mut model = Model::default();
        let options = Options { now_ms: 9, ..Options::default() };
        let opened = open::<Vec<u8>>(folder.path(), Kind::ROUTER, options, &mut model).unwrap();
        assert_eq!((model.sequence, opened.report.checkpoint), (CHECKPOINT, Some(CHECKPOINT)), "case {case}");
        assert_eq!(opened.report.set_aside.len(), usize::from(case > 0));
        assert_eq!(opened.report.notes.len(), 1);
        assert_eq!(folder.names().contains(&"damaged-journal-9.redb".to_owned()), case > 0);
        // pending ones are gone with it; what comes now is taken on
        opened.journal.append(b"next".to_vec());
        assert_eq!(opened.journal.close(PATIENCE), Ok(CHECKPOINT + 1));
    }
}

#[test]
fn a_damaged_record_ends_the_journal_there() {
    let written = written();
    let folder = copy(&written);
    let journal = folder.path().join("journal.redb");
    damage(&journal, |bytes| {
        let payload = crate::world::payload(151);
        let at: Vec<usize> = (0..bytes.len() - payload.len()).filter(|&at| bytes[at..].starts_with(&payload)).collect();
        assert!(!at.is_empty());
        for at in at {
            bytes[at + 9] ^= 4;
        }
    });
    let before = fs::read(&journal).unwrap();
    let (opened, model) = reopen(folder.path());
    assert_eq!((model.sequence, opened.report.restored), (150, 150 - CHECKPOINT));
    assert_eq!((opened.report.skipped, opened.report.set_aside.len()), (RECORDS - 150, 1));
    assert!(opened.report.notes[0].contains("151"), "{:?}", opened.report.notes);
    // it is as it was, but for the mark of being open
    let aside = fs::read(&opened.report.set_aside[0]).unwrap();
    assert!(aside.len() == before.len() && aside[4_096..] == before[4_096..]);
    drop(opened);
    let (opened, mut model) = reopen(folder.path());
    assert_eq!((model.sequence, opened.report.set_aside.len()), (150, 0));
    model.append(&opened.journal);
    drop(opened);
    assert_eq!(reopen(folder.path()).1.sequence, 151);
}

#[test]
fn flipped_bits_are_typed_and_lose_no_more_than_they_must() {
    let written = written();
    let files = fs::read(written.path().join("journal.redb")).unwrap().len();
    let cases = std::env::var("SONA_FLIPS").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300);
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let mut random = runner.rng().clone();
    let (mut whole, mut cut, mut lost, mut longest) = (0, 0, 0, Duration::ZERO);
    for case in 0..cases {
        let folder = copy(&written);
        let flips = if case % 2 == 0 { 1 } else { 40 };
        damage(&folder.path().join("journal.redb"), |bytes| {
            for _ in 0..flips {
                let at = random.random_range(0..files);
                bytes[at] ^= 1 << random.random_range(0..8);
            }
        });
        let began = Instant::now();
        let (opened, model) = match try_open(folder.path(), Options::default()) {
            Ok(opened) => opened,
            Err(error) => panic!("case {case}: {error}"),
        };
        longest = longest.max(began.elapsed());
        assert!(model.sequence >= CHECKPOINT, "case {case}");
        let expected = Model::at(model.sequence);
        // what is kept may differ where a record that kept or released it is damaged itself
        assert_eq!(model.bytes(), expected.bytes(), "case {case}");
        let clean = opened.report.set_aside.is_empty();
        assert!(clean == (opened.report.notes.is_empty()), "case {case}");
        match model.sequence {
            RECORDS if clean => {
                assert_eq!(model, expected, "case {case}: nothing was said");
                whole += 1;
            }
            CHECKPOINT => lost += 1,
            _ => cut += 1,
        }
        assert!(!clean || model.sequence == RECORDS, "case {case}: {} without a word", model.sequence);
        assert_eq!(opened.journal.append(b"next".to_vec()), model.sequence + 1);
        assert!(opened.journal.close(PATIENCE).is_ok(), "case {case}");
        drop(opened);
    }
    println!("{cases} files: {whole} whole, {cut} cut, {lost} from the checkpoint; the longest took {longest:?}");
    assert!(whole > 0 && cut > 0 && longest < PATIENCE);
}

/// Nobody's journal is made another's because it is damaged, too.
#[test]
fn a_damaged_journal_of_another_kind_is_left_alone() {
    let written = Folder::new();
    let (opened, mut model) = reopen(written.path());
    for _ in 0..40 {
        model.append(&opened.journal);
    }
    drop(opened);
    let mut refused = 0;
    // where the file says what it is and where its trees begin
    for at in (0..320).step_by(4) {
        let folder = copy(&written);
        damage(&folder.path().join("journal.redb"), |bytes| bytes[at] ^= 1 << (at / 4 % 8));
        match open::<Vec<u8>>(folder.path(), Kind::ENGINE, Options::default(), &mut Model::default()) {
            Err(error) => refused += u32::from(error.code() == "SONA_INCOMPATIBLE_STATE"),
            Ok(opened) => panic!("{at}: {:?}", opened.report),
        }
        assert!(damaged_files(folder.path()).unwrap().is_empty(), "{at}");
    }
    println!("refused {refused} of 80");
    assert!(refused > 20, "{refused}");
}

#[test]
fn the_whole_file_can_be_checked() {
    let folder = written();
    assert_eq!(check(folder.path()), Ok(true));
    let (opened, _) = reopen(folder.path());
    assert_eq!(check(folder.path()).unwrap_err().code(), "SONA_LOCKED");
    drop(opened);
    damage(&folder.path().join("journal.redb"), |bytes| {
        let half = bytes.len() / 2;
        bytes[half..].fill(0xff);
    });
    assert_eq!(check(folder.path()).unwrap_err().code(), "SONA_CORRUPT_STATE");
}
