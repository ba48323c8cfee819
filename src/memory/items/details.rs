//! What is kept with an item besides its vector.

use std::sync::Arc;

use crate::error::{Result, SonaError};

/// Most tags of an item.
pub const MOST_TAGS: usize = 64;

/// Most characters of a tag, a subject, a session.
pub const LONGEST_NAME: usize = 256;

/// Most characters of metadata.
pub const LONGEST_METADATA: usize = 65_536;

/// Metadata, tags and subject of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemDetails {
    pub(super) metadata: Option<Box<str>>,
    pub(super) tags: Box<[Arc<str>]>,
    pub(super) subject: Option<Arc<str>>,
}

impl ItemDetails {
    /// Checked details. Of tags that are given twice one is kept.
    ///
    /// # Errors
    /// `SONA_INVALID_ARGUMENT` for metadata that is no JSON object, `SONA_OUT_OF_RANGE` for what is too long, too much or empty.
    pub fn new(metadata: Option<&str>, tags: &[&str], subject: Option<&str>) -> Result<Self> {
        if let Some(metadata) = metadata {
            check_metadata(metadata)?;
        }
        if tags.len() > MOST_TAGS {
            return Err(SonaError::out_of_range("tags", format!("at most {MOST_TAGS} tags"), tags.len()));
        }
        let mut kept: Vec<Arc<str>> = Vec::with_capacity(tags.len());
        for (n, tag) in tags.iter().enumerate() {
            check_name(&format!("tags[{n}]"), tag)?;
            if !kept.iter().any(|kept| **kept == **tag) {
                kept.push((*tag).into());
            }
        }
        if let Some(subject) = subject {
            check_name("subject", subject)?;
        }
        Ok(Self { metadata: metadata.map(Into::into), tags: kept.into(), subject: subject.map(Into::into) })
    }

    /// A JSON object, as the caller gave it.
    pub fn metadata(&self) -> Option<&str> {
        self.metadata.as_deref()
    }

    /// Different ones, in the order in which they were given.
    pub fn tags(&self) -> &[Arc<str>] {
        &self.tags
    }

    /// Whom or what the item is about.
    pub fn subject(&self) -> Option<&Arc<str>> {
        self.subject.as_ref()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Memory that they take, in bytes; names that several items share are counted in each.
    pub(super) fn bytes(&self) -> usize {
        let name = |name: &Arc<str>| size_of::<Arc<str>>() + 2 * size_of::<usize>() + name.len();
        size_of::<Self>()
            + self.metadata.as_ref().map_or(0, |metadata| metadata.len())
            + self.tags.iter().chain(&self.subject).map(name).sum::<usize>()
    }
}

/// A JSON object that is not too long.
pub(super) fn check_metadata(metadata: &str) -> Result<()> {
    if metadata.chars().nth(LONGEST_METADATA).is_some() {
        let expected = format!("at most {LONGEST_METADATA} characters of JSON");
        return Err(SonaError::out_of_range("metadata", expected, metadata.chars().count()));
    }
    if serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(metadata).is_err() {
        return Err(SonaError::invalid_argument("metadata", "a JSON object", metadata));
    }
    Ok(())
}

/// A tag, a subject or a session: neither empty nor too long.
///
/// # Errors
/// `SONA_OUT_OF_RANGE`.
pub fn check_name(argument: &str, name: &str) -> Result<()> {
    if name.is_empty() || name.chars().nth(LONGEST_NAME).is_some() {
        let expected = format!("1 to {LONGEST_NAME} characters");
        return Err(SonaError::out_of_range(argument, expected, name.chars().count()));
    }
    Ok(())
}
