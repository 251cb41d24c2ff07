//! The built-in entities: their names, and the words that speak for each.
//!
//! The words are lower case, separated by spaces, in the languages of the countries concerned. Never holds
//! rules: what a value looks like is the detectors' subject.

macro_rules! entities {
    ($($id:ident $name:literal $words:literal;)*) => {
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "only numbers the constants")]
        enum Order { $($id),* }
        $(#[doc = concat!("`", $name, "`")] pub const $id: usize = Order::$id as usize;)*
        /// The names, by the index that finds carry.
        pub const BUILT_IN: &[&str] = &[$($name),*];
        /// The words that speak for each, by the same index.
        pub const WORDS: &[&str] = &[$($words),*];
    };
}

entities! {
    EMAIL "email" "email mail e-mail correo courriel";
    PHONE "phone" "phone phones telephone tel call calling cell cellphone mobile fax whatsapp sms dial text ring callback hotline landline telefon telefono teléfono handy movil móvil portable gsm telefone celular telepono telefoon puhelin tlf contact reach";
    CARD "card" "card credit debit visa mastercard amex cc kreditkarte carte tarjeta cartão carta pan cvv";
    IBAN "iban" "iban account konto bank compte cuenta";
    SSN "ssn" "ssn ssns social";
    IP "ip" "ip ipv ipv4 ipv6 host server address";
    MAC "mac" "mac hardware physical ethernet bssid";
    BIC "bic" "bic swift bank";
    CRYPTO "crypto" "wallet bitcoin btc eth ethereum crypto";
    URL_CREDENTIALS "url_credentials" "";
    DATE_OF_BIRTH "date_of_birth" "birth born dob birthday birthdate birthdays geboren geburtsdatum geburtstag naissance née nacimiento nacido nacida nascita nascimento nato nata geboortedatum födelsedatum født fødselsdato urodzenia bday";
    PASSPORT "passport" "passport passports reisepass passeport pasaporte passaporto passaporte paszport paspoort pass travel";
    DRIVING_LICENCE "driving_licence" "licence license driver drivers driving dl führerschein führerscheinnummer fahrerlaubnis permis conducir patente carta rijbewijs körkort";
    SECRET "secret" "";
    US_ITIN "us_itin" "itin taxpayer tax individual";
    US_NPI "us_npi" "npi provider";
    US_MBI "us_mbi" "mbi medicare beneficiary";
    US_ROUTING "us_routing" "routing aba rtn";
    US_DEA "us_dea" "dea certificate prescriber";
    CA_SIN "ca_sin" "sin nas";
    UK_NHS "uk_nhs" "nhs health";
    UK_NINO "uk_nino" "nino ni insurance";
    DE_TAX_ID "de_tax_id" "steuer steuerid steueridentifikationsnummer idnr tin identifikationsnummer steuernummer";
    DE_ID_CARD "de_id_card" "personalausweis ausweis ausweisnummer identity id";
    DE_SOCIAL_SECURITY "de_social_security" "rentenversicherungsnummer sozialversicherung sozialversicherungsnummer rvnr svnr";
    DE_HEALTH_INSURANCE "de_health_insurance" "krankenkasse krankenversicherung kvnr versichertennummer";
    FR_NIR "fr_nir" "nir insee sécu sécurité securite";
    ES_NIF "es_nif" "dni nif documento";
    ES_NIE "es_nie" "nie extranjero";
    IT_FISCAL_CODE "it_fiscal_code" "codice fiscale cf";
    PL_PESEL "pl_pesel" "pesel";
    PT_NIF "pt_nif" "nif contribuinte fiscal";
    NL_BSN "nl_bsn" "bsn burgerservicenummer sofinummer";
    BE_NN "be_nn" "rijksregisternummer rijksregister registre niss insz national";
    SE_PERSONNUMMER "se_personnummer" "personnummer pnr samordningsnummer";
    FI_HETU "fi_hetu" "hetu henkilötunnus";
    DK_CPR "dk_cpr" "cpr personnummer";
    NO_FNR "no_fnr" "fødselsnummer fnr personnummer fodselsnummer";
    IN_AADHAAR "in_aadhaar" "aadhaar aadhar uidai uid";
    IN_PAN "in_pan" "pan permanent";
    AU_TFN "au_tfn" "tfn file tax";
    AU_ABN "au_abn" "abn business";
    AU_ACN "au_acn" "acn";
    AU_MEDICARE "au_medicare" "medicare";
    SG_NRIC "sg_nric" "nric fin";
    KR_RRN "kr_rrn" "rrn resident korean";
    KR_FRN "kr_frn" "frn foreigner";
    JP_MY_NUMBER "jp_my_number" "mynumber japanese";
    CN_ID "cn_id" "resident chinese";
    TH_ID "th_id" "thai tnin";
    TR_ID "tr_id" "tckn kimlik turkish tc";
    BR_CPF "br_cpf" "cpf";
    BR_CNPJ "br_cnpj" "cnpj";
    MX_CURP "mx_curp" "curp";
    ZA_ID "za_id" "rsa african sa";
    PERSON "person" "";
    LOCATION "location" "";
    ADDRESS "address" "";
    ORGANIZATION "organization" "";
    DE_VAT_ID "de_vat_id" "vat ust ustid idnr umsatzsteuer umsatzsteueridentifikationsnummer";
    DE_TAX_NUMBER "de_tax_number" "steuernummer steuer finanzamt";
    DE_LANR "de_lanr" "lanr arztnummer";
    SE_ORGNR "se_orgnr" "orgnr orgnummer organisationsnummer";
    KR_BRN "kr_brn" "brn 사업자등록번호";
    IN_GSTIN "in_gstin" "gstin gst";
    SG_UEN "sg_uen" "uen";
    LICENCE_PLATE "licence_plate" "plate plates registration reg vrm vehicle car kennzeichen kfz nummernschild plaka plakası immatriculation targa matrícula kenteken";
    DATE_TIME "date_time" "";
    URL "url" "";
    TITLE "title" "";
    PUBLIC_PLACE "public_place" "";
}

/// The entities that identify nobody by themselves.
pub const IMPERSONAL: &[usize] = &[DATE_TIME, URL, TITLE, PUBLIC_PLACE];

/// Whether an entity identifies nobody by itself.
pub fn is_impersonal(kind: usize) -> bool {
    IMPERSONAL.contains(&kind)
}

/// Phrases of scripts that are written without spaces.
pub const PHRASES: &[(&str, usize)] = &[
    ("身份证", CN_ID),
    ("身分證", CN_ID),
    ("マイナンバー", JP_MY_NUMBER),
    ("個人番号", JP_MY_NUMBER),
    ("주민등록", KR_RRN),
    ("주민번호", KR_RRN),
    ("외국인등록", KR_FRN),
    ("여권", PASSPORT),
    ("护照", PASSPORT),
    ("旅券", PASSPORT),
    ("パスポート", PASSPORT),
    ("運転免許", DRIVING_LICENCE),
    ("驾照", DRIVING_LICENCE),
    ("운전면허", DRIVING_LICENCE),
    ("電話", PHONE),
    ("电话", PHONE),
    ("手机", PHONE),
    ("전화", PHONE),
    ("บัตรประชาชน", TH_ID),
    ("आधार", IN_AADHAAR),
    ("生年月日", DATE_OF_BIRTH),
    ("出生", DATE_OF_BIRTH),
    ("생년월일", DATE_OF_BIRTH),
];

/// Words that say that the number behind them is somebody else's business.
pub const AGAINST: &[&str] = &[
    "barcode",
    "batch",
    "bestellnummer",
    "bestellung",
    "build",
    "case",
    "commande",
    "commit",
    "ean",
    "epoch",
    "factura",
    "facture",
    "gtin",
    "invoice",
    "isbn",
    "issn",
    "issue",
    "item",
    "lot",
    "model",
    "order",
    "part",
    "pedido",
    "product",
    "rechnung",
    "ref",
    "reference",
    "revision",
    "seq",
    "serial",
    "sku",
    "ticket",
    "timestamp",
    "tracking",
    "upc",
    "version",
];
