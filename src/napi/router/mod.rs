//! Routers.

mod decide;
mod durability;
mod learn;
mod lifecycle;
mod open;
mod shared;
mod state;
