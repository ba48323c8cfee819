//! One router for all threads of the process, by name.

use std::sync::{Arc, LazyLock};

use super::SonaRouter;
use crate::config::RouterConfig;
use crate::error::{Result, SonaError};
use crate::router::features::Basis;
use crate::router::model::Model;
use crate::shared::Shared;

static SHARED: LazyLock<Shared<SonaRouter>> = LazyLock::new(Shared::default);

/// How a router is made: its settings, models, basis and origin.
pub type Making = (RouterConfig, Vec<Model>, Option<Arc<Basis>>, String);

impl SonaRouter {
    /// The router of a name, for every thread of the process. The first who asks says how it is made; later settings are
    /// only compared. Each [releases](Self::release) it once.
    ///
    /// # Errors
    /// Those of [`new`](Self::new); `SONA_INVALID_CONFIG` for settings other than those that the router has, and where nobody
    /// has said how it is made.
    pub fn shared(name: &str, making: Option<Making>) -> Result<Arc<Self>> {
        let config = making.as_ref().map(|(config, ..)| config.clone());
        let same = |router: &Self| match &config {
            Some(config) if config != router.config() => {
                let expected = format!("the settings that the shared router {name:?} was made with");
                Err(SonaError::invalid_config("config", expected, "others"))
            }
            _ => Ok(()),
        };
        SHARED.open(name, same, || {
            let Some((config, models, basis, origin)) = making else {
                let expected = format!("a config, for there is no shared router {name:?} yet");
                return Err(SonaError::invalid_config("config", expected, "none"));
            };
            Self::new(config, models, basis, &origin)
        })
    }

    /// Lets go of a router that is shared, or open in a directory: the router, to be closed, when nobody else has it open. Any other
    /// is nobody else's.
    pub fn release(self: Arc<Self>) -> Option<Arc<Self>> {
        #[cfg(feature = "durable")]
        let last = super::open::release(&self);
        #[cfg(not(feature = "durable"))]
        let last = true;
        (last && SHARED.release(&self)).then_some(self)
    }
}
