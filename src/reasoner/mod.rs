//! What past queries say of a new one: attention over the nearest of them, reasoning about what was not right, and how far to
//! trust either beside the adapter and the prototypes.
//!
//! In: the logits of the options, their names' similarities, how often each was right, and the nearest past queries with what
//! was tried and how it went. Out: six numbers for each option and their weighted sum, the pooled logit; weights learned from
//! the newest outcomes. Called by: `engine`, for every suggestion, and `learner`, which fits the weights after training. No
//! state, no clock; every buffer is the caller's.
//! Method: attention is kernel regression (Nadaraya 1964, Watson 1964) on outcomes of single options; what a wrong try says of
//! the others is expectation-maximisation (Dempster, Laird and Rubin 1977) for labels of which only "not this one" is
//! known; pooling is logarithmic (Genest and Zidek 1986) with weights by maximum likelihood.

mod attention;
mod features;
mod refine;
mod trust;
mod unasked;

pub use attention::{NEAREST, Recalled, shares};
pub use features::{FEATURES, Option as Candidate, Reasoner};
pub use refine::{MOST_ROUNDS, Refined, Stop};
pub use trust::{ENOUGH, Observed, Trust, WINDOW};
