"""Writes embedding.json: the bits of vectors of texts, from the table that ships, by numpy and the reference tokenizer.

    tools/distill/python.sh tests/figures/embedding.py

Every sum is made in 32 bits in the order that the library documents: tokens one after another, squares in 16 lanes.
tests/embedder.rs and __test__/embed/bits.test.ts compare, so that Rust and Node.js give these bits, not only each other's.
"""
import json, os, struct
import numpy as np
from distill.sources import teacher
from tokenizers import Tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = [
    "How do I reset the PIN of my card?",
    "Write a SQL query that finds the ten best customers of the last quarter, by revenue and by country.",
    "for (let i = 0; i < n; i++) { total += prices[i] * quantities[i]; }",
    "Žluťoučký kůň úpěl ďábelské ódy",
    "机器学习是人工智能的一个分支。",
    "zero\u0000width\u200bjoined 👩‍👩‍👧‍👦 [MASK] Ω≈ç√ flaugherty",
    "",
]

data = open(os.path.join(HERE, "../../models/static-minilm/table.sona"), "rb").read()[64:]
length = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8 : 8 + length])


def tensor(name, dtype):
    at, end = header[name]["data_offsets"]
    return np.frombuffer(data[8 + length + at : 8 + length + end], dtype).reshape(header[name]["shape"])


rows, scales = tensor("tokens", np.int8), tensor("scales", np.float16).astype(np.float32)
tokenizer = Tokenizer.from_file(str(teacher() / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.no_truncation()


def embed(text, dim):
    x = np.zeros(dim, np.float32)
    for token in tokenizer.encode(text, add_special_tokens=False).ids:
        x += scales[token] * rows[token, :dim].astype(np.float32)
    lanes = np.zeros(16, np.float32)
    for block in x.reshape(-1, 16):
        lanes += block * block
    eight = lanes[:8] + lanes[8:]
    four = eight[:4] + eight[4:]
    norm = np.sqrt((four[0] + four[1]) + (four[2] + four[3]))
    return x / norm if norm > 0 else x


figures = [{"text": text, "dim": dim, "bits": embed(text, dim).astype("<f4").tobytes().hex()} for dim in (256, 64) for text in TEXTS]
with open(os.path.join(HERE, "embedding.json"), "w", encoding="utf8") as file:
    json.dump(figures, file, ensure_ascii=False, indent=2)
    file.write("\n")
