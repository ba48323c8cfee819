//! What a journal costs: `cargo bench --bench journal`.
//!
//! Prints the cost of appending, of a group commit against writing the same bytes to a plain file with one sync and with two
//! in the same run, of opening after a kill, and of replaying 20,000 records.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sona::Result;
use sona::store::frame::Kind;
use sona::store::journal::{Durability, Journal, Opened, Options, Replay, open};

const GROUP: usize = 256;
/// About what an outcome takes.
const BYTES: usize = 400;

struct Count(u64);

impl Replay for Count {
    fn begin(&mut self) -> Result<()> {
        self.0 = 0;
        Ok(())
    }

    fn checkpoint(&mut self, _: u64, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn kept(&mut self, _: u64, _: u64, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn record(&mut self, _: u64, bytes: &[u8]) -> Result<()> {
        self.0 += bytes.len() as u64;
        Ok(())
    }

    fn released(&mut self, _: u64, _: u64) -> Result<()> {
        Ok(())
    }
}

fn opened(folder: &Path, durability: Durability) -> Opened<Vec<u8>> {
    open(folder, Kind::ENGINE, Options { durability, ..Options::default() }, &mut Count(0)).unwrap()
}

fn percentile(times: &mut [Duration], of: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * of / 100).min(times.len() - 1)]
}

fn main() {
    // the test runner asks for one round
    let short = std::env::args().any(|argument| argument == "--test") || !std::env::args().any(|a| a == "--bench");
    let rounds = if short { 20 } else { 400 };
    let root: PathBuf = std::env::temp_dir().join(format!("sona-bench-journal-{}", std::process::id()));
    fs::create_dir_all(&root).unwrap();
    appending(&root.join("append"), rounds);
    committing(&root, rounds);
    reopening(&root);
    fs::remove_dir_all(&root).unwrap();
}

/// The first record after a pause wakes the thread, the next ones do not.
fn appending(folder: &Path, rounds: usize) {
    let opened = opened(folder, Durability::Batched);
    let journal = &opened.journal;
    let mut times = Vec::new();
    for _ in 0..rounds {
        for _ in 0..GROUP {
            let record = vec![7; BYTES];
            let began = Instant::now();
            std::hint::black_box(journal.append(record));
            times.push(began.elapsed());
            // as records come: between other work
            std::hint::spin_loop();
        }
        journal.flush(None).unwrap();
    }
    let mut after_pauses = Vec::new();
    for _ in 0..rounds {
        journal.flush(None).unwrap();
        std::thread::sleep(Duration::from_millis(1));
        let record = vec![7; BYTES];
        after_pauses.push(timed(|| _ = std::hint::black_box(journal.append(record))));
    }
    let empty: Vec<Duration> = (0..1_000).map(|_| Instant::now().elapsed()).collect();
    println!(
        "append: p50 {:?}, p99 {:?} (the clock alone {:?})",
        percentile(&mut times, 50),
        percentile(&mut times, 99),
        percentile(&mut empty.clone(), 50)
    );
    println!(
        "append after a pause: p50 {:?}, p99 {:?}",
        percentile(&mut after_pauses, 50),
        percentile(&mut after_pauses, 99)
    );
}

/// One group after another, alternating with the plain file, so that both see the same disk.
fn committing(root: &Path, rounds: usize) {
    let opened = opened(&root.join("commit"), Durability::None);
    let mut plain = File::create(root.join("plain")).unwrap();
    let mut plain_two = File::create(root.join("plain-two")).unwrap();
    let (mut ours, mut once, mut twice) = (Vec::new(), Vec::new(), Vec::new());
    let group = vec![7; GROUP * BYTES];
    for _ in 0..rounds {
        ours.push(timed(|| commit(&opened.journal)));
        once.push(timed(|| {
            plain.write_all(&group).unwrap();
            plain.sync_data().unwrap();
        }));
        twice.push(timed(|| {
            plain_two.write_all(&group).unwrap();
            plain_two.sync_data().unwrap();
            plain_two.write_all(&[7; 64]).unwrap();
            plain_two.sync_data().unwrap();
        }));
    }
    let mean = |times: &[Duration]| times.iter().sum::<Duration>() / times.len() as u32;
    println!("commit of {GROUP} records of {BYTES} bytes: mean {:?}, p50 {:?}", mean(&ours), percentile(&mut ours, 50));
    println!("plain append + fdatasync of the same bytes: mean {:?}, p50 {:?}", mean(&once), percentile(&mut once, 50));
    println!("the same with a second sync: mean {:?}, p50 {:?}", mean(&twice), percentile(&mut twice, 50));
    let ratio = |plain: &[Duration]| mean(&ours).as_secs_f64() / mean(plain).as_secs_f64();
    println!("ratio of the means: {:.2} to one sync (at most 4 is asked), {:.2} to two", ratio(&once), ratio(&twice));
}

fn commit(journal: &Journal<Vec<u8>>) {
    for _ in 0..GROUP {
        journal.append(vec![7; BYTES]);
    }
    journal.flush(None).unwrap();
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

/// The files of a journal that is open are those that a kill leaves.
fn reopening(root: &Path) {
    let (alive, killed) = (root.join("alive"), root.join("killed"));
    let opened_here = opened(&alive, Durability::Batched);
    for n in 0..20_000_u32 {
        opened_here.journal.append(n.to_le_bytes().repeat(BYTES / 4));
    }
    opened_here.journal.flush(None).unwrap();
    let mut count = Count(0);
    let mut times = Vec::new();
    for _ in 0..5 {
        let _ = fs::remove_dir_all(&killed);
        fs::create_dir_all(&killed).unwrap();
        fs::copy(alive.join("journal.redb"), killed.join("journal.redb")).unwrap();
        File::open(killed.join("journal.redb")).unwrap().sync_all().unwrap();
        count.0 = 0;
        let options = Options::default();
        times.push(timed(|| drop(open::<Vec<u8>>(&killed, Kind::ENGINE, options, &mut count).unwrap())));
    }
    println!("opening after a kill with 20,000 records, closing included: {:?}", percentile(&mut times, 50));
    // a journal without records shows what of it is opening
    let (alive_empty, killed_empty) = (root.join("alive-empty"), root.join("killed-empty"));
    let _empty = opened(&alive_empty, Durability::Batched);
    fs::create_dir_all(&killed_empty).unwrap();
    fs::copy(alive_empty.join("journal.redb"), killed_empty.join("journal.redb")).unwrap();
    let again = open::<Vec<u8>>(&killed_empty, Kind::ENGINE, Options::default(), &mut Count(0)).unwrap();
    println!("opening after a kill without records: {:?}", again.report.took);
    let again = open::<Vec<u8>>(&killed, Kind::ENGINE, Options::default(), &mut count).unwrap();
    println!(
        "opening after a clean end with 20,000 records: {:?}, {} bytes",
        again.report.took,
        again.journal.status().bytes
    );
}
