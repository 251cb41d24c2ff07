//! What the guard knows of words: `data/words.txt`, looked up by stem.
//!
//! Invariants: a word has one kind and one class; synonyms share a class. The tables are made once, before the
//! component is snapshotted. Never reads a word's case: whoever asks has lowered it.

use super::flat::{Flat, hash};
use super::stem::stem;
use foldhash::fast::FixedState;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// What a word is to the guard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// It says nothing.
    #[default]
    Filler,
    /// It turns a statement around.
    Negation,
    /// A number.
    Number,
    /// One of many of its sort, or known by a capital.
    Name,
    /// It may be another word without another meaning.
    Soft,
    /// Any other.
    Hard,
}

/// What the file says of a word, told by its stem.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stem {
    pub kind: Kind,
    /// The digest of the class.
    pub class: u32,
    /// Whether "in", "out", "on", "off", "up" or "down" behind it tells what it means.
    pub takes_particle: bool,
}

/// A word that is in the file, while that is read.
#[derive(Clone, Debug)]
struct Known {
    kind: Kind,
    class: String,
    /// The digest of the class.
    digest: u32,
}

impl Known {
    fn new(kind: Kind, class: String) -> Self {
        Self { kind, digest: digest(&class), class }
    }
}

/// An opposition, and the side of it.
type Side = (u16, bool);

struct Tables {
    words: Flat<Stem>,
    /// The sides of a class, by its digest.
    sides: HashMap<u32, Vec<Side>, FixedState>,
    /// The groups of small words, by their digest.
    small: HashMap<u32, usize, FixedState>,
}

/// The tables while the file is read.
#[derive(Default)]
struct Reader {
    words: HashMap<String, Known, FixedState>,
    sides: HashMap<u32, Vec<Side>, FixedState>,
    particles: HashSet<String, FixedState>,
    small: HashMap<u32, usize, FixedState>,
}

/// What groups of small words are called, in the order of their numbers.
pub const GROUPS: [&str; 17] = [
    "self", "third", "one", "duty", "future", "past", "focus", "phase", "amount", "alien", "origin",
    "company", "when", "like", "sort", "place", "aim",
];

/// The file.
const FILE: &str = include_str!("../../data/words.txt");

static TABLES: LazyLock<Tables> = LazyLock::new(|| Reader::read(FILE).done());

/// Makes the tables.
pub fn prepare() {
    LazyLock::force(&TABLES);
}

/// What is known of the words whose stem has this hash.
pub fn of_stem(hash: u64) -> Stem {
    // Nothing is known of most words.
    let unknown = || Stem { kind: Kind::Hard, class: digest_of(hash), takes_particle: false };
    TABLES.words.get(hash).unwrap_or_else(unknown)
}

/// The kind and the digest of the class of a word in lower case.
#[cfg(test)]
pub fn look_up(word: &str) -> (Kind, u32) {
    let Stem { kind, class, .. } = of_stem(hash(&stem(word)));
    (kind, class)
}

/// The oppositions that a class stands on a side of.
pub fn sides(class: u32) -> &'static [Side] {
    TABLES.sides.get(&class).map_or(&[], Vec::as_slice)
}

/// Small words whose group is told.
pub fn small() -> impl Iterator<Item = &'static str> {
    let groups = lines(FILE).filter(|(section, _)| *section == "small");
    groups.filter_map(|(_, line)| Some(line.split_once(": ")?.1.split(' '))).flatten()
}

/// The number of a small word's group.
pub fn group(class: u32) -> Option<usize> {
    TABLES.small.get(&class).copied()
}

/// Twenty-one bits of a text's hash.
pub fn digest(text: &str) -> u32 {
    digest_of(hash(text))
}

/// The same of a text with this hash, which is folded.
pub fn digest_of(hash: u64) -> u32 {
    let folded = hash ^ (hash >> 21) ^ (hash >> 42);
    u32::try_from(folded & 0x1f_ffff).unwrap_or(0)
}

/// The lines of the file, each with the name of its section.
fn lines(file: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut section = "";
    let lines = file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(move |line| {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            return None;
        }
        Some((section, line))
    })
}

impl Reader {
    fn read(file: &str) -> Self {
        let mut tables = Self::default();
        // Synonyms say classes, so they come first; opposites ask for them, so they come last.
        for (_, line) in lines(file).filter(|(section, _)| *section == "synonyms") {
            let mut group = line.split(" = ");
            let Some(first) = group.next() else { continue };
            // A word of an earlier group brings that group's class.
            let class = tables.words.get(&stem(first)).map_or(stem(first), |known| known.class.clone());
            for word in group.chain([first]) {
                tables.words.entry(stem(word)).or_insert_with(|| Known::new(Kind::Hard, class.clone()));
            }
        }
        for (section, line) in lines(file) {
            match section {
                "numbers" => {
                    if let Some((word, digits)) = line.split_once(" = ") {
                        tables.learn(word, Kind::Number, Some(digits));
                    }
                }
                "particles" => tables.particles.extend(line.split(' ').map(stem)),
                "fillers" => tables.learn_all(line, Kind::Filler),
                "soft" => tables.learn_all(line, Kind::Soft),
                "names" => tables.learn_all(line, Kind::Name),
                "small" => tables.group(line),
                "negations" => tables.learn_all(line, Kind::Negation),
                _ => {}
            }
        }
        let opposites = lines(file).filter(|(section, _)| *section == "opposites").map(|(_, line)| line);
        for (axis, line) in opposites.enumerate() {
            tables.oppose(u16::try_from(axis).unwrap_or(u16::MAX), line);
        }
        tables
    }

    fn done(mut self) -> Tables {
        for stem in &self.particles {
            self.words.entry(stem.clone()).or_insert_with(|| Known::new(Kind::Hard, stem.clone()));
        }
        let known = |(stem, known): (&String, &Known)| {
            let takes_particle = self.particles.contains(stem);
            (hash(stem), Stem { kind: known.kind, class: known.digest, takes_particle })
        };
        let words = Flat::of(self.words.iter().map(known));
        Tables { words, sides: self.sides, small: self.small }
    }

    fn learn_all(&mut self, line: &str, kind: Kind) {
        line.split(' ').for_each(|word| self.learn(word, kind, None));
    }

    fn group(&mut self, line: &str) {
        let Some((name, words)) = line.split_once(": ") else { return };
        if let Some(group) = GROUPS.iter().position(|one| *one == name) {
            self.small.extend(words.split(' ').map(|word| (digest(word), group)));
        }
    }

    /// The first section that names a word says its kind; synonyms say its class before.
    fn learn(&mut self, word: &str, kind: Kind, class: Option<&str>) {
        let stem = stem(word);
        let class = class.map_or_else(|| stem.clone(), str::to_owned);
        let known = self.words.entry(stem).or_insert_with(|| Known::new(Kind::Hard, class));
        if known.kind == Kind::Hard || matches!(kind, Kind::Number | Kind::Negation) {
            known.kind = kind;
        }
    }

    fn oppose(&mut self, axis: u16, line: &str) {
        for (side, words) in line.split(" | ").enumerate() {
            for word in words.split(' ') {
                let stem = stem(word);
                let known = self.words.entry(stem.clone()).or_insert_with(|| Known::new(Kind::Hard, stem));
                if known.kind == Kind::Filler {
                    known.kind = Kind::Soft;
                }
                let sides = self.sides.entry(known.digest).or_default();
                if !sides.contains(&(axis, side == 1)) {
                    sides.push((axis, side == 1));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, look_up, sides};

    #[test]
    fn words_have_kinds_classes_and_opposites() {
        assert_eq!(look_up("the").0, Kind::Filler);
        assert_eq!(look_up("paris").0, Kind::Name);
        assert_eq!(look_up("methods").0, Kind::Soft);
        assert_eq!(look_up("zygote").0, Kind::Hard);
        assert_eq!(look_up("seven"), (Kind::Number, super::digest("7")));
        assert_eq!(look_up("purchasing").1, look_up("buy").1);
        let both = (sides(look_up("enabled").1), sides(look_up("disabling").1));
        assert!(both.0.iter().any(|(axis, side)| both.1.contains(&(*axis, !side))), "{both:?}");
    }
}
