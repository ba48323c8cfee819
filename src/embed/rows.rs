//! The vectors of tokens, before their scales.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3Default;

use crate::simd::Kernels;

/// Bytes that one byte can name.
pub(super) const CENTROIDS: usize = 256;
/// Longest coded rows: one is put together on the stack.
pub(super) const MAX_CODED_DIM: usize = 1024;

/// A row of signed bytes for each token.
#[derive(Clone)]
pub(super) enum Rows {
    /// As they are, `dim` bytes each.
    Whole(Arc<Vec<i8>>),
    /// Product quantised: a byte for each part of a row, which names what stands there.
    Coded {
        /// Parts of a row.
        parts: usize,
        /// `parts` bytes for each token.
        codes: Arc<Vec<u8>>,
        /// For each part 256 centroids of `width` bytes.
        centroids: Arc<Vec<i8>>,
        width: usize,
    },
}

impl Rows {
    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::Whole(rows) => rows.len(),
            Self::Coded { codes, centroids, .. } => codes.len() + centroids.len(),
        }
    }

    /// Adds a multiple of a token's row, its first numbers, to `out`; the same bits on every backend.
    pub(super) fn add_scaled(&self, kernels: &Kernels, token: usize, scale: f32, out: &mut [f32]) {
        match self {
            Self::Whole(rows) => kernels.add_scaled_i8(scale, &rows[token * out.len()..][..out.len()], out),
            Self::Coded { parts, codes, centroids, width } => {
                let mut row = [0; MAX_CODED_DIM];
                let codes = codes[token * parts..][..*parts].iter();
                let books = centroids.chunks_exact(CENTROIDS * width);
                for ((code, book), part) in codes.zip(books).zip(row.chunks_exact_mut(*width)) {
                    part.copy_from_slice(&book[usize::from(*code) * width..][..*width]);
                }
                kernels.add_scaled_i8(scale, &row[..out.len()], out);
            }
        }
    }

    /// The rows of which the first `prefix` numbers of `dim` are left.
    pub(super) fn prefix(&self, dim: usize, prefix: usize) -> Self {
        match self {
            Self::Whole(rows) => {
                Self::Whole(Arc::new(rows.chunks_exact(dim).flat_map(|row| &row[..prefix]).copied().collect()))
            }
            Self::Coded { parts, codes, centroids, width } => {
                let left = prefix.div_ceil(*width);
                let codes = codes.chunks_exact(*parts).flat_map(|codes| &codes[..left]).copied().collect();
                let centroids = centroids[..left * CENTROIDS * width].to_vec();
                Self::Coded { parts: left, codes: Arc::new(codes), centroids: Arc::new(centroids), width: *width }
            }
        }
    }

    pub(super) fn hash(&self, hash: &mut Xxh3Default) {
        match self {
            Self::Whole(rows) => update(hash, rows),
            Self::Coded { codes, centroids, .. } => {
                hash.update(codes);
                update(hash, centroids);
            }
        }
    }
}

fn update(hash: &mut Xxh3Default, numbers: &[i8]) {
    const AT_ONCE: usize = 4096;
    let mut bytes = [0; AT_ONCE];
    for numbers in numbers.chunks(AT_ONCE) {
        for (byte, number) in bytes.iter_mut().zip(numbers) {
            *byte = number.cast_unsigned();
        }
        hash.update(&bytes[..numbers.len()]);
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use crate::embed::{Embedder, hash_embed};
    use crate::error::SonaError;
    use crate::simd::Kernels;
    use crate::state::State;

    const WORDS: [&str; 5] = ["<unk>", "\u{2581}", "\u{2581}hello", "\u{2581}world", "s"];
    const DIM: usize = 6;

    /// The entries of a table of pieces, to be damaged.
    struct Table {
        dim: usize,
        parts: usize,
        codes: Vec<u8>,
        centroids: Vec<i8>,
        scores: Vec<f32>,
    }

    impl Table {
        fn new() -> Self {
            Self {
                dim: DIM,
                parts: 3,
                codes: (0..15).map(|i| i * 17).collect(),
                centroids: (0..256 * DIM).map(|i| (i * 37 % 251) as i8).collect(),
                scores: vec![0.0, -3.0, -4.0, -5.0, -6.0],
            }
        }

        fn restore(&self) -> crate::error::Result<Embedder> {
            let Self { dim, parts, codes, centroids, scores } = self;
            let state = State::collect(|writer| {
                writer.value("name", "test");
                writer.value("dim", dim);
                writer.value("parts", parts);
                writer.tensor("codes", &[codes.len() / (*parts).max(1), *parts], codes);
                writer.tensor("centroids", &[centroids.len()], centroids);
                writer.tensor("scales", &[5], &[0.5, 1.0, 1.5, 2.0, 2.5].map(f16::from_f32));
                writer.tensor("scores", &[scores.len()], scores);
                writer.tensor("vocabulary", &[WORDS.join("\n").len()], WORDS.join("\n").as_bytes());
            })?;
            Embedder::restore(&state.reader())
        }

        fn cut_in(&mut self, parts: usize) {
            self.parts = parts;
            self.codes.resize(5 * parts, 0);
        }

        fn refusal(&self) -> String {
            match self.restore() {
                Err(SonaError::CorruptState { reason }) => reason,
                other => panic!("{other:?}"),
            }
        }

        /// A row by its centroids.
        fn row(&self, token: usize) -> Vec<f64> {
            let width = self.dim / self.parts;
            let of = |part: usize| {
                let at = (part * 256 + usize::from(self.codes[token * self.parts + part])) * width;
                self.centroids[at..at + width].iter().map(|x| f64::from(*x))
            };
            (0..self.parts).flat_map(of).collect()
        }
    }

    fn embed(embedder: &Embedder, text: &str) -> Vec<f32> {
        let mut out = vec![f32::NAN; embedder.dim()];
        embedder.embed(text, &mut out).unwrap();
        out
    }

    #[test]
    fn vectors_are_the_plain_formula_on_every_backend_and_of_every_length() {
        let table = Table::new();
        let whole = table.restore().unwrap();
        for dim in 1..=DIM {
            let embedder = whole.prefix(dim).unwrap();
            // hello, world and s have the scales 1.5, 2 and 2.5
            let sum = [(2, 1.5), (3, 2.0), (4, 2.5)].iter().fold(vec![0.0; dim], |sum, (token, scale)| {
                sum.iter().zip(table.row(*token)).map(|(sum, x)| sum + scale * x).collect()
            });
            let length = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
            for kernels in Kernels::available() {
                let got = embed(&embedder.clone().with_kernels(kernels), "hello worlds");
                for (got, sum) in got.iter().zip(&sum) {
                    assert!((f64::from(*got) - sum / length).abs() < 1e-6, "{dim} {}", kernels.name());
                }
            }
            assert!(embedder.id().starts_with(&format!("test-{dim}-")));
            assert!(embedder.memory_bytes() > 0);
        }
    }

    #[test]
    fn unknown_letters_make_a_text_hashed() {
        let embedder = Table::new().restore().unwrap();
        let known = |text: &str| embedder.embed(text, &mut [0.0; DIM]).unwrap().known;
        assert!(known("hello \u{1F600} world") && known("") && !known("\u{13a0}\u{13a1}"));
        let mut hashed = [0.0; DIM];
        hash_embed("\u{13a0}\u{13a1}", &mut hashed).unwrap();
        assert!(hashed.iter().any(|x| *x != 0.0) && embed(&embedder, "\u{13a0}\u{13a1}").iter().any(|x| *x != 0.0));
    }

    #[test]
    fn every_number_is_in_the_id() {
        let id = |change: &dyn Fn(&mut Table)| {
            let mut table = Table::new();
            change(&mut table);
            table.restore().unwrap().id().to_owned()
        };
        let plain = id(&|_| {});
        for other in [
            id(&|table| table.codes[14] += 1),
            id(&|table| table.centroids[0] += 1),
            id(&|table| table.scores[4] = -7.0),
        ] {
            assert_ne!(other, plain);
        }
    }

    #[test]
    fn tables_that_are_wrong_are_refused_by_the_entry() {
        let refused = |change: &dyn Fn(&mut Table)| {
            let mut table = Table::new();
            change(&mut table);
            table.refusal()
        };
        for (change, reason) in [
            (&(|table: &mut Table| table.cut_in(4)) as &dyn Fn(&mut Table), "parts: expected a divisor of 6"),
            (&|table: &mut Table| table.cut_in(0), "parts: "),
            (&|table: &mut Table| table.cut_in(7), "parts: "),
            (&|table: &mut Table| table.dim = 1025, "dim: expected at most 1024 numbers that are coded"),
            (&|table: &mut Table| _ = table.centroids.pop(), "centroids: expected 256 times 6 numbers"),
            (&|table: &mut Table| table.codes.truncate(12), "scales: expected the shape [4]"),
            (&|table: &mut Table| table.scores.truncate(4), "scores: expected the shape [5]"),
        ] {
            let got = refused(change);
            assert!(got.starts_with(reason), "{got}, not {reason}");
        }
    }
}
