"""Distils the teacher and writes the table and its model card.

    SONA_DATA=<folder> tools/distill/run.sh [--hold NUMBER] [--dry]

--hold  how strongly word pieces are held where they start; README.md says what it was chosen by
--dry   prints the accuracy on CLINC150 val and writes nothing
"""

import argparse
import json
import os
import subprocess
from pathlib import Path

import numpy as np

from . import card, table
from .corpus import corpus
from .evaluate import Intents, plain
from .sources import vocabulary
from .static import Fit, Space, bags, start
from .teacher import Teacher

ROOT = Path(__file__).resolve().parents[3]
WORK = ROOT / "target" / "distill"
OUT = ROOT / "models" / "static-minilm"
DIM, PREFIXES, SEED = 256, (256, 128, 64), 1


def fitted(teacher: Teacher, texts: dict[str, list[str]], judging: set[str], fit: Fit) -> np.ndarray:
    """The table in floats (vocabulary x DIM). What people say to each other is now and then what a judged set has."""
    vectors = np.concatenate([teacher.embed(part) for part in texts.values()])
    whole = [text for part in texts.values() for text in part]
    counts = bags(teacher.tokenizer, whole)
    known = (np.diff(counts.indptr) > 0) & np.array([plain(text) not in judging for text in whole])
    print(f"{known.sum():,} of {len(whole):,} texts", flush=True)
    space = Space.of(vectors[known], DIM)
    return fit.run(start(teacher.tokens(), space), counts[known], space.project(vectors[known]))


def bases(path: Path) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """The router's basis for each prefix, fitted by the engine's own code to vectors of the table at `path`."""
    made = WORK / "bases.json"
    script = ["npx", "tsx", "scripts/fit-basis.mts", "--builtin", str(path), "--out", str(made)]
    subprocess.run(script, cwd=ROOT, check=True)
    values, tensors = {}, {}
    for basis in json.loads(made.read_text()):
        dim = basis["dim"]
        for name in ["id", "dim", "scale", "rms"]:
            values[f"basis.d{dim}.{name}"] = basis[name]
        for name, shape in [("mean", [dim]), ("directions", [64, dim]), ("centroids", [64, dim])]:
            tensors[f"basis.d{dim}.{name}"] = np.array(basis[name], np.float32).reshape(shape)
    return values, tensors


def main() -> None:
    parser = argparse.ArgumentParser(prog="tools/distill/run.sh")
    parser.add_argument("--hold", type=float, default=Fit.hold)
    parser.add_argument("--dry", action="store_true")
    options = parser.parse_args()
    data = os.environ.get("SONA_DATA")
    if not data:
        raise SystemExit("SONA_DATA is not set: it names the folder that holds the sets.")
    WORK.mkdir(parents=True, exist_ok=True)

    teacher = Teacher(WORK)
    texts = corpus(WORK, SEED)
    intents = Intents(Path(data), teacher.tokenizer)
    rows, scales = table.quantised(fitted(teacher, texts, intents.judging, Fit(hold=options.hold, seed=SEED)))
    wide = table.widened(rows, scales)
    print(f"CLINC150 val with a hold of {options.hold}: {intents.of_table(wide, 'clinc150', 'val'):.4f}")
    if options.dry:
        return

    values = {"name": "static-minilm", "dim": DIM}
    words = np.frombuffer("\n".join(vocabulary()).encode(), np.uint8)
    tensors = {"tokens": rows, "scales": scales, "vocabulary": words}
    plain = WORK / "table.sona"
    table.write(plain, values, tensors)
    of_bases, parts = bases(plain)
    size = table.write(OUT / "table.sona", values | of_bases, tensors | parts)
    card.write(OUT / "README.md", intents, wide, PREFIXES, {name: len(part) for name, part in texts.items()}, size)
    print(f"wrote {OUT / 'table.sona'}, {size:,} bytes")


if __name__ == "__main__":
    main()
