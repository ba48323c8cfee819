//! What a call costs, how long it takes, how long its answer is, whether it is answered, and what that is worth.
//!
//! In: price lists, told amounts, answers and failures, a budget. Out: expected amounts, availability, utilities, what the
//! budget affords. Called by: the router, which keeps what each outcome contributed so that it can be taken back. Knows no
//! clock: times are passed in. Method: slopes on what is known of a prompt, alike for all models (`slopes.rs`), and a model of zeros and of
//! positive amounts for each (`fit.rs`), on exact sums (`sums.rs`).

mod amounts;
mod availability;
mod book;
mod breaker;
mod budget;
mod fit;
mod kinds;
mod objective;
mod slopes;
mod state;
mod sums;

pub use book::{AllSlopes, Economics, OriginAmounts, Outlook, Terms};
pub use budget::Budget;
pub use kinds::Kind;
pub use objective::Objective;
pub use slopes::Row;
pub use sums::Observation;
