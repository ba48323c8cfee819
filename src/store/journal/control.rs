//! What the journal's thread and its callers share: the queue, who waits for what, and how it goes.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::disk::Disk;
use super::options::{Options, Record};
use super::queue::{Limits, Operation, Queue, Queued};
use super::status::{Health, State, Status};
use crate::error::{Result, SonaError};

/// Who is told what a flush has come to.
pub(super) type Answer = Box<dyn FnOnce(Result<u64>) + Send>;

/// How long a wait may take.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    /// Until it is done or can't be done any more.
    Endless,
    /// So long at most.
    Until(Instant),
    /// Until an attempt fails.
    OneFailure,
}

impl Patience {
    pub(super) fn within(timeout: Option<Duration>) -> Self {
        timeout.and_then(|timeout| Instant::now().checked_add(timeout)).map_or(Self::Endless, Self::Until)
    }
}

struct Waiter {
    target: u64,
    deadline: Option<Instant>,
    answer: Answer,
}

/// Behind one lock, which is held for moments.
pub(super) struct Control<E> {
    pub(super) queue: Queue<E>,
    pub(super) health: Health,
    /// With so many waiting, whoever appends wakes the writer.
    wake_at: usize,
    /// Somebody waits for this record.
    wanted: u64,
    /// The writer is to try now, whatever it waits for.
    urgent: bool,
    /// No attempt begins after this.
    closing: Option<Instant>,
    /// The writer has ended.
    ended: bool,
    waiters: Vec<Waiter>,
}

/// What the writer does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Commit,
    End,
}

/// What the writer has in hand.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct InHand {
    /// Records that are not in the queue any more.
    pub(super) records: usize,
    /// When a group that was refused is tried again.
    pub(super) retry_at: Option<Instant>,
}

pub(super) struct Shared<E> {
    pub(super) control: Mutex<Control<E>>,
    work: Condvar,
    done: Condvar,
    durable: AtomicU64,
    bytes: AtomicU64,
    limits: Limits,
    options: Options,
    path: PathBuf,
    pub(super) disk: Mutex<Disk>,
}

impl<E: Record> Shared<E> {
    pub(super) fn new(disk: Disk, last: u64, keyed: bool) -> Self {
        let options = disk.options.clone();
        Self {
            control: Mutex::new(Control {
                queue: Queue::new(last, keyed),
                health: Health::default(),
                wake_at: 1,
                wanted: 0,
                urgent: false,
                closing: None,
                ended: false,
                waiters: Vec::new(),
            }),
            work: Condvar::new(),
            done: Condvar::new(),
            durable: AtomicU64::new(last),
            bytes: AtomicU64::new(disk.bytes()),
            limits: Limits { records: options.max_records, bytes: options.max_bytes },
            path: disk.directory.path().to_owned(),
            options,
            disk: Mutex::new(disk),
        }
    }

    pub(super) fn append(&self, operation: Operation<E>) -> u64 {
        let mut control = self.control.lock();
        let (sequence, lost) = control.queue.push(operation, self.limits);
        if lost {
            self.changed(&mut control);
        }
        if lost || control.queue.waiting() >= control.wake_at {
            control.wake_at = usize::MAX;
            drop(control);
            self.work.notify_one();
        }
        sequence
    }

    pub(super) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// The state after something has happened.
    pub(super) fn changed(&self, control: &mut Control<E>) {
        let state = if control.closing.is_some() {
            State::Closed
        } else if control.queue.gap().is_some() {
            State::Behind
        } else if control.health.failing {
            State::Retrying
        } else {
            State::Healthy
        };
        control.health.enter(state);
    }

    pub(super) fn status(&self) -> Status {
        self.status_of(&self.control.lock())
    }

    fn status_of(&self, control: &Control<E>) -> Status {
        Status {
            state: control.health.state(),
            last_error: control.health.last_error.clone(),
            since: control.health.since(),
            durable: self.durable(),
            appended: control.queue.appended(),
            queued: control.queue.records(),
            queued_bytes: control.queue.bytes(),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    /// Everything up to a record is on disk, in a file of so many bytes.
    pub(super) fn committed(&self, last: u64, bytes: u64) {
        self.durable.fetch_max(last, Ordering::Release);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Wakes the writer, and who waits for it.
    pub(super) fn wake(&self) {
        self.work.notify_one();
        self.done.notify_all();
    }

    pub(super) fn wake_waiting(&self) {
        self.done.notify_all();
    }

    /// Waits until a record, or everything that has been appended, is on disk.
    pub(super) fn wait(&self, target: Option<u64>, patience: Patience) -> Result<u64> {
        let mut control = self.control.lock();
        let target = target.unwrap_or_else(|| control.queue.appended());
        let failures = control.health.failures;
        self.want(&mut control, target);
        loop {
            if let Some(answer) = self.answer(&control, target) {
                return answer;
            }
            let late = match patience {
                Patience::Endless => {
                    self.done.wait(&mut control);
                    false
                }
                Patience::Until(deadline) => self.done.wait_until(&mut control, deadline).timed_out(),
                Patience::OneFailure => {
                    self.done.wait(&mut control);
                    control.health.failing && control.health.failures > failures
                }
            };
            if late {
                return self.answer(&control, target).unwrap_or_else(|| Err(self.late(&control)));
            }
        }
    }

    /// The same without waiting: the writer calls `answer`, or the caller when nothing is to be waited for.
    pub(super) fn wait_then(&self, timeout: Option<Duration>, answer: Answer) {
        let mut control = self.control.lock();
        let target = control.queue.appended();
        if let Some(result) = self.answer(&control, target) {
            drop(control);
            return answer(result);
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        control.waiters.push(Waiter { target, deadline, answer });
        self.want(&mut control, target);
    }

    fn want(&self, control: &mut Control<E>, target: u64) {
        if target > self.durable() {
            control.wanted = control.wanted.max(target);
            control.urgent = true;
            self.work.notify_one();
        }
    }

    /// What a wait has come to, once it is sure.
    fn answer(&self, control: &Control<E>, target: u64) -> Option<Result<u64>> {
        let durable = self.durable();
        if durable >= target {
            return Some(Ok(durable));
        }
        if control.queue.gap().is_some_and(|gap| gap <= target) {
            let why = control.health.last_error.as_ref().map_or_else(String::new, |error| format!(" ({error})"));
            let reason = format!("records were given up from {} on{why}: make a checkpoint", durable + 1);
            return Some(Err(SonaError::io(&self.path, reason)));
        }
        control.ended.then_some(Err(SonaError::Closed))
    }

    fn late(&self, control: &Control<E>) -> SonaError {
        control.health.last_error.clone().unwrap_or_else(|| SonaError::io(&self.path, "the disk has not answered yet"))
    }

    /// Lets no more records in. The writer tries until `deadline`, and once in any case.
    pub(super) fn close(&self, deadline: Instant) {
        let mut control = self.control.lock();
        control.queue.close();
        control.closing.get_or_insert(deadline);
        control.urgent = true;
        self.changed(&mut control);
        self.work.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.control.lock().closing.is_some()
    }

    /// Waits until the writer has ended; false when it has not by then.
    pub(super) fn wait_ended(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut control = self.control.lock();
        while !control.ended {
            if self.done.wait_until(&mut control, deadline).timed_out() {
                return control.ended;
            }
        }
        true
    }

    /// The writer ends: whoever still waits is told.
    pub(super) fn end(&self) {
        let mut control = self.control.lock();
        control.ended = true;
        control.queue.close();
        self.done.notify_all();
        self.tell(&mut control);
    }

    /// For the writer: waits until there is something to do. Tells the listener and who waits on the way.
    pub(super) fn next(&self, hand: InHand) -> Next {
        let (delay, enough) = (self.options.durability.delay(), self.options.enough());
        let mut control = self.control.lock();
        let mut since = None;
        loop {
            self.tell(&mut control);
            let waiting = hand.records + control.queue.waiting();
            let now = Instant::now();
            let due = if waiting == 0 {
                if control.closing.is_some() {
                    return Next::End;
                }
                None
            } else if let Some(retry_at) = hand.retry_at {
                if control.closing.is_some_and(|deadline| now >= deadline) && !control.urgent {
                    return Next::End;
                }
                let at = if control.urgent { now } else { retry_at };
                Some(control.closing.map_or(at, |deadline| at.min(deadline)))
            } else if waiting >= enough || control.wanted > self.durable() || control.closing.is_some() {
                Some(now)
            } else {
                Some(*since.get_or_insert(now) + delay)
            };
            if due.is_some_and(|due| due <= now) {
                control.urgent = false;
                control.wake_at = usize::MAX;
                return Next::Commit;
            }
            control.wake_at = match hand.retry_at {
                Some(_) => usize::MAX,
                None if waiting == 0 => 1,
                None => enough.saturating_sub(hand.records).max(1),
            };
            let deadline = control.waiters.iter().filter_map(|waiter| waiter.deadline).min();
            match due.into_iter().chain(deadline).min() {
                Some(until) => {
                    self.work.wait_until(&mut control, until);
                }
                None => self.work.wait(&mut control),
            }
        }
    }

    /// Takes what is in the queue.
    pub(super) fn take(&self, into: &mut VecDeque<Queued<E>>) {
        self.control.lock().queue.take(into);
    }

    /// Tells the listener of a new state, and who waits what it has come to, without the lock.
    fn tell(&self, control: &mut MutexGuard<'_, Control<E>>) {
        if control.health.untold()
            && let Some(on_change) = &self.options.on_change
        {
            let status = self.status_of(control);
            // a listener's panic is its own
            MutexGuard::unlocked(control, || drop(catch_unwind(AssertUnwindSafe(|| on_change(&status)))));
        }
        let now = Instant::now();
        let mut at = 0;
        while at < control.waiters.len() {
            let Waiter { target, deadline, .. } = control.waiters[at];
            let late = || deadline.filter(|&deadline| deadline <= now).map(|_| Err(self.late(control)));
            let Some(result) = self.answer(control, target).or_else(late) else {
                at += 1;
                continue;
            };
            let waiter = control.waiters.swap_remove(at);
            MutexGuard::unlocked(control, || drop(catch_unwind(AssertUnwindSafe(|| (waiter.answer)(result)))));
            // others may have come meanwhile
            at = 0;
        }
    }
}
