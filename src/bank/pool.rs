//! Reuse of retired shared values, so that publishing does not allocate.

use std::collections::VecDeque;
use std::sync::Arc;

/// Retired values wait here until no reader holds them.
#[derive(Debug)]
pub struct ArcPool<T> {
    retired: VecDeque<Arc<T>>,
    capacity: usize,
}

impl<T> ArcPool<T> {
    /// Keeps at most `capacity` retired values; more are freed.
    pub fn new(capacity: usize) -> Self {
        Self { retired: VecDeque::with_capacity(capacity), capacity }
    }

    /// A value that nobody else holds, filled by `fill`; made by `make` when every retired one is still read.
    pub fn publish(&mut self, make: impl FnOnce() -> T, fill: impl FnOnce(&mut T)) -> Arc<T> {
        let mut value = self.free().unwrap_or_else(|| Arc::new(make()));
        fill(Arc::get_mut(&mut value).expect("a free value is held by nobody else"));
        value
    }

    /// Takes back a value that has been replaced.
    pub fn retire(&mut self, value: Arc<T>) {
        if self.retired.len() < self.capacity {
            self.retired.push_back(value);
        }
    }

    /// Frees all that wait, but for what is still read.
    pub fn clear(&mut self) {
        self.retired.clear();
    }

    fn free(&mut self) -> Option<Arc<T>> {
        for _ in 0..self.retired.len() {
            let mut value = self.retired.pop_front()?;
            if Arc::get_mut(&mut value).is_some() {
                return Some(value);
            }
            self.retired.push_back(value);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_reused_only_when_no_reader_holds_it() {
        let mut pool = ArcPool::new(2);
        let first = pool.publish(|| 1, |_| ());
        let address = Arc::as_ptr(&first);
        let reader = first.clone();
        pool.retire(first);
        let second = pool.publish(|| 0, |value| *value = 2);
        assert_ne!(Arc::as_ptr(&second), address, "the reader's value was overwritten");
        assert_eq!(*reader, 1);
        drop(reader);
        let third = pool.publish(|| 0, |value| *value = 3);
        assert_eq!(Arc::as_ptr(&third), address);
        assert_eq!((*second, *third), (2, 3));
    }
}
