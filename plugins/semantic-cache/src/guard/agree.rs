//! Two questions' details side by side: what stands in one and not in the other, and whether that may be.
//!
//! Invariants: symmetric; what agrees has the same [`Details::fixed`]. Never asks for the texts.

use super::{Details, Word, WordKind, costs, counts, words};

/// Below this weight of words a text is judged as strictly as a question, whatever its form.
const SHORT: f32 = 3.0;
/// From this weight on, a word in another's place may be a synonym that is not in the tables.
const LONG: f32 = 4.0;
/// What one word weighs that may not be said otherwise, less rounding.
const ONE_WORD: f32 = 0.99;
/// What words cost that only one of the two has.
const ADDED: f32 = 0.25;
/// What swapped words cost of the similarity of short statements, as a share of all.
const SWAPPED: f32 = 0.5;
/// What words cost in short statements that only one of the two has.
const NARROWED: f32 = 0.3;
/// What it costs a short statement that its words stand in another order.
const TURNED: f32 = 0.2;
/// What a difference in person, mood or time costs.
const STANCE: f32 = 0.03;
/// What swapped words cost of the similarity of statements.
const REWORDED: f32 = 0.4;
/// How much less alike statements have to be than questions and orders.
const LENIENCY: f32 = 0.37;
/// From this weight of words on, and with as much in other words, a text may say in a negation what the other says without.
const RETOLD: f32 = 6.0;
/// See `RETOLD`.
const RETOLD_WORDS: f32 = 1.2;
/// See `RETOLD`: how alike such texts must be.
const RETOLD_LIKENESS: f32 = 0.85;

/// What two questions differ in.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// What must never differ: what is asked for, negations, language, numbers, opposites, directions.
    pub barred: Option<&'static str>,
    /// Whether one of them negates something and the other does not.
    pub turned: bool,
    /// What all words of the shorter question weigh.
    pub weight: f32,
    /// What the words weigh that only one of them has: of the one that has less, and of the one that has more.
    pub swapped: f32,
    /// See `swapped`.
    pub added: f32,
    /// Bits of the stance that differ.
    pub stance: u32,
    /// Whether a name of one stands where the other has another name.
    pub renamed: bool,
}

impl Details {
    /// What this question and another differ in.
    pub fn difference(&self, other: &Self) -> Difference {
        let (mine, theirs) = (Side::of(self), Side::of(other));
        let (only_mine, only_theirs) = (mine.without(&theirs), theirs.without(&mine));
        let (a, b) = (weigh(&only_mine), weigh(&only_theirs));
        let weight = weigh(&mine.words).min(weigh(&theirs.words));
        Difference {
            barred: self.barred(other, &only_mine, &only_theirs, &mine, &theirs, self.strict(other, weight)),
            turned: self.negated != other.negated,
            weight,
            swapped: a.min(b),
            added: a.max(b),
            stance: (self.stance ^ other.stance).count_ones(),
            renamed: named(&only_mine) && named(&only_theirs),
        }
    }

    /// How much another question, whose vector is this similar, asks for the same, at most 1; `None` where something
    /// differs that must not. From the threshold on they are taken for the same.
    pub fn score(&self, other: &Self, similarity: f32) -> Option<f32> {
        let difference = self.difference(other);
        if difference.barred.is_some() || difference.renamed {
            return None;
        }
        let Difference { weight, swapped, added, .. } = difference;
        let strict = self.strict(other, weight);
        let retold = !strict && weight >= RETOLD && swapped >= RETOLD_WORDS && similarity >= RETOLD_LIKENESS;
        if difference.turned && !retold || swapped >= ONE_WORD && (strict || weight < LONG) {
            return None;
        }
        if self.question || other.question {
            return Some(self.without_costs(other, similarity));
        }
        #[expect(clippy::cast_precision_loss, reason = "at most six bits")]
        let similarity = similarity - STANCE * difference.stance.min(2) as f32;
        if strict {
            let turned = if self.turns(other) { TURNED } else { 0.0 };
            return Some(similarity - (SWAPPED * swapped + NARROWED * added) / weight.max(1.0) - turned);
        }
        Some((similarity - (REWORDED * swapped + ADDED * added) / weight + LENIENCY).min(1.0))
    }

    /// Whether every word counts.
    pub(super) fn strict(&self, other: &Self, weight: f32) -> bool {
        self.question || other.question || weight < SHORT
    }

    /// The similarity below which no other question can agree with this one.
    pub fn least_similarity(&self, threshold: f32) -> f32 {
        let question = costs::least_similarity(threshold);
        if self.question { question } else { question.min(threshold - LENIENCY) }
    }

    /// What must be the very same, as a text that is looked up by.
    pub fn fixed(&self) -> String {
        let mut figures: Vec<u32> = self.of_kind(WordKind::Figure).collect();
        figures.sort_unstable();
        let figures: Vec<String> = figures.iter().map(|class| format!("{class:x}")).collect();
        format!("{}{}", char::from(self.ask as u8), figures.join("."))
    }

    fn of_kind(&self, kind: WordKind) -> impl Iterator<Item = u32> {
        self.words.iter().filter(move |word| word.kind == kind).map(|word| word.class)
    }

    /// All numbers in their order, in digits or in words.
    fn numbers(&self) -> impl Iterator<Item = u32> {
        let number = |word: &&Word| matches!(word.kind, WordKind::Number | WordKind::Figure);
        self.words.iter().filter(number).map(|word| word.class)
    }

    /// Whether the names that both have stand in another order; of those that "and" joins, the order says nothing. What is a
    /// name in one is one in the other: the first word of a sentence does not show it.
    fn names_differ_in_order(&self, other: &Self) -> bool {
        let names: Vec<u32> = self.of_kind(WordKind::Name).chain(other.of_kind(WordKind::Name)).collect();
        let common = |from: &Self, to: &Self| {
            let mut common: Vec<u32> = Vec::new();
            for Word { class, .. } in &from.words {
                let shared = names.contains(class) && to.words.iter().any(|word| word.class == *class);
                if shared && !common.contains(class) {
                    common.push(*class);
                }
            }
            common
        };
        common(self, other) != common(other, self)
    }

    fn barred(
        &self,
        other: &Self,
        only_mine: &[Word],
        only_theirs: &[Word],
        mine: &Side,
        theirs: &Side,
        strict: bool,
    ) -> Option<&'static str> {
        if self.ask != other.ask {
            return Some("ask");
        }
        if self.frame != other.frame && self.frame != 0 && other.frame != 0 {
            return Some("frame");
        }
        if self.language != other.language && self.language != b'?' && other.language != b'?' {
            return Some("language");
        }
        let counted = |words: &[Word]| words.iter().any(|word| word.kind == WordKind::Number);
        let numbers = if strict || weigh(&mine.words).min(weigh(&theirs.words)) < LONG {
            self.numbers().eq(other.numbers())
        } else {
            // "Both fields" are "two fields", but "three fields" are not.
            self.fixed() == other.fixed() && !(counted(only_mine) && counted(only_theirs))
        };
        if !numbers {
            return Some("number");
        }
        if opposed(only_mine, only_theirs) {
            return Some("opposite");
        }
        // A statement that is told in other words may name things in another order; one with the same words turns them.
        let literal = strict || (only_mine.is_empty() && only_theirs.is_empty());
        if literal && self.names_differ_in_order(other) {
            return Some("order");
        }
        // "What is my name?" is not "What is your name?".
        if literal && matches!((self.stance & 3, other.stance & 3), (1, 2) | (2, 1)) {
            return Some("person");
        }
        (literal && mine.aims_elsewhere(theirs)).then_some("direction")
    }
}

/// The words of a question, each class once.
pub(super) struct Side {
    pub words: Vec<Word>,
    goals: Vec<u32>,
}

impl Side {
    pub fn of(details: &Details) -> Self {
        let mut seen = counts(&[], &[]);
        let (mut words, mut goals) = (Vec::new(), Vec::new());
        for word in &details.words {
            if word.kind == WordKind::Goal {
                goals.push(word.class);
            } else if seen.insert(word.class, 1).is_none() {
                words.push(*word);
            }
        }
        Self { words, goals }
    }

    pub fn has(&self, class: u32) -> bool {
        self.words.iter().any(|word| word.class == class)
    }

    pub fn without(&self, other: &Self) -> Vec<Word> {
        self.words.iter().filter(|word| !other.has(word.class)).copied().collect()
    }

    /// Whether "to" points at a word here that it does not point at there, and the other way round.
    fn aims_elsewhere(&self, other: &Self) -> bool {
        let mine = self.goals.iter().any(|goal| !other.goals.contains(goal) && other.has(*goal));
        let theirs = other.goals.iter().any(|goal| !self.goals.contains(goal) && self.has(*goal));
        mine && theirs
    }
}

fn named(words: &[Word]) -> bool {
    words.iter().any(|word| word.kind == WordKind::Name)
}

pub(super) fn weigh(words: &[Word]) -> f32 {
    words
        .iter()
        .map(|word| match word.kind {
            WordKind::Soft => 0.4,
            WordKind::Hard => 1.0,
            WordKind::Name | WordKind::Number | WordKind::Figure => 1.5,
            WordKind::Goal => 0.0,
        })
        .sum()
}

/// Whether a word of one is the opposite of a word of the other.
fn opposed(mine: &[Word], theirs: &[Word]) -> bool {
    mine.iter().flat_map(|word| words::sides(word.class)).any(|(axis, side)| {
        theirs
            .iter()
            .flat_map(|word| words::sides(word.class))
            .any(|(other, across)| axis == other && side != across)
    })
}
