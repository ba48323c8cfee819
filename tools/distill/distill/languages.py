"""How well vectors tell topics apart in many languages: SIB-200, the nearest class mean, within a language and from English."""

import csv
from pathlib import Path

import numpy as np
import sentencepiece

from .pieces import bags
from .static import unit

LANGUAGES = [
    "eng_Latn", "spa_Latn", "zho_Hans", "hin_Deva", "arb_Arab", "rus_Cyrl", "tha_Thai", "ell_Grek", "kor_Hang", "tur_Latn",
    "vie_Latn", "deu_Latn", "jpn_Jpan", "heb_Hebr", "ben_Beng",
]  # fmt: skip


class Topics:
    """Texts of the parts `train` and `dev`; `test` is for the benches."""

    def __init__(self, folder: Path, tokenizer: sentencepiece.SentencePieceProcessor):
        self.sets = {name: [_part(folder / name / f"{part}.tsv", tokenizer) for part in ("train", "dev")] for name in LANGUAGES}

    def show(self, name: str, table: np.ndarray) -> None:
        """Percent that are right by class means of the same language, and by those of English."""
        own, english = [], None
        for train, dev in self.sets.values():
            means = _means(unit(train[0] @ table), train[1])
            english = english or means
            vectors = unit(dev[0] @ table)
            own.append([_right(vectors, dev[1], *which) for which in (means, english)])
        cells = " ".join(f"{language[:3]} {100 * a:.0f}/{100 * b:.0f}" for language, (a, b) in zip(self.sets, own))
        within, across = 100 * np.mean(own, axis=0)
        print(f"{name:38} {within:.1f} within, {across:.1f} from English: {cells}", flush=True)


def _part(path: Path, tokenizer: sentencepiece.SentencePieceProcessor):
    with open(path, encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return bags(tokenizer, [row["text"] for row in rows]), np.array([row["category"] for row in rows])


def _means(vectors: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    names = np.unique(labels)
    return unit(np.stack([vectors[labels == name].mean(0) for name in names])), names


def _right(vectors: np.ndarray, labels: np.ndarray, means: np.ndarray, names: np.ndarray) -> float:
    return float(np.mean(names[np.argmax(vectors @ means.T, axis=1)] == labels))
