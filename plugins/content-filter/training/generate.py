#!/usr/bin/env python3
"""Writes the training data: python3 generate.py DATA_DIR OUT.jsonl

DATA_DIR is the folder of the development sets; read are OpenAI's moderation set, RouteLLM's questions, presidio's and
wikigold's sentences. The rest comes from the templates in grammar/ (and the harmless ones of injection-filter) and from
this repository's documentation. Standard library only; the seed is fixed: the same inputs give the same file.
"""
import glob, gzip, json, os, random, re, sys

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.join(HERE, "../../..")
BENIGN = os.path.join(HERE, "../../injection-filter/training/grammar")
# OpenAI's letters, and what the filter calls them.
TAGS = {"S": "sexual", "H": "hate", "H2": "hate", "V": "violence", "V2": "violence", "HR": "harassment",
        "SH": "self-harm", "S3": "sexual-minors"}
HARM = ["harm", "harassment", "violence"]
R = random.Random(20)
CHOICE = re.compile(r"<([^<>]*\|[^<>]*)>")
WORD = re.compile(r"[a-z']+")
# Words that say little.
SMALL = set("""a an the of to in on at and or is are was were be been i you he she it they we me my your his her its
    their our them him us this that these those for with as by not no do does did so if then than but from up out what
    how who all just will would can could should have has had am im dont there here when about into""".split())
SLOT = re.compile(r"\{([A-Za-z_0-9]+)\}")


def grammar(path, slots):
    """The sections of a grammar file (name, how many, templates); its slots are added to `slots`."""
    sections = []
    for line in open(path, encoding="utf-8"):
        line = line.rstrip("\n")
        if not line or line.startswith("# "):
            continue
        if line.startswith("@") and " = " in line and not sections or re.match(r"@[a-z]+ = ", line):
            key, value = line[1:].split(" = ", 1)
            slots[key] = split(value)
        elif line.startswith("== "):
            _, name, count = line.split()
            sections.append((name, int(count), []))
        else:
            sections[-1][2].append(line)
    return sections


def split(value):
    """The alternatives of a slot: at ` | ` outside <…>."""
    parts, depth, start = [], 0, 0
    for at, c in enumerate(value):
        depth += (c == "<") - (c == ">")
        if depth <= 0 and value[at:at + 3] == " | ":
            parts.append(value[start:at].strip())
            start = at + 3
    return parts + [value[start:].strip()]


def expand(text, slots):
    for _ in range(200):
        before = text
        text = CHOICE.sub(lambda m: R.choice(m.group(1).split("|")), text, count=1)
        if text == before:
            text = SLOT.sub(lambda m: pick(m.group(1), slots), text, count=1)
        if text == before:
            break
    return text.replace("\\n", "\n").replace("\\t", "\t").replace("\\", "")


def pick(name, slots):
    if name in ("n", "d"):
        return str(R.randint(2, 99))
    return R.choice(slots[name]) if name in slots else name


def vary(text):
    """Small changes of case and punctuation."""
    x = R.random()
    if x < 0.25:
        text = text.lower()
    elif x < 0.29:
        text = text.upper()
    return text.rstrip(".!?") if R.random() < 0.25 else text


def produce(path, shared, share=1.0):
    slots = dict(shared)
    for name, count, templates in grammar(path, slots):
        for n in range(int(count * share)):
            yield name, vary(expand(templates[n % len(templates)], slots).strip())


def load(data, path):
    path = os.path.join(data, path)
    opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
    return [json.loads(line) for line in opened]


def mapped(tags):
    """The filter's categories: 1 where a tag of one says so, 0 where all that speak say no."""
    out = {}
    for tag, value in tags.items():
        out[TAGS[tag]] = max(out.get(TAGS[tag], 0), value)
    return out


# Of what a template of one tag says nothing: it may be that too.
UNTOLD = {"H": ["harassment"], "HR": ["hate"], "V": ["harassment", "hate"], "S": ["sexual-minors", "harassment"],
          "SH": [], "V2": [], "H2": ["harassment"]}


def told(name):
    """The tags of a template's section, and what it surely is not."""
    tags = {category: 0 for category in TAGS.values()}
    for tag in name.split("+"):
        for category in UNTOLD[tag]:
            tags.pop(category, None)
    return {**tags, **mapped({tag: 1 for tag in name.split("+")})}


def together(parts):
    """Sentences as one text."""
    return R.choice([" ", " ", "\n", "\n\n"]).join(part if part[-1:] in ".!?" else part + "." for part in parts)


def phrases(text):
    """Pairs of words that say something, and longer runs with enough of them."""
    words = WORD.findall(text.lower().replace("’", "'"))
    for size, needed in ((2, 2), (3, 2), (4, 1)):
        for at in range(len(words) - size + 1):
            part = words[at:at + size]
            if sum(word not in SMALL for word in part) >= needed:
                yield " ".join(part)


def fold(text):
    """As data.rs does it."""
    state = 0xCBF29CE484222325
    for c in "".join(c.lower() for c in text if c.isalnum())[:40]:
        state = (state ^ ord(c)) * 0x100000001B3 % 2**64
    return (state >> 32) % 5


def avoid(rows):
    """Notes for each template's text the folds whose labelled texts share a rare phrase with it: what learnt from it
    must not be measured there, for a template may have been written with such a text in view."""
    where, count = {}, {}
    for r in rows:
        if r["source"] == "openai":
            for phrase in set(phrases(r["text"])):
                where.setdefault(phrase, set()).add(fold(r["text"]))
                count[phrase] = count.get(phrase, 0) + 1
    common = {phrase for r in rows if r["source"] == "harmless" for phrase in phrases(r["text"])}
    rare = {phrase: where[phrase] for phrase in where if count[phrase] <= 2 and phrase not in common}
    for r in rows:
        if r["source"] in ("template", "alarming"):
            r["avoid"] = sorted({n for phrase in phrases(r["text"]) for n in rare.get(phrase, ())})


def row(text, source, tags, weight=1.0):
    return {"text": text, "source": source, "tags": tags, "weight": weight}


def main():
    data, out = sys.argv[1:3]
    none = {name: 0 for name in TAGS.values()}
    rows = [dict(row(r["text"], "openai", mapped(r["tags"])), label=r["label"])
            for r in load(data, "moderation/openai_moderation_1680.jsonl")]
    harm = [pair for name in HARM for pair in produce(os.path.join(HERE, "grammar", name + ".txt"), {})]
    harmless = [text for _, text in produce(os.path.join(HERE, "grammar/harmless.txt"), {})]
    comments = list(produce(os.path.join(HERE, "grammar/comments.txt"), {}))
    company = [text for name, text in comments if name in ("talk", "argue")]
    harmless += [text for _, text in comments]
    harmless += [together(R.sample(company, R.randint(2, 5))) for _ in range(900)]
    rows += [row(text, "template", told(name), 0.25) for name, text in harm]
    shared = {}
    grammar(os.path.join(BENIGN, "slots.txt"), shared)
    calm = []
    for name, share in [("benign_user", 0.12), ("benign_short", 0.2), ("benign_long", 0.1)]:
        calm += [text for _, text in produce(os.path.join(BENIGN, name + ".txt"), shared, share)]
    calm += R.sample([r["text"] for r in load(data, "routing/routellm_mmlu_gsm8k.jsonl.gz")], 1500)
    calm += R.sample([r["text"] for r in load(data, "pii/presidio_generated_large_disjoint.jsonl")], 300)
    wiki = [r["text"] for r in load(data, "pii/wikigold.jsonl")]
    calm += [" ".join(wiki[at:at + 3]) for at in range(0, len(wiki), 3)]
    for path in sorted(glob.glob(os.path.join(REPOSITORY, "*.md")) + glob.glob(os.path.join(REPOSITORY, "docs/*.md"))):
        calm += [p for p in open(path, encoding="utf-8").read().split("\n\n") if len(p) > 80][:12]
    rows += [row(text, "alarming", none, 1.0) for text in harmless]
    rows += [row(text, "harmless", none, 0.35) for text in calm]
    # A sentence in company: unwanted among harmless ones is unwanted still.
    for name, text in R.sample(harm, 1500):
        parts = [text, *R.sample(company, R.randint(1, 3))]
        R.shuffle(parts)
        rows.append(row(together(parts), "template", told(name), 0.15))
    seen, kept = set(), []
    for r in rows:
        if r["text"] not in seen:
            seen.add(r["text"])
            kept.append({**r, "label": r.get("label", int(any(r["tags"].values())))})
    avoid(kept)
    with open(out, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in kept)
    print(len(kept), "rows")


main()
