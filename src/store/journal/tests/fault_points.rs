//! A process that ends, or panics, between two steps of what it does with its files.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Output};

use super::*;
use crate::fault;
use crate::store::journal::Verdict;

const FOLDER: &str = "SONA_JOURNAL_FAULT";
const PANIC_AT: &str = "SONA_JOURNAL_PANIC_AT";

const PLACES: [&str; 6] = [
    "journal.commit",
    "journal.committed",
    "journal.replace",
    "journal.replaced",
    "journal.rebased",
    "journal.checkpoint",
];

/// Does everything that is done with a directory, and says what is durable. Does nothing as a test of its own.
#[test]
fn does_everything() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let (here, told) = opened(Path::new(&folder), Options::default());
    println!("\ndurable {}", told.last());
    if let Ok(place) = std::env::var(PANIC_AT) {
        fault::plant(place);
    }
    let journal = &here.journal;
    for round in 1..=4 {
        for _ in 0..20 {
            let last = journal.status().appended + 1;
            if last.is_multiple_of(3) {
                journal.append_kept(last, record(last))
            } else {
                journal.append(record(last))
            };
        }
        // a panic passes for damage, after which it is tried again
        while journal.flush(Some(Duration::from_secs(1))).is_err() {
            let _ = checkpoint_with_kept(journal);
        }
        println!("\ndurable {}", journal.durable());
        // whoever calls from outside catches panics
        let _ = catch_unwind(AssertUnwindSafe(|| {
            if round % 2 == 0 { checkpoint_with_kept(journal) } else { checkpoint(journal) }
        }));
        let _ = catch_unwind(AssertUnwindSafe(|| journal.rewrite(|_, _| Verdict::Keep)));
    }
    println!("\ndurable {}", journal.close(PATIENCE).unwrap());
}

fn checkpoint_with_kept(journal: &Journal<Vec<u8>>) -> Result<()> {
    let cut = journal.cut();
    let kept = (1..=cut).filter(|key| key.is_multiple_of(3)).map(|key| (key, record(key))).collect();
    journal.checkpoint(Checkpoint { cut, bytes: &state(), kept: Some(kept) })
}

fn run(folder: &Folder, fault: (&str, &str)) -> (Output, u64) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["store::journal::tests::fault_points::does_everything", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, &folder.0)
        .env(fault.0, fault.1)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let durable = said.lines().filter_map(|line| line.strip_prefix("durable ")?.parse().ok()).max();
    (output, durable.unwrap_or(0))
}

fn check(folder: &Folder, durable: u64, what: &str) {
    let (here, told) = opened(&folder.0, Options::default());
    assert!(told.last() >= durable, "{what}: {} of {durable}", told.last());
    assert_eq!(told.records, (told.checkpoint + 1..=told.last()).collect::<Vec<u64>>(), "{what}");
    let kept: Vec<u64> = (1..=told.checkpoint).filter(|key| key.is_multiple_of(3)).collect();
    assert_eq!(told.kept, kept, "{what}");
    assert_eq!((here.report.set_aside.len(), here.report.skipped), (0, 0), "{what}: {:?}", here.report);
    let next = append(&here.journal, 1);
    assert_eq!(here.journal.close(PATIENCE), Ok(next), "{what}");
}

#[test]
fn an_end_at_any_point_loses_nothing_that_was_durable() {
    for place in PLACES {
        let mut ended = 0;
        for pass in 1..=4 {
            let folder = Folder::new();
            let (output, durable) = run(&folder, ("SONA_ABORT_AT", &format!("{place}:{pass}")));
            ended += u64::from(!output.status.success());
            check(&folder, durable, &format!("{place}, {pass}"));
        }
        assert!(ended >= 2, "{place} was passed {ended} times");
    }
}

#[test]
fn a_panic_at_any_point_is_an_error_and_no_end() {
    for place in PLACES {
        let folder = Folder::new();
        let (output, durable) = run(&folder, (PANIC_AT, place));
        assert!(output.status.success(), "{place}: {}", String::from_utf8_lossy(&output.stdout));
        assert_eq!(durable, 80, "{place}");
    }
}
