//! Numbering, and the encoded form.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

#[test]
fn the_same_value_has_one_placeholder_and_kinds_count_apart() {
    let mut v = Vault::default();
    assert_eq!(v.placeholder(0, "EMAIL", "a@x.org"), "<EMAIL_1>");
    assert_eq!(v.placeholder(0, "EMAIL", "b@x.org"), "<EMAIL_2>");
    assert_eq!(v.placeholder(1, "PHONE", "a@x.org"), "<PHONE_1>");
    assert_eq!(v.placeholder(0, "EMAIL", "a@x.org"), "<EMAIL_1>");
}

#[test]
fn placeholders_of_the_text_itself_are_avoided() {
    let mut v = Vault::default();
    v.avoid(r"what is <EMAIL_1>, \u003cEMAIL_2\u003e and MY_KEY_3?");
    assert_eq!(v.placeholder(0, "EMAIL", "a@x.org"), "<EMAIL_3>");
    assert_eq!(v.placeholder(6, "MY_KEY", "k"), "<MY_KEY_1>");
}

#[test]
fn placeholders_that_the_text_writes_loosely_are_avoided() {
    let mut v = Vault::default();
    v.avoid(r"<Email 1>, &lt;email\_2&GT;, <EMAIl_3>, \u003cemail-4\u003e and email 5, <date of birth 1>");
    assert_eq!(v.placeholder(0, "EMAIL", "a@x.org"), "<EMAIL_5>");
    assert_eq!(v.placeholder(1, "DATE_OF_BIRTH", "1.1.1980"), "<DATE_OF_BIRTH_2>");
}

#[test]
fn the_encoded_form_reads_back_and_garbage_does_not() {
    let mut v = Vault::default();
    v.placeholder(0, "EMAIL", "a@x.org");
    v.placeholder(6, "NOTE", "\"é\"\n");
    let bytes = v.encode();
    assert_eq!(decode(&bytes).unwrap(), [("<EMAIL_1>", "a@x.org"), ("<NOTE_1>", "\"é\"\n")]);
    assert!(decode(bytes.get(1..).unwrap()).is_none() && decode(bytes.get(..9).unwrap()).is_none());
}
