"""Makes the table of @sona/multilingual from the input embeddings of multilingual-e5-small.

    tools/distill/python.sh -m distill.multilingual [--sib FOLDER] [--alternatives]

--sib           the folder of SIB-200's languages (data/annotated of dadelani/sib-200), to measure by its dev parts; nothing of it
                enters the table
--alternatives  measures other ways to make the vectors as well, and writes nothing
"""

import argparse
from pathlib import Path

import numpy as np

from . import table
from .coded import coded, widened
from .e5 import E5
from .languages import Topics
from .pieces import UNKNOWN, reference

ROOT = Path(__file__).resolve().parents[3]
OUT = ROOT / "packages" / "multilingual" / "table.sona"
NAME, DIM, PARTS, SEED = "multilingual-e5", 128, 32, 1
# What SIF weighs against: a piece as frequent as that counts half.
FREQUENT = 3e-5
MARKS = {"<s>", "<pad>", "</s>", UNKNOWN, "<mask>"}


def words(model: E5) -> np.ndarray:
    """The rows of the model that are pieces of text."""
    return np.array([row for row, piece in enumerate(model.pieces) if piece not in MARKS])


def components(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centred vectors, their principal directions, and how far they reach along each."""
    centred = vectors - vectors.mean(0)
    variances, directions = np.linalg.eigh((centred.T @ centred / len(centred)).astype(np.float64))
    return centred, directions[:, ::-1].astype(np.float32), np.sqrt(variances[::-1]).astype(np.float32)


def weights(scores: np.ndarray, frequent: float = FREQUENT) -> np.ndarray:
    """Smooth inverse frequencies: a piece's score is the logarithm of how often it is drawn."""
    return (frequent / (frequent + np.exp(scores.astype(np.float64)))).astype(np.float32)[:, None]


def projected(vectors: np.ndarray) -> np.ndarray:
    """Principal components, the first without, each divided by the root of how far it reaches: the largest tell languages apart."""
    centred, directions, reach = components(vectors)
    return centred @ (directions[:, 1 : DIM + 1] / np.sqrt(reach[1 : DIM + 1]))


def alternatives(model: E5, rows: np.ndarray):
    """Other ways, by name."""
    from .teacher import Encoder, graph

    raw, scores = model.embeddings[rows], model.scores[rows]
    centred, directions, reach = components(raw)
    for frequent in (1e-4, 3e-5, 1e-5):
        weight = weights(scores, frequent)
        yield f"input embeddings, {frequent:.0e}", centred * weight
        yield f"{DIM} components, {frequent:.0e}", centred @ directions[:, :DIM] * weight
        yield f"without the first, {frequent:.0e}", centred @ directions[:, 1 : DIM + 1] * weight
        yield f"and half whitened, {frequent:.0e}", projected(raw) * weight
        whitened = centred @ (directions[:, 1 : DIM + 1] / reach[1 : DIM + 1])
        yield f"and whitened, {frequent:.0e}", whitened * weight
    query = [model.pieces.index(piece) for piece in ("\u2581que", "ry", ":")]
    encoder = Encoder(graph(model.weights(), layers=12))
    alone = encoder.embed_ids([[0, *query, int(row), 2] for row in rows])
    centred, directions, _ = components(alone)
    yield "each piece through the model", centred * weights(scores)
    yield f"its {DIM} components, without the first", centred @ directions[:, 1 : DIM + 1] * weights(scores)
    yield "and half whitened", projected(alone) * weights(scores)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m distill.multilingual")
    parser.add_argument("--sib", type=Path)
    parser.add_argument("--alternatives", action="store_true")
    options = parser.parse_args()
    model = E5.open()
    rows = words(model)
    pieces = [UNKNOWN, *(model.pieces[row] for row in rows)]
    scores = np.concatenate([[0], model.scores[rows]]).astype(np.float32)
    topics = Topics(options.sib, reference(pieces, scores)) if options.sib else None
    unknown = lambda vectors: np.concatenate([np.zeros((1, vectors.shape[1]), np.float32), vectors])
    if options.alternatives:
        for name, vectors in alternatives(model, rows):
            if topics:
                topics.show(name, unknown(vectors))
        return

    vectors = unknown(projected(model.embeddings[rows]) * weights(model.scores[rows]))
    codes, books, scales = coded(vectors, PARTS, SEED)
    if topics:
        topics.show("in floats", vectors)
        topics.show("in 32 bytes", widened(codes, books) * scales.astype(np.float32)[:, None])
    values = {"name": NAME, "dim": DIM, "parts": PARTS}
    text = np.frombuffer("\n".join(pieces).encode(), np.uint8)
    tensors = {"codes": codes, "centroids": books.reshape(-1), "scales": scales, "scores": scores, "vocabulary": text}
    print(f"wrote {OUT}, {table.write(OUT, values, tensors):,} bytes, {len(pieces):,} pieces")


if __name__ == "__main__":
    main()
