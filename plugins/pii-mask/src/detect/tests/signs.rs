//! Secrets, coins, hardware addresses, credentials, dates and documents: with and without what makes them one.

use super::check;

/// A made-up token: a prefix and so many characters that look random. Split, so that no scanner of
/// repositories takes the test for a leak.
fn token(prefix: &str, len: usize) -> String {
    let body = "a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZ".chars().cycle().take(len);
    format!("{prefix}{}", body.collect::<String>())
}

#[test]
fn finds_tokens_with_known_prefixes() {
    for token in [
        token("sk-proj-", 48),
        token("sk-ant-api03-", 80),
        token("ghp_", 36),
        token("github_pat_", 60),
        token("glpat-", 20),
        token("xoxb-", 40),
        token("AIza", 35),
        token("sk_live_", 24),
        token("hf_", 34),
        format!("AKIA{}", "IOSFODNN7EXAMPL3"),
        format!("{}.{}.{}", token("eyJ", 20), token("eyJ", 40), token("x", 40)),
    ] {
        check(&format!("use {token} for it"), &[&format!("secret:{token}")]);
        check(&format!("\"{token}\","), &[&format!("secret:{token}")]);
    }
    for text in
        ["sk-learn and sk-8", "the ghp_ prefix", "eyJ is a prefix", "AKIA is how it begins", "task-force-one"]
    {
        check(text, &[]);
    }
}

#[test]
fn finds_private_keys_whole() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n".repeat(3);
    let key = format!("-----BEGIN {0} KEY-----\n{body}-----END {0} KEY-----", "PRIVATE");
    check(&format!("here:\n{key}\nthanks"), &[&format!("secret:{key}")]);
    check("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", &[]);
}

#[test]
fn finds_values_behind_names() {
    for (text, value) in [
        ("password: hunter2!x", "hunter2!x"),
        ("PASSWORD=\"S3cr3t pass\"", ""),
        ("my password is tr0ub4dor.", "tr0ub4dor"),
        ("api_key = 'a8f5f167f44f4964e6c998dee827110c'", "a8f5f167f44f4964e6c998dee827110c"),
        ("\"accessToken\": \"Zx81kLq09PdVmW3n\"", "Zx81kLq09PdVmW3n"),
        ("Authorization: Bearer mF9.B5f-4.1JqMx07", "mF9.B5f-4.1JqMx07"),
        ("DB_PASSWORD=p4ssW0rd99", "p4ssW0rd99"),
    ] {
        let expected = format!("secret:{value}");
        check(
            text,
            if value.is_empty() { &[] } else { std::slice::from_ref(&expected) }
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .as_slice(),
        );
    }
    for text in [
        "password: string",
        "token = get_token()",
        "let key = map.keys().next();",
        "api_key: ${API_KEY}",
        "password=<your password>",
        "token: os.environ['TOKEN_1234']",
        "the key: value pairs",
        "the secret: be kind",
        "max_tokens: 4096",
        "primary key: id12345678901",
        "password: ********",
    ] {
        check(text, &[]);
    }
}

#[test]
fn finds_credentials_in_urls() {
    check(
        "postgres://app:s3cret@db.example.com:5432/x and https://example.com/a@b:c",
        &["url_credentials:app:s3cret"],
    );
    check("redis://:p4ss@cache/0", &["url_credentials::p4ss"]);
    check("https://user@example.com/ postgres://u:${PASS}@host/", &["email:user@example.com"]);
}

#[test]
fn finds_coins_by_their_checksums() {
    for coin in [
        "16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "bc1p5d7rjq7g6rdk2yhzks9smlaqtedr4dekq08ge8ztwac72sfr9rusxg3297",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359",
    ] {
        check(&format!("pay {coin}."), &[&format!("crypto:{coin}")]);
    }
    for text in [
        "16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ2",
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdd",
        "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "8f953371d3e85eddb89b05ed6b9e680791055315c73e1025ab5dba7bb2aee189",
    ] {
        check(text, &[]);
    }
}

#[test]
fn finds_hardware_addresses() {
    for mac in ["00:1A:2B:3C:4D:5E", "0d-B3-4a-6A-d9-cF", "0012.3456.789a", "aabb.ccdd.eeff"] {
        check(&format!("at {mac}, it"), &[&format!("mac:{mac}")]);
    }
    for text in
        ["00:00:00:00:00:00", "10:2F:33-AC-29-C3", "00:1A:2B:3C:4D:5E:6F", "12:34:56", "dead.beef.cafe.babe"]
    {
        check(text, &[]);
    }
}

#[test]
fn a_date_is_one_of_birth_only_where_a_word_says_so() {
    for date in ["1980-05-12", "12/05/1980", "12.5.80", "12 May 1980", "May 12, 1980", "3rd of March 1971"] {
        check(&format!("DOB: {date}"), &[&format!("date_of_birth:{date}")]);
        check(&format!("she was born on {date} in Rome"), &[&format!("date_of_birth:{date}")]);
        check(&format!("the meeting on {date} in Rome"), &[]);
    }
    check("geboren am 3.4.1975", &["date_of_birth:3.4.1975"]);
    check("生年月日: 1990/01/02", &["date_of_birth:1990/01/02"]);
}

#[test]
fn a_document_is_one_only_where_a_word_says_so() {
    check("passport number: X1234567", &["passport:X1234567"]);
    check("Reisepass-Nr. 123456789", &["passport:123456789"]);
    check("driver's license D123-4567-8901", &["driving_licence:D123-4567-8901"]);
    check("여권 M12345678", &["passport:M12345678"]);
    check("part X1234567 is sold out", &[]);
    check("BIC: DEUTDEFF500, SWIFT code BNPAFRPP", &["bic:DEUTDEFF500", "bic:BNPAFRPP"]);
    check("the DOCUMENT and the ABSOLUTE truth", &[]);
}

#[test]
fn the_nearest_word_names_the_number() {
    check("phone 2025550143, passport 123456789", &["phone:2025550143", "passport:123456789"]);
    check("taxFileNumber=876543210", &["au_tfn:876543210"]);
    check("invoice 221 395 1837", &[]);
}
