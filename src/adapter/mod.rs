//! The two tiers of low-rank maps, and the memory that trains them.
//!
//! In: unit queries, targets, outcomes in [0, 1]. Out: adapted vectors and updated weights.
//! Called by: `learner` (training) and `engine` (application of published weights).
//! Method: LoRA (Hu et al. 2021, arXiv:2106.09685) on query embeddings; the loss is the likelihood of the
//! observed outcome of the chosen option. Formulas and figures: `docs/learning.md`.

pub mod base;
pub mod ewc;
pub mod lora;
pub mod micro;
pub mod objective;
pub mod replay;
