"""Checks of the distiller: tools/distill/python.sh -m unittest discover -s tools/distill/tests"""

import csv
import os
import unittest
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
from safetensors import safe_open
from scipy import sparse

from distill import table
from distill.corpus import questions
from distill.static import Fit, Space, bags, unit
from distill.teacher import Teacher


class Static(unittest.TestCase):
    def test_gradient_is_that_of_finite_differences(self):
        rng = np.random.default_rng(3)
        rows = rng.normal(size=(9, 4))
        texts = sparse.csr_matrix(rng.integers(0, 3, size=(6, 9)).astype(float))
        targets = unit(rng.normal(size=(6, 4)))
        loss = lambda rows: 1 - np.mean(np.sum(unit(texts @ rows) * targets, axis=1))
        gradient, used, cosine = Fit(batch=6)._gradient(rows, texts, targets)
        self.assertAlmostEqual(1 - cosine, loss(rows))
        for n, row in enumerate(used):
            for k in range(4):
                step = np.zeros_like(rows)
                step[row, k] = 1e-6
                slope = (loss(rows + step) - loss(rows - step)) / 2e-6
                self.assertAlmostEqual(gradient[n, k], slope, delta=1e-8)

    def test_fit_comes_nearer_and_a_strong_hold_stays(self):
        rng = np.random.default_rng(4)
        first = rng.normal(size=(50, 8)).astype(np.float32)
        texts = sparse.csr_matrix(rng.integers(0, 2, size=(64, 50)).astype(np.float32))
        targets = unit(texts @ rng.normal(size=(50, 8))).astype(np.float32)
        cosine = lambda rows: float(np.mean(np.sum(unit(texts @ rows) * targets, axis=1)))
        with redirect_stdout(None):
            moved = Fit(epochs=100, batch=16, hold=0).run(first, texts, targets)
            held = Fit(epochs=100, batch=16, hold=1e4).run(first, texts, targets)
        self.assertGreater(cosine(moved), cosine(first) + 0.2)
        self.assertLess(np.abs(held - first).max(), 0.1)

    def test_space_keeps_what_varies_most(self):
        rng = np.random.default_rng(5)
        vectors = (rng.normal(size=(500, 3)) * [1, 9, 3]).astype(np.float32)
        directions = Space.of(vectors, 2).directions
        self.assertGreater(abs(directions[1, 0]), 0.99)
        self.assertGreater(abs(directions[2, 1]), 0.99)


class File(unittest.TestCase):
    def test_bytes_are_within_half_a_step(self):
        rows = np.random.default_rng(6).normal(size=(40, 16))
        rows[7] = 0
        steps, scales = table.quantised(rows)
        error = np.abs(table.widened(steps, scales) - rows).max(axis=1)
        self.assertTrue(np.all(error <= 0.51 * scales.astype(np.float64) + 127 * 2**-12 * scales.astype(np.float64)))
        self.assertEqual(error[7], 0)

    def test_table_that_ships_is_read(self):
        path = Path(__file__).resolve().parents[3] / "models" / "static-minilm" / "table.sona"
        data = path.read_bytes()
        self.assertEqual(data[:8], b"\x89SONA\r\n\x1a")
        self.assertEqual(data[32:48], table._checksum(data[64:]))
        self.assertLessEqual(len(data), 8 * 2**20)


class Corpus(unittest.TestCase):
    def test_questions_repeat(self):
        class Words:
            words = {"noun": ["bank", "card"], "verb": ["close"], "adj": ["new"], "adv": ["now"]}

        made = questions(Words(), 200, seed=1)
        self.assertEqual(made, questions(Words(), 200, seed=1))
        self.assertTrue(all("{" not in text for text in made))
        self.assertIn("how do i close my card", made)


@unittest.skipUnless(os.environ.get("SONA_DATA"), "SONA_DATA is not set")
class AgainstRecorded(unittest.TestCase):
    def test_teacher_is_the_recorded_one(self):
        folder = Path(os.environ["SONA_DATA"]) / "clinc150"
        with open(folder / "test.csv", encoding="utf8", newline="") as file:
            texts = [row["text"] for row in csv.DictReader(file)][:64]
        recorded = unit(safe_open(folder / "minilm.safetensors", "np").get_tensor("test")[:64].astype(np.float32))
        teacher = Teacher(Path("."))
        rows = [encoding.ids for encoding in teacher.tokenizer.encode_batch(texts)]
        cosine = np.sum(unit(teacher.embed_ids(rows)) * recorded, axis=1)
        self.assertGreater(cosine.min(), 0.999)
        self.assertEqual(bags(teacher.tokenizer, ["a a b", ""]).sum(axis=1).tolist(), [[3], [0]])


if __name__ == "__main__":
    unittest.main()
