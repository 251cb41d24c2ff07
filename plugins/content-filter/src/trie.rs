//! The words of all lists as a tree of letters, folded as texts are.
//!
//! Invariant: a word's path is its folded letters; a space stands for whatever separates the words of a phrase; other
//! signs stand for themselves.

use text_kit::fold::{Fold, fold};

/// A letter of a text or of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letter {
    /// What a reader sees.
    Is(char),
    /// Invisible.
    Gone,
    /// A sign, or white space.
    Gap,
}

/// Reads a character.
pub fn letter(c: char) -> Letter {
    if c.is_ascii_lowercase() {
        return Letter::Is(c);
    }
    match fold(c) {
        Fold::Letter(c) | Fold::Word(c) | Fold::Tag(c) => Letter::Is(c),
        Fold::Gone => Letter::Gone,
        // Vowel signs and marks of scripts that do not write them as letters.
        Fold::Gap if matches!(c, '\u{900}'..='\u{DFF}' | '\u{E30}'..='\u{EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}') => {
            Letter::Is(c)
        }
        Fold::Gap if matches!(c, '\u{64B}'..='\u{65F}' | '\u{670}' | '\u{640}') => Letter::Gone,
        Fold::Gap => Letter::Gap,
    }
}

/// Whether words of this letter's script are written without spaces, or with endings attached.
pub fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{E00}'..='\u{EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{3040}'..='\u{30FF}'
        | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}')
}

/// A word of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// As it is written.
    pub text: String,
    /// Its rule.
    pub rule: usize,
    /// Whether it may be split in the middle: "sh it".
    pub split: bool,
}

/// Where a word ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The word's rule.
    pub rule: usize,
    /// Whether it may be split in the middle.
    pub split: bool,
    /// Whether letters may stand right beside it, as between words of scripts without spaces.
    pub anywhere: bool,
}

/// A place in the tree.
#[derive(Debug, Default)]
pub struct Node {
    children: Vec<(char, u32)>,
    /// The words that end here.
    pub ends: Vec<End>,
}

/// The tree.
#[derive(Debug)]
pub struct Trie {
    nodes: Vec<Node>,
    /// Letters of the longest word.
    pub longest: usize,
}

impl Trie {
    /// Takes all words.
    pub fn new(words: &[Word]) -> Trie {
        let mut trie = Trie { nodes: vec![Node::default()], longest: 0 };
        for word in words {
            // Folding drops the difference between ß and s; in capitals it is written SS.
            trie.add(&path(&word.text), word);
            trie.add(&path(&word.text.to_uppercase()), word);
        }
        trie
    }

    fn add(&mut self, path: &[char], word: &Word) {
        if path.is_empty() {
            return;
        }
        self.longest = self.longest.max(path.len());
        let mut at = 0_u32;
        for c in path {
            at = match self.child(at, *c) {
                Some(child) => child,
                None => {
                    let new = u32::try_from(self.nodes.len()).unwrap_or(0);
                    if let Some(node) = self.nodes.get_mut(at as usize) {
                        let place = node.children.partition_point(|(other, _)| other < c);
                        node.children.insert(place, (*c, new));
                    }
                    self.nodes.push(Node::default());
                    new
                }
            };
        }
        let unspaced = path.iter().filter(|c| is_unspaced(**c)).count();
        // Short ones are parts of innocent words.
        let hangul = path.iter().any(|c| ('\u{AC00}'..='\u{D7AF}').contains(c));
        let least = if hangul {
            3
        } else if path.iter().any(|c| ('\u{3400}'..='\u{9FFF}').contains(c)) {
            2
        } else {
            4
        };
        let end =
            End { rule: word.rule, split: word.split, anywhere: unspaced >= least && unspaced == path.len() };
        if let Some(node) = self.nodes.get_mut(at as usize).filter(|node| !node.ends.contains(&end)) {
            node.ends.push(end);
        }
    }

    /// A place.
    pub fn node(&self, at: u32) -> Option<&Node> {
        self.nodes.get(at as usize)
    }

    /// Where a letter leads.
    pub fn child(&self, at: u32, c: char) -> Option<u32> {
        let children = &self.node(at)?.children;
        let place = children.binary_search_by_key(&c, |(other, _)| *other).ok()?;
        children.get(place).map(|(_, child)| *child)
    }

    /// All letters that lead on, and where.
    pub fn children(&self, at: u32) -> &[(char, u32)] {
        self.node(at).map_or(&[], |node| &node.children)
    }
}

/// The letters of a word.
fn path(word: &str) -> Vec<char> {
    let mut path = Vec::new();
    for c in word.trim().chars() {
        match letter(c) {
            Letter::Is(c) => path.push(c),
            Letter::Gone => {}
            Letter::Gap if c.is_whitespace() => {
                if path.last() != Some(&' ') {
                    path.push(' ');
                }
            }
            Letter::Gap => path.push(c),
        }
    }
    path
}
