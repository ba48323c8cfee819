//! The one error type of the crate.
//!
//! In: what was wrong, the argument's name, what came, what was expected.
//! Out: [`SonaError`], with a stable code and structured details.
//! Called by: every room. Source: the codes are listed in `docs/errors.md`.

use std::fmt;
use std::path::Path;

/// Everything that a call can refuse. Each variant has a stable [`code`](SonaError::code) that does
/// not change between versions; messages may.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SonaError {
    /// A vector has the wrong length.
    #[error("{argument}: expected {expected} numbers, got {got}")]
    DimMismatch {
        /// Name of the argument as the caller wrote it.
        argument: String,
        /// Length that the engine was made for.
        expected: usize,
        /// Length that came.
        got: usize,
    },
    /// A number is NaN or infinite.
    #[error("{argument}: expected finite numbers, got {got} at index {index}")]
    NotFinite {
        /// Name of the argument.
        argument: String,
        /// Position of the first offending number (0 for a scalar).
        index: usize,
        /// The offending value, as text ("NaN", "inf", "-inf").
        got: String,
    },
    /// A value lies outside its range.
    #[error("{argument}: expected {expected}, got {got}")]
    OutOfRange {
        /// Name of the argument.
        argument: String,
        /// The range, in words.
        expected: String,
        /// What came.
        got: String,
    },
    /// A value is of the wrong kind.
    #[error("{argument}: expected {expected}, got {got}")]
    InvalidArgument {
        /// Name of the argument.
        argument: String,
        /// What would have been accepted.
        expected: String,
        /// What came.
        got: String,
    },
    /// A trajectory id that was never issued, has ended or was given up.
    #[error("{argument}: no trajectory {got} is open or held")]
    UnknownTrajectory {
        /// Name of the argument.
        argument: String,
        /// The id.
        got: String,
    },
    /// A route name that was never added or has been removed.
    #[error("{argument}: no route named {got:?}")]
    UnknownRoute {
        /// Name of the argument.
        argument: String,
        /// The name.
        got: String,
    },
    /// A model that a router doesn't have, or has no more.
    #[error("{argument}: no model named {got:?}")]
    UnknownModel {
        /// Name of the argument.
        argument: String,
        /// The model.
        got: String,
    },
    /// Every model is ruled out for a request.
    #[error("no eligible model: {}", ruled_out(.filters))]
    NoEligibleModel {
        /// Each model, and the filters that rule it out.
        filters: Vec<(String, String)>,
    },
    /// A policy that a log says too little about.
    #[error("{}: expected {}, got {}", blamed(*.deterministic), enough(*.min_support, *.min_effective_sample_size), found(*.support, *.effective_sample_size, *.deterministic))]
    NoSupport {
        /// Share of the policy that the log has tried.
        support: f64,
        /// How many rounds of the policy itself would say as much.
        effective_sample_size: f64,
        /// The least support that is taken.
        min_support: f64,
        /// The least effective sample size that is taken.
        min_effective_sample_size: f64,
        /// Whether every choice of the log was certain.
        deterministic: bool,
    },
    /// A setting is unknown, of the wrong kind, or out of range.
    #[error("{argument}: expected {expected}, got {got}")]
    InvalidConfig {
        /// The setting's name.
        argument: String,
        /// What would have been accepted.
        expected: String,
        /// What came.
        got: String,
    },
    /// The engine or router has been closed.
    #[error("the engine or router is closed")]
    Closed,
    /// The caller aborted the operation; nothing was published.
    #[error("the operation was aborted")]
    Aborted,
    /// A saved state is damaged: truncated, altered, or at odds with itself.
    #[error("the state is corrupt: {reason}")]
    CorruptState {
        /// What is wrong, with the entry's name where it lies in one.
        reason: String,
    },
    /// Sound bytes that this version can't take: another format version, another kind of state, no state at all.
    #[error("state: expected {expected}, got {got}")]
    IncompatibleState {
        /// What would have been accepted.
        expected: String,
        /// What came.
        got: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {reason}")]
    Io {
        /// The path as the caller wrote it.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// A directory that another process, or another engine or router of this one, has open.
    #[error("{path} is in use: {reason}")]
    Locked {
        /// The path as the caller wrote it.
        path: String,
        /// Who has it, or why nobody can.
        reason: String,
    },
    /// A defect of this library: a caught panic or a broken invariant.
    #[error("internal error: {0}")]
    Internal(String),
}

/// The first few of many.
fn ruled_out(filters: &[(String, String)]) -> String {
    const SHOWN: usize = 10;
    let mut shown: Vec<String> = filters.iter().take(SHOWN).map(|(model, by)| format!("{model} ({by})")).collect();
    if filters.len() > SHOWN {
        shown.push(format!("{} more", filters.len() - SHOWN));
    }
    if shown.is_empty() { "there are no models".into() } else { shown.join(", ") }
}

/// Which argument says too little.
fn blamed(deterministic: bool) -> &'static str {
    if deterministic { "log" } else { "policy" }
}

/// What a policy must have to be evaluated.
fn enough(support: f64, sample: f64) -> String {
    format!(
        "a support of at least {support} and an effective sample size of at least {sample} (set propensityFloor, or use igw or \
         thompson, and log more)"
    )
}

/// What it has.
fn found(support: f64, sample: f64, deterministic: bool) -> String {
    let log = if deterministic {
        " in a deterministic log: every choice was certain, so that it says nothing about another one"
    } else {
        ""
    };
    format!("a support of {support:.4} and an effective sample size of {sample:.1}{log}")
}

/// Result of every fallible call.
pub type Result<T> = std::result::Result<T, SonaError>;

impl SonaError {
    /// The stable code, the same string that the JavaScript error carries.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DimMismatch { .. } => "SONA_DIM_MISMATCH",
            Self::NotFinite { .. } => "SONA_NOT_FINITE",
            Self::OutOfRange { .. } => "SONA_OUT_OF_RANGE",
            Self::InvalidArgument { .. } | Self::NoSupport { .. } => "SONA_INVALID_ARGUMENT",
            Self::UnknownTrajectory { .. } => "SONA_UNKNOWN_TRAJECTORY",
            Self::UnknownRoute { .. } => "SONA_UNKNOWN_ROUTE",
            Self::UnknownModel { .. } => "SONA_UNKNOWN_MODEL",
            Self::NoEligibleModel { .. } => "SONA_NO_ELIGIBLE_MODEL",
            Self::InvalidConfig { .. } => "SONA_INVALID_CONFIG",
            Self::Closed => "SONA_CLOSED",
            Self::Aborted => "SONA_ABORTED",
            Self::CorruptState { .. } => "SONA_CORRUPT_STATE",
            Self::IncompatibleState { .. } => "SONA_INCOMPATIBLE_STATE",
            Self::Io { .. } => "SONA_IO",
            Self::Locked { .. } => "SONA_LOCKED",
            Self::Internal(_) => "SONA_INTERNAL",
        }
    }

    /// The parts of the message as a JSON object: `argument`, `expected`, `got`, `index`, `path`, `reason` where they
    /// apply.
    pub fn details(&self) -> serde_json::Value {
        use serde_json::json;
        match self {
            Self::DimMismatch { argument, expected, got } => {
                json!({ "argument": argument, "expected": expected, "got": got })
            }
            Self::NotFinite { argument, index, got } => {
                json!({ "argument": argument, "expected": "finite numbers", "index": index, "got": got })
            }
            Self::OutOfRange { argument, expected, got }
            | Self::InvalidArgument { argument, expected, got }
            | Self::InvalidConfig { argument, expected, got } => {
                json!({ "argument": argument, "expected": expected, "got": got })
            }
            Self::UnknownTrajectory { argument, got }
            | Self::UnknownRoute { argument, got }
            | Self::UnknownModel { argument, got } => {
                json!({ "argument": argument, "got": got })
            }
            Self::NoEligibleModel { filters } => {
                let filters: serde_json::Map<_, _> =
                    filters.iter().map(|(model, by)| (model.clone(), json!(by))).collect();
                json!({ "filters": filters })
            }
            &Self::NoSupport {
                support,
                effective_sample_size,
                min_support,
                min_effective_sample_size,
                deterministic,
            } => {
                json!({
                    "argument": blamed(deterministic),
                    "expected": enough(min_support, min_effective_sample_size),
                    "got": found(support, effective_sample_size, deterministic),
                    "support": support,
                    "effectiveSampleSize": effective_sample_size,
                })
            }
            Self::CorruptState { reason } => json!({ "reason": reason }),
            Self::IncompatibleState { expected, got } => json!({ "expected": expected, "got": got }),
            Self::Io { path, reason } | Self::Locked { path, reason } => json!({ "path": path, "reason": reason }),
            Self::Closed | Self::Aborted | Self::Internal(_) => json!({}),
        }
    }

    /// From a caught panic.
    pub(crate) fn from_panic(panic: &(dyn std::any::Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        Self::Internal(text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".into()))
    }

    pub(crate) fn out_of_range(argument: &str, expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Self::OutOfRange { argument: argument.into(), expected: expected.to_string(), got: got.to_string() }
    }

    pub(crate) fn invalid_argument(argument: &str, expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Self::InvalidArgument { argument: argument.into(), expected: expected.to_string(), got: got.to_string() }
    }

    pub(crate) fn invalid_config(argument: &str, expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Self::InvalidConfig { argument: argument.into(), expected: expected.to_string(), got: got.to_string() }
    }

    pub(crate) fn corrupt_state(reason: impl fmt::Display) -> Self {
        Self::CorruptState { reason: reason.to_string() }
    }

    pub(crate) fn incompatible_state(expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Self::IncompatibleState { expected: expected.to_string(), got: got.to_string() }
    }

    /// The same error of a state, naming the file that holds it.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::CorruptState { reason } => Self::corrupt_state(format_args!("{}: {reason}", path.display())),
            Self::IncompatibleState { expected, got } => {
                Self::incompatible_state(expected, format_args!("{got} in {}", path.display()))
            }
            other => other,
        }
    }

    pub(crate) fn io(path: &Path, reason: impl fmt::Display) -> Self {
        Self::Io { path: path.display().to_string(), reason: reason.to_string() }
    }
    #[cfg(feature = "durable")]
    pub(crate) fn locked(path: &Path, reason: impl fmt::Display) -> Self {
        Self::Locked { path: path.display().to_string(), reason: reason.to_string() }
    }
}
