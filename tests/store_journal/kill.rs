//! A process that is killed while it writes.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use sona::store::journal::{Durability, Options, Verdict};

use crate::world::{Folder, Model, PATIENCE, reopen, try_open};

const FOLDER: &str = "SONA_JOURNAL_KILLED";

/// Writes for ever, with checkpoints and rewritings, and says what is durable. Does nothing as a test of its own.
#[test]
fn killed_writer() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let options = Options { durability: Durability::Immediate, ..Options::default() };
    let (opened, mut model) = try_open(Path::new(&folder), options).unwrap();
    assert_eq!(opened.report.set_aside.len(), 0, "{:?}", opened.report);
    let journal = &opened.journal;
    for round in 1_u64.. {
        for _ in 0..200 {
            let sequence = model.append(journal);
            if sequence % 10 == 0 {
                // while commits go on
                std::thread::sleep(Duration::from_micros(200));
                println!("durable {}", journal.durable());
            }
        }
        if round % 2 == 0 {
            println!("durable {}", journal.flush(Some(PATIENCE)).unwrap());
        }
        if model.sequence % 3 == 0 {
            model.checkpoint(journal).unwrap();
        }
        if model.sequence % 7 == 0 {
            journal.rewrite(|_, _| Verdict::Keep).unwrap();
        }
    }
}

fn spawn(folder: &Path, test: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills it so long after it has begun to write; the newest record that it called durable.
fn kill_after(mut child: Child, wait: Duration) -> u64 {
    let output = child.stdout.take().unwrap();
    let (begun, begins) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut durable = 0;
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // the last line may be cut off
            if let Some((_, number)) = line.split_once("durable ")
                && let Ok(number) = number.parse::<u64>()
                && number <= durable + 1_000_000
            {
                durable = durable.max(number);
                let _ = begun.send(());
            }
        }
        durable
    });
    begins.recv_timeout(PATIENCE).unwrap();
    std::thread::sleep(wait);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn what_was_durable_survives_being_killed() {
    let folder = Folder::new();
    let runs = std::env::var("SONA_KILLS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(50);
    let (mut durable, mut longest) = (0, Duration::ZERO);
    for run in 0..runs {
        // by the golden ratio, so that the waits differ as much as they can
        let wait = 120.0 * (f64::from(run) * 0.618_034).fract();
        durable =
            durable.max(kill_after(spawn(folder.path(), "kill::killed_writer"), Duration::from_secs_f64(wait / 1e3)));
        let mut model = Model::default();
        let options = Options { durability: Durability::Immediate, ..Options::default() };
        let opened =
            sona::store::journal::open::<Vec<u8>>(folder.path(), sona::store::frame::Kind::ROUTER, options, &mut model)
                .unwrap();
        assert!(model.sequence >= durable, "run {run}: {} of {durable}", model.sequence);
        assert_eq!(opened.report.set_aside.len(), 0, "run {run}: {:?}", opened.report);
        assert_eq!(model, Model::at(model.sequence), "run {run}");
        longest = longest.max(opened.report.took);
        durable = model.sequence;
        drop(opened);
    }
    assert!(durable > 0);
    let (opened, _) = reopen(folder.path());
    println!("{runs} kills, {durable} records, the longest reopening took {longest:?}");
    drop(opened);
}
