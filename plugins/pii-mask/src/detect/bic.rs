//! Business identifier codes (SWIFT): four letters, a country, a place and perhaps a branch.
//!
//! Any capitalised word of eight letters may look like one, so the score is low and a word must speak for it.
//! Source: ISO 9362; countries of ISO 3166-1 and XK.

/// Two letters each.
const COUNTRIES: &[u8] = b"ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZW";

/// The score of a word as a code.
pub fn score(word: &[u8]) -> Option<u8> {
    if !matches!(word.len(), 8 | 11) || word.iter().any(u8::is_ascii_lowercase) {
        return None;
    }
    let country = word.get(4..6)?;
    let letters = word.get(..6)?.iter().all(u8::is_ascii_uppercase);
    let known = COUNTRIES.chunks(2).any(|known| known == country);
    let digit = word.iter().any(u8::is_ascii_digit);
    (letters && known).then_some(if digit { 30 } else { 14 })
}
