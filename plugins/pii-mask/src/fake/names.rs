//! Names that are nobody's in particular: the commonest ones, of places and firms invented ones.
//!
//! A name of one word gets one word, so that it still fits its sentence. Never shuffles letters: what came out
//! would be no name.

use super::Random;
use crate::detect::entity::{ADDRESS, LOCATION, ORGANIZATION, PERSON, PUBLIC_PLACE};

const GIVEN: &[&str] = &[
    "Alex", "Andrea", "Anna", "Ben", "Carla", "Chris", "Clara", "Daniel", "Elena", "Emma", "Felix", "Frank",
    "Helen", "Ivan", "Jana", "John", "Julia", "Karl", "Laura", "Leon", "Lisa", "Marco", "Martin", "Nina",
    "Oliver", "Paula", "Peter", "Robin", "Sarah", "Simon", "Sofia", "Thomas",
];
const FAMILY: &[&str] = &[
    "Adams", "Baker", "Becker", "Bennett", "Brooks", "Carter", "Clark", "Cooper", "Costa", "Davies", "Evans",
    "Fischer", "Foster", "Harris", "Jensen", "Keller", "Larsen", "Martin", "Meyer", "Miller", "Moreau",
    "Morris", "Novak", "Parker", "Rossi", "Silva", "Taylor", "Turner", "Wagner", "Walker", "Weber", "Wright",
];
const PLACES: &[&str] = &[
    "Ashby",
    "Bellmore",
    "Brenfeld",
    "Calden",
    "Dunmere",
    "Eastwick",
    "Fallbrook",
    "Glenholm",
    "Harrowby",
    "Ironbridge",
    "Kestrelton",
    "Langmoor",
    "Marwick",
    "Norbury",
    "Oakhaven",
    "Pendrith",
    "Quarrydale",
    "Ravensby",
    "Selwick",
    "Thornley",
    "Underhill",
    "Velmont",
    "Westerby",
    "Yarrowdale",
];
const FIRMS: &[&str] =
    &["Works", "Group", "Partners", "Trading", "Systems", "Supplies", "Services", "Holdings"];

/// A name for a value of a kind, or `None` for other kinds.
pub fn of(kind: usize, value: &str, random: &mut Random) -> Option<String> {
    let mut pick = |from: &[&'static str]| {
        let at = (usize::from(random.byte()) << 8 | usize::from(random.byte())) % from.len().max(1);
        from.get(at).copied().unwrap_or("Alex")
    };
    Some(match kind {
        PERSON if value.contains(' ') => format!("{} {}", pick(GIVEN), pick(FAMILY)),
        PERSON => pick(FAMILY).to_owned(),
        LOCATION | PUBLIC_PLACE => pick(PLACES).to_owned(),
        ORGANIZATION => format!("{} {}", pick(PLACES), pick(FIRMS)),
        ADDRESS => {
            let (street, town) = (pick(FAMILY), pick(PLACES));
            format!("{} {street} Street, {town}", 1 + u16::from(random.byte()))
        }
        _ => return None,
    })
}
