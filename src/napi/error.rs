//! Errors on their way to JavaScript.

use napi::{Error, Status};

use crate::error::SonaError;

/// Packs code, message and details into the reason; TypeScript unpacks them.
pub(super) fn to_js(error: SonaError) -> Error {
    let packed = serde_json::json!({ "code": error.code(), "message": error.to_string(), "details": error.details() });
    Error::new(Status::GenericFailure, packed.to_string())
}
