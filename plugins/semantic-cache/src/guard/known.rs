//! What is known of a word by itself, whatever stands around it.
//!
//! Invariant: a pure function of the word, which is in lower case. Where it stands, and what that makes of it, the reader of
//! the text sees (`guard`).

use super::flat::{Flat, hash};
use super::stem::write_stem;
use super::words::{self, Kind, Stem};
use super::{ask, language};
use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What is known of a word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// Its kind, and the digest of its class; without a possessive's ending.
    pub kind: Kind,
    pub class: u32,
    /// Its own digest, where it is a small word whose group is told.
    pub small: Option<u32>,
    /// What it is besides, where it is one of few words.
    pub form: Form,
    /// Whether a particle behind it tells what it means.
    pub takes_particle: bool,
    /// Whether it ends as a possessive does.
    pub possessive: bool,
    /// Whether it negates, by its kind or its ending.
    pub negates: bool,
    /// Whether it begins as what is not does.
    pub negated: bool,
}

/// What is known of a small word as it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// Who is spoken of with it, and in which mood and time: a bit each.
    pub stance: u8,
    /// The languages that it belongs to, a bit each.
    pub languages: u8,
    /// What it does to its neighbours.
    pub role: Role,
    /// Whether its group is told.
    grouped: bool,
}

/// What a small word does to its neighbours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing.
    #[default]
    None,
    /// It may belong to the word before it.
    Particle,
    /// It joins the words on both sides.
    Joins,
    /// What follows is a goal.
    Leads,
}

/// Words with a role.
const ROLES: [(Role, &[&str]); 3] = [
    (Role::Particle, &["in", "out", "on", "off", "up", "down"]),
    (Role::Joins, &["and", "or", "of", "vs", "versus", "&"]),
    (Role::Leads, &["to", "into", "than"]),
];

static FORMS: LazyLock<Flat<Form>> = LazyLock::new(|| {
    let mut forms: HashMap<&str, Form, FixedState> = HashMap::default();
    for (word, stance) in ask::stances() {
        forms.entry(word).or_default().stance = stance;
    }
    for (word, language) in language::small() {
        forms.entry(word).or_default().languages |= language;
    }
    for (role, words) in ROLES {
        words.iter().for_each(|word| forms.entry(word).or_default().role = role);
    }
    words::small().for_each(|word| forms.entry(word).or_default().grouped = true);
    Flat::of(forms.into_iter().map(|(word, form)| (hash(word), form)))
});

/// Makes the table.
pub(super) fn prepare() {
    LazyLock::force(&FORMS);
}

/// Looks up what is known of words, one after another in the same room.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    stem: String,
}

impl Lookup {
    /// What is known of a word in lower case.
    pub fn known(&mut self, lower: &str) -> Known {
        let whole = hash(lower);
        let bare = lower.strip_suffix("'s").unwrap_or(lower);
        let possessive = bare.len() < lower.len();
        write_stem(bare, &mut self.stem);
        // Most words are their own stems.
        let hash = if self.stem == lower { whole } else { hash(&self.stem) };
        let Stem { kind, class, takes_particle } = words::of_stem(hash);
        let form = FORMS.get(whole).unwrap_or_default();
        Known {
            kind,
            class,
            small: form.grouped.then(|| words::digest_of(whole)),
            form,
            takes_particle: takes_particle && !possessive,
            possessive,
            negates: lower.ends_with("n't") || kind == Kind::Negation,
            negated: lower.starts_with("non-"),
        }
    }
}
