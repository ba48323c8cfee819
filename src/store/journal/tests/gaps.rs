//! Records that were given up, and what stands for them.

use std::fs;
use std::sync::atomic::Ordering;

use super::*;
use crate::store::journal::open_read_only;

fn checkpoint_path(folder: &Folder, sequence: u64) -> PathBuf {
    folder.0.join(format!("checkpoint-{sequence:020}.sona"))
}

/// A journal that holds its first records and gave up what came after them.
fn behind(folder: &Folder, first: u64, appended: u64) -> (Opened<Vec<u8>>, Arc<Script>) {
    let (here, _, script) = scripted(&folder.0, Options { max_records: 10, ..Options::default() });
    while append(&here.journal, 1) < first {
        if here.journal.status().queued >= 9 {
            here.journal.flush(Some(PATIENCE)).unwrap();
        }
    }
    here.journal.flush(Some(PATIENCE)).unwrap();
    script.full.store(true, Ordering::SeqCst);
    append(&here.journal, appended - first);
    wait_for(&here.journal, State::Behind);
    script.full.store(false, Ordering::SeqCst);
    (here, script)
}

#[test]
fn what_is_given_anew_for_a_checkpoint_that_never_was_hides_nothing() {
    let folder = Folder::new();
    let (here, _) = behind(&folder, 20, 60);
    here.journal.append_kept(61, record(61));
    let cut = here.journal.cut();
    // its file can't be written
    fs::create_dir(checkpoint_path(&folder, cut)).unwrap();
    let kept = Some(vec![(61, record(61))]);
    here.journal.checkpoint(Checkpoint { cut, bytes: &state(), kept }).unwrap_err();
    drop(here);
    fs::remove_dir(checkpoint_path(&folder, cut)).unwrap();
    let (here, told) = opened(&folder.0, Options::default());
    let last = told.last();
    assert!(last < cut && told.kept.is_empty(), "{told:?}");
    // the numbers are given out again
    for key in last + 1..=cut + 5 {
        assert_eq!(here.journal.append_kept(key, record(key)), key);
    }
    checkpoint(&here.journal).unwrap();
    drop(here);
    let (_here, told) = opened(&folder.0, Options::default());
    assert_eq!(told.kept, (last + 1..=cut + 5).collect::<Vec<u64>>());
}

#[test]
fn readers_begin_anew_after_a_gap() {
    let folder = Folder::new();
    let (here, script) = behind(&folder, 20, 60);
    script.full.store(false, Ordering::SeqCst);
    let mut told = Told::default();
    let (mut reader, refreshed) = open_read_only(&folder.0, Kind::ENGINE, &mut told).unwrap();
    assert!(refreshed.sequence >= 20 && refreshed.sequence < 60);
    checkpoint(&here.journal).unwrap();
    let last = append(&here.journal, 3);
    here.journal.flush(Some(PATIENCE)).unwrap();
    let refreshed = reader.refresh(&mut told).unwrap();
    assert!(refreshed.anew && refreshed.sequence == last, "{refreshed:?}");
    assert_eq!(told, Told { checkpoint: 60, kept: vec![], records: vec![61, 62, 63] });
    // without that checkpoint the records do not lead to the whole any more
    drop((here, reader));
    fs::write(checkpoint_path(&folder, 60), b"").unwrap();
    let error = open::<Vec<u8>>(&folder.0, Kind::ENGINE, Options::default(), &mut told).unwrap_err();
    assert_eq!(error.code(), "SONA_CORRUPT_STATE");
}

#[test]
fn a_lost_checkpoint_over_a_gap_is_told_and_no_number_comes_twice() {
    for after in [0, 3] {
        let folder = Folder::new();
        let (here, _) = {
            let (here, _) = opened(&folder.0, Options::default());
            append(&here.journal, 10);
            checkpoint(&here.journal).unwrap();
            drop(here);
            behind(&folder, 20, 60)
        };
        checkpoint(&here.journal).unwrap();
        append(&here.journal, after);
        here.journal.close(PATIENCE).unwrap();
        drop(here);
        fs::write(checkpoint_path(&folder, 60), b"").unwrap();
        let (here, told) = opened(&folder.0, Options::default());
        let last = told.last();
        assert!(told.checkpoint == 10 && (20..60).contains(&last), "{told:?}");
        assert!(here.report.skipped >= 60 - last, "{:?}", here.report);
        assert!(here.report.notes.iter().any(|note| note.contains("lost with a checkpoint")), "{:?}", here.report);
        assert_eq!(here.journal.append(record(61)), 61);
        here.journal.close(PATIENCE).unwrap();
        drop(here);
        let expected: Vec<u64> = (11..=last).chain([61]).collect();
        let (here, told) = opened(&folder.0, Options::default());
        assert_eq!((told.records, here.report.skipped, here.report.set_aside.len()), (expected.clone(), 0, 0));
        let mut told = Told::default();
        open_read_only(&folder.0, Kind::ENGINE, &mut told).unwrap();
        assert_eq!(told.records, expected);
        here.journal.compact().unwrap();
        drop(here);
        let (here, told) = opened(&folder.0, Options::default());
        assert_eq!(told.records, expected);
        checkpoint(&here.journal).unwrap();
        append(&here.journal, 2);
        checkpoint(&here.journal).unwrap();
        drop(here);
        assert_eq!(opened(&folder.0, Options::default()).1.checkpoint, 63);
    }
}

#[test]
fn attempts_that_fail_leave_one_copy_of_the_damaged_file() {
    let folder = Folder::new();
    let (here, _, script) = scripted(&folder.0, Options::default());
    append(&here.journal, 10);
    here.journal.flush(Some(PATIENCE)).unwrap();
    let garbage = folder.0.join("garbage");
    fs::write(&garbage, vec![b'x'; 10_000]).unwrap();
    fs::rename(garbage, folder.0.join("journal.redb")).unwrap();
    // nothing is appended: the checkpoint itself finds that the file is lost
    let error = checkpoint(&here.journal).unwrap_err();
    assert_eq!((error.code(), here.journal.status().state), ("SONA_CORRUPT_STATE", State::Behind));
    script.full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(checkpoint(&here.journal).unwrap_err().code(), "SONA_IO");
    }
    script.full.store(false, Ordering::SeqCst);
    checkpoint(&here.journal).unwrap();
    let status = here.journal.status();
    assert_eq!((status.state, status.set_aside.len(), status.last_error), (State::Healthy, 1, None));
    append(&here.journal, 1);
    here.journal.close(PATIENCE).unwrap();
    drop(here);
    let damaged = crate::store::journal::damaged_files(&folder.0).unwrap();
    assert_eq!(damaged, status.set_aside);
    let (_here, told) = opened(&folder.0, Options::default());
    assert_eq!(told, Told { checkpoint: 10, kept: vec![], records: vec![11] });
}
