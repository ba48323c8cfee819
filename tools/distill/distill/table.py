"""The table as a file: the format is docs/state.md, the kind `embedder`."""

import json
import struct
from pathlib import Path

import numpy as np
import xxhash

DTYPES = {"float32": "F32", "float16": "F16", "int8": "I8", "uint8": "U8"}


def quantised(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signed bytes and one 16-bit scale a row."""
    scales = (np.abs(table).max(1) / 127).astype(np.float16)
    divisor = np.where(scales == 0, 1, scales).astype(np.float32)
    rows = np.clip(np.round(table / divisor[:, None]), -127, 127).astype(np.int8)
    return rows, scales


def widened(rows: np.ndarray, scales: np.ndarray) -> np.ndarray:
    return rows.astype(np.float32) * scales.astype(np.float32)[:, None]


def write(path: Path, values: dict[str, object], tensors: dict[str, np.ndarray]) -> int:
    """Writes a state; its length in bytes."""
    payload = _payload(values, tensors)
    middle = struct.pack("<I12sQ", 1, b"embedder", len(payload)) + _checksum(payload)
    whole = b"\x89SONA\r\n\x1a" + middle + _checksum(middle) + payload
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(whole)
    return len(whole)


def _payload(values: dict[str, object], tensors: dict[str, np.ndarray]) -> bytes:
    header: dict[str, object] = {"__metadata__": {"values": _json(values)}}
    body = b""
    for name in sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name)):
        data = np.ascontiguousarray(tensors[name]).tobytes()
        header[name] = {
            "dtype": DTYPES[str(tensors[name].dtype)],
            "shape": list(tensors[name].shape),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    text = _json(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _checksum(data: bytes) -> bytes:
    return xxhash.xxh3_128_intdigest(data).to_bytes(16, "little")
