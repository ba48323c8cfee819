//! Panics and aborts on demand, so that the tests can see that no panic ends the process, and what a sudden end leaves.
//!
//! In: the name of a place. Out: one panic there, once; or the end of the process, where the variable `SONA_ABORT_AT` of its
//! environment names the place, and after a colon how often it must be passed. Compiled to nothing without the feature
//! `fault-injection`, which no release has, but for the tests.
//! Called by: each kind of entry into the crate that a host can make, and what writes files between its steps.

/// Panics here if a test has asked for it.
#[cfg(not(any(test, feature = "fault-injection")))]
#[inline(always)]
pub(crate) fn point(_place: &str) {}

#[cfg(any(test, feature = "fault-injection"))]
mod planted {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use parking_lot::Mutex;

    static PLANTED: Mutex<Option<String>> = Mutex::new(None);
    static ABORT: LazyLock<Option<(String, AtomicU64)>> = LazyLock::new(|| {
        let asked = std::env::var("SONA_ABORT_AT").ok()?;
        let (place, passes) = asked.split_once(':').unwrap_or((&asked, "1"));
        Some((place.to_owned(), AtomicU64::new(passes.parse().ok()?)))
    });

    /// The next time this place is passed, it panics.
    #[cfg(any(test, feature = "napi"))]
    pub(crate) fn plant(place: String) {
        *PLANTED.lock() = Some(place);
    }

    pub(crate) fn point(place: &str) {
        if let Some((asked, passes)) = &*ABORT
            && asked == place
            && passes.fetch_sub(1, Ordering::SeqCst) == 1
        {
            std::process::abort();
        }
        let mut planted = PLANTED.lock();
        if planted.as_deref() == Some(place) {
            *planted = None;
            drop(planted);
            panic!("planted in {place}");
        }
    }
}

#[cfg(any(test, all(feature = "fault-injection", feature = "napi")))]
pub(crate) use planted::plant;
#[cfg(any(test, feature = "fault-injection"))]
pub(crate) use planted::point;
