//! The tests' way to plant a panic.

use napi_derive::napi;

/// The next time the named place is passed, it panics.
#[napi(catch_unwind)]
pub fn plant_panic(place: String) {
    crate::fault::plant(place);
}
