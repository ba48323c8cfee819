//! The Node.js addon: conversion only.
//!
//! In: handles, typed arrays, numbers, strings. Out: the same, or an error whose message is a JSON object
//! {code, message, details} that TypeScript turns into a `SonaError`.
//! Called by: `ts/host/addon.ts`, the only importer of the generated binding.
//! Method: free functions with a u32 handle, because a class receiver costs more than a kernel
//! (`docs/performance.md`); every export catches panics, because one that escapes aborts the process.

mod apply;
mod basis;
mod buffers;
mod embed;
mod error;
#[cfg(feature = "fault-injection")]
mod fault;
mod history;
mod items;
mod layout;
mod learn;
mod lifecycle;
mod offpolicy;
mod patterns;
mod registry;
mod router;
mod routes;
mod trajectories;
