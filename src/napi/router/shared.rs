//! Routers by name: what a later config is compared with beside the settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::RouterConfig;
use crate::error::{Result, SonaError};
use crate::identity::Incarnation;
use crate::router::basis::Basis;
use crate::router::{Model, SonaRouter};

/// What a router was made with. Its models and prices may be others by now.
#[derive(Debug)]
struct Made {
    router: Incarnation,
    models: Vec<Model>,
    /// Hash of the basis; none for one that is fitted.
    basis: Option<u64>,
}

/// By the name of the router.
static MADE: Mutex<BTreeMap<String, Made>> = Mutex::new(BTreeMap::new());

/// The router of a name, made by the first who asks.
///
/// # Errors
/// `SONA_INVALID_CONFIG` for other settings, models or another basis than it was made with.
pub(super) fn open(
    name: String,
    config: RouterConfig,
    models: Vec<Model>,
    basis: Option<Arc<Basis>>,
    origin: String,
) -> Result<Arc<SonaRouter>> {
    let hash = basis.as_ref().map(|basis| basis.hash());
    // until it is known what it was made with
    let mut made = MADE.lock();
    let router = SonaRouter::shared(&name, Some((config, models.clone(), basis, origin)))?;
    let other = match made.get(&name).filter(|first| first.router == router.incarnation()) {
        Some(first) if first.models != models => Some("models"),
        Some(first) if first.basis != hash => Some("features.basis"),
        Some(_) => None,
        None => {
            made.insert(name.clone(), Made { router: router.incarnation(), models, basis: hash });
            None
        }
    };
    drop(made);
    let Some(argument) = other else { return Ok(router) };
    close(router);
    let expected = format!("what the shared router {name:?} was made with");
    Err(SonaError::invalid_config(argument, expected, "another value"))
}

/// Lets go of a router, and ends it where nobody else has it open.
pub(super) fn close(router: Arc<SonaRouter>) {
    if let Some(router) = router.release() {
        let ended = router.incarnation();
        MADE.lock().retain(|_, made| made.router != ended);
        router.close();
    }
}
