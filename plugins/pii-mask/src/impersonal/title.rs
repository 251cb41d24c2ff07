//! What somebody is by profession: the words right behind a person's name, up to the next sign, that end like one.
//!
//! Only beside a name that was found: `baker` by itself is a word.

/// The longest title, in bytes and in words.
const LONGEST: usize = 64;
const MOST: usize = 9;
/// How professions end in English; the whole words are here, too.
const ENDS: &[&str] = &[
    "er",
    "or",
    "ist",
    "ian",
    "clerk",
    "nurse",
    "surgeon",
    "man",
    "men",
    "woman",
    "assistant",
    "accountant",
    "consultant",
    "attendant",
    "representative",
    "executive",
    "agent",
    "aide",
    "chef",
    "cook",
    "pilot",
    "analyst",
    "architect",
    "professional",
    "apprentice",
    "intern",
    "chief",
    "ceo",
    "cto",
    "cfo",
];
/// Words that end so and are no professions.
const OTHERS: &[&str] = &[
    "her",
    "other",
    "brother",
    "mother",
    "father",
    "sister",
    "daughter",
    "never",
    "after",
    "over",
    "under",
    "however",
    "rather",
    "whether",
    "together",
    "number",
    "order",
    "letter",
    "paper",
    "center",
    "tower",
    "river",
    "or",
    "for",
    "nor",
    "floor",
    "door",
    "color",
    "later",
    "better",
    "ever",
    "either",
    "neither",
    "water",
    "power",
    "answer",
    "offer",
    "summer",
    "winter",
    "user",
    "customer",
    "member",
    "september",
    "october",
    "november",
    "december",
    "error",
];

/// The title behind a name that ends at `end`.
pub fn behind(text: &str, end: usize) -> Option<(usize, usize)> {
    let rest = text.get(end..)?;
    let gap =
        [", the ", ", an ", ", a ", ", ", " - ", " (", "\n"].into_iter().find(|gap| rest.starts_with(gap))?;
    let start = end + gap.len();
    let b = text.as_bytes().get(start..)?;
    let part = |c: &&u8| c.is_ascii_alphabetic() || matches!(c, b' ' | b'-' | b'/' | b',' | b'&');
    let run = b.iter().take(LONGEST + 1).take_while(part).count();
    let run = text.get(start..start + run)?;
    // A comma ends a title, unless it lists what the work is (`Crushing, grinding, and polishing machine tender`).
    let whole = Some(run).filter(|_| gap == "\n" && run.len() <= LONGEST);
    let first = run.split(',').next();
    let at = |word: &str| first.and_then(|first| first.split(word).next());
    let shorter =
        [" at ", " for ", " of ", " with "].into_iter().filter_map(at).min_by_key(|part| part.len());
    [whole, first, shorter]
        .into_iter()
        .flatten()
        .map(str::trim_end)
        .find(|title| is_title(title))
        .map(|title| (start, start + title.len()))
}

fn is_title(title: &str) -> bool {
    let mut words = title.split([' ', '-', '/']).filter(|word| !word.is_empty());
    let Some(last) = words.next_back().map(str::to_ascii_lowercase) else { return false };
    let long = title.len() <= LONGEST && words.count() < MOST;
    long && last.len() >= 3 && ENDS.iter().any(|end| last.ends_with(end)) && !OTHERS.contains(&last.as_str())
}
