//! Ids of decisions and of models.

use std::fmt;
use std::str::FromStr;

use crate::identity::Incarnation;

/// The number of a model in one router; a model that returns has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelId(pub u32);

/// The id of a decision: who made it, and its number there. Written `r`, the incarnation, `-`, the number.
///
/// ```
/// use sona::{DecisionId, identity::Incarnation};
/// let id = DecisionId { incarnation: Incarnation(171), number: 7 };
/// assert_eq!(id.to_string(), "r00000000000000ab-7");
/// assert_eq!("r00000000000000ab-7".parse(), Ok(id));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "durable", derive(serde::Serialize, serde::Deserialize))]
pub struct DecisionId {
    /// The life of the router that made it.
    pub incarnation: Incarnation,
    /// Counts decisions from 1.
    pub number: u64,
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}-{}", self.incarnation, self.number)
    }
}

/// What is no id of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotADecisionId;

impl FromStr for DecisionId {
    type Err = NotADecisionId;

    fn from_str(text: &str) -> Result<Self, NotADecisionId> {
        let (incarnation, number) =
            text.strip_prefix('r').and_then(|rest| rest.split_once('-')).ok_or(NotADecisionId)?;
        let incarnation = incarnation.parse().map_err(|_| NotADecisionId)?;
        let id = Self { incarnation, number: number.parse().map_err(|_| NotADecisionId)? };
        // only what is written is read: no sign, no leading zero
        if id.to_string() == text { Ok(id) } else { Err(NotADecisionId) }
    }
}
