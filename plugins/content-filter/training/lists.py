#!/usr/bin/env python3
"""Writes data/profanity.txt: python3 lists.py DATA_DIR/moderation/ldnoobw.jsonl ../data/profanity.txt

The words are those of LDNOOBW ("List of Dirty, Naughty, Obscene, and Otherwise Bad Words", CC BY 4.0) in its 28 languages,
without those that are everyday words of another language, and our own inflections of the English ones.
"""
import json, sys

# Everyday words of English or of several languages, numbers, and names of things.
EVERYDAY = set("""nazi trio bite péter del pot fan hård stake am göt götten got 13. 13点 sm xx 3p フック バック ファンタジー
กะปิ ล้างตู้เย็น cono homo pet bog con pök sås mona regina pitt
piĉo cu satan búr pic rosette franc fava pinto inferno saco burro mama homosexual heterosexual pataka trans sas""".split()) | {"girl on"}
# Says little by itself.
MILD = set("""escort sex sexual sexually sexo sexuality sexy sexe breasts breast nude nudity nipple nipples
rape raping rapist penis vagina anus anal anilingus suck sucks ecstasy bondage bdsm butt erotic erotism
porno porn pornography orgasm orgy panties panty xxx hardcore hooker strip snatch spunk topless voyeur swinger threesome
twink escort eunuch fecal feces kinky nympho playboy poof poon pubes queaf sadism scat semen shota shemale sodomy splooge
sultry twat urethra violet wank licked genitals domination dominatrix bisexual masturbate masturbation masturbating damn hell bloody balls vulva clitoris rectum
intercourse fellatio spastic zoophilia urophilia incest ejaculation negro undressing snowballing hijra kama kamasutra anal rapist""".split())
SOLID = """fuck fucks fucked fucker fuckers fucking fuckin fuckface fuckhead fuckwit fuckboy motherfuck motherfucker motherfuckers
motherfucking motherfuckin clusterfuck shit shits shitty shitter shitting shithead shitheads shithole shitface bullshit
horseshit dipshit batshit bitch bitches bitching bitchy cunt cunts asshole assholes arsehole arseholes asshat jackass
dumbass dickhead dickheads prick pricks wanker wankers twat twats cocksucker cocksuckers bastard bastards bollocks whore
whores slut sluts slutty nigger niggers nigga niggas faggot faggots fag fags kike kikes spic spics chink chinks gook gooks
wetback wetbacks tranny trannies dyke dykes retard retards retarded douchebag douchebags pussy pussies tits titties cum
cumshot blowjob blowjobs handjob jizz dildo dildos wank wanking tosser bellend numpty minger knobhead piss pissed pisses
crap crappy damn goddamn goddamned dammit arse dick dicks cock cocks""".split()
# Spellings that are not disguises but words.
ALSO = {"de": ["scheiße", "scheisse", "arschloch", "fotze", "hurensohn", "wichser"], "fr": ["putain", "merde", "connard", "salope", "enculé"],
        "es": ["mierda", "puta", "puto", "gilipollas", "cabrón", "pendejo", "joder", "coño"], "it": ["cazzo", "stronzo", "vaffanculo", "merda", "puttana"],
        "pl": ["kurwa", "chuj", "spierdalaj", "jebać"], "pt": ["caralho", "porra", "merda", "puta"], "nl": ["klootzak", "hoer", "kanker"],
        "ru": ["сука", "блядь", "блять", "хуй", "пизда", "ебать", "мудак"], "tr": ["orospu", "siktir"]}


def main():
    words = {}
    for line in open(sys.argv[1], encoding="utf-8"):
        row = json.loads(line)
        words.setdefault(row["lang"].split("-")[0], []).append(row["text"].strip())
    for lang, more in [("en", SOLID), *ALSO.items()]:
        words.setdefault(lang, []).extend(more)
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write("# Swear words and obscene words in 28 languages; written by training/lists.py.\n"
                  "# Source: LDNOOBW, https://github.com/LDNOOBW/List-of-Dirty-Naughty-Obscene-and-Otherwise-Bad-Words,\n"
                  "# CC BY 4.0, https://creativecommons.org/licenses/by/4.0/; changed: everyday words left out, English and\n"
                  "# common words of other languages added, severities (`~` before a word: mild).\n")
        for lang in sorted(words):
            out.write(f"= {lang}\n")
            for word in sorted(set(words[lang])):
                if word and word.lower() not in EVERYDAY:
                    out.write(("~" if word.lower() in MILD else "") + word + "\n")


main()
