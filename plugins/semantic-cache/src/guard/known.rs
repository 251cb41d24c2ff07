//! What is known of a word by itself, whatever stands around it: found out once a text, as texts say most words again.
//!
//! Invariant: a pure function of the word, which is in lower case. Where it stands, and what that makes of it, the reader of
//! the text sees (`guard`).

use super::ask;
use super::words::{self, Kind, Lookup};
use text_kit::memo::Memo;

/// What is known of a word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// Its kind, and the digest of its class; without a possessive's ending.
    pub kind: Kind,
    pub class: u32,
    /// Its own digest, where it is a small word whose group is told.
    pub small: Option<u32>,
    /// Who is spoken of with it, and in which mood and time: a bit each.
    pub stance: u8,
    pub role: Role,
    /// Whether it ends as a possessive does.
    pub possessive: bool,
    /// Whether it negates, by its kind or its ending.
    pub negates: bool,
    /// Whether it begins as what is not does.
    pub negated: bool,
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

/// Finds out what is known of the words of a text.
#[derive(Debug)]
pub(super) struct Knowledge {
    words: Memo<Known>,
    lookup: Lookup,
}

impl Knowledge {
    /// Of a text of so many bytes.
    pub fn for_text(bytes: usize) -> Self {
        Self { words: Memo::for_text(bytes), lookup: Lookup::default() }
    }

    /// What is known of a word in lower case.
    pub fn of(&mut self, lower: &str) -> Known {
        *self.words.of(lower, |lower| find(&mut self.lookup, lower))
    }
}

fn find(lookup: &mut Lookup, lower: &str) -> Known {
    let bare = lower.strip_suffix("'s").unwrap_or(lower);
    let (kind, class) = lookup.word(bare);
    Known {
        kind,
        class,
        small: words::small(lower),
        stance: ask::stance_of(lower),
        role: match lower {
            "in" | "out" | "on" | "off" | "up" | "down" => Role::Particle,
            "and" | "or" | "of" | "vs" | "versus" | "&" => Role::Joins,
            "to" | "into" | "than" => Role::Leads,
            _ => Role::None,
        },
        possessive: bare.len() < lower.len(),
        negates: lower.ends_with("n't") || kind == Kind::Negation,
        negated: lower.starts_with("non-"),
    }
}
