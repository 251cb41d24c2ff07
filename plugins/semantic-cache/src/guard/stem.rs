//! English words to their stems: endings of number, tense and manner cut off, as far as that is safe.
//!
//! Invariant: a stem is not empty where its word is not. It need not be a word, and is never shown.

/// The stem of a word in lower case.
pub fn stem(word: &str) -> String {
    let mut stem = String::new();
    write_stem(word, &mut stem);
    stem
}

/// The same, in the place of what is in `stem`.
pub fn write_stem(word: &str, stem: &mut String) {
    stem.clear();
    stem.push_str(word);
    if word.len() < 4 || word.bytes().any(|byte| !byte.is_ascii() || byte.is_ascii_digit()) {
        return;
    }
    plural(stem);
    if !cut(stem, "ing", 3) && !cut(stem, "ed", 3) {
        cut(stem, "ly", 4);
    } else {
        undouble(stem);
    }
    let _ = cut(stem, "ment", 3) || cut(stem, "ness", 3);
    if stem.ends_with("tion") && stem.len() > 6 {
        stem.truncate(stem.len() - 3);
    }
    cut(stem, "e", 3);
    if stem.len() >= 7 {
        cut(stem, "at", 5);
    }
    if stem.len() >= 4 && stem.ends_with('y') {
        stem.pop();
        stem.push('i');
    }
}

fn plural(stem: &mut String) {
    if stem.ends_with("ies") && stem.len() > 4 {
        stem.truncate(stem.len() - 3);
        stem.push('y');
    } else if ["sses", "xes", "ches", "shes", "zes"].iter().any(|end| stem.ends_with(end)) {
        stem.truncate(stem.len() - 2);
    } else if !["ss", "us", "is"].iter().any(|end| stem.ends_with(end)) {
        cut(stem, "s", 3);
    }
}

/// Cuts an ending where at least `keep` letters and a vowel stay.
fn cut(stem: &mut String, end: &str, keep: usize) -> bool {
    let Some(rest) = stem.strip_suffix(end) else { return false };
    let vowel = rest.bytes().any(|byte| matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u' | b'y'));
    let cuts = rest.len() >= keep && vowel;
    if cuts {
        stem.truncate(stem.len() - end.len());
    }
    cuts
}

/// "stopp" to "stop"; "fall" stays.
fn undouble(stem: &mut String) {
    let mut last = stem.bytes().rev();
    if let (Some(a), Some(b)) = (last.next(), last.next())
        && a == b
        && !matches!(a, b'l' | b's' | b'z' | b'e' | b'o')
    {
        stem.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn forms_of_a_word_meet() {
        for forms in [
            &["reset", "resets", "resetting"][..],
            &["create", "creates", "creating", "created", "creation"],
            &["install", "installs", "installing", "installation"],
            &["city", "cities"],
            &["pay", "pays", "paying", "payment"],
            &["stop", "stopped", "stopping"],
            &["quick", "quickly"],
            &["box", "boxes"],
        ] {
            let stems: Vec<String> = forms.iter().map(|form| stem(form)).collect();
            assert!(stems.iter().all(|one| Some(one) == stems.first()), "{stems:?}");
        }
        assert_ne!(stem("string"), stem("strong"));
        assert_eq!(stem("日本語で"), "日本語で");
        assert_eq!(stem("bus"), "bus");
    }
}
