"""Product quantisation (Jegou, Douze and Schmid 2011): each part of a row becomes one byte that names a centroid."""

import numpy as np

CENTROIDS = 256
# Rows that the centroids are fitted to; all are coded.
SAMPLE = 65_536
ROUNDS = 25


def coded(rows: np.ndarray, parts: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes (n x parts), centroids in signed bytes (parts x 256 x width), and a scale for each row that brings it nearest."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    directions = rows / np.where(norms == 0, 1, norms)
    rng = np.random.default_rng(seed)
    sample = directions[rng.permutation(len(rows))[:SAMPLE]]
    width = rows.shape[1] // parts
    part = lambda x, n: x[:, n * width : (n + 1) * width]
    books = np.stack([_centroids(part(sample, n), rng) for n in range(parts)])
    step = np.abs(books).max() / 127
    books = np.round(books / step).astype(np.int8)
    codes = np.stack([_nearest(part(directions, n), books[n] * step) for n in range(parts)], axis=1)
    made = widened(codes, books)
    scales = (rows * made).sum(1) / np.maximum((made * made).sum(1), 1)
    return codes, books, np.maximum(scales, 0).astype(np.float16)


def widened(codes: np.ndarray, books: np.ndarray) -> np.ndarray:
    """Rows, before their scales."""
    return np.concatenate([books[n][codes[:, n]] for n in range(len(books))], axis=1).astype(np.float32)


def _centroids(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    means = x[rng.permutation(len(x))[:CENTROIDS]].copy()
    for _ in range(ROUNDS):
        nearest = _nearest(x, means)
        counts = np.bincount(nearest, minlength=CENTROIDS)
        sums = np.zeros_like(means)
        np.add.at(sums, nearest, x)
        means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], means)
    return means


def _nearest(x: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The nearest centroid of each row."""
    squares = (means * means).sum(1) / 2
    blocks = np.array_split(x, max(1, len(x) // 65_536))
    return np.concatenate([np.argmax(block @ means.T - squares, axis=1) for block in blocks]).astype(np.uint8)
