"""Trains the costs of differences between two questions, `data/costs.txt`, from pairs, what they differ in and what a teacher says.

    python3 train.py taught.jsonl ../data/costs.txt

The distance of two questions is what all-MiniLM-L6-v2 finds it to be, and `OTHER` more where they ask for different things;
linear in the differences, least squares, with no weight below zero (projected gradient over the whole set, no random
numbers). The costs are scaled so that a distance of `LIMIT` is the default `threshold`. Prints the curve of the held-out part.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np

THRESHOLD = 0.85
OTHER = 0.2
LIMIT = 0.051
STEPS = 20000
HERE = Path(__file__).parent


def names():
    """The names of the differences, in their order, as the plugin has them."""

    def listed(file, start):
        return re.findall(r'"(\w+)"', re.search(start + r"[^=]*=\s*\[(.*?)\];", (HERE / file).read_text(), re.S)[1])

    return listed("../src/guard/costs.rs", "const NAMES") + listed("../src/guard/words.rs", "const GROUPS")


def fit(x, t):
    """Weights and a constant, none below zero."""
    x = np.c_[x, np.ones(len(x))]
    scale = np.maximum(np.sqrt((x**2).mean(0)), 1e-3)
    z = x / scale
    a, b = z.T @ z / len(z), z.T @ t / len(z)
    rate, w = 1 / np.linalg.eigvalsh(a).max(), np.zeros(len(a))
    for _ in range(STEPS):
        w = np.maximum(0, w - rate * (a @ w - b))
    w = w / scale
    return w[:-1], w[-1]


def curve(cost, y, whole):
    order = np.argsort(cost, kind="stable")
    right = np.cumsum(y[order])
    for share in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5):
        at = int(np.searchsorted(right, share * whole))
        if at < len(right):
            print(f"recall {share:.2f}: wrong {1 - right[at] / (at + 1):.3f} of hits, cost {cost[order][at]:.4f}")


def main():
    rows = [json.loads(line) for line in open(sys.argv[1])]
    x = np.array([row["features"] for row in rows])
    y = np.array([row["label"] for row in rows], float)
    held = np.array([row["held"] for row in rows])
    distance = 1 - np.array([row["teacher"] for row in rows]) + OTHER * (1 - y)
    w, constant = fit(x[~held], distance[~held])
    unit = (1 - THRESHOLD) / LIMIT
    cost = x[held] @ w
    print(f"{len(rows)} pairs, {held.sum()} of them held out; the constant is {constant:.3f}")
    error = ((distance[held] - cost - constant) ** 2).sum() / ((distance[held] - distance[held].mean()) ** 2).sum()
    print(f"held out, the share of the variance that is explained: {1 - error:.3f}")
    curve(cost * unit, y[held], y[held].sum())
    hits = cost <= LIMIT
    print(f"held out: {hits.sum()} hits, recall {y[held][hits].sum() / y[held].sum():.3f}, wrong {1 - y[held][hits].mean():.3f}")
    head = "# What it costs two questions to differ, written by `training/train.py`: see `src/guard/costs.rs`.\n"
    lines = [f"{name} {cost:.4f}" for name, cost in zip(names(), w * unit)]
    Path(sys.argv[2]).write_text(head + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
