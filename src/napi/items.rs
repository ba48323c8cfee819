//! Items that the caller wants remembered.

use napi::bindgen_prelude::Float32ArraySlice;
use napi_derive::napi;

use super::registry::with;
use crate::engine::{Asked, Filter, ItemId, Memo, Recalled};
use crate::error::{Result, SonaError};
use crate::fault;
use crate::identity::Incarnation;

/// What is kept with an item; `metadata` is JSON.
#[napi(object)]
pub struct MemoParts {
    pub metadata: Option<String>,
    pub tags: Option<Vec<String>>,
    pub subject: Option<String>,
    pub session: Option<String>,
    /// The item whose place it takes.
    pub id: Option<ItemName>,
}

/// An item's number, and who issued it.
#[napi(object)]
pub struct ItemName {
    pub incarnation: String,
    pub number: f64,
}

/// What is asked for.
#[napi(object)]
pub struct RecallParts {
    pub k: u32,
    pub min_score: Option<f64>,
    pub expand: u32,
    pub tags: Option<Vec<String>>,
    pub any_tag: Option<Vec<String>>,
    pub subject: Option<String>,
}

/// None for what no engine has issued.
fn id(name: &ItemName) -> Option<ItemId> {
    let incarnation: Incarnation = name.incarnation.parse().ok()?;
    Some(ItemId { incarnation, number: name.number as u64 })
}

/// Remembers a vector, or puts it in the place of another; the number of the item.
#[napi(catch_unwind)]
pub fn item_remember(handle: u32, vector: Float32ArraySlice, parts: MemoParts) -> napi::Result<f64> {
    fault::point("remember");
    with(handle, |engine| {
        let given = parts.id.as_ref().map(|name| {
            id(name).ok_or_else(|| SonaError::invalid_argument("id", "the id of an item", name.incarnation.clone()))
        });
        let tags = borrowed(parts.tags.as_deref());
        let memo = Memo {
            metadata: parts.metadata.as_deref(),
            tags: &tags,
            subject: parts.subject.as_deref(),
            session: parts.session.as_deref(),
            id: given.transpose()?,
        };
        engine.remember(&vector, &memo).map(|id| id.number as f64)
    })
}

/// Finds items: a JSON array of {incarnation, number, score, metadata, tags, subject, via: {incarnation, number}}, best first; what
/// an item does not have is left out.
#[napi(catch_unwind)]
pub fn item_recall(handle: u32, query: Float32ArraySlice, parts: RecallParts) -> napi::Result<String> {
    fault::point("recall");
    with(handle, |engine| {
        let (tags, any) = (borrowed(parts.tags.as_deref()), borrowed(parts.any_tag.as_deref()));
        let any_tag = parts.any_tag.is_some().then_some(&any[..]);
        let asked = Asked {
            k: parts.k as usize,
            min_score: parts.min_score.map_or(-1.0, |least| least as f32),
            expand: parts.expand as usize,
            filter: Filter { tags: &tags, any_tag, subject: parts.subject.as_deref() },
        };
        array_of(&engine.recall(&query, &asked)?)
    })
}

/// Forgets an item; whether there was one.
#[napi(catch_unwind)]
pub fn item_forget(handle: u32, name: ItemName) -> napi::Result<bool> {
    with(handle, |engine| id(&name).map_or(Ok(false), |id| engine.forget_item(id)))
}

/// Forgets all items about a subject; how many there were.
#[napi(catch_unwind)]
pub fn subject_forget(handle: u32, subject: String) -> napi::Result<f64> {
    with(handle, |engine| engine.forget_subject(&subject).map(|count| count as f64))
}

/// Says how well it went with items; how many of them there are.
#[napi(catch_unwind)]
pub fn item_reinforce(handle: u32, names: Vec<ItemName>, quality: f64) -> napi::Result<f64> {
    with(handle, |engine| {
        let ids: Vec<ItemId> = names.iter().filter_map(id).collect();
        engine.reinforce(&ids, quality).map(|count| count as f64)
    })
}

fn borrowed(names: Option<&[String]>) -> Vec<&str> {
    names.unwrap_or_default().iter().map(String::as_str).collect()
}

/// By hand: metadata is JSON already.
fn array_of(found: &[Recalled]) -> Result<String> {
    let mut array = String::from("[");
    for found in found {
        if array.len() > 1 {
            array.push(',');
        }
        let ItemId { incarnation, number } = found.item.id();
        array.push_str(&format!(
            r#"{{"incarnation":"{incarnation}","number":{number},"score":{}"#,
            f64::from(found.score)
        ));
        if let Some(ItemId { incarnation, number }) = found.via {
            array.push_str(&format!(r#","via":{{"incarnation":"{incarnation}","number":{number}}}"#));
        }
        if let Some(details) = found.item.details() {
            if let Some(metadata) = details.metadata() {
                array.push_str(r#","metadata":"#);
                array.push_str(metadata);
            }
            if !details.tags().is_empty() {
                array.push_str(r#","tags":"#);
                array.push_str(&json_of(details.tags())?);
            }
            if let Some(subject) = details.subject() {
                array.push_str(r#","subject":"#);
                array.push_str(&json_of(subject)?);
            }
        }
        array.push('}');
    }
    array.push(']');
    Ok(array)
}

fn json_of(names: &(impl serde::Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(names).map_err(|error| SonaError::Internal(error.to_string()))
}
