//! Routers.

mod decide;
mod learn;
mod lifecycle;
mod state;
