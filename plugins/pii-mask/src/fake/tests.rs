//! Fakes keep the form and pass the detectors.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::detect::entity::{BR_CPF, CARD, ES_NIF, IBAN, PHONE};

#[test]
fn a_fake_has_the_form_and_the_check_digits_of_its_value() {
    let settings = Settings::new(serde_json::from_str(r#"{"key":"k"}"#).unwrap()).ok().unwrap();
    for (kind, value) in [
        (CARD, "4012-8888-8888-1881"),
        (IBAN, "DE89 3704 0044 0532 0130 00"),
        (BR_CPF, "529.982.247-25"),
        (ES_NIF, "12345678Z"),
        (PHONE, "+1 415 555 0132"),
        (EMAIL, "ann.lee7@corp.example.org"),
        (IP, "10.1.2.3"),
        (IP, "2001:db8:85a3::8a2e:370"),
    ] {
        let fake = of(&settings, kind, value, 0);
        assert_ne!(fake, value);
        assert_eq!(fake, of(&settings, kind, value, 0), "the same every time");
        assert!(settings.find(&fake, "").iter().any(|f| f.kind == kind), "{value} -> {fake}");
        if kind != EMAIL && kind != IP {
            assert_eq!(fake.len(), value.len());
        }
    }
}
