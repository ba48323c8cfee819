//! Panics on demand, so that the tests can see that none of them aborts the process.
//!
//! In: the name of a place. Out: one panic there, once. Compiled to nothing without the feature
//! `fault-injection`, which no release has.
//! Called by: each kind of entry into the crate that a host can make.

/// Panics here if a test has asked for it.
#[cfg(not(feature = "fault-injection"))]
#[inline(always)]
pub(crate) fn point(_place: &str) {}

#[cfg(feature = "fault-injection")]
mod planted {
    use parking_lot::Mutex;

    static PLANTED: Mutex<Option<String>> = Mutex::new(None);

    /// The next time this place is passed, it panics.
    pub(crate) fn plant(place: String) {
        *PLANTED.lock() = Some(place);
    }

    pub(crate) fn point(place: &str) {
        let mut planted = PLANTED.lock();
        if planted.as_deref() == Some(place) {
            *planted = None;
            drop(planted);
            panic!("planted in {place}");
        }
    }
}

#[cfg(all(feature = "fault-injection", feature = "napi"))]
pub(crate) use planted::plant;
#[cfg(feature = "fault-injection")]
pub(crate) use planted::point;
