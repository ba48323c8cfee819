//! Routers.

mod decide;
mod learn;
mod lifecycle;
mod shared;
mod state;
