"""The model card: what the table is, how well it does, whose work it stands on."""

from pathlib import Path

import numpy as np

from .evaluate import SETS, Intents

CARD = """# static-minilm: the table of the built-in embedder

`table.sona` holds {rows:,} token vectors of {dim} signed bytes with a scale each, the word pieces that they belong to, and the
router's basis for vectors of {prefixes} numbers: {size:,} bytes in the format of [docs/state.md](../../docs/state.md), kind
`embedder`. It is distilled from [all-MiniLM-L6-v2](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2); a text's vector is the sum of its tokens' vectors at unit length. The first 128 and
64 numbers are embeddings of their own. This file and the table are written by `tools/distill`.

## What it is for

English prompts and short texts: routing them, telling intents apart, in microseconds. A sum knows nothing of the order of
words, so negation and who did what to whom are beyond it; rare words and other languages fall apart into pieces that mean
little. Where that matters use a larger embedder.

## How well it does

Accuracy of the nearest class mean, in percent; class means are of the train part. The one setting of the fit that was chosen by
results was chosen by CLINC150 val and, among equals, by regret on paretobandit4 (`tools/distill/README.md`). No text of these sets
was taken to make the token vectors, and what the corpus has in common with their val and test parts was left out; the bases were fitted to vectors of every fifth training query.

{accuracy}

How well it routes, and how fast it is: [docs/embedders.md](../../docs/embedders.md).

## What it is made from

{corpus}

## Licences and notices

- The weights and the word pieces come from sentence-transformers/all-MiniLM-L6-v2, under the Apache License 2.0, a copy of which
  is [LICENSE-APACHE](../../LICENSE-APACHE). Changes: its vectors were reduced to one per token, projected to {dim} dimensions, fitted to the teacher's vectors of the
  texts above, and rounded to 8 bits. It is built on MiniLM-L12-H384-uncased (Microsoft, MIT licence).
- WordNet 3.1, Copyright 2011 by Princeton University; texts of it were embedded, none is in the table. WordNet is a registered tradename of Princeton University.
- NumPy and SciPy, BSD 3-clause licences; used in the same way.
- The Chit-Chat dataset (BYU Perception, Control and Cognition Lab), MIT licence; used in the same way.
- The bases hold means, directions and centroids of embeddings of prompts, no text and no embedding of a single one:

{bases}
"""

BASES = [
    ("CLINC150", "every 5th training query", "clinc/oos-eval", "CC BY 3.0"),
    ("BANKING77", "every 5th training query", "PolyAI-LDN/task-specific-datasets", "CC BY 4.0, by PolyAI"),
    ("ZeroEval (GSM8K, MATH, CRUXEval)", "every 2nd prompt", "WildEval/ZeroEval", "Apache-2.0; the questions MIT"),
    ("RouteLLM (MMLU)", "every 5th prompt", "lm-sys/RouteLLM", "Apache-2.0; the questions MIT"),
    ("ParetoBandit", "every 2nd prompt", "ParetoBandit/ParetoBandit", "Apache-2.0"),
]

CORPUS = {
    "definitions": "definitions of WordNet 3.1",
    "examples": "example sentences of WordNet 3.1",
    "sums": "exercises with numbers that templates and its nouns make up",
    "paragraphs": "paragraphs of the docstrings of NumPy and SciPy",
    "functions": "first lines of functions of NumPy and SciPy",
    "questions": "requests that templates and WordNet's words make up",
    "conversations": "utterances of the Chit-Chat dataset",
}


def write(path: Path, intents: Intents, table: np.ndarray, prefixes: tuple[int, ...], sizes: dict, size: int) -> None:
    text = CARD.format(
        rows=len(table),
        dim=table.shape[1],
        prefixes=", ".join(map(str, prefixes)),
        size=size,
        accuracy=_accuracy(intents, table, prefixes),
        bases=_rows(("set", "rows", "source", "licence"), BASES),
        corpus="\n".join(f"- {count:,} {CORPUS[name]}" for name, count in sizes.items()),
    )
    path.write_text(text, encoding="utf8")


def _accuracy(intents: Intents, table: np.ndarray, prefixes: tuple[int, ...]) -> str:
    parts = [(name, part) for name, all_parts in SETS.items() for part in all_parts if part != "train"]
    rows = {f"{dim} numbers": [intents.of_table(table[:, :dim], *which) for which in parts] for dim in prefixes}
    rows["all-MiniLM-L6-v2, 384"] = [intents.of_teacher(*which) for which in parts]
    cells = [(name, *(f"{100 * share:.1f}" for share in shares)) for name, shares in rows.items()]
    return _rows(("vectors", *(f"{name} {part}" for name, part in parts)), cells)


def _rows(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ("---",) * len(head), *rows])
