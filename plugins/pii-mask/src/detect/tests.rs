//! What is found, and what must not be.

use super::*;
use proptest::strategy::Strategy;

mod signs;

/// What is found in a text, as `entity:value`.
fn found(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    Scanner::new(u128::MAX, 50).detect(text, "", &mut out);
    let value = |f: &Found| {
        format!("{}:{}", BUILT_IN.get(f.kind).unwrap_or(&"?"), text.get(f.start..f.end).unwrap_or("?"))
    };
    out.iter().map(value).collect()
}

/// Asserts that exactly these are found.
fn check(text: &str, expected: &[&str]) {
    assert_eq!(found(text), expected, "in {text:?}");
}

#[test]
fn finds_email_addresses() {
    check(
        "write to ann.lee+x@mail.example.co.uk, or bob@example.com.",
        &["email:ann.lee+x@mail.example.co.uk", "email:bob@example.com"],
    );
    check("<bob@example.com>", &["email:bob@example.com"]);
    check("a@xn--d1acufc.xn--p1ai", &["email:a@xn--d1acufc.xn--p1ai"]);
    check("?mail=bob@example.com&x=1", &["email:bob@example.com"]);
    check("'bob@example.com'", &["email:bob@example.com"]);
    check("我的邮箱是bob@example.com。", &["email:bob@example.com"]);
    check("jörg@müller.de", &["email:jörg@müller.de"]);
    check("mail 415-555-0132@example.com", &["email:415-555-0132@example.com"]);
    check("bob@example.com415 x", &["email:bob@example.com"]);
    check(r"line\nbob@example.com", &["email:bob@example.com"]);
}

#[test]
fn leaves_what_only_looks_like_an_address() {
    for text in [
        "info@example.",
        "user@host",
        "@ann and @bob",
        "left-pad@1.3.0",
        "@scope/pkg@2.0.1",
        "a @ b.com",
        "x@.com",
        "..@",
    ] {
        check(text, &[]);
    }
}

#[test]
fn finds_phone_numbers() {
    check(
        "My US number is (415) 555-0132, my other is +1 415 555 0132",
        &["phone:(415) 555-0132", "phone:+1 415 555 0132"],
    );
    for phone in [
        "(415)555-0132",
        "415-555-0132",
        "415.555.0132",
        "415 555 0132",
        "1-800-555-0199",
        "+55 11 98456 5666",
        "+91 4155550132",
        "+44 (20) 7123 4567",
        "+44 (0)20 7946 0958",
        "+39 06 678 4343",
        "+30 21 0 1234567",
        "+33 1 42 68 53 00",
        "+4915112345678",
        "06 12 34 56 78",
        "02.27.96.63.08",
        "020 7946 0958",
        "030/1234567",
        "0431 35 06 90",
        "0910-5877671",
        "07911123456",
        "001-920-866-4851",
        "0049 30 1234567",
        "415-555-0132x123",
        "(505)498-8487x6837",
        "(85) 5986-8343",
        "(022) 0793-176",
        "415\u{2011}555\u{2011}0132",
    ] {
        check(&format!("reach me: {phone}, thanks"), &[&format!("phone:{phone}")]);
    }
    check("06 12 34 56 78 06 98 76 54 32", &["phone:06 12 34 56 78", "phone:06 98 76 54 32"]);
    check("call 322 327 102 now", &["phone:322 327 102"]);
    check("Phone: 4155550132", &["phone:4155550132"]);
}

#[test]
fn leaves_numbers_that_are_nobodys() {
    for text in [
        "order 4155550132",
        "in 1999 and 2024",
        "1,234,567.89",
        "3.14159265358979",
        "2024-01-31 12:30:45",
        "01.02.2024",
        "01-02-2024",
        "123e4567-e89b-12d3-a456-426614174000",
        "1700000000",
        "1700000000123",
        "v1.2.3",
        "(2021) 123-456",
        "f(12, 34)",
        "+50 000 000",
        "5+123456789",
        "ISBN 0306406157",
        "978-3-16-148410-0",
        "100 200 3000",
        "hotel 322 327 102",
        "call 1996 10 23 34",
        "#ff00aa",
        "0x1F600",
        "12:34:56",
        "x = (1 + 2)",
        "10-20-30",
        "sha 4111a11111111111111",
    ] {
        check(text, &[]);
    }
}

#[test]
fn finds_cards_by_prefix_length_and_luhn() {
    for card in [
        "4111111111111111",
        "4012-8888-8888-1881",
        "4012 8888 8888 1881",
        "378282246310005",
        "3782 822463 10005",
        "5555555555554444",
        "30569309025904",
        "122000000000003",
        "3528000700000000",
        "2223003122003222",
        "6011111111111117",
    ] {
        check(&format!("card {card}."), &[&format!("card:{card}")]);
    }
    for text in [
        "4012-8888-8888-1882",
        "36168002586008",
        "4111 1111-1111 1111",
        "0000000000000000",
        "41111111111111111111",
        "9999999999999995",
    ] {
        check(text, &[]);
    }
}

#[test]
fn finds_ibans_by_country_and_checksum() {
    for iban in [
        "GB82WEST12345698765432",
        "DE89 3704 0044 0532 0130 00",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NO9386011117947",
        "de89370400440532013000",
        "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
        "XK05 1212 0123 4567 8906",
        "HU42 1177 3016 1111 1018 0000 0000",
    ] {
        check(&format!("iban {iban}, please"), &[&format!("iban:{iban}")]);
    }
    for text in [
        "GB82WEST12345698765433",
        "DE89 3704 0044 0532 0130 0",
        "AB12 3456 7890 1234 5678",
        "XGB82WEST12345698765432",
        "LV80 bANK 0000 4351 9500 1",
    ] {
        check(text, &[]);
    }
}

#[test]
fn the_country_table_is_sorted_and_unique() {
    // A number of each country with the right check digits is found, so each entry can be reached.
    for (country, length) in iban::LENGTHS {
        let body = "0".repeat(length - 4);
        let text = (2..99)
            .map(|check| format!("{}{check:02}{body}", String::from_utf8_lossy(country)))
            .find(|t| !found(t).is_empty());
        assert!(text.is_some(), "{}", String::from_utf8_lossy(country));
    }
}

#[test]
fn finds_social_security_numbers_that_are_given_out() {
    check(
        "078-05-1120 and 078.05.1123 and 078 05 1123",
        &["ssn:078-05-1120", "ssn:078.05.1123", "ssn:078 05 1123"],
    );
    check("SSN: 123456789", &["ssn:123456789"]);
    for text in [
        "000-12-3456",
        "666-12-3456",
        "900-12-3456",
        "123-00-4567",
        "123-45-0000",
        "693-09.4444",
        "123456789",
        "1123-45-6789",
        "12-123-45-6789",
    ] {
        check(text, &[]);
    }
}

#[test]
fn finds_internet_addresses() {
    check(
        "IPs: 192.168.1.1, 10.0.0.1:8080 and 172.16.0.0/12.",
        &["ip:192.168.1.1", "ip:10.0.0.1", "ip:172.16.0.0"],
    );
    for ip in [
        "2001:db8::1",
        "fe80::1",
        "::1",
        "::ffff:192.0.2.1",
        "64:ff9b::198.51.100.1",
        "684D:1111:222:3333:4444:5555:6:77",
        "A099::09C0:876A:130B",
        "2001:db8::",
    ] {
        check(&format!("host {ip} up"), &[&format!("ip:{ip}")]);
    }
    check("http://[2001:db8::1]:80/ user@2001:db8::1.", &["ip:2001:db8::1", "ip:2001:db8::1"]);
    for text in [
        "192.168.0",
        "192.168.1.256",
        "300.1.1.1",
        "1.2.3",
        "version 1.2.3.4",
        "v1.2.3.4",
        "1.3.6.1.4.1",
        "text192.168.1.1",
        "12:34:56",
        "std::cout",
        "::",
        ":::",
        "a[::2]",
        "x[1::2]",
        "dead::beef",
        "2001::db8::1",
        "text2001:db8::1",
    ] {
        check(text, &[]);
    }
}

#[test]
fn looks_only_for_what_is_asked() {
    let mut out = Vec::new();
    let scanner = Scanner::new(1 << entity::IP, 50);
    scanner.detect("bob@example.com 10.0.0.1 415-555-0132", "", &mut out);
    assert_eq!(out.iter().map(|f| (f.start, f.end, f.kind)).collect::<Vec<_>>(), [(16, 24, entity::IP)]);
}

proptest::proptest! {
    #[test]
    fn finds_are_ordered_disjoint_and_on_characters(text in r"([0-9]{1,5}|[-. +():/@]|[a-f]{1,3}|\.com|::|é|字|GB82|ssn ){0,30}") {
        let mut out = Vec::new();
        Scanner::new(u128::MAX, 50).detect(&text, "", &mut out);
        let mut floor = 0;
        for f in out {
            proptest::prop_assert!(f.start >= floor && f.end > f.start && text.get(f.start..f.end).is_some());
            floor = f.end;
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(3000))]
    /// Whatever is thrown at the detectors, by whatever name: nothing panics, and ranges are sound.
    #[test]
    fn any_text_is_survived(parts in proptest::collection::vec(proptest::prop_oneof![
        "\\PC{0,12}".prop_map(String::from),
        "[A-Z0-9]{1,20}".prop_map(String::from),
        "[0-9]{1,4}([-. /:][0-9]{1,5}){0,6}".prop_map(String::from),
        proptest::sample::select(vec![
            "password: ", "api_key=", "Bearer ", "https://", "@", "sk-", "eyJ", "0x", "bc1q", "-----BEGIN ", "PRIVATE KEY-----",
            "born ", "May ", "passport ", "CPR ", "ssn:", "身份证", "+", "(", "::", "\n", "\0", "é", "\u{202f}", "\u{2011}", " is ",
        ]).prop_map(String::from),
    ], 0..12), lead in "[a-zA-Z_é]{0,12}") {
        let text = parts.concat();
        let mut out = Vec::new();
        Scanner::new(u128::MAX, 0).detect(&text, &lead, &mut out);
        let mut floor = 0;
        for f in out {
            proptest::prop_assert!(f.start >= floor && f.end > f.start && text.get(f.start..f.end).is_some(), "{:?} in {:?}", f, text);
            floor = f.end;
        }
    }
}
