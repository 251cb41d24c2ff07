#!/usr/bin/env python3
"""Writes the training data of the tagger: python3 generate.py DATA_DIR OUT.jsonl [SILVER.jsonl]

DATA_DIR is the folder of the development sets; of its `pii` folder the three sets with names are read (presidio's
generated texts, MIT; wikigold and WNUT17, CC BY 4.0). The rest comes from templates.txt and gazetteers.txt and
from Faker (MIT: `pip install faker==40.54.0`). SILVER holds texts that teacher.py has labelled. Seeds are fixed.

A row is {text, spans: [[start, end, type]], set, fold, weight}; train.rs leaves out the fold that PII_FOLD names.
"""
import hashlib, json, os, random, re, sys

from faker import Faker

HERE = os.path.dirname(os.path.abspath(__file__))
R = random.Random(20)
TYPES = {
    "PER": "PERSON", "person": "PERSON", "PERSON": "PERSON", "LOC": "LOCATION", "location": "LOCATION",
    "LOCATION": "LOCATION", "ADDRESS": "ADDRESS", "ORG": "ORGANIZATION", "corporation": "ORGANIZATION",
    "group": "ORGANIZATION", "ORGANIZATION": "ORGANIZATION", "MISC": "OTHER", "product": "OTHER",
    "creative-work": "OTHER",
}
LATIN = (
    "en_US en_US en_US en_US en_US en_GB en_GB en_AU en_CA en_IE en_IN en_NZ en_PH de_DE de_AT de_CH fr_FR fr_FR fr_CA "
    "es_ES es_MX es_AR es_CO it_IT pt_PT pt_BR nl_NL nl_BE da_DK sv_SE no_NO fi_FI pl_PL cs_CZ sk_SK hu_HU ro_RO "
    "hr_HR sl_SI tr_TR et_EE lt_LT lv_LV id_ID fil_PH vi_VN az_AZ ga_IE en_NG en_KE zu_ZA yo_NG tw_GH"
).split()
OTHER = "ru_RU uk_UA bg_BG el_GR ja_JP zh_CN ko_KR ar_SA hi_IN he_IL".split()


def fakers():
    made = {}
    for locale in sorted(set(LATIN + OTHER)):
        try:
            made[locale] = Faker(locale)
            made[locale].seed_instance(int(hashlib.sha256(locale.encode()).hexdigest(), 16) % 2**32)
        except Exception:  # a Faker without this locale
            pass
    return made


FAKERS = fakers()
LOCALES = [x for x in LATIN if x in FAKERS]
FAR = [x for x in OTHER if x in FAKERS]
LISTS = {}
for line in open(os.path.join(HERE, "gazetteers.txt"), encoding="utf-8"):
    if " = " in line and not line.startswith("#"):
        key, value = line.strip().split(" = ", 1)
        LISTS[key] = value.split(" | ")


def fake(method, locale=None):
    """What a Faker of a random locale makes; English where the locale has none."""
    locale = locale or R.choice(LOCALES)
    for maker in (FAKERS[locale], FAKERS["en_US"]):
        try:
            text = getattr(maker, method)()
            if text:
                return str(text)
        except Exception:
            continue
    return "Smith"


TITLE = re.compile(r"^(?:(?:mrs?|ms|miss|dr|prof|sir|dott|sig|ing|univ|dipl|frau|herr|mw|dhr|ir|hr|fr|bc|mgr|judr)\.?(?:-\w+\.?)? |pani? |mme |m\. )+", re.I)
TAIL = re.compile(r",? (?:MD|PhD|DDS|DVM|Jr\.|II+|IV|V|MBA\.?|B\.\w+\.?|M\.\w+\.?|Ph\.D\.?|CSc\.?|DiS\.?|Th\.D\.?)$")


def first(locale=None):
    return fake("first_name", locale).split(" ")[0]


def last(locale=None):
    return fake("last_name", locale)


def person():
    x = R.random()
    if x < 0.03:
        return fake("name", R.choice(FAR))
    locale = R.choice(LOCALES)
    if x < 0.30:
        # Names of one country with those of another, and initials.
        other = R.choice(LOCALES)
        given, name = first(locale), last(other)
        return R.choice(["%s %s", "%s %s", "%s %s", "%s " + R.choice("ABCDEFGHJKLMNPRSTW") + ". %s"]) % (given, name)
    if x < 0.36:
        return "%s. %s" % (R.choice("ABCDEFGHJKLMNPRSTW"), last(locale))
    if x < 0.39:
        return "%s, %s" % (last(locale), first(locale))
    if x < 0.42:
        return "%s-%s %s" % (first(locale), first(locale), last(locale))
    return TAIL.sub("", TITLE.sub("", fake("name", locale)))


def titled():
    title = R.choice(["Mr.", "Mrs.", "Ms.", "Dr.", "Mr", "Mrs", "Ms", "Dr", "Miss", "Prof.", "Professor", "Herr", "Frau", "Señor", "Mme", "Signor"])
    return title + " " + (last() if R.random() < 0.5 else person())


def invented():
    a = ["Ax", "Vel", "Zen", "Qua", "Nor", "Tri", "Lum", "Cor", "Syn", "Ver", "Alt", "Bel", "Kin", "Mon", "Opti", "Practi", "Infra"]
    b = ["ara", "ion", "ix", "ory", "ent", "ello", "ify", "ana", "os", "tek", "soft", "gen", "plan", "wave", "list", "dyne"]
    return R.choice(a) + R.choice(b)


def org():
    x = R.random()
    thing, noun, end = R.choice(LISTS["things"]), R.choice(LISTS["orgnouns"]), R.choice(LISTS["orgends"])
    if x < 0.16:
        return fake("company")
    if x < 0.36:
        return R.choice(LISTS["orgs"])
    if x < 0.44:
        return "%s %s" % (last(), end)
    if x < 0.52:
        return "%s %s" % (R.choice([thing, city(), last(), invented()]), noun)
    if x < 0.57:
        return "%s %s %s" % (R.choice(["National", "Royal", "American", "First", "United", "International", "New", city()]), R.choice(LISTS["topics"] + LISTS["things"]), noun)
    if x < 0.63:
        return "%s of %s" % (R.choice(["University", "Bank", "Department", "Ministry", "Institute", "Church", "Museum", "School", "College", "Friends", "Bureau", "Office"]), R.choice(LISTS["topics"] + [city(), country()]))
    if x < 0.69:
        return "".join(R.choice("ABCDEFGHIJKLMNOPRSTUVW") for _ in range(R.choice([2, 3, 3, 3, 4, 4])))
    if x < 0.75:
        return "%s %s" % (R.choice(LISTS["things"]), R.choice(LISTS["things"]))
    if x < 0.80:
        return R.choice(LISTS["things"]) + R.choice(["", ""]) + R.choice(LISTS["things"]).lower()
    if x < 0.86:
        return invented() + R.choice(["", "", " " + end])
    if x < 0.90:
        return "%s, %s and %s" % (last(), last(), last())
    if x < 0.94:
        return "%s %s" % (last(), R.choice(["and " + last(), "& " + last(), "Brothers", "Group", noun]))
    return "%s %s" % (city(), R.choice(["FC", "United", "Tigers", "Eagles", "High School", "Police Department", "City Council", "Times", "Symphony Orchestra", "Airport Authority"]))


def town(locale):
    """A town that exists: some locales build theirs from names."""
    return fake("city", locale)


REAL = [x for x in "de_DE de_AT en_GB it_IT nl_NL nl_BE pl_PL cs_CZ sk_SK hu_HU ro_RO hr_HR sl_SI tr_TR sv_SE fi_FI da_DK es_ES es_MX pt_PT fr_CH lt_LT lv_LV et_EE id_ID fil_PH en_IN en_PH es_CO de_CH ga_IE".split() if x in FAKERS]


def city():
    x = R.random()
    if x < 0.30:
        return R.choice(LISTS["cities"])
    if x < 0.70:
        return town(R.choice(REAL))
    if x < 0.84:
        return town(R.choice(LOCALES))
    if x < 0.87:
        return R.choice(["El", "La", "Los", "Las", "Saint", "St.", "San", "Santa", "Fort", "Port", "Mount", "Bad", "Le", "Nova"]) + " " + last()
    if x < 0.97:
        return last() + R.choice(["ville", "ton", "burg", "ham", "stad", "dorf", "ford", "by", "berg", "ov", "ia", "field", " Creek", " Hill", " Park", " Beach", " Valley"])
    return fake("city", R.choice(FAR))


def country():
    return fake("country", "en_US") if R.random() < 0.4 else R.choice(LISTS["countries"])


def state():
    return R.choice(LISTS["states"])


def place():
    x = R.random()
    if x < 0.6:
        return R.choice(LISTS["places"])
    return R.choice(["Lake %s", "Mount %s", "%s River", "%s County", "%s Valley", "%s Island", "%s Park", "%s Square", "Fort %s", "%s Bridge", "Port %s", "%s Airport", "%s Street", "%s Bay"]) % (last() if R.random() < 0.6 else city())


def spoken():
    """A place as people call it in chat: short, in small letters, misspelt."""
    name = R.choice(LISTS["spoken"]) if R.random() < 0.55 else R.choice([city, city, country, state, place])()
    x = R.random()
    if x < 0.35:
        name = name.lower()
    elif x < 0.38:
        name = name.upper()
    if R.random() < 0.06 and len(name) > 5:
        at = R.randrange(1, len(name) - 1)
        name = name[:at] + R.choice([name[at] * 2, "", name[at + 1] + name[at]]) + name[at + 1:]
    return name.strip()


FORMS = ["{n} {l} {s}", "{n} {l} {s}", "{n} {l} {s}", "{l}straße {n}", "{l}strasse {n}", "{l}weg {n}", "Rue de {l} {n}", "{n} rue {l}", "{n}, rue {f} {l}", "Calle {l} {n}", "C/ {l}, {n}", "Via {l} {n}", "Via {f} {l}, {n}", "Rua {l} {n}", "{l}gatan {n}", "{l}laan {n}", "{l}straat {n}", "ul. {l} {n}", "{l}vej {n}", "{l}katu {n}", "Avenida {l} {n}", "P.O. Box {n}", "PO Box {n}", "{l} u. {n}.", "{n} {c} {s}", "{n} W {l} {s}", "{n} North {l} {s}", "{n} {o} {s}", "{n} {o} Avenue", "Plaza {l} {n}", "Avenue {f} {l} {n}", "{l} {s} {n}", "Am {l} {n}", "{n} {l}weg {n}", "{n} {l} utca {n}.", "{n} Via {l} {n}", "{n} Rue de {l} {n}", "{n} {n} {l} {s}", "{n} {l}straat {n}", "the corner of {l} {s} and {f} {s}", "{n} {f}gata {n}", "Calle {f} {l}, {n}", "{n} Rua {l} {n}", "{n} P.O. Box {n}", "{n} Kirchstrasse {n}"]
KINDS = ["Street", "St", "St.", "Road", "Rd", "Avenue", "Ave", "Ave.", "Lane", "Drive", "Dr", "Boulevard", "Blvd", "Way", "Court", "Ct", "Place", "Close", "Crescent", "Terrace", "Square", "Parkway", "Highway", "Circle", "Trail", "Gardens"]


def street():
    if R.random() < 0.35:
        return fake("street_address").replace("\n", ", ")
    number = str(R.choice([R.randint(1, 99), R.randint(1, 999), R.randint(1000, 19999)])) + R.choice(["", "", "", "", "a", "B"])
    return R.choice(FORMS).format(n=number, l=last(), f=first(), c=city(), s=R.choice(KINDS), o=R.choice(["1st", "2nd", "3rd", "5th", "12th", "42nd", "103rd", "Main", "Oak", "Park", "Church", "High", "Station", "Mill"]))


def zipcode():
    x = R.random()
    if x < 0.55:
        return "%05d" % R.randint(501, 99950)
    if x < 0.65:
        return "%05d-%04d" % (R.randint(501, 99950), R.randint(1, 9999))
    if x < 0.75:
        return fake("postcode", "en_GB")
    return fake("postcode")


def unit():
    return R.choice(["Apt. %d", "Apt %d", "Suite %d", "Unit %d", "#%d", "Flat %d", "Room %d", "Floor %d", "Apartment %d", "Ste %d"]) % R.randint(1, 999)


def abbreviation():
    return fake("state_abbr", "en_US")


def address():
    """(text, …) parts of one address; a city or country in it is part of it."""
    x = R.random()
    if x < 0.22:
        return fake("address").replace("\n", R.choice([", ", " ", "\n"]))
    sep = R.choice([", ", ", ", " ", "\n", "\n "])
    parts = [street()]
    if R.random() < 0.3:
        parts.append(unit())
    y = R.random()
    if y < 0.35:
        parts.append("%s, %s %s" % (city(), abbreviation(), zipcode()))
    elif y < 0.55:
        parts.append("%s %s" % (zipcode(), city()))
    elif y < 0.7:
        parts += [city(), abbreviation(), zipcode()]
    elif y < 0.9:
        parts.append(city())
    if R.random() < 0.25 and y < 0.9:
        parts.append(country())
    return sep.join(parts)


def block():
    """An address over several lines, with what the caller puts before its lines."""
    lines = [street()] if R.random() < 0.9 else ["%s, Box %d" % (R.choice(["PSC 700", "Unit 90"]) + str(R.randint(0, 9)), R.randint(10, 9999))]
    if R.random() < 0.5:
        lines.append(unit())
    x = R.random()
    if x < 0.4:
        lines.append("%s, %s %s" % (city(), abbreviation(), zipcode()))
    elif x < 0.6:
        lines.append("%s %s" % (zipcode(), city()))
    else:
        lines += [city(), "%s %s" % (country(), zipcode())]
    if R.random() < 0.3 and x < 0.6:
        lines.append(country())
    return lines


def misc():
    x = R.random()
    if x < 0.35:
        return R.choice(LISTS["misc"])
    a, b = R.choice(LISTS["things"]), R.choice(LISTS["things"])
    return R.choice(["The %s %s" % (a, b), "%s of the %s" % (a, b), "%s and %s" % (a, b), "%s %d" % (invented(), R.randint(1, 900)), a + " " + b, "A %s for %s" % (a, last())])


WORDS = "cache parser token buffer handler index node value request config stream order user session queue model data item path result logger numpy serde tokio react pandas util client server".split()
SLOTS = {
    "person": ("PERSON", person), "first": ("PERSON", first), "last": ("PERSON", last), "titled": ("PERSON", titled),
    "tech": ("OTHER", lambda: R.choice(LISTS["tech"])), "drug": ("OTHER", lambda: R.choice(LISTS["drugs"])),
    "theorem": ("OTHER", lambda: R.choice(LISTS["theorems"])), "thing": (None, lambda: R.choice(R.choice([LISTS["words"], LISTS["words"], LISTS["things"], COMMON]))),
    "lower": (None, lambda: R.choice(COMMON).lower()), "hex": (None, lambda: "%0*x" % (R.choice([6, 7, 8, 12]), R.getrandbits(48))),
    "star": ("PERSON", lambda: R.choice(LISTS["stars"])),
    "org": ("ORGANIZATION", org), "uni": ("ORGANIZATION", lambda: R.choice(["University of %s" % city(), "%s University" % city(), "%s College" % last()])),
    "city": ("LOCATION", city), "country": ("LOCATION", country), "state": ("LOCATION", state), "place": ("LOCATION", place),
    "spoken": ("LOCATION", spoken),
    "address": ("ADDRESS", address), "street": ("ADDRESS", street), "zip": ("ADDRESS", zipcode),
    "unit": ("ADDRESS", unit), "slang": (None, lambda: slang()),
    "misc": ("OTHER", misc), "nat": ("OTHER", lambda: R.choice(LISTS["nat"])),
    "word": (None, lambda: R.choice(WORDS)), "num": (None, lambda: str(R.choice([R.randint(1, 30), R.randint(1, 30), R.randint(31, 999), R.randint(1850, 2025)]))),
    "date": (None, lambda: R.choice(["%d %s %d", "%d. %s %d", "%d %s , %d"]) % (R.randint(1, 28), month(), R.randint(1900, 2026)) if R.random() < 0.6 else "%04d-%02d-%02d" % (R.randint(1950, 2026), R.randint(1, 12), R.randint(1, 28))),
    "month": (None, lambda: month()), "day": (None, lambda: R.choice("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())),
    "email": (None, lambda: fake("email", "en_US")), "phone": (None, lambda: fake("phone_number", "en_US")), "job": (None, lambda: R.choice(LISTS["jobs"]) if R.random() < 0.5 else fake("job", "en_US")),
}


def slang():
    """A word as nobody spells it."""
    word = R.choice(WORDS + LISTS["things"] + "good shit wow yes pretty funny waiting song people never again trash talking crazy damn peeps legit vibes roast savage cringe meme epic fail".split()).lower()
    x = R.random()
    if x < 0.35:
        at = R.randrange(len(word))
        word = word[:at] + word[at] * R.randint(2, 5) + word[at + 1:]
    elif x < 0.5:
        word = word[:-1] + R.choice(["z", "in", "ah", "y", "s", "o"])
    elif x < 0.6:
        word = "".join(R.choice(["ka", "mu", "zi", "lo", "tha", "ng", "ya", "re", "bo", "sh", "ee"]) for _ in range(R.randint(2, 4)))
    return R.choice([word, word, word, word.title(), word.title(), word.upper()])


# Words of ordinary language, as Faker has them.
COMMON = sorted({w.title() for w in FAKERS["en_US"].get_words_list() if len(w) > 2} | {w.split()[0].strip(",()/").title() for w in (fake("job", "en_US") for _ in range(300))})


def month():
    return R.choice("January February March April May June July August September October November December".split())


CHOICE = re.compile(r"<([^<>]*\|[^<>]*)>")
SLOT = re.compile(r"\{([a-z]+)\}")


def produce(template):
    """A template's text with its spans."""
    text = template
    while CHOICE.search(text):
        text = CHOICE.sub(lambda m: R.choice(m.group(1).split("|")), text, count=1)
    text = text.replace("\\n", "\n")
    out, spans, at = "", [], 0
    for m in SLOT.finditer(text):
        if m.group(1) not in SLOTS and m.group(1) != "block":
            continue
        out += text[at:m.start()]
        at = m.end()
        if m.group(1) == "block":
            mark = re.search(r"[^\n]*$", out).group(0)
            mark = mark if re.fullmatch(r"[ >#*?|-]*", mark) else ""
            for n, line in enumerate(block()):
                out += ("\n" + mark + R.choice(["", "", " "]) if n else "")
                spans.append([len(out), len(out) + len(line), "ADDRESS"])
                out += line
            continue
        kind, make = SLOTS[m.group(1)]
        value = make()
        if kind:
            spans.append([len(out), len(out) + len(value), kind])
        out += value
    return out + text[at:], spans


def templates():
    weight, all_of = 1, []
    for line in open(os.path.join(HERE, "templates.txt"), encoding="utf-8"):
        line = line.rstrip("\n")
        if line.startswith("== "):
            weight = float(line.split()[2])
            name = line.split()[1]
        elif line and not line.startswith("# "):
            all_of.append((name, weight, line))
    return all_of


def recase(text, how):
    changed = text.lower() if how == "lower" else text.upper()
    return changed if len(changed) == len(text) else text


def join(text, spans):
    """A tokenised text as people write it, with its spans."""
    out, where = [], []
    for i, c in enumerate(text):
        where.append(len(out))
        before, after = text[i + 1:i + 2], text[i - 1:i] if i else ""
        rest = text[i + 1:]
        glue = c == " " and (before in ".,;:!?)%]" or rest.startswith(("n't", "'s", "'re", "'ll", "'ve", "'d ", "' s ")) or after in "([$#@")
        if not glue:
            out.append(c)
    where.append(len(out))
    return "".join(out), [[where[s], where[e], t] for s, e, t in spans]


MAKERS = {"PERSON": None, "LOCATION": None, "ORGANIZATION": org}


def swap(text, spans):
    """Other names in place of those of a text."""
    out, at, new = "", 0, []
    for s, e, t in sorted(spans):
        if s < at:
            continue
        out += text[at:s]
        old = value = text[s:e]
        words = old.count(" ") + 1
        if t == "PERSON" and R.random() < 0.7:
            value = person() if words > 1 else R.choice([first, last])()
        elif t == "LOCATION" and R.random() < 0.6:
            value = R.choice([city, city, country, state, place])()
        elif t == "ORGANIZATION" and R.random() < 0.4:
            value = org()
        if old.islower():
            value = value.lower()
        new.append([len(out), len(out) + len(value), t])
        out += value
        at = e
    return out + text[at:], new


# Which fifth is held out of the teacher and the plain words.
HELD = 2


def fold(name, n, row):
    """The fifth that a row belongs to: by blocks of wikigold, by tweets, by presidio's templates."""
    if name == "wikigold":
        return n // 20 % 5
    if name == "wnut17":
        return n % 5
    return int(hashlib.sha256(row["template"].encode()).hexdigest(), 16) % 5


def held(name, n, row):
    return fold(name, n, row) == HELD


def sets(data):
    for name, file in [("wikigold", "wikigold"), ("wnut17", "wnut17_dev"), ("presidio", "presidio_generated_large_disjoint")]:
        for n, line in enumerate(open(os.path.join(data, "pii", file + ".jsonl"), encoding="utf-8")):
            row = json.loads(line)
            spans = [[s, e, TYPES[t]] for s, e, t in row["spans"] if t in TYPES]
            yield name, fold(name, n, row), row["text"], sorted(spans)


def main():
    data, out = sys.argv[1], open(sys.argv[2], "w", encoding="utf-8")

    def put(name, text, spans, fold=None, weight=1.0):
        row = {"text": text, "spans": spans, "set": name, "fold": fold, "weight": weight}
        out.write(json.dumps(row, ensure_ascii=False) + "\n")

    for name, part, text, spans in sets(data):
        put(name, text, spans, part, 1.2 if name != "presidio" else 1.0)
        for n in range({"wikigold": 6, "wnut17": 6, "presidio": 1}[name]):
            changed, moved = swap(text, spans) if name != "presidio" else (text, spans)
            if name != "presidio" and R.random() < 0.5:
                changed, moved = join(changed, moved)
            x = R.random()
            changed = recase(changed, "lower") if x < 0.15 else recase(changed, "upper") if x < 0.19 else changed
            put(name + "+", changed, moved, part, 0.7)
    every = templates()
    count = int(os.environ.get("PII_GENERATED", "52000"))
    for _ in range(count):
        _, _, template = R.choices(every, WEIGHTS(every))[0]
        text, spans = produce(template)
        x = R.random()
        text = recase(text, "lower") if x < 0.2 else recase(text, "upper") if x < 0.23 else text
        if R.random() < 0.3:
            more, others = produce(R.choices(every, WEIGHTS(every))[0][2])
            joint = R.choice([" ", "\n", "\n\n"])
            spans = spans + [[s + len(text) + len(joint), e + len(text) + len(joint), t] for s, e, t in others]
            text = text + joint + more
        put("generated", text, spans, weight=0.5)
    for path in sys.argv[3:]:
        for line in open(path, encoding="utf-8"):
            row = json.loads(line)
            put("silver", row["text"], row["spans"], weight=1.6 * row["weight"])
            if row["spans"]:
                text, spans = swap(row["text"], row["spans"])
                put("silver+", recase(text, "lower") if R.random() < 0.2 else text, spans, weight=1.4 * row["weight"])


COUNTS = {}


def WEIGHTS(every):
    """Each section has its weight, shared by its templates."""
    if not COUNTS:
        for name, _, _ in every:
            COUNTS[name] = COUNTS.get(name, 0) + 1
    return [weight / COUNTS[name] for name, weight, _ in every]


if __name__ == "__main__":
    main()
