//! The journal of a directory, from outside: order, restarts, kills, damage, readers, erasure.

mod checkpoints;
mod damage;
mod erasure;
mod kill;
mod life;
mod readers;
mod world;
