"""Writes embedding.json: the bits of vectors of texts, from the table that ships, by numpy and the reference tokenizer.

    tools/distill/python.sh tests/figures/embedding.py

Every sum is made in 32 bits in the order that the library documents: tokens one after another, squares in 16 lanes. Which
texts are hashed is written down here; that the library finds them to be is part of what is compared.
tests/embedder.rs and __test__/embed/bits.test.ts compare, so that Rust and Node.js give these bits, not only each other's.
"""
import json, os, re, struct
import numpy as np
import xxhash
from distill.sources import teacher
from tokenizers import Tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
KNOWN = [
    "How do I reset the PIN of my card?",
    "Write a SQL query that finds the ten best customers of the last quarter, by revenue and by country.",
    "for (let i = 0; i < n; i++) { total += prices[i] * quantities[i]; }",
    "Žluťoučký kůň úpěl ďábelské ódy",
    "machine learning 机器学习 is a branch of 🙂",
    "zero\u0000width\u200bjoined 👩‍👩‍👧‍👦 [MASK] Ω≈ç√ flaugherty",
    "",
    "Say it in French.\n\n" + "The river froze over in the hard winter of that year. " * 30 + "\n\nWhat is the mood of the author of this story?",
    "What is new? " + "river market report season " * 60 + "to the end. Tell it to a child!",
]
HASHED = [
    "机器学习是人工智能的一个分支。",
    "πού είναι η παραγγελία μου;",
    "где мой заказ, 15:30?",
    "где мой заказ?\n" + "зима лето река город " * 80 + "\nнапиши короткий ответ на это письмо",
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


def unit(x):
    lanes = np.zeros(16, np.float32)
    for block in x.reshape(-1, 16):
        lanes += block * block
    eight = lanes[:8] + lanes[8:]
    four = eight[:4] + eight[4:]
    norm = np.sqrt((four[0] + four[1]) + (four[2] + four[3]))
    return x / norm if norm > 0 else x


def known(text, dim):
    x = np.zeros(dim, np.float32)
    for token in tokenizer.encode(text, add_special_tokens=False).ids:
        if token != tokenizer.token_to_id("[UNK]"):
            x += scales[token] * rows[token, :dim].astype(np.float32)
    return unit(x)


def hashed(text, dim):
    """Words, pairs and trigrams of `hash`."""
    x = np.zeros(dim, np.float32)

    def add(seed, data):
        value = xxhash.xxh3_64_intdigest(data, seed)
        x[(value >> 32) * dim >> 32] += 1 if value & 1 == 0 else -1
        return value

    before = None
    for word in re.findall(r"[^\W_]+", text.lower()):
        value = add(0, word.encode())
        if before is not None:
            add(1, struct.pack("<2Q", before, value))
        before = value
        ends = [0xFFFFFFFF, *map(ord, word), 0xFFFFFFFF]
        for at in range(len(ends) - 2):
            add(2, struct.pack("<3I", *ends[at : at + 3]))
    return unit(x)


def turned(x):
    """Signs by place, then the Hadamard transform by its matrix."""
    signs = [1 - 2 * (xxhash.xxh3_64_intdigest(struct.pack("<Q", i), 3) & 1) for i in range(len(x))]
    x, half = x * np.array(signs, np.float32), 1
    while half < len(x):
        pairs = x.reshape(-1, 2, half)
        x, half = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], 1).reshape(-1), 2 * half
    return unit(x * (np.float32(1) / np.sqrt(np.float32(len(x)))))


def part(lines, join, whole):
    """The first lines that come to 32 characters, if they have no more than 200; else a sentence, or whole words."""
    found = ""
    for count in range(1, len(lines) + 1):
        text = join(lines, count)
        if len(text) > 200:
            break
        found = text.strip()
        if len(found) >= 32:
            break
    return found or whole


def parts(text):
    text = text.strip()
    lines = text.split("\n")
    first, last = text[:200], text[-200:]
    ends = [match.end() for match in re.finditer(r"[.!?](?=\s)", first)]
    begin = first[: ends[0]] if ends else first[: first.rindex(" ")]
    ends = [match.end() for match in re.finditer(r"[.!?](?=\s)", last)]
    end = last[ends[-1] :] if ends else last[last.index(" ") :]
    return (
        part(lines, lambda lines, count: "\n".join(lines[:count]), begin),
        part(lines, lambda lines, count: "\n".join(lines[-count:]), end),
    )


def whole(text, dim, vector):
    x = vector(text, dim)
    if len(text) > 1200:
        x = x * np.float32(0.5)
        for piece in parts(text):
            x += vector(piece, dim)
        x = unit(x)
    return x


vectors = [(text, lambda text, dim: whole(text, dim, known)) for text in KNOWN]
vectors += [(text, lambda text, dim: turned(whole(text, dim, hashed))) for text in HASHED]
figures = [
    {"text": text, "dim": dim, "bits": vector(text, dim).astype("<f4").tobytes().hex()} for dim in (256, 64) for text, vector in vectors
]
with open(os.path.join(HERE, "embedding.json"), "w", encoding="utf8") as file:
    json.dump(figures, file, ensure_ascii=False, indent=2)
    file.write("\n")
