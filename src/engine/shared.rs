//! One engine for all threads of the process, by name.

use std::sync::{Arc, LazyLock};

use super::SonaEngine;
use crate::config::Config;
use crate::error::{Result, SonaError};
use crate::shared::Shared;

static SHARED: LazyLock<Shared<SonaEngine>> = LazyLock::new(Shared::default);

impl SonaEngine {
    /// The engine of a name, for every thread of the process. The first who asks makes it, with `config` or default
    /// settings; later a config is only compared. Each [releases](Self::release) it once.
    ///
    /// ```
    /// use sona::{Config, SonaEngine};
    /// let config = Config { hidden_dim: 2, ..Config::default() };
    /// let (one, other) = (SonaEngine::shared("chat", Some(config))?, SonaEngine::shared("chat", None)?);
    /// assert!(std::sync::Arc::ptr_eq(&one, &other));
    /// assert!(SonaEngine::shared("chat", Some(Config::default())).is_err());
    /// assert!(one.release().is_none());
    /// if let Some(engine) = other.release() {
    ///     engine.close();
    /// }
    /// # Ok::<(), sona::SonaError>(())
    /// ```
    ///
    /// # Errors
    /// `SONA_INVALID_CONFIG` for a setting, and for settings other than those that the engine has.
    pub fn shared(name: &str, config: Option<Config>) -> Result<Arc<Self>> {
        let same = |engine: &Self| match &config {
            Some(config) if config != engine.config() => {
                let expected = format!("the settings that the shared engine {name:?} was made with");
                Err(SonaError::invalid_config("config", expected, "others"))
            }
            _ => Ok(()),
        };
        SHARED.open(name, same, || Self::new(config.clone().unwrap_or_default()))
    }

    /// Lets go of a shared engine: the engine, to be closed, when nobody else has it open. One that was never shared is
    /// nobody else's.
    pub fn release(self: Arc<Self>) -> Option<Arc<Self>> {
        SHARED.release(&self).then_some(self)
    }
}
