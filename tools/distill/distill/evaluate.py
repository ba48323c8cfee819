"""How well vectors tell intents apart: the nearest class mean, from the folder that SONA_DATA names."""

import csv
from pathlib import Path

import numpy as np
from safetensors import safe_open
from tokenizers import Tokenizer

from .static import bags, unit

SETS = {"clinc150": ("train", "val", "test"), "banking77": ("train", "test")}


def plain(text: str) -> str:
    """A text without what makes no difference: case, punctuation, spaces."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


class Intents:
    """Texts and labels of the sets, and the teacher's vectors of them."""

    def __init__(self, data: Path, tokenizer: Tokenizer):
        self.bags, self.labels, self.teacher = {}, {}, {}
        # of the parts that judge, plain
        self.judging: set[str] = set()
        for name, parts in SETS.items():
            tensors = safe_open(data / name / "minilm.safetensors", "np")
            for part in parts:
                with open(data / name / f"{part}.csv", encoding="utf8", newline="") as file:
                    rows = list(csv.DictReader(file))
                if part != "train":
                    self.judging.update(plain(row["text"]) for row in rows)
                self.bags[name, part] = bags(tokenizer, [row["text"] for row in rows])
                self.labels[name, part] = [row["label"] for row in rows]
                self.teacher[name, part] = unit(tensors.get_tensor(part).astype(np.float32))

    def of_table(self, table: np.ndarray, name: str, part: str) -> float:
        """Share of a part that the table puts nearest to its own class."""
        return self._accuracy(name, part, lambda which: unit(self.bags[name, which] @ table))

    def of_teacher(self, name: str, part: str) -> float:
        return self._accuracy(name, part, lambda which: self.teacher[name, which])

    def _accuracy(self, name: str, part: str, vectors) -> float:
        train, labels = vectors("train"), self.labels[name, "train"]
        names = sorted(set(labels))
        place = {label: n for n, label in enumerate(names)}
        means = np.zeros((len(names), train.shape[1]))
        np.add.at(means, [place[label] for label in labels], train)
        found = np.argmax(vectors(part) @ unit(means).T, axis=1)
        return float(np.mean(found == [place[label] for label in self.labels[name, part]]))
