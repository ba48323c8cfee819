//! Sets up linking of the Node.js addon; does nothing for the plain Rust library.

fn main() {
    #[cfg(feature = "napi")]
    napi_build::setup();
}
