//! A cheap guess at the language of a text: its script, and for Latin and Cyrillic letters its commonest words.
//!
//! Invariants: linear in the text; it says nothing rather than something doubtful.
//! It never decides what becomes of an answer in the wrong language (see `rules`).

/// Words that are told apart at least, before a language is named.
const MIN_HITS: usize = 3;

/// The languages that have a script of their own here.
const SCRIPTS: &[(&str, &[(char, char)])] = &[
    ("ja", &[('\u{3040}', '\u{30ff}')]),
    ("ko", &[('\u{ac00}', '\u{d7af}'), ('\u{1100}', '\u{11ff}')]),
    ("zh", &[('\u{4e00}', '\u{9fff}'), ('\u{3400}', '\u{4dbf}')]),
    ("ar", &[('\u{0600}', '\u{06ff}')]),
    ("he", &[('\u{0590}', '\u{05ff}')]),
    ("el", &[('\u{0370}', '\u{03ff}')]),
    ("th", &[('\u{0e00}', '\u{0e7f}')]),
    ("hi", &[('\u{0900}', '\u{097f}')]),
];

/// The commonest words of the languages that share a script, such that few are shared.
const WORDS: &[(&str, &str)] = &[
    (
        "en",
        "the of and to is that it for was with are this be have from not you by at they which what will would",
    ),
    (
        "de",
        "der die das und ist nicht von mit dem ein eine zu auf für sich den auch wird sind ich sie es im bei oder",
    ),
    (
        "fr",
        "le les des et est une dans que pour qui pas sur avec plus sont ce au par il elle vous nous être cette du",
    ),
    (
        "es",
        "el los las y que una por con para es del se no su más como pero está son este lo hay muy también ser",
    ),
    (
        "it",
        "il di che è la per un non con sono del si da una come anche della più ma gli nel alla questo ha dei",
    ),
    ("pt", "o os as e que não uma para com do da em é por mais dos como são ao na se foi você isso ser à"),
    ("nl", "de het een en van is dat niet op te zijn voor met die aan er maar om ook als bij naar wordt dit"),
    ("sv", "och att det som en är på av för med den inte till har de ett om jag var kan från vi så"),
    ("da", "og at det som en er på af for med den ikke til har de et om jeg var kan fra vi også blev"),
    ("pl", "i w nie na się że z do to jest jak o co po tak ale za od są przez czy tym dla"),
    ("tr", "ve bir bu için ile da de çok daha olan gibi ama ne en sonra kadar olarak var değil her"),
    ("ru", "и в не на что с как это по но из он за у то все для было так от его же или"),
    ("uk", "і в не на що з як це до та але із він за у є для було так від його або також"),
];

/// The language of a text, as its ISO 639-1 code, where that is clear.
pub fn of(text: &str) -> Option<&'static str> {
    let mut letters = 0_usize;
    let mut scripts = [0_usize; SCRIPTS.len()];
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        letters += 1;
        let script =
            SCRIPTS.iter().position(|(_, ranges)| ranges.iter().any(|(a, b)| (*a..=*b).contains(&c)));
        if let Some(count) = script.and_then(|script| scripts.get_mut(script)) {
            *count += 1;
        }
    }
    // Kana make a text Japanese, whatever else there is.
    let mut named = SCRIPTS.iter().zip(scripts);
    if let Some(((name, _), _)) =
        named.find(|((name, _), count)| count * if *name == "ja" { 8 } else { 2 } > letters)
    {
        return Some(name);
    }
    let mut counts = [0_usize; WORDS.len()];
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        for ((_, common), count) in WORDS.iter().zip(&mut counts) {
            *count += usize::from(common.split(' ').any(|one| one == word));
        }
    }
    let (best, hits) =
        WORDS.iter().zip(counts).max_by_key(|(_, count)| *count).map(|((name, _), count)| (*name, count))?;
    let next =
        WORDS.iter().zip(counts).filter(|((name, _), _)| *name != best).map(|(_, count)| count).max()?;
    // A fifth more than the next: languages share words.
    (hits >= MIN_HITS && hits * 5 >= next * 6).then_some(best)
}

/// Whether a code is one that [`of`] may give.
pub fn is_known(code: &str) -> bool {
    SCRIPTS.iter().any(|(name, _)| *name == code) || WORDS.iter().any(|(name, _)| *name == code)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn languages_are_told_apart() {
        for (text, code) in [
            ("The quick brown fox is not what you would have thought.", "en"),
            ("Das ist nicht der Weg, den wir mit dem Rad fahren.", "de"),
            ("Il est dans la maison avec les enfants et ne sort pas.", "fr"),
            ("El perro no está en la casa, pero los gatos son muy felices.", "es"),
            ("Non è una bella giornata per il mare, ma anche così sono felice.", "it"),
            ("Você não foi para a cidade com os seus amigos, e isso é ruim.", "pt"),
            ("Het is niet de eerste keer dat een man van huis is.", "nl"),
            ("Jag har inte sett att det var för kallt på vintern.", "sv"),
            ("Это не то, что он видел, но было так.", "ru"),
            ("今日はとても良い天気です。", "ja"),
            ("今天天气很好，我们去公园。", "zh"),
            ("오늘 날씨가 좋습니다.", "ko"),
            ("اليوم جميل جدا", "ar"),
        ] {
            assert_eq!(of(text), Some(code), "{text}");
        }
    }

    #[test]
    fn what_is_unclear_is_not_named() {
        for text in ["", "42", "Paris 2024", "OK"] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
