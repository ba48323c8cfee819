//! Interventions for experiments: the controls of the benches, which nothing else needs.

/// What to do to the background adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intervention {
    /// Clear every replay memory and what the gate holds back: what comes is learned without the past.
    ClearMemory,
    /// Hold the weights where they are now.
    Anchor,
    /// From now on the penalty is at full strength, whether topics shift or not.
    FullPenalty,
}
