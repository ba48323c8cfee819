"""The teacher, all-MiniLM-L6-v2, as an ONNX graph that is written from its weights.

As a program it makes the folder that a transformers library reads the model from:

    python -m distill.teacher FOLDER
"""

import hashlib
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from .sources import TEACHER_SHA256, teacher

HEADS, WIDTH = 12, 384
CLS, SEP = 101, 102
# Word pieces of a text that are read, with the two marks.
LONGEST = 64
# Word pieces of one batch.
BATCH = 2_048


class Graph:
    """Nodes and constants of a graph in the making."""

    def __init__(self, weights: dict[str, np.ndarray]):
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.setdefault(name, numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def integers(self, *values: int) -> str:
        return self.constant("int_" + "_".join(map(str, values)), np.array(values, np.int64))

    def number(self, value: float) -> str:
        return self.constant(f"float_{value}", np.float32(value))

    def node(self, kind: str, *inputs: str, **attributes: object) -> str:
        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def weight(self, name: str) -> str:
        return self.constant(name, self.weights[name])

    def linear(self, x: str, name: str) -> str:
        transposed = self.constant(f"{name}.transposed", self.weights[f"{name}.weight"].T)
        return self.node("Add", self.node("MatMul", x, transposed), self.weight(f"{name}.bias"))

    def norm(self, x: str, name: str) -> str:
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=1e-12)

    def embeddings(self) -> str:
        row = lambda table, ids: self.node("Gather", self.weight(f"embeddings.{table}_embeddings.weight"), ids)
        length = self.node("Gather", self.node("Shape", "input_ids"), self.constant("one", np.array(1)))
        places = self.node("Range", self.constant("zero", np.array(0)), length, self.constant("one", np.array(1)))
        both = self.node("Add", row("word", "input_ids"), row("token_type", "token_type_ids"))
        return self.norm(self.node("Add", both, row("position", places)), "embeddings.LayerNorm")

    def layer(self, x: str, name: str, mask: str) -> str:
        def heads(kind: str, *order: int) -> str:
            split = self.integers(0, 0, HEADS, WIDTH // HEADS)
            return self.node(
                "Transpose", self.node("Reshape", self.linear(x, f"{name}.attention.self.{kind}"), split), perm=order
            )

        query, key, value = heads("query", 0, 2, 1, 3), heads("key", 0, 2, 3, 1), heads("value", 0, 2, 1, 3)
        scores = self.node("Mul", self.node("MatMul", query, key), self.number((WIDTH // HEADS) ** -0.5))
        attention = self.node("Softmax", self.node("Add", scores, mask), axis=-1)
        context = self.node("Transpose", self.node("MatMul", attention, value), perm=(0, 2, 1, 3))
        joined = self.linear(self.node("Reshape", context, self.integers(0, 0, WIDTH)), f"{name}.attention.output.dense")
        x = self.norm(self.node("Add", joined, x), f"{name}.attention.output.LayerNorm")
        hidden = self.node("Gelu", self.linear(x, f"{name}.intermediate.dense"))
        return self.norm(self.node("Add", self.linear(hidden, f"{name}.output.dense"), x), f"{name}.output.LayerNorm")


def minilm() -> dict[str, np.ndarray]:
    weights = load_file(teacher() / "model.safetensors")
    return {name.removeprefix("bert."): value.astype(np.float32) for name, value in weights.items()}


def graph(weights: dict[str, np.ndarray], layers: int = 6) -> onnx.ModelProto:
    """Ids and mask in, the last layer's states out: BERT with its weights by the names of its library."""
    g = Graph(weights)
    present = g.node("Cast", "attention_mask", to=TensorProto.FLOAT)
    absent = g.node("Sub", g.number(1.0), g.node("Unsqueeze", present, g.integers(1, 2)))
    mask = g.node("Mul", absent, g.number(-1e9))
    x = g.embeddings()
    for n in range(layers):
        x = g.layer(x, f"encoder.layer.{n}", mask)
    g.nodes[-1].output[0] = "last_hidden_state"
    ids = ["input_ids", "attention_mask", "token_type_ids"]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in ids]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "length", WIDTH])
    made = helper.make_graph(g.nodes, "minilm", inputs, [output], list(g.constants.values()))
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    return model


class Encoder:
    """Mean of the last layer's states over all pieces of a text, the marks included; not normalised."""

    def __init__(self, model: onnx.ModelProto):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def embed_ids(self, rows: list[list[int]]) -> np.ndarray:
        """Vectors (n x 384) of rows of ids with their marks."""
        vectors = np.zeros((len(rows), WIDTH), np.float32)
        order = sorted(range(len(rows)), key=lambda n: len(rows[n]))
        at = 0
        while at < len(order):
            end = at + 1
            while end < len(order) and (end - at + 1) * len(rows[order[end]]) <= BATCH:
                end += 1
            batch = order[at:end]
            vectors[batch] = self._batch([rows[n] for n in batch])
            at = end
        return vectors

    def _batch(self, rows: list[list[int]]) -> np.ndarray:
        ids = np.zeros((len(rows), len(rows[-1])), np.int64)
        mask = np.zeros_like(ids)
        for n, row in enumerate(rows):
            ids[n, : len(row)] = row
            mask[n, : len(row)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (states,) = self.session.run(None, inputs)
        weights = mask[:, :, None].astype(np.float32)
        return (states * weights).sum(1) / weights.sum(1)


class Teacher(Encoder):
    """all-MiniLM-L6-v2."""

    def __init__(self, work: Path):
        super().__init__(graph(minilm()))
        self.work = work
        self.tokenizer = Tokenizer.from_file(str(teacher() / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def embed(self, texts: list[str]) -> np.ndarray:
        """Vectors of texts, kept in the work folder for the next run."""
        key = hashlib.sha256("\n".join([TEACHER_SHA256, str(LONGEST), *texts]).encode()).hexdigest()[:16]
        kept = self.work / f"vectors-{key}.npy"
        if not kept.exists():
            rows = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
            rows = [row if len(row) <= LONGEST else [*row[: LONGEST - 1], SEP] for row in rows]
            part = self.work / "vectors.part.npy"
            np.save(part, self.embed_ids(rows).astype(np.float16))
            part.rename(kept)
        return np.load(kept).astype(np.float32)

    def tokens(self) -> np.ndarray:
        """The vector of each word piece alone between its marks."""
        return self.embed_ids([[CLS, n, SEP] for n in range(self.tokenizer.get_vocab_size())])


def main() -> None:
    folder = Path(sys.argv[1])
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]:
        shutil.copy(teacher() / name, folder / name)
    onnx.save(graph(minilm()), folder / "onnx" / "model.onnx")


if __name__ == "__main__":
    main()
