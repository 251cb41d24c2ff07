//! Which language a text is in, cheaply: by its letters and by which of them stand beside each other.
//!
//! Invariants: looks at a bounded part of a text; says nothing rather than something doubtful.
//! The guessing is the crate `whatlang`'s; here are the names that operators write.

use whatlang::Lang;

/// Bytes of a text that are looked at.
const LOOKED_AT: usize = 2_048;

/// Two-letter names (ISO 639-1) of what the crate knows by three letters (ISO 639-3).
const SHORT: &str = "\
    af=afr ak=aka am=amh ar=ara az=aze be=bel bg=bul bn=ben ca=cat cs=ces cy=cym da=dan de=deu el=ell \
    en=eng eo=epo es=spa et=est fa=pes fi=fin fr=fra gu=guj he=heb hi=hin hr=hrv hu=hun hy=hye id=ind \
    it=ita ja=jpn jv=jav ka=kat km=khm kn=kan ko=kor la=lat lt=lit lv=lav mk=mkd ml=mal mr=mar my=mya \
    nb=nob ne=nep nl=nld or=ori pa=pan pl=pol pt=por ro=ron ru=rus si=sin sk=slk sl=slv sn=sna sr=srp \
    sv=swe ta=tam te=tel th=tha tk=tuk tl=tgl tr=tur uk=ukr ur=urd vi=vie uz=uzb yi=yid zh=cmn zu=zul";

/// A language, by the two letters or the three that it is known by.
#[must_use]
pub fn named(name: &str) -> Option<Lang> {
    Lang::from_code(short().find(|(short, _)| *short == name).map_or(name, |(_, code)| code))
}

fn short() -> impl Iterator<Item = (&'static str, &'static str)> {
    SHORT.split(' ').filter_map(|pair| pair.split_once('='))
}

/// The language of a text, where that is clear.
#[must_use]
pub fn of(text: &str) -> Option<Lang> {
    let end = text.floor_char_boundary(LOOKED_AT);
    let found = whatlang::detect(text.get(..end)?)?;
    found.is_reliable().then(|| found.lang())
}

#[cfg(test)]
mod tests {
    use super::{named, of, short};

    #[test]
    fn every_name_is_known() {
        for (short, code) in short() {
            assert!(named(short).is_some() && named(short) == named(code), "{short}");
        }
        assert_eq!((short().count(), named("english")), (70, None));
    }

    #[test]
    fn languages_are_told_apart_and_doubt_is_none() {
        for (text, name) in [
            ("Could you please summarise the following report for the board of directors?", "en"),
            ("Können Sie bitte den folgenden Bericht für den Vorstand zusammenfassen?", "de"),
            ("Pourriez-vous résumer le rapport suivant pour le conseil d'administration ?", "fr"),
            ("次の報告書を要約してください。", "ja"),
            ("다음 보고서를 이사회를 위해 요약해 주시겠습니까?", "ko"),
        ] {
            assert_eq!(of(text), named(name), "{text}");
        }
        for text in ["", "42", "ok"] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
