"""The student: a vector per word piece, a text's vector their sum at unit length.

It starts as Model2Vec does (Tulkens and van Dongen 2024): each word piece through the teacher alone, principal components,
smooth inverse frequency weights (Arora, Liang and Ma 2017) by Zipf's law. Then it is fitted to the teacher's vectors of
whole texts: cosine loss, Adam, and a quadratic hold on the start, which keeps word pieces that are rare in the corpus where
they were.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from tokenizers import Tokenizer

# [PAD], [CLS], [SEP] and [MASK] are no words; [UNK] stands for many.
SILENT = [0, 101, 102, 103]
SIF = 1e-4


def unit(x: np.ndarray) -> np.ndarray:
    norm = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(norm == 0, 1, norm)


def bags(tokenizer: Tokenizer, texts: list[str]) -> sparse.csr_matrix:
    """Counts of word pieces (texts x vocabulary)."""
    rows = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
    columns = np.concatenate([np.array(row, np.int32) for row in rows])
    lengths = [len(row) for row in rows]
    places = np.repeat(np.arange(len(rows)), lengths)
    shape = (len(rows), tokenizer.get_vocab_size())
    return sparse.csr_matrix((np.ones(len(columns), np.float32), (places, columns)), shape=shape)


@dataclass
class Space:
    """Principal components of the teacher's vectors, so that a prefix is the best space of its length."""

    mean: np.ndarray
    directions: np.ndarray

    @classmethod
    def of(cls, vectors: np.ndarray, dim: int) -> "Space":
        mean = vectors.mean(0, dtype=np.float64)
        centred = vectors - mean.astype(np.float32)
        covariance = centred.T.astype(np.float64) @ centred
        _, directions = np.linalg.eigh(covariance)
        return cls(mean.astype(np.float32), directions[:, ::-1][:, :dim].astype(np.float32))

    def project(self, vectors: np.ndarray) -> np.ndarray:
        return unit((vectors - self.mean) @ self.directions)


def start(tokens: np.ndarray, space: Space) -> np.ndarray:
    """Word pieces alone, weighted."""
    ranks = np.arange(1, len(tokens) + 1)
    frequency = 1 / ranks / np.sum(1 / ranks)
    table = ((tokens - tokens.mean(0)) @ space.directions) * (SIF / (SIF + frequency))[:, None]
    table[SILENT] = 0
    return table.astype(np.float32)


@dataclass
class Fit:
    epochs: int = 3
    rate: float = 0.01
    batch: int = 1_024
    hold: float = 0.03
    seed: int = 1

    def run(self, table: np.ndarray, texts: sparse.csr_matrix, targets: np.ndarray) -> np.ndarray:
        """Moves `table` so that texts come near their targets (unit rows)."""
        first, table = table, table.copy()
        momentum, scale = np.zeros_like(table), np.zeros_like(table)
        rng = np.random.default_rng(self.seed)
        batches = texts.shape[0] // self.batch
        for step in range(self.epochs * batches):
            if step % batches == 0:
                order, loss = rng.permutation(texts.shape[0]), 0.0
            at = step % batches * self.batch
            rows = order[at : at + self.batch]
            gradient, used, cosine = self._gradient(table, texts[rows], targets[rows])
            gradient += self.hold * (table[used] - first[used]) / self.batch
            momentum[used] = 0.9 * momentum[used] + 0.1 * gradient
            scale[used] = 0.99 * scale[used] + 0.01 * gradient**2
            rate = self.rate * (1 - (step + 1) / (self.epochs * batches))
            table[used] -= rate * momentum[used] / (np.sqrt(scale[used]) + 1e-8)
            loss += (1 - cosine) / batches
            if step % batches == batches - 1:
                print(f"epoch {step // batches + 1}: 1 - cosine = {loss:.4f}", flush=True)
        return table

    def _gradient(
        self, table: np.ndarray, texts: sparse.csr_matrix, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Of the mean of 1 - cosine, by the rows that are used; those rows; the mean cosine."""
        sums = texts @ table
        norm = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-6)
        vectors = sums / norm
        cosine = (vectors * targets).sum(1, keepdims=True)
        towards = (cosine * vectors - targets) / norm / self.batch
        used = np.unique(texts.indices)
        return (texts.T @ towards)[used], used, float(cosine.mean())
