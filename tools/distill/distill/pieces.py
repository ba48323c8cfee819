"""Pieces of a unigram model: the reference tokenizer, and counts of them."""

import io
from collections.abc import Sequence

import numpy as np
import sentencepiece
from scipy import sparse
from sentencepiece import sentencepiece_model_pb2 as model

UNKNOWN = "<unk>"


def reference(pieces: Sequence[str], scores: Sequence[float]) -> sentencepiece.SentencePieceProcessor:
    """SentencePiece itself with these pieces, of which the first is the unknown one."""
    proto = _rules()
    del proto.pieces[:]
    kinds = model.ModelProto.SentencePiece
    for place, (piece, score) in enumerate(zip(pieces, scores)):
        proto.pieces.add(piece=piece, score=score, type=kinds.NORMAL if place else kinds.UNKNOWN)
    proto.trainer_spec.Clear()
    proto.trainer_spec.model_type = model.TrainerSpec.UNIGRAM
    proto.trainer_spec.bos_id = proto.trainer_spec.eos_id = proto.trainer_spec.pad_id = -1
    return sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())


def _rules() -> model.ModelProto:
    """A model with the rules of normalisation, which only training writes."""
    written = io.BytesIO()
    lines = iter([f"{a}{b} {b}{c}{a}" for a in "abcd" for b in "efgh" for c in "ijkl"])
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=lines, model_writer=written, vocab_size=20, normalization_rule_name="nmt_nfkc",
        hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    proto = model.ModelProto()
    proto.ParseFromString(written.getvalue())
    return proto


def bags(tokenizer: sentencepiece.SentencePieceProcessor, texts: list[str]) -> sparse.csr_matrix:
    """Counts of pieces (texts x vocabulary)."""
    rows = tokenizer.encode(texts)
    columns = np.concatenate([np.array(row, np.int32) for row in rows])
    places = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    shape = (len(rows), tokenizer.get_piece_size())
    return sparse.csr_matrix((np.ones(len(columns), np.float32), (places, columns)), shape=shape)
