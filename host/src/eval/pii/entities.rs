//! The many names of an entity, as one. `docs/eval.md` prints the table for people.
//!
//! Data sets and components name the same thing differently; what is not in the table keeps its name.

/// The canonical name, and others for the same.
const SYNONYMS: &[(&str, &[&str])] = &[
    (
        "PERSON",
        &[
            "PER",
            "NAME",
            "PERSON_NAME",
            "FULL_NAME",
            "FIRST_NAME",
            "MIDDLE_NAME",
            "LAST_NAME",
            "GIVEN_NAME",
            "FAMILY_NAME",
            "SURNAME",
        ],
    ),
    ("TITLE", &["JOB", "JOB_TITLE", "PROFESSION", "OCCUPATION"]),
    ("PREFIX", &["HONORIFIC", "SALUTATION", "NAME_PREFIX"]),
    (
        "LOCATION",
        &[
            "LOC",
            "GPE",
            "PUBLIC_PLACE",
            "ADDRESS",
            "STREET_ADDRESS",
            "STREET",
            "STREET_NAME",
            "BUILDING_NUMBER",
            "SECONDARY_ADDRESS",
            "CITY",
            "STATE",
            "COUNTY",
            "COUNTRY",
            "PLACE",
            "FAC",
            "ZIP",
            "ZIP_CODE",
            "POSTCODE",
            "POSTAL_CODE",
            "UK_POSTCODE",
            "DE_PLZ",
        ],
    ),
    ("ORGANIZATION", &["ORG", "ORGANISATION", "COMPANY", "COMPANY_NAME", "CORPORATION", "GROUP"]),
    ("EMAIL", &["EMAIL_ADDRESS", "E_MAIL", "MAIL"]),
    ("PHONE", &["PHONE_NUMBER", "TELEPHONE", "TEL", "MOBILE", "FAX", "PH_MOBILE_NUMBER", "TR_PHONE_NUMBER"]),
    ("CARD", &["CREDIT_CARD", "CREDIT_CARD_NUMBER", "PAYMENT_CARD", "CARD_NUMBER"]),
    ("IBAN", &["IBAN_CODE"]),
    ("SWIFT", &["BIC", "SWIFT_CODE", "SWIFT_BIC"]),
    ("CRYPTO", &["CRYPTO_ADDRESS", "CRYPTO_WALLET", "BITCOIN", "BITCOIN_ADDRESS", "WALLET"]),
    ("IP", &["IP_ADDRESS", "IPV4", "IPV6", "IPV4_ADDRESS", "IPV6_ADDRESS"]),
    ("MAC", &["MAC_ADDRESS"]),
    ("URL", &["URI", "LINK", "WEBSITE", "DOMAIN", "DOMAIN_NAME", "URL_CREDENTIALS"]),
    ("DATE_OF_BIRTH", &["DOB", "BIRTH_DATE", "BIRTHDATE", "BIRTHDAY"]),
    ("DATE_TIME", &["DATE", "TIME"]),
    ("SECRET", &["API_KEY", "TOKEN", "PASSWORD", "CREDENTIAL", "ACCESS_KEY", "PRIVATE_KEY"]),
    (
        "PASSPORT",
        &[
            "PASSPORT_NUMBER",
            "US_PASSPORT",
            "UK_PASSPORT",
            "DE_PASSPORT",
            "ES_PASSPORT",
            "IN_PASSPORT",
            "IT_PASSPORT",
            "KR_PASSPORT",
        ],
    ),
    (
        "DRIVER_LICENSE",
        &[
            "DRIVERS_LICENSE",
            "DRIVING_LICENCE",
            "DRIVING_LICENSE",
            "DRIVER_LICENCE",
            "US_DRIVER_LICENSE",
            "UK_DRIVING_LICENCE",
            "DE_FUEHRERSCHEIN",
            "IT_DRIVER_LICENSE",
            "KR_DRIVER_LICENSE",
        ],
    ),
    ("SSN", &["US_SSN", "SOCIAL_SECURITY_NUMBER"]),
    ("ITIN", &["US_ITIN"]),
    ("US_ROUTING", &["ABA_ROUTING_NUMBER", "ROUTING_NUMBER"]),
    ("US_DEA", &["MEDICAL_LICENSE", "DEA_NUMBER"]),
    ("UK_NHS", &["NHS", "NHS_NUMBER"]),
    ("UK_NINO", &["NINO"]),
    ("DE_TAX_ID", &["STEUER_ID", "DE_STEUER_ID", "DE_IDNR", "IDNR"]),
    ("FR_NIR", &["NIR", "INSEE", "FR_INSEE", "FR_SSN"]),
    ("ES_NIF", &["ES_DNI", "DNI"]),
    ("ES_NIE", &["NIE"]),
    ("IT_FISCAL_CODE", &["CODICE_FISCALE", "IT_CODICE_FISCALE", "IT_CF", "FISCAL_CODE"]),
    ("PL_PESEL", &["PESEL"]),
    ("PT_NIF", &["NIF_PT"]),
    ("NL_BSN", &["BSN"]),
    ("BE_NN", &["BE_NRN", "BE_NATIONAL_NUMBER", "BE_RRN"]),
    ("SE_PERSONNUMMER", &["PERSONNUMMER", "SE_PIN", "SE_PNR"]),
    ("FI_PERSONAL_IDENTITY_CODE", &["FI_HETU", "HETU", "FI_PIC"]),
    ("DK_CPR", &["CPR"]),
    ("NO_FNR", &["FNR", "FODSELSNUMMER", "NO_FODSELSNUMMER"]),
    ("IN_AADHAAR", &["AADHAAR"]),
    ("IN_PAN", &["PAN"]),
    ("AU_TFN", &["TFN"]),
    ("AU_ABN", &["ABN"]),
    ("AU_ACN", &["ACN"]),
    ("AU_MEDICARE", &["MEDICARE"]),
    ("SG_NRIC", &["SG_NRIC_FIN", "NRIC"]),
    ("KR_RRN", &["RRN"]),
    ("JP_MY_NUMBER", &["MY_NUMBER", "JP_MYNUMBER"]),
    ("CN_ID", &["CN_RIC", "CN_RESIDENT_ID", "CN_ID_NUMBER"]),
    ("BR_CPF", &["CPF"]),
    ("BR_CNPJ", &["CNPJ"]),
    ("MX_CURP", &["CURP"]),
    ("ZA_ID", &["ZA_ID_NUMBER"]),
    ("CA_SIN", &["SIN"]),
    ("DE_TAX_NUMBER", &["STEUERNUMMER"]),
    ("SE_ORGNR", &["SE_ORGANISATIONSNUMMER"]),
    ("IN_GSTIN", &["GSTIN"]),
    (
        "LICENCE_PLATE",
        &[
            "LICENSE_PLATE",
            "VEHICLE_REGISTRATION",
            "UK_VEHICLE_REGISTRATION",
            "TR_LICENSE_PLATE",
            "DE_KFZ",
            "IN_VEHICLE_REGISTRATION",
            "NG_VEHICLE_REGISTRATION",
        ],
    ),
    ("TR_NATIONAL_ID", &["TR_ID", "TR_TCKN", "TCKN"]),
    ("TH_TNIN", &["TNIN", "TH_ID"]),
];

/// Names of entities, with the operator's own.
#[derive(Debug, Default)]
pub struct Names {
    own: Vec<(String, String)>,
}

impl Names {
    /// The table and these: each first name means the second.
    #[must_use]
    pub fn new(aliases: &[(String, String)]) -> Self {
        let table = Self::default();
        Self { own: aliases.iter().map(|(from, to)| (plain(from), table.canonical(to))).collect() }
    }

    /// The one name of an entity.
    #[must_use]
    pub fn canonical(&self, name: &str) -> String {
        let name = plain(name);
        if let Some((_, to)) = self.own.iter().find(|(from, _)| *from == name) {
            return to.clone();
        }
        // `FIRSTNAME` is `FIRST_NAME`.
        let same = |other: &str| name.bytes().filter(|b| *b != b'_').eq(other.bytes().filter(|b| *b != b'_'));
        let known = SYNONYMS.iter().find(|(own, others)| same(own) || others.iter().any(|other| same(other)));
        known.map_or(name, |(canonical, _)| (*canonical).to_owned())
    }
}

/// Whether a find of one entity is what data calls another: the narrower for the wider, or the whole for its part.
#[must_use]
pub fn stands_for(found: &str, expected: &str) -> bool {
    found == expected
        || matches!((found, expected), ("DATE_OF_BIRTH", "DATE_TIME") | ("PERSON", "PREFIX" | "TITLE"))
}

fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_the_same_are_the_same() {
        let names = Names::new(&[("badge-no".into(), "org".into())]);
        for (name, canonical) in [
            ("PER", "PERSON"),
            ("person", "PERSON"),
            ("GPE", "LOCATION"),
            ("Street-Address", "LOCATION"),
            ("CREDIT_CARD", "CARD"),
            ("card", "CARD"),
            ("creative-work", "CREATIVE_WORK"),
            ("BADGE_NO", "ORGANIZATION"),
            ("FIRSTNAME", "PERSON"),
            ("public_place", "LOCATION"),
            ("DOMAIN_NAME", "URL"),
            ("DATETIME", "DATE_TIME"),
        ] {
            assert_eq!(names.canonical(name), canonical);
        }
    }

    #[test]
    fn a_narrower_find_stands_for_the_wider_and_never_the_other_way() {
        assert!(stands_for("CARD", "CARD") && stands_for("DATE_OF_BIRTH", "DATE_TIME"));
        assert!(!stands_for("DATE_TIME", "DATE_OF_BIRTH") && !stands_for("PREFIX", "PERSON"));
    }

    #[test]
    fn the_documentation_has_the_table() {
        let page = include_str!("../../../../docs/eval.md");
        for (name, others) in SYNONYMS {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
            let names = |row: &str| others.iter().all(|other| row.contains(&format!("`{other}`")));
            assert!(row.is_some_and(names), "{name} is not, or not whole, in docs/eval.md");
        }
    }

    #[test]
    fn no_name_means_two_things() {
        let mut meanings = std::collections::BTreeMap::new();
        for (canonical, others) in SYNONYMS {
            for name in others.iter().chain([canonical]) {
                let before = meanings.insert(name.replace('_', ""), canonical);
                assert!(before.is_none_or(|before| before == canonical), "{name}");
            }
        }
    }
}
