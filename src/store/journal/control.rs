//! What the journal's thread and its callers share: the queue, who waits for what, and how it goes.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::disk::Disk;
use super::options::{Options, Record};
use super::queue::{Limits, Operation, Queue, Queued};
use super::status::{Health, State, Status};
use super::waiters::{Answer, Patience, Waiters};
use crate::error::{Result, SonaError};

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
    /// It has done so, instead of waiting out its pause: it does not again before it has waited out one.
    hurried: bool,
    /// No attempt begins after this, but for the last one.
    closing: Option<Instant>,
    /// One attempt is made in any case.
    last_attempt: bool,
    /// The writer commits no more.
    ended: bool,
    /// The file is closed.
    gone: bool,
    waiters: Waiters,
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
    /// The journal's own thread, once it is there.
    thread: OnceLock<ThreadId>,
    /// One checkpoint, rewriting or closing at a time. Comes before the other locks.
    pub(super) maintenance: Mutex<()>,
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
                hurried: false,
                closing: None,
                last_attempt: false,
                ended: false,
                gone: false,
                waiters: Waiters::default(),
            }),
            work: Condvar::new(),
            done: Condvar::new(),
            durable: AtomicU64::new(last),
            bytes: AtomicU64::new(disk.bytes()),
            limits: Limits { records: options.max_records, bytes: options.max_bytes },
            path: disk.directory.path().to_owned(),
            options,
            thread: OnceLock::new(),
            maintenance: Mutex::new(()),
            disk: Mutex::new(disk),
        }
    }

    pub(super) fn append(&self, operation: Operation<E>) -> u64 {
        let weight = operation.weight();
        let mut control = self.control.lock();
        let (sequence, lost) = control.queue.push(operation, weight, self.limits);
        if lost {
            let full = || SonaError::io(&self.path, "more records waited than the queue may hold");
            let error = control.health.last_error.clone().unwrap_or_else(full);
            control.health.gave_up(error);
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
            last_error: control.health.last_error.as_ref().or(control.health.gap_error.as_ref()).cloned(),
            since: control.health.since(),
            durable: self.durable(),
            appended: control.queue.appended(),
            queued: control.queue.records(),
            queued_bytes: control.queue.bytes(),
            bytes: self.bytes.load(Ordering::Relaxed),
            set_aside: control.health.set_aside.clone(),
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
        let own = self.is_own_thread();
        self.want(&mut control, target);
        loop {
            if let Some(answer) = self.answer(&control, target) {
                return answer;
            }
            if own {
                return Err(self.own_thread());
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
        if let Err(answer) = control.waiters.add(target, deadline, answer) {
            drop(control);
            return answer(Err(SonaError::io(&self.path, "too many wait for the disk already")));
        }
        self.want(&mut control, target);
    }

    /// Who calls is the journal's own thread, in a callback: it must not wait for itself.
    pub(super) fn is_own_thread(&self) -> bool {
        self.thread.get().is_some_and(|&own| own == thread::current().id())
    }

    pub(super) fn own_thread(&self) -> SonaError {
        SonaError::io(&self.path, "the journal's own thread can't wait for it")
    }

    pub(super) fn runs_on(&self, thread: ThreadId) {
        // there is one in a journal's life
        let _ = self.thread.set(thread);
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
        if let Some(gap) = control.queue.gap().filter(|&gap| gap <= target) {
            let why = control.health.gap_error.as_ref().map_or_else(String::new, |error| format!(" ({error})"));
            let reason = format!("records were given up from {gap} on{why}: make a checkpoint");
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
        if control.closing.is_none() {
            control.closing = Some(deadline);
            control.last_attempt = true;
        }
        self.changed(&mut control);
        self.work.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.control.lock().closing.is_some()
    }

    /// Waits until the file is closed; false when it is not by then.
    pub(super) fn wait_gone(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut control = self.control.lock();
        while !control.gone {
            if self.done.wait_until(&mut control, deadline).timed_out() {
                return control.gone;
            }
        }
        true
    }

    /// The file is lost: nothing more gets there before a checkpoint.
    pub(super) fn lost(&self, error: SonaError) {
        let mut control = self.control.lock();
        control.queue.lose(self.durable() + 1);
        control.health.gave_up(error);
        self.changed(&mut control);
        drop(control);
        self.wake();
    }

    /// The writer commits no more, be it that it was closed or that it broke: whoever still waits is told.
    pub(super) fn end(&self) {
        let mut control = self.control.lock();
        control.ended = true;
        control.queue.close();
        control.closing.get_or_insert_with(Instant::now);
        self.changed(&mut control);
        self.done.notify_all();
        self.tell(&mut control);
    }

    /// The file is closed.
    pub(super) fn gone(&self) {
        self.control.lock().gone = true;
        self.done.notify_all();
    }

    /// For the writer: waits until there is something to do. Tells the listener and who waits on the way.
    pub(super) fn next(&self, hand: InHand) -> Next {
        let (delay, enough) = (self.options.durability.delay(), self.options.enough());
        let mut control = self.control.lock();
        let mut since = None;
        control.hurried &= hand.retry_at.is_some();
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
                if control.last_attempt {
                    Some(now)
                } else if control.closing.is_some_and(|deadline| now >= deadline) {
                    return Next::End;
                } else {
                    let hurry = control.urgent && !control.hurried && retry_at > now;
                    let at = if hurry { now } else { retry_at };
                    control.hurried = hurry || control.hurried && retry_at > now;
                    Some(control.closing.map_or(at, |deadline| at.min(deadline)))
                }
            } else if waiting >= enough || control.wanted > self.durable() || control.closing.is_some() {
                Some(now)
            } else {
                Some(*since.get_or_insert(now) + delay)
            };
            if due.is_some_and(|due| due <= now) {
                (control.urgent, control.last_attempt) = (false, false);
                control.wake_at = usize::MAX;
                return Next::Commit;
            }
            control.wake_at = match hand.retry_at {
                Some(_) => usize::MAX,
                None if waiting == 0 => 1,
                None => enough.saturating_sub(hand.records).max(1),
            };
            let deadline = control.waiters.deadline();
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
        while let Some((answer, result)) = self.due(control) {
            MutexGuard::unlocked(control, || drop(catch_unwind(AssertUnwindSafe(|| answer(result)))));
        }
    }

    /// One who waits for what has been decided, and what it has come to.
    fn due(&self, control: &mut Control<E>) -> Option<(Answer, Result<u64>)> {
        if let Some((lowest, highest)) = control.waiters.ends() {
            if let Some(result) = self.answer(control, lowest) {
                return control.waiters.take_lowest().map(|answer| (answer, result));
            }
            if let Some(result) = self.answer(control, highest) {
                return control.waiters.take_highest().map(|answer| (answer, result));
            }
        }
        let answer = control.waiters.take_late(Instant::now())?;
        Some((answer, Err(self.late(control))))
    }
}
