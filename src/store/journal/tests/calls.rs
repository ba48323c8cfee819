//! Callers that ask too often, records that panic, callbacks that call back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, Weak, mpsc};

use super::*;
use crate::store::journal::Record;

#[test]
fn many_flushes_do_not_drive_the_disk() {
    let folder = Folder::new();
    let (here, _, script) = scripted(&folder.0, Options::default());
    let journal = &here.journal;
    append(journal, 1);
    journal.flush(Some(PATIENCE)).unwrap();
    script.full.store(true, Ordering::SeqCst);
    append(journal, 1);
    wait_for(journal, State::Retrying);
    let before = script.refused.load(Ordering::SeqCst);
    let (began, mut asked) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_millis(500) {
        let _ = journal.flush(Some(Duration::from_micros(500)));
        journal.flush_then(Some(PATIENCE), drop);
        asked += 1;
    }
    let refused = script.refused.load(Ordering::SeqCst) - before;
    println!("{asked} flushes, refused {refused} times");
    assert!(refused < 100, "{refused} for {asked} flushes");
    // nor do they keep it from closing
    std::thread::scope(|scope| {
        scope.spawn(|| while journal.flush(Some(Duration::from_micros(100))) != Err(crate::SonaError::Closed) {});
        let began = Instant::now();
        assert!(journal.close(Duration::from_millis(30)).is_err());
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    });
}

/// A record that panics where it is told to.
struct Fragile {
    weight: bool,
    drop: bool,
}

impl Record for Fragile {
    fn encode(&self, into: &mut Vec<u8>) -> Result<()> {
        into.extend_from_slice(b"fragile");
        Ok(())
    }

    fn weight(&self) -> usize {
        assert!(!self.weight, "nobody knows its weight");
        10
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(!self.drop, "it does not go quietly");
    }
}

fn fragile(folder: &Folder, on_change: Option<crate::store::journal::Listener>) -> Opened<Fragile> {
    let options = Options { on_change, ..Options::default() };
    open(&folder.0, Kind::ENGINE, options, &mut Told::default()).unwrap()
}

#[test]
fn a_record_without_a_weight_is_as_if_it_had_never_been() {
    let folder = Folder::new();
    let here = fragile(&folder, None);
    let append = |weight| catch_unwind(AssertUnwindSafe(|| here.journal.append(Fragile { weight, drop: false })));
    assert_eq!(append(false).unwrap(), 1);
    assert!(append(true).is_err());
    assert_eq!((here.journal.status().appended, append(false).unwrap()), (1, 2));
    assert_eq!(here.journal.flush(Some(PATIENCE)), Ok(2));
}

#[test]
fn a_thread_that_broke_is_not_healthy() {
    let folder = Folder::new();
    let (tell, told) = mpsc::channel();
    let here = fragile(&folder, Some(Arc::new(move |status| tell.send(status.state).unwrap())));
    here.journal.append(Fragile { weight: false, drop: true });
    assert_eq!(told.recv_timeout(PATIENCE), Ok(State::Closed));
    let status = here.journal.status();
    assert_eq!(status.state, State::Closed);
    assert!(status.last_error.is_some_and(|error| error.to_string().contains("quietly")));
    assert_eq!(here.journal.append(Fragile { weight: false, drop: false }), 2);
    assert!(here.journal.close(PATIENCE).is_err());
}

#[test]
fn a_callback_that_waits_for_its_own_thread_is_told_so() {
    let folder = Folder::new();
    let place: Arc<OnceLock<Weak<Journal<Vec<u8>>>>> = Arc::default();
    let tried = Arc::new(AtomicBool::new(false));
    let (of_listener, has_tried) = (place.clone(), tried.clone());
    let options = Options {
        on_change: Some(Arc::new(move |_| {
            if let Some(journal) = of_listener.get().and_then(Weak::upgrade) {
                assert!(journal.flush(None).is_err());
                assert!(checkpoint(&journal).is_err());
                let _ = journal.close(Duration::ZERO);
                has_tried.store(true, Ordering::SeqCst);
            }
        })),
        ..Options::default()
    };
    let (here, _, script) = scripted(&folder.0, options);
    let journal = Arc::new(here.journal);
    place.set(Arc::downgrade(&journal)).unwrap();
    script.full.store(true, Ordering::SeqCst);
    append(&journal, 1);
    let began = Instant::now();
    while !tried.load(Ordering::SeqCst) {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(journal.close(PATIENCE).is_err());
}
