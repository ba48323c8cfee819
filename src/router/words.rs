//! Words of a table in a state: each once, one after another, named by their places.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Result;
use crate::state::{Reader, Writer};

/// In place of a word that is not there.
pub const NO_WORD: u64 = 0xffff_ffff;

/// Words while a table is written.
#[derive(Default)]
pub struct Words {
    bytes: Vec<u8>,
    ends: Vec<u64>,
    places: HashMap<Arc<str>, u64>,
}

impl Words {
    /// The place of a word, which is added should it be new.
    pub fn place(&mut self, word: Option<&Arc<str>>) -> u64 {
        let Some(word) = word else { return NO_WORD };
        if let Some(&place) = self.places.get(word) {
            return place;
        }
        let place = self.ends.len() as u64;
        self.bytes.extend_from_slice(word.as_bytes());
        self.ends.push(self.bytes.len() as u64);
        self.places.insert(word.clone(), place);
        place
    }

    /// Writes them.
    pub fn save(&self, writer: &mut Writer<'_>) {
        writer.tensor("words", &[self.bytes.len()], &self.bytes);
        writer.tensor("word_ends", &[self.ends.len()], &self.ends);
    }
}

/// Words as they are read.
pub struct WordList(Vec<Arc<str>>);

impl WordList {
    /// Reads what [`Words::save`] wrote.
    ///
    /// # Errors
    /// `SONA_CORRUPT_STATE`.
    pub fn read(reader: &Reader<'_>) -> Result<Self> {
        let (_, bytes) = reader.rows::<u8>("words", &[])?;
        let (_, ends) = reader.rows::<u64>("word_ends", &[])?;
        let sound = ends.is_sorted() && ends.last().copied().unwrap_or(0) == bytes.len() as u64;
        reader.ensure("word_ends", sound, "the ends of words")?;
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let text =
            |(start, &end): (u64, &u64)| std::str::from_utf8(&bytes[start as usize..end as usize]).map(Arc::from);
        let list = starts.zip(&ends).map(text).collect::<std::result::Result<_, _>>();
        list.map(Self).map_err(|error| reader.corrupt("words", error))
    }

    /// The word at a place; an error where there is none.
    pub fn get(&self, place: u64) -> std::result::Result<Option<Arc<str>>, NoSuchWord> {
        if place == NO_WORD {
            return Ok(None);
        }
        self.0.get(place as usize).cloned().map(Some).ok_or(NoSuchWord)
    }
}

/// A place that no word has.
pub struct NoSuchWord;
