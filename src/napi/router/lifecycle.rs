//! Making, closing and asking routers; their models.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use napi::Env;
use napi_derive::napi;
use serde_json::{Value, json};

use super::durability::durability;
use super::shared;
use crate::config::RouterConfig;
use crate::error::{Result, SonaError};
use crate::fault;
use crate::napi::basis::BasisParts;
use crate::napi::error::to_js;
use crate::napi::registry::ROUTERS;
use crate::router::basis::Basis;
use crate::router::{Event, Model, ModelId, Price, SonaRouter};
use crate::state::EmbedderId;

/// Makes a router from JSON (settings, an array of models) and returns its handle. `basis`: one's own; else `shipped` says
/// whether it is the one that ships or one fitted to the prompts that come. With a `name` it is the one of that name for all
/// threads: whoever asks first says how it is made.
#[napi(catch_unwind)]
pub fn router_create(
    env: Env,
    config: String,
    models: String,
    origin: String,
    shipped: bool,
    basis: Option<BasisParts>,
    name: Option<String>,
) -> napi::Result<u32> {
    fault::point("routerCreate");
    let make = || {
        let (config, models, basis, origin) = making(&config, &models, &origin, shipped, basis.as_ref())?;
        match name {
            Some(name) => ROUTERS.hold(shared::open(name, config, models, basis, origin)?),
            None => ROUTERS.insert(SonaRouter::new(config, models, basis, &origin)?),
        }
    };
    let handle = make().map_err(to_js)?;
    own(&env, handle)?;
    Ok(handle)
}

/// How a router is made: its settings, models, basis and origin.
pub(super) type Making = (RouterConfig, Vec<Model>, Option<Arc<Basis>>, String);

/// Reads how a router is made.
pub(super) fn making(
    config: &str,
    models: &str,
    origin: &str,
    shipped: bool,
    basis: Option<&BasisParts>,
) -> Result<Making> {
    let config = RouterConfig::from_json(&parse("config", config)?)?;
    let models = parse("models", models)?;
    let models = models.as_array().ok_or_else(|| SonaError::invalid_argument("models", "an array", &models))?;
    let model = |(n, model)| Model::from_json(&format!("models[{n}]"), model);
    let models = models.iter().enumerate().map(model).collect::<Result<_>>()?;
    let basis = match basis {
        Some(parts) => Some(Arc::new(Basis::try_from(parts)?)),
        None => shipped.then(|| Basis::minilm().clone()),
    };
    Ok((config, models, basis, origin.to_owned()))
}

/// The handle of the router of a name that another thread has made.
#[napi(catch_unwind)]
pub fn router_shared(env: Env, name: String) -> napi::Result<u32> {
    let handle = SonaRouter::shared(&name, None).and_then(|router| ROUTERS.hold(router)).map_err(to_js)?;
    own(&env, handle)?;
    Ok(handle)
}

/// The incarnation that issues ids.
#[napi(catch_unwind)]
pub fn router_incarnation(handle: u32) -> napi::Result<String> {
    ROUTERS.with(handle, |router| Ok(router.incarnation().to_string()))
}

/// Bytes that its parts take, as JSON.
#[napi(catch_unwind)]
pub fn router_memory(handle: u32) -> napi::Result<String> {
    ROUTERS.with(handle, |router| {
        let m = router.memory()?;
        let parts = json!({
            "decisions": m.decisions, "prompts": m.prompts, "posteriors": m.posteriors, "sums": m.sums,
            "tenants": m.tenants, "sessions": m.sessions, "basis": m.basis,
        });
        Ok(parts.to_string())
    })
}

fn parse(argument: &str, text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| SonaError::invalid_config(argument, "JSON", error))
}

thread_local! {
    /// Routers that this thread's JavaScript has opened and not closed; none before the first.
    static OWNED: RefCell<Option<HashSet<u32>>> = const { RefCell::new(None) };
}

/// Sees to it that a router ends with the JavaScript that made it: finalizers do not run when a worker thread does.
pub(super) fn own(env: &Env, handle: u32) -> napi::Result<()> {
    OWNED.with_borrow_mut(|owned| {
        if owned.is_none() {
            env.add_env_cleanup_hook((), |()| {
                OWNED
                    .take()
                    .unwrap_or_default()
                    .into_iter()
                    .for_each(|handle| ROUTERS.remove(handle).into_iter().for_each(shared::close));
            })?;
        }
        owned.get_or_insert_default().insert(handle);
        Ok(())
    })
}

/// A router does not end with this thread's JavaScript any more.
pub(super) fn disown(handle: u32) {
    OWNED.with_borrow_mut(|owned| owned.as_mut().map(|owned| owned.remove(&handle)));
}

/// Frees a router. Its handle answers `SONA_CLOSED` from now on.
#[napi(catch_unwind)]
pub fn router_close(handle: u32) {
    disown(handle);
    ROUTERS.remove(handle).into_iter().for_each(shared::close);
}

/// The table of settings as JSON.
#[napi(catch_unwind)]
pub fn router_settings() -> String {
    RouterConfig::table().to_string()
}

/// All settings of a router as a flat JSON object.
#[napi(catch_unwind)]
pub fn router_config(handle: u32) -> napi::Result<String> {
    ROUTERS.with(handle, |router| Ok(router.config().to_json().to_string()))
}

/// All models as a JSON array of `[number, model]`.
#[napi(catch_unwind)]
pub fn router_models(handle: u32) -> napi::Result<String> {
    ROUTERS.with(handle, |router| {
        let models: Vec<Value> = router.models()?.iter().map(|(id, model)| json!([id.0, model.to_json()])).collect();
        Ok(Value::Array(models).to_string())
    })
}

/// A model by its number as JSON, also one that was removed a moment ago.
#[napi(catch_unwind)]
pub fn router_model(handle: u32, number: u32) -> napi::Result<Option<String>> {
    ROUTERS.with(handle, |router| Ok(router.model(ModelId(number))?.map(|model| model.to_json().to_string())))
}

/// Adds a model (JSON); its number.
#[napi(catch_unwind)]
pub fn router_add_model(handle: u32, model: String) -> napi::Result<u32> {
    ROUTERS.with(handle, |router| {
        let model = Model::from_json("model", &parse("model", &model)?)?;
        router.add_model(model).map(|id| id.0)
    })
}

/// Takes a model away; the number that it had.
#[napi(catch_unwind)]
pub fn router_remove_model(handle: u32, name: String) -> napi::Result<u32> {
    ROUTERS.with(handle, |router| router.remove_model(&name).map(|id| id.0))
}

/// Sets prices.
#[napi(catch_unwind)]
pub fn router_update_price(handle: u32, name: String, input: Option<f64>, output: Option<f64>) -> napi::Result<()> {
    ROUTERS.with(handle, |router| router.update_price(&name, Price { input, output }))
}

/// Says whose vectors the router's are.
#[napi(catch_unwind)]
pub fn router_set_embedder(handle: u32, id: String, dim: u32) -> napi::Result<()> {
    ROUTERS.with(handle, |router| router.set_embedder(EmbedderId { id, dim: dim as usize }))
}

/// Whose they are, as JSON {id, dim}; null where nobody said.
#[napi(catch_unwind)]
pub fn router_embedder(handle: u32) -> napi::Result<Option<String>> {
    ROUTERS.with(handle, |router| Ok(router.embedder().map(|embedder| json!(embedder).to_string())))
}

/// The basis of now.
#[napi(catch_unwind)]
pub fn router_basis(handle: u32) -> napi::Result<BasisParts> {
    ROUTERS.with(handle, |router| Ok(router.basis().as_ref().into()))
}

/// What has happened since the last call, as a JSON array.
#[napi(catch_unwind)]
pub fn router_events(handle: u32) -> napi::Result<String> {
    ROUTERS.with(handle, |router| {
        let event = |event: &Event| match event {
            Event::Drift { model, subject, better } => {
                let direction = if *better { "better" } else { "worse" };
                json!({ "type": "drift", "model": &**model, "kind": subject.name(), "direction": direction })
            }
            Event::BudgetInfeasible { budget_usd, cheapest_usd } => {
                json!({ "type": "budgetInfeasible", "budgetUsd": budget_usd, "cheapestUsd": cheapest_usd })
            }
            Event::FitFailed { error } | Event::NotDurable { error } => json!({
                "type": "error", "code": error.code(), "message": error.to_string(), "details": error.details()
            }),
            Event::Basis { id, prompts } => json!({ "type": "basis", "id": id, "prompts": prompts }),
        };
        Ok(Value::Array(router.take_events().iter().map(event).collect()).to_string())
    })
}

/// Counters as JSON.
#[napi(catch_unwind)]
pub fn router_stats(handle: u32) -> napi::Result<String> {
    fault::point("routerStats");
    ROUTERS.with(handle, |router| {
        let stats = router.stats()?;
        let models = stats.models.iter().map(|model| {
            json!({
                "id": &*model.id,
                "decisions": model.decisions,
                "outcomes": model.outcomes,
                "quality": model.quality,
                "costUsd": model.cost_usd,
                "latencyMs": model.latency_ms,
                "availability": model.availability,
                "restsUntil": (model.rests_until > 0).then_some(model.rests_until),
                "trialsLeft": model.trials_left,
            })
        });
        let object = json!({
            "decisions": stats.decisions,
            "pending": stats.pending,
            "learned": stats.learned,
            "basis": { "id": stats.basis, "hash": format!("{:016x}", stats.basis_hash), "fitting": stats.fitting },
            "noise": stats.noise,
            "intervalScale": stats.interval_scale,
            "mean": stats.mean,
            "spendUsd": stats.spend_usd,
            "budgetLeftUsd": stats.budget_left_usd,
            "budgetPrice": stats.budget_price,
            "writtenOffUsd": stats.written_off_usd,
            "origins": stats.origins,
            "version": stats.version,
            "sessions": stats.sessions,
            "tenants": stats.tenants,
            "durability": durability(router),
            "models": models.collect::<Vec<_>>(),
        });
        Ok(object.to_string())
    })
}
