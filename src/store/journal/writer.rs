//! The journal's thread: encodes what was appended, commits it in groups, and tries again while the disk refuses.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use super::control::{InHand, Next, Shared};
use super::disk::Failure;
use super::group::Group;
use super::options::Record;
use super::queue::Queued;
use crate::error::SonaError;

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The thread's work, until the journal is closed. The file is closed then.
pub(super) fn run<E: Record>(shared: &Shared<E>) {
    shared.runs_on(thread::current().id());
    let mut writer =
        Writer { shared, taken: VecDeque::new(), group: Group::default(), pause: FIRST_PAUSE, retry_at: None };
    let ran = catch_unwind(AssertUnwindSafe(|| while writer.step() {}));
    if let Err(panic) = ran {
        shared.control.lock().health.failed(SonaError::from_panic(&*panic), false);
    }
    shared.end();
    // a checkpoint that is under way needs the file until it is done
    let maintenance = shared.maintenance.lock();
    // what was committed is safe, and there is nobody who could do anything about it
    let _ = catch_unwind(AssertUnwindSafe(|| shared.disk.lock().close()));
    drop(maintenance);
    shared.gone();
}

struct Writer<'a, E> {
    shared: &'a Shared<E>,
    /// Out of the queue, not yet encoded.
    taken: VecDeque<Queued<E>>,
    group: Group,
    pause: Duration,
    retry_at: Option<Instant>,
}

impl<E: Record> Writer<'_, E> {
    /// False when it is over.
    fn step(&mut self) -> bool {
        let hand = InHand { records: self.group.len() + self.taken.len(), retry_at: self.retry_at };
        if self.shared.next(hand) == Next::End {
            return false;
        }
        if self.group.is_empty() {
            self.fill();
        }
        if let Some(last) = self.group.last() {
            self.commit(last);
        }
        true
    }

    fn fill(&mut self) {
        if self.taken.is_empty() {
            self.shared.take(&mut self.taken);
        }
        while !self.group.is_full()
            && let Some(queued) = self.taken.pop_front()
        {
            if let Err(error) = self.group.add(&queued) {
                self.taken.push_front(queued);
                self.give_up(error);
            }
        }
    }

    /// What is taken can't be written, nor what follows.
    fn give_up(&mut self, error: SonaError) {
        let mut control = self.shared.control.lock();
        if let Some(first) = self.taken.front() {
            control.queue.lose(first.sequence);
        }
        control.health.gave_up(error.clone());
        control.queue.settle(self.taken.len(), self.taken.iter().map(|queued| queued.weight).sum());
        control.health.failed(error, false);
        self.shared.changed(&mut control);
        drop(control);
        self.taken.clear();
        self.shared.wake_waiting();
    }

    fn commit(&mut self, last: u64) {
        let mut disk = self.shared.disk.lock();
        let result = disk.commit(&self.group);
        let bytes = disk.bytes();
        drop(disk);
        match result {
            Ok(()) => {
                self.shared.committed(last, bytes);
                self.pause = FIRST_PAUSE;
                self.retry_at = None;
                let mut control = self.shared.control.lock();
                control.queue.settle(self.group.len(), self.group.weight());
                control.health.succeeded();
                self.shared.changed(&mut control);
                self.group.clear();
            }
            Err(Failure::Passing(error)) => {
                self.retry_at = Some(Instant::now() + self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                let mut control = self.shared.control.lock();
                control.health.failed(error, true);
                self.shared.changed(&mut control);
            }
            Err(Failure::Lost(error)) => {
                self.pause = FIRST_PAUSE;
                self.retry_at = None;
                let mut control = self.shared.control.lock();
                control.queue.lose(self.group.first().unwrap_or(last));
                control.queue.settle(self.group.len(), self.group.weight());
                self.group.clear();
                drop(control);
                return self.give_up(error);
            }
        }
        self.shared.wake_waiting();
    }
}
