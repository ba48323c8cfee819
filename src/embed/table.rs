//! Tables from files and bytes, each read once in the life of the process.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use xxhash_rust::xxh3::xxh3_128;

use super::Embedder;
use crate::error::{Result, SonaError};
use crate::router::basis::Basis;
use crate::state::Reader;
use crate::store::file;
use crate::store::frame::{self, Kind};

/// An embedder and the feature map that its table brings along for vectors of its length.
#[derive(Debug)]
pub struct Table {
    /// Length of its rows, of which the embedder may take the first numbers.
    whole: usize,
    embedder: Embedder,
    basis: Option<Arc<Basis>>,
}

/// Where a table comes from.
#[derive(PartialEq, Eq, Hash)]
enum Source {
    /// A file, by its canonical path.
    File(PathBuf),
    /// Bytes, by their XXH3.
    Bytes(u128),
}

/// What was opened of one source.
struct Opened {
    /// Length of its rows.
    whole: usize,
    /// By length of the vectors.
    tables: HashMap<usize, Arc<Table>>,
}

/// Everything that was opened. Tables stay for the life of the process: every thread may hold one.
static OPENED: LazyLock<Mutex<HashMap<Source, Opened>>> = LazyLock::new(Mutex::default);

impl Table {
    /// The table of a file, with vectors of the first `dim` numbers or of all. Asked again, by any thread, it is the same
    /// table and nothing is read. The first who asks reads it; others wait.
    ///
    /// # Errors
    /// `SONA_IO`; those of a state; `SONA_OUT_OF_RANGE` for a `dim` that it does not have.
    pub fn open(path: &Path, dim: Option<usize>) -> Result<Arc<Self>> {
        let canonical = path.canonicalize().map_err(|error| SonaError::io(path, error))?;
        let read = || file::restore(Kind::EMBEDDER, path, |reader| Self::restore(reader, dim));
        once(Source::File(canonical), dim, read)
    }

    /// The table that the bytes of such a file hold; the same one for the same bytes.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(bytes: &[u8], dim: Option<usize>) -> Result<Arc<Self>> {
        let read = || Self::restore(&frame::decode(Kind::EMBEDDER, bytes)?.reader(), dim);
        once(Source::Bytes(xxh3_128(bytes)), dim, read)
    }

    /// The embedder.
    pub fn embedder(&self) -> &Embedder {
        &self.embedder
    }

    /// The feature map for its vectors, where the table has one of this length.
    pub fn basis(&self) -> Option<&Arc<Basis>> {
        self.basis.as_ref()
    }

    /// The first `dim` numbers of every row, or all.
    fn restore(reader: &Reader<'_>, dim: Option<usize>) -> Result<Self> {
        let whole = Embedder::restore(reader)?;
        let length = whole.dim();
        let embedder = match dim {
            Some(dim) if dim != length => whole.prefix(dim)?,
            _ => whole,
        };
        let scope = reader.scope("basis").scope(&format!("d{}", embedder.dim()));
        let basis = if scope.contains("dim") { Some(Arc::new(Basis::restore(&scope)?)) } else { None };
        let fits = basis.as_ref().is_none_or(|basis| basis.dim() == embedder.dim());
        scope.ensure("dim", fits, embedder.dim())?;
        Ok(Self { whole: length, embedder, basis })
    }
}

fn once(source: Source, dim: Option<usize>, read: impl FnOnce() -> Result<Table>) -> Result<Arc<Table>> {
    let mut opened = OPENED.lock();
    if let Some(known) = opened.get(&source)
        && let Some(table) = known.tables.get(&dim.unwrap_or(known.whole))
    {
        return Ok(table.clone());
    }
    let table = Arc::new(read()?);
    let known = opened.entry(source).or_insert(Opened { whole: table.whole, tables: HashMap::new() });
    known.tables.insert(table.embedder.dim(), table.clone());
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_once_for_each_length() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/static-minilm/table.sona");
        let winding = path.parent().unwrap().join("../static-minilm/table.sona");
        let whole = Table::open(&path, None).unwrap();
        let dim = whole.embedder().dim();
        assert!(Arc::ptr_eq(&whole, &Table::open(&winding, Some(dim)).unwrap()));
        assert_eq!(whole.basis().unwrap().dim(), dim);

        let bytes = std::fs::read(&path).unwrap();
        let held = Table::from_bytes(&bytes, Some(dim)).unwrap();
        assert!(Arc::ptr_eq(&held, &Table::from_bytes(&bytes.clone(), None).unwrap()));
        assert!(!Arc::ptr_eq(&held, &whole));

        let short = Table::open(&path, Some(128)).unwrap();
        assert_eq!(short.embedder().dim(), 128);
        assert!(Arc::ptr_eq(&short, &Table::open(&path, Some(128)).unwrap()));
        assert!(Arc::ptr_eq(&whole, &Table::open(&path, None).unwrap()), "a shorter one takes no one's place");
    }

    #[test]
    fn what_could_not_be_read_is_read_again() {
        let path = std::env::temp_dir().join(format!("sona-table-{}.sona", std::process::id()));
        std::fs::write(&path, b"no table").unwrap();
        assert_eq!(Table::open(&path, None).unwrap_err().code(), "SONA_INCOMPATIBLE_STATE");
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("models/static-minilm/table.sona"), &path).unwrap();
        let opened = Table::open(&path, None);
        std::fs::remove_file(&path).unwrap();
        assert!(opened.is_ok());
        assert_eq!(Table::open(&path, None).unwrap_err().code(), "SONA_IO");
    }
}
