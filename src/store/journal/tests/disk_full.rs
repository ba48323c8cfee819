//! A disk that refuses, a folder that goes, a queue that is full.

use std::fs;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};

use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;
use crate::error::SonaError;
use crate::store::journal::{Durability, Record};

fn sequences(range: std::ops::RangeInclusive<u64>) -> Vec<u64> {
    range.collect()
}

#[test]
fn a_full_disk_is_waited_for_and_nothing_is_out_of_order() {
    let folder = Folder::new();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = heard.clone();
    let options = Options {
        durability: Durability::Immediate,
        on_change: Some(Arc::new(move |status| hear.lock().push((status.state, status.last_error.clone())))),
        ..Options::default()
    };
    let (opened_here, _, script) = scripted(&folder.0, options);
    let journal = &opened_here.journal;
    append(journal, 10);
    assert_eq!(journal.flush(Some(PATIENCE)), Ok(10));
    script.full.store(true, Ordering::SeqCst);
    append(journal, 10);
    wait_for(journal, State::Retrying);
    let error = journal.flush(Some(Duration::from_millis(30))).unwrap_err();
    assert!(error.to_string().contains("no space left"), "{error}");
    let (tell, told) = mpsc::channel();
    journal.flush_then(Some(Duration::from_millis(30)), move |result| tell.send(result).unwrap());
    assert_eq!(told.recv_timeout(PATIENCE).unwrap().unwrap_err().code(), "SONA_IO");
    assert_eq!(checkpoint(journal).unwrap_err().code(), "SONA_IO");
    let status = journal.status();
    assert_eq!((status.durable, status.appended, status.queued), (10, 20, 10));
    append(journal, 10);
    script.full.store(false, Ordering::SeqCst);
    assert_eq!(journal.flush(Some(PATIENCE)), Ok(30));
    wait_for(journal, State::Healthy);
    assert!(journal.status().last_error.is_none());
    assert_eq!(journal.close(PATIENCE), Ok(30));
    let states: Vec<State> = heard.lock().iter().map(|(state, _)| *state).collect();
    assert_eq!(states, [State::Retrying, State::Healthy, State::Closed]);
    assert!(heard.lock()[0].1.as_ref().is_some_and(|error| error.to_string().contains("no space")));
    drop(opened_here);
    let (again, told) = opened(&folder.0, Options::default());
    assert_eq!((told.records, again.report.skipped), (sequences(1..=30), 0));
}

#[test]
fn closing_on_a_full_disk_ends_and_says_what_is_lost() {
    for drops in [false, true] {
        let folder = Folder::new();
        let (opened_here, _, script) = scripted(&folder.0, Options::default());
        append(&opened_here.journal, 5);
        assert_eq!(opened_here.journal.flush(Some(PATIENCE)), Ok(5));
        script.full.store(true, Ordering::SeqCst);
        append(&opened_here.journal, 5);
        let began = Instant::now();
        if !drops {
            let error = opened_here.journal.close(Duration::from_millis(50)).unwrap_err();
            assert!(error.to_string().contains("no space left"), "{error}");
        }
        drop(opened_here);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        let (again, told) = opened(&folder.0, Options::default());
        assert_eq!((told.records, again.report.set_aside.len()), (sequences(1..=5), 0));
    }
}

#[test]
fn a_queue_that_is_full_waits_for_a_checkpoint() {
    let folder = Folder::new();
    let (opened_here, _, script) = scripted(&folder.0, Options { max_records: 100, ..Options::default() });
    let journal = &opened_here.journal;
    append(journal, 10);
    journal.flush(Some(PATIENCE)).unwrap();
    script.full.store(true, Ordering::SeqCst);
    append(journal, 1_000);
    wait_for(journal, State::Behind);
    let status = journal.status();
    assert!(status.queued <= 100 && status.appended == 1_010, "{status:?}");
    let error = journal.flush(Some(PATIENCE)).unwrap_err();
    assert!(error.to_string().contains("make a checkpoint"), "{error}");
    script.full.store(false, Ordering::SeqCst);
    // what came before the gap is committed, what came after it never is
    let began = Instant::now();
    while journal.durable() < 110 {
        assert!(began.elapsed() < PATIENCE, "{:?}", journal.status());
        std::thread::sleep(Duration::from_millis(1));
    }
    append(journal, 10);
    assert_eq!((journal.durable(), journal.status().state), (110, State::Behind));
    let cut = journal.cut();
    append(journal, 20);
    std::thread::sleep(Duration::from_millis(120));
    assert_eq!((cut, journal.durable()), (1_020, 110), "what follows the cut waits for the checkpoint");
    let cut_again = journal.cut();
    let refused = journal.checkpoint(Checkpoint { cut, bytes: &state(), kept: None }).unwrap_err();
    assert_eq!(refused.code(), "SONA_OUT_OF_RANGE", "a later cut took its place");
    append(journal, 5);
    journal.checkpoint(Checkpoint { cut: cut_again, bytes: &state(), kept: None }).unwrap();
    wait_for(journal, State::Healthy);
    assert_eq!(journal.flush(Some(PATIENCE)), Ok(1_045));
    drop(opened_here);
    let (again, told) = opened(&folder.0, Options::default());
    assert_eq!(told, Told { checkpoint: 1_040, kept: vec![], records: sequences(1_041..=1_045) });
    assert_eq!(again.report.set_aside.len(), 0);
}

#[test]
fn what_is_kept_is_given_anew_where_records_were_given_up() {
    let folder = Folder::new();
    let (opened_here, _, script) = scripted(&folder.0, Options { max_records: 50, ..Options::default() });
    let journal = &opened_here.journal;
    for key in 1..=20 {
        journal.append_kept(key, record(key));
    }
    checkpoint(journal).unwrap();
    script.full.store(true, Ordering::SeqCst);
    append(journal, 100);
    // lost: 3 is not kept any more, 200 is
    journal.release(3);
    journal.append_kept(200, record(200));
    script.full.store(false, Ordering::SeqCst);
    let cut = journal.cut();
    let bytes = state();
    let refused = journal.checkpoint(Checkpoint { cut, bytes: &bytes, kept: None }).unwrap_err();
    assert_eq!(refused.code(), "SONA_INVALID_ARGUMENT");
    let kept: Vec<u64> = (1..=20).filter(|&key| key != 3).chain([200]).collect();
    let anew = kept.iter().map(|&key| (key, record(key))).collect();
    journal.checkpoint(Checkpoint { cut, bytes: &bytes, kept: Some(anew) }).unwrap();
    journal.release(4);
    for round in 0..4 {
        append(journal, 1);
        checkpoint(journal).unwrap();
        if round == 2 {
            journal.compact().unwrap();
        }
    }
    drop(opened_here);
    let (_again, told) = opened(&folder.0, Options::default());
    assert_eq!(told.kept, kept.into_iter().filter(|&key| key != 4).collect::<Vec<u64>>());
}

#[test]
fn a_folder_that_goes_and_comes_back() {
    let folder = Folder::new();
    let away = folder.0.with_extension("away");
    let (opened_here, _, _) = scripted(&folder.0, Options::default());
    let journal = &opened_here.journal;
    append(journal, 5);
    journal.flush(Some(PATIENCE)).unwrap();
    fs::rename(&folder.0, &away).unwrap();
    append(journal, 5);
    wait_for(journal, State::Retrying);
    assert!(journal.flush(Some(Duration::from_millis(20))).is_err());
    fs::rename(&away, &folder.0).unwrap();
    assert_eq!(journal.flush(Some(PATIENCE)), Ok(10));
    // removed for good, and made again: only a checkpoint helps
    fs::remove_dir_all(&folder.0).unwrap();
    append(journal, 5);
    wait_for(journal, State::Retrying);
    assert_eq!(checkpoint(journal).unwrap_err().code(), "SONA_IO");
    fs::create_dir_all(&folder.0).unwrap();
    wait_for(journal, State::Behind);
    append(journal, 5);
    assert_eq!(journal.durable(), 10);
    checkpoint(journal).unwrap();
    append(journal, 5);
    assert_eq!((journal.flush(Some(PATIENCE)), journal.status().state), (Ok(25), State::Healthy));
    drop(opened_here);
    let (_again, told) = opened(&folder.0, Options::default());
    assert_eq!(told, Told { checkpoint: 20, kept: vec![], records: sequences(21..=25) });
}

/// A record that says no, or panics.
enum Difficult {
    Easy,
    Refuses,
    Panics,
}

impl Record for Difficult {
    fn encode(&self, into: &mut Vec<u8>) -> Result<()> {
        into.extend_from_slice(b"half of it");
        match self {
            Self::Easy => Ok(()),
            Self::Refuses => Err(SonaError::Internal("too difficult".into())),
            Self::Panics => panic!("much too difficult"),
        }
    }

    fn weight(&self) -> usize {
        10
    }
}

#[test]
fn a_record_that_cannot_be_encoded_is_a_gap_not_an_end() {
    for difficult in [Difficult::Refuses, Difficult::Panics] {
        let folder = Folder::new();
        let mut told = Vec::new();
        struct Any<'a>(&'a mut Vec<u64>);
        impl Replay for Any<'_> {
            fn begin(&mut self) -> Result<()> {
                self.0.clear();
                Ok(())
            }
            fn checkpoint(&mut self, sequence: u64, _: &[u8]) -> Result<()> {
                *self.0 = vec![sequence];
                Ok(())
            }
            fn kept(&mut self, _: u64, _: u64, _: &[u8]) -> Result<()> {
                Ok(())
            }
            fn record(&mut self, sequence: u64, bytes: &[u8]) -> Result<()> {
                assert_eq!(bytes, b"half of it");
                self.0.push(sequence);
                Ok(())
            }
            fn released(&mut self, _: u64, _: u64) -> Result<()> {
                Ok(())
            }
        }
        let opened_here = open(&folder.0, Kind::ENGINE, Options::default(), &mut Any(&mut told)).unwrap();
        let journal = &opened_here.journal;
        journal.append(Difficult::Easy);
        journal.append(difficult);
        journal.append(Difficult::Easy);
        let error = journal.flush(Some(PATIENCE)).unwrap_err();
        assert!(error.to_string().contains("too difficult"), "{error}");
        wait_for(journal, State::Behind);
        let began = Instant::now();
        while journal.durable() < 1 {
            assert!(began.elapsed() < PATIENCE, "what came before is committed");
            std::thread::sleep(Duration::from_millis(1));
        }
        let error = journal.flush(Some(PATIENCE)).unwrap_err().to_string();
        assert!(error.contains("too difficult") && error.contains("from 2 on"), "{error}");
        let cut = journal.cut();
        journal.checkpoint(Checkpoint { cut, bytes: &state(), kept: None }).unwrap();
        journal.append(Difficult::Easy);
        assert_eq!(journal.flush(Some(PATIENCE)), Ok(4));
        drop(opened_here);
        let again = open::<Difficult>(&folder.0, Kind::ENGINE, Options::default(), &mut Any(&mut told)).unwrap();
        drop(again);
        assert_eq!(told, [3, 4]);
    }
}

#[test]
fn a_slow_disk_is_waited_for_in_groups() {
    let folder = Folder::new();
    let (opened_here, _, script) = scripted(&folder.0, Options::default());
    script.sync_us.store(20_000, Ordering::SeqCst);
    let (began, mut slow) = (Instant::now(), 0);
    for _ in 0..2_000 {
        let before = Instant::now();
        append(&opened_here.journal, 1);
        slow += u64::from(before.elapsed() >= Duration::from_millis(20));
        std::thread::sleep(Duration::from_micros(50));
    }
    assert_eq!(opened_here.journal.flush(Some(PATIENCE)), Ok(2_000));
    // of those that meet a sync each would be; a busy machine makes a few
    assert!(slow < 10, "{slow} waited for a sync");
    println!("2,000 records in {:?}, {slow} of them slow", began.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The disk fills up after any number of bytes, has room again, fills up again.
    #[test]
    fn after_any_failure_what_is_there_is_a_prefix_that_was_acknowledged(
        rooms in prop::collection::vec((1_u64..60_000, 1_u64..80), 1..5),
        ends_full in any::<bool>(),
    ) {
        let folder = Folder::new();
        let options = Options { durability: Durability::Immediate, ..Options::default() };
        let (opened_here, _, script) = scripted(&folder.0, options);
        let journal = &opened_here.journal;
        for (room, count) in rooms {
            script.room.store(room, Ordering::SeqCst);
            append(journal, count);
            let _ = journal.flush(Some(Duration::from_millis(15)));
            if count % 3 == 0 {
                let _ = checkpoint(journal);
            }
            if count % 7 == 0 {
                let _ = journal.compact();
            }
            script.room.store(0, Ordering::SeqCst);
            script.full.store(false, Ordering::SeqCst);
            let last = append(journal, 3);
            prop_assert_eq!(journal.flush(Some(PATIENCE)), Ok(last));
        }
        script.full.store(ends_full, Ordering::SeqCst);
        append(journal, 4);
        let (appended, _) = (journal.status().appended, journal.close(Duration::ZERO));
        let durable = journal.durable();
        drop(opened_here);
        let (again, told) = opened(&folder.0, Options::default());
        prop_assert!(told.last() >= durable && told.last() <= appended, "{} of {}", told.last(), durable);
        prop_assert_eq!(&told.records, &sequences(told.checkpoint + 1..=told.last()));
        prop_assert_eq!(again.report.set_aside.len(), 0);
    }
}
