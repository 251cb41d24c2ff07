//! One valid value for each identifier, and the same value with its check broken.

use super::super::{BUILT_IN, Detector, Found, Scanner};
use super::Table;

/// What is found in a text, as `entity:value`.
fn found(text: &str) -> Vec<String> {
    let mut out: Vec<Found> = Vec::new();
    Scanner::new(u128::MAX, 50).detect(text, "", &mut out);
    let name = |f: &Found| BUILT_IN.get(f.kind).copied().unwrap_or("?");
    out.iter().map(|f| format!("{}:{}", name(f), text.get(f.start..f.end).unwrap_or("?"))).collect()
}

/// Entity, valid, invalid, and a word that says what it is.
const CASES: &[(&str, &str, &str, &str)] = &[
    ("us_itin", "911-70-1234", "911-89-1234", "ITIN"),
    ("us_npi", "1234567893", "1234567890", "NPI"),
    ("us_mbi", "1EG4-TE5-MK73", "1EG4-LE5-MK73", "MBI"),
    ("us_routing", "121000358", "121000359", "routing number"),
    ("us_dea", "BB1388568", "BG8207031", "DEA"),
    ("ca_sin", "130 692 544", "130 692 545", "SIN"),
    ("uk_nhs", "943 476 5919", "943 476 5918", "NHS"),
    ("uk_nino", "AA 12 34 56 B", "AA 12 34 56 H", "NINO"),
    ("de_tax_id", "86095742719", "86095742718", "Steuer-ID"),
    ("de_id_card", "T220001293", "T220001290", "Personalausweis"),
    ("de_social_security", "15070649C103", "15070649C100", "RVNR"),
    ("de_health_insurance", "A123456780", "A123456787", "KVNR"),
    ("fr_nir", "1 84 12 76 451 089 46", "1 84 12 76 451 089 47", "INSEE"),
    ("es_nif", "12345678Z", "12345678A", "DNI"),
    ("es_nie", "X9613851N", "X9613851P", "NIE"),
    ("it_fiscal_code", "RSSMRA85T10A562S", "RSSMRA85T10A562T", "codice fiscale"),
    ("pl_pesel", "44051401458", "44051401459", "PESEL"),
    ("nl_bsn", "111222333", "111222334", "BSN"),
    ("be_nn", "93.05.18-223.61", "93.05.18-223.62", "rijksregisternummer"),
    ("tr_id", "10000000146", "10000000145", "TCKN"),
    ("se_personnummer", "871220-2384", "871220-2385", "personnummer"),
    ("fi_hetu", "131052-308T", "131052-308U", "hetu"),
    ("dk_cpr", "211062-5629", "211362-5629", "CPR"),
    ("no_fnr", "01010750160", "01010750161", "fødselsnummer"),
    ("in_aadhaar", "3123 4567 8909", "3123 4567 8908", "Aadhaar"),
    ("in_pan", "ABCPE1234F", "ABCDE1234F", "PAN"),
    ("au_tfn", "876543210", "876543211", "TFN"),
    ("au_abn", "51 824 753 556", "51 824 753 557", "ABN"),
    ("au_acn", "005 499 981", "005 499 982", "ACN"),
    ("au_medicare", "2123 45670 1", "2123 25870 1", "Medicare"),
    ("sg_nric", "S2740116C", "S2740116D", "NRIC"),
    ("kr_rrn", "960121-1234561", "961321-1234561", "RRN"),
    ("kr_frn", "911124-5678901", "911324-5678901", "FRN"),
    ("jp_my_number", "123456789018", "123456789019", "マイナンバー"),
    ("cn_id", "11010519491231002X", "110105194912310021", "身份证号"),
    ("th_id", "2345678901234", "2345678901235", "Thai id"),
    ("br_cpf", "529.982.247-25", "529.982.247-26", "CPF"),
    ("br_cnpj", "11.222.333/0001-81", "11.222.333/0001-82", "CNPJ"),
    ("mx_curp", "HEGG560427MVZRRL04", "HEGG560427MVZRRL05", "CURP"),
    ("za_id", "9202204720083", "9202204720085", "South African ID"),
    ("pt_nif", "231527462", "231527465", "contribuinte"),
    ("de_vat_id", "DE136695976", "DE036695976", "USt-IdNr."),
    ("de_tax_number", "123/456/78901", "00/456/78901", "Steuernummer"),
    ("de_lanr", "123456601", "123456901", "LANR"),
    ("se_orgnr", "556703-7485", "556703-7486", "orgnummer"),
    ("kr_brn", "104-82-13138", "104-82-13139", "BRN"),
    ("in_gstin", "27AAPFU0939F1ZV", "27AAPFU0939F1YV", "GSTIN"),
    ("sg_uen", "201434292D", "201434292E", "UEN"),
    ("sg_uen", "S57TU0392K", "S57TU0392L", "UEN"),
    ("licence_plate", "AB51 ABC", "AB35 ABC", "registration"),
    ("licence_plate", "34 ABC 1234", "82 ABC 1234", "plaka"),
    ("licence_plate", "KA53ME3456", "ZZ53ME3456", "vehicle"),
    ("driving_licence", "MORGA607054SM9IJ", "MORGA637054SM9IJ", "DVLA"),
];

#[test]
fn what_is_valid_is_found_by_its_name_and_what_is_not_is_not() {
    let mut wrong = Vec::new();
    for (entity, valid, invalid, word) in CASES {
        for text in [format!("{word}: {valid}"), format!("my {word} is {valid}, thank you.")] {
            if found(&text) != [format!("{entity}:{valid}")] {
                wrong.push(format!("{text:?} gave {:?}", found(&text)));
            }
        }
        let text = format!("{word}: {invalid}");
        if found(&text).iter().any(|f| f.starts_with(&format!("{entity}:"))) {
            wrong.push(format!("{text:?} gave {:?}", found(&text)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn bare_digits_need_a_word() {
    for text in [
        "we sold 876543210 of them",
        "the id 1234567893 in the log",
        "order 2345678901234",
        "a sum of 123456789018 yen",
    ] {
        assert!(found(text).is_empty(), "{text:?} gave {:?}", found(text));
    }
}

proptest::proptest! {
    /// What is not looked at for its first run would not have been found, either.
    #[test]
    fn the_first_run_refuses_nothing_that_fits(
        text in "(([0-9]{1,5}|[A-Z]{1,4}|[a-z]{1,2}|[0-9A-Z]{8,11})[ ./:_–-]{0,2}){1,6}|[0-9]{2,3}[./ -][0-9]{3}[./ -][0-9]{3,5}(-[0-9]{2})?",
        unsure in 0_usize..40,
    ) {
        let table = Table::new(|kind| kind != unsure);
        let b = text.as_bytes();
        for i in (0..b.len()).filter(|i| b.get(*i).is_some_and(u8::is_ascii_alphanumeric)) {
            let length = b.iter().skip(i).take_while(|c| c.is_ascii_alphanumeric()).count();
            let all = table.0.get(length).into_iter().flatten().filter_map(|(_, spec)| spec.find(b, i));
            let looked_at = table.at(b, i, length).filter_map(|spec| spec.find(b, i));
            proptest::prop_assert!(all.eq(looked_at), "{text:?} at {i}");
        }
    }
}

/// The table of kinds is what the property above takes its patterns from: valid values of all of them go through it.
#[test]
fn every_valid_value_may_be_what_it_is() {
    let table = Table::new(|_| true);
    for (entity, valid, _, _) in CASES {
        let b = valid.as_bytes();
        let length = b.iter().take_while(|c| c.is_ascii_alphanumeric()).count();
        let mut kinds = table.at(b, 0, length).filter(|spec| spec.find(b, 0).is_some()).map(|spec| spec.kind);
        assert!(kinds.any(|kind| BUILT_IN.get(kind) == Some(entity)), "{entity} {valid}");
    }
}
