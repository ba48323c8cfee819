//! Background training: when a cycle is due, what it remembers, how it trains and judges.

pub mod batch;
pub mod calibration;
pub mod cycle;
pub mod drift;
pub mod example;
pub mod experiment;
pub mod gate;
pub mod layer;
pub mod layers;
pub mod members;
