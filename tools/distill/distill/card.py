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
was used to make the table; the bases were fitted to vectors of every fifth training query.

{accuracy}

How well it routes, and how fast it is: [docs/embedders.md](../../docs/embedders.md).

## What it is made from

{corpus}

## Licences and notices

- The weights and the word pieces come from sentence-transformers/all-MiniLM-L6-v2, under the Apache License 2.0, a copy of which
  is [LICENSE-APACHE](../../LICENSE-APACHE). Changes: its vectors were reduced to one per token, projected to {dim} dimensions, fitted to the teacher's vectors of the
  texts above, and rounded to 8 bits. It is built on MiniLM-L12-H384-uncased (Microsoft, MIT licence).
- WordNet 3.1, Copyright 2011 by Princeton University; texts of it were embedded, none is in the table. WordNet is a registered tradename of Princeton University.
- The Chit-Chat dataset (BYU Perception, Control and Cognition Lab), MIT licence; used in the same way.
- The bases were fitted to embeddings of the prompts that `src/router/basis/README.md` names, with their sources and licences. They hold numbers only.
"""

CORPUS = {
    "definitions": "definitions of WordNet 3.1",
    "examples": "example sentences of WordNet 3.1",
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
        corpus="\n".join(f"- {count:,} {CORPUS[name]}" for name, count in sizes.items()),
    )
    path.write_text(text, encoding="utf8")


def _accuracy(intents: Intents, table: np.ndarray, prefixes: tuple[int, ...]) -> str:
    parts = [(name, part) for name, all_parts in SETS.items() for part in all_parts if part != "train"]
    lines = ["| vectors | " + " | ".join(f"{name} {part}" for name, part in parts) + " |", "|---" * (len(parts) + 1) + "|"]
    rows = {f"{dim} numbers": [intents.of_table(table[:, :dim], *which) for which in parts] for dim in prefixes}
    rows["all-MiniLM-L6-v2, 384"] = [intents.of_teacher(*which) for which in parts]
    lines += [f"| {name} | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |" for name, shares in rows.items()]
    return "\n".join(lines)
