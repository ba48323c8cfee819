//! A process that is killed while it routes and learns.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{fs, thread};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use sona::router::{OpenOptions, Resume};
use sona::{DecisionId, Request, SonaRouter};

use crate::world::{Folder, close, making, open, told, vector};

const FOLDER: &str = "SONA_OPEN_KILLED";

/// Kills; more with `SONA_OPEN_KILLS=<number>`.
const KILLS: u64 = 12;

/// Decisions that wait for their outcome at any time.
const WAITING: u64 = 3;

/// The state that a life began with, beside the directory.
fn start_of(folder: &Path) -> std::path::PathBuf {
    folder.with_extension("start")
}

/// What comes after a state, which says all by itself.
struct Steps<'a> {
    router: &'a SonaRouter,
    /// The first decision of this life.
    first: u64,
}

impl<'a> Steps<'a> {
    fn of(router: &'a SonaRouter) -> Self {
        Self { router, first: router.stats().unwrap().decisions }
    }

    fn route(&self) -> u64 {
        let n = self.router.stats().unwrap().decisions;
        self.router.route(&vector(n), &Request::default(), n).unwrap().id.number
    }

    fn tell(&self, number: u64) {
        let Some(number) = number.checked_sub(WAITING).filter(|&number| number >= self.first) else { return };
        let id = DecisionId { incarnation: self.router.incarnation(), number };
        self.router.feedback(id, &told((number % 7) as f64 / 7.0), number).unwrap();
    }
}

/// Routes and learns for ever, and says what is durable. Does nothing as a test of its own.
#[test]
fn killed_router() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = Path::new(&folder);
    let options = OpenOptions { checkpoint_changes: 700, ..OpenOptions::default() };
    let router = SonaRouter::open(folder, Some(making()), options).unwrap().router;
    // whatever life it is, it has begun
    router.route(&vector(0), &Request::default(), 0_u64).unwrap();
    router.flush_durable(None).unwrap();
    fs::write(start_of(folder), router.snapshot().unwrap()).unwrap();
    println!("began");
    let steps = Steps::of(&router);
    loop {
        let number = steps.route();
        steps.tell(number);
        if number.is_multiple_of(50) {
            router.flush_durable(None).unwrap();
            println!("durable {number}");
        }
    }
}

/// Kills a process so long after it began to work in a directory, or to open it; the last decision that it called durable, none before
/// it worked.
fn kill(folder: &Path, opening: bool, wait: Duration) -> Option<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["kill::killed_router", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = child.stdout.take().unwrap();
    let (tell, told) = mpsc::channel();
    let reader = thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            match line.strip_prefix("durable ").map(str::parse) {
                Some(number) => tell.send(number.unwrap()).unwrap(),
                // the harness writes before it, without a new line
                None if line.ends_with("began") => tell.send(0).unwrap(),
                None => {}
            }
        }
    });
    let began = if opening { None } else { Some(told.recv().expect("it works")) };
    thread::sleep(wait);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    told.try_iter().last().or(began)
}

/// A reference that makes the same decisions is at some point in the same state, and no earlier than what was called durable.
fn check(folder: &Path, durable: u64) {
    let (router, report) = open(folder);
    assert!(!report.continues && report.set_aside.is_empty() && report.skipped == 0, "{report:?}");
    let state = router.snapshot().unwrap();
    let decisions = router.stats().unwrap().decisions;
    close(router);
    assert!(decisions >= durable, "{durable} decisions were durable, {decisions} are there");
    let start = fs::read(start_of(folder)).unwrap();
    let reference = SonaRouter::restore(&start, Resume { origin: None, continues: true }).unwrap();
    let steps = Steps::of(&reference);
    let mut same = state == start;
    while !same && reference.stats().unwrap().decisions < decisions {
        let number = steps.route();
        same = number == decisions && reference.snapshot().unwrap() == state;
        if !same {
            steps.tell(number);
            same = number == decisions && reference.snapshot().unwrap() == state;
        }
    }
    assert!(same, "the state of {decisions} decisions, {durable} of them durable, is another: {report:?}");
}

#[test]
fn a_killed_process_loses_nothing_that_was_durable() {
    let kills = std::env::var("SONA_OPEN_KILLS").map_or(KILLS, |value| value.parse().unwrap());
    let folder = Folder::new("killed");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    for n in 0..kills {
        let wait = Duration::from_millis(rng.random_range(1..200));
        if let Some(durable) = kill(&folder.0, n % 4 == 3, wait) {
            check(&folder.0, durable);
        }
    }
    let _ = fs::remove_file(start_of(&folder.0));
}

/// Opens a directory and says what came of it. Does nothing as a test of its own.
#[test]
fn another_process() {
    let Ok(folder) = std::env::var("SONA_OPEN_ANOTHER") else { return };
    match crate::world::try_open(Path::new(&folder), Some(making())) {
        Ok(opened) => {
            close(opened.router);
            println!("\ncode opened");
        }
        Err(error) => println!("\ncode {}", error.code()),
    }
}

pub fn code_of_another_process(folder: &Path) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["kill::another_process", "--exact", "--nocapture"])
        .env("SONA_OPEN_ANOTHER", folder)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("code ")).unwrap().to_owned()
}
