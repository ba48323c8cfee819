//! Other files in the place of the journal, and who may use it when.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

#[test]
fn an_older_file_is_not_gone_on_with() {
    let folder = Folder::new();
    let (here, _) = opened(&folder.0, Options::default());
    let journal = &here.journal;
    append(journal, 10);
    journal.flush(Some(PATIENCE)).unwrap();
    let (path, older) = (folder.0.join("journal.redb"), folder.0.join("older"));
    fs::copy(&path, &older).unwrap();
    append(journal, 10);
    journal.flush(Some(PATIENCE)).unwrap();
    fs::rename(older, path).unwrap();
    append(journal, 1);
    wait_for(journal, State::Behind);
    let error = journal.flush(Some(PATIENCE)).unwrap_err().to_string();
    assert!(error.contains("ends with record 10 of 20"), "{error}");
    checkpoint(journal).unwrap();
    append(journal, 2);
    assert_eq!(journal.close(PATIENCE), Ok(23));
    assert_eq!(journal.status().set_aside.len(), 1);
    drop(here);
    let (_here, told) = opened(&folder.0, Options::default());
    assert_eq!(told, Told { checkpoint: 21, kept: vec![], records: vec![22, 23] });
}

#[test]
fn another_directory_is_neither_written_to_nor_given_a_checkpoint() {
    let (ours, theirs) = (Folder::new(), Folder::new());
    let away = ours.0.with_extension("away");
    let (here, _) = opened(&ours.0, Options::default());
    append(&here.journal, 10);
    here.journal.flush(Some(PATIENCE)).unwrap();
    let (there, _) = opened(&theirs.0, Options::default());
    append(&there.journal, 30);
    drop(there);
    fs::rename(&ours.0, &away).unwrap();
    fs::rename(&theirs.0, &ours.0).unwrap();
    let refused = checkpoint(&here.journal).unwrap_err().to_string();
    assert!(refused.contains("another directory"), "{refused}");
    append(&here.journal, 5);
    wait_for(&here.journal, State::Retrying);
    let began = Instant::now();
    while !here.journal.status().last_error.is_some_and(|error| error.to_string().contains("another directory")) {
        assert!(began.elapsed() < PATIENCE, "{:?}", here.journal.status());
        std::thread::sleep(Duration::from_millis(1));
    }
    fs::rename(&ours.0, &theirs.0).unwrap();
    fs::rename(&away, &ours.0).unwrap();
    assert_eq!(here.journal.flush(Some(PATIENCE)), Ok(15));
    checkpoint(&here.journal).unwrap();
    drop(here);
    let (_there, told) = opened(&theirs.0, Options::default());
    assert_eq!(told, Told { checkpoint: 0, kept: vec![], records: (1..=30).collect() });
    assert_eq!(opened(&ours.0, Options::default()).1.checkpoint, 15);
}

#[test]
fn when_it_is_closed_nothing_is_under_way() {
    for round in 0..20 {
        let folder = Folder::new();
        let (here, _, script) = scripted(&folder.0, Options::default());
        script.sync_us.store(2_000, Ordering::SeqCst);
        let (journal, stop) = (&here.journal, AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    append(journal, 3);
                    let _ = if round % 2 == 0 { checkpoint(journal) } else { journal.compact().map(|_| ()) };
                }
            });
            std::thread::sleep(Duration::from_micros(1_500 * round));
            journal.close(PATIENCE).unwrap();
            // the lock is free, and stays so
            for _ in 0..3 {
                drop(opened(&folder.0, Options::default()));
                std::thread::sleep(Duration::from_millis(1));
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}

#[test]
fn folders_above_are_made() {
    let folder = Folder::new();
    let deep = folder.0.join("a").join("b");
    let (here, _) = opened(&deep, Options::default());
    append(&here.journal, 1);
    drop(here);
    assert_eq!(opened(&deep, Options::default()).1.records, [1]);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_not_nothing() {
    let folder = Folder::new();
    fs::create_dir_all(&folder.0).unwrap();
    std::os::unix::fs::symlink(folder.0.join("unmounted"), folder.0.join("journal.redb")).unwrap();
    let error = open::<Vec<u8>>(&folder.0, Kind::ENGINE, Options::default(), &mut Told::default()).unwrap_err();
    assert!(error.to_string().contains("leads nowhere"), "{error}");
    assert!(folder.0.join("journal.redb").is_symlink());
}
