//! Dates, times, URLs and domains, and what only looks like one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::settings::Settings;

/// The finds of a text that identify nobody.
fn found(text: &str) -> Vec<String> {
    let settings = Settings::new(serde_json::from_str("{}").unwrap()).ok().unwrap();
    let kept = settings.find(text, "").into_iter().filter(|f| settings.kind(f.kind).unwrap().quiet);
    kept.map(|f| format!("{} {}", settings.kind(f.kind).unwrap().name, text.get(f.start..f.end).unwrap()))
        .collect()
}

#[test]
fn dates_and_times_are_found() {
    for (text, date) in [
        ("When: 1993-01-04 14:56:41\nWhere", "1993-01-04 14:56:41"),
        ("since 11/15/1979, I think", "11/15/1979"),
        ("Today is,2024-03-15T14:30:00.123456Z or not?", "2024-03-15T14:30:00.123456Z"),
        ("at 2024-06-05T09:15:30.500-07:00.", "2024-06-05T09:15:30.500-07:00"),
        ("due 21.5.21", "21.5.21"),
        ("on 5-MAY-2021", "5-MAY-2021"),
        ("until May 12, 2021 at noon", "May 12, 2021"),
        ("on May 12th", "May 12th"),
        ("in June 2021.", "June 2021"),
        ("the 12 May issue", "12 May"),
        ("we meet Sunday", "Sunday"),
        ("a call at 10:30 am", "10:30 am"),
        ("at 9:05.", "9:05"),
        ("Today is,5/21,and it's sunny", "5/21"),
        ("valid to 05/2021", "05/2021"),
        ("Today is May-2021", "May-2021"),
        ("from May-21 on", "May-21"),
    ] {
        assert_eq!(found(text), [format!("date_time {date}")], "{text}");
    }
}

#[test]
fn numbers_are_no_dates() {
    for text in [
        "5/21",
        "2024",
        "version 1.2.3",
        "1:2",
        "25:30",
        "10:61",
        "31/31/2021",
        "x2021-05-12",
        "someday",
        "I may 12 times",
        "Mary 12",
        "ratio 16:9",
        "port 8080:80",
        "Today is5/21and",
        "00:1A:2B:3C:4D:5E",
        "a-2021-05-12",
        "12:345",
        "weekday",
        "Holiday",
    ] {
        let dates: Vec<String> = found(text).into_iter().filter(|f| f.starts_with("date")).collect();
        assert_eq!(dates, [""; 0], "{text}");
    }
}

#[test]
fn urls_and_domains_are_found() {
    for (text, urls) in [
        ("my website is http://www.visualtrips.hu/.", &["http://www.visualtrips.hu/"][..]),
        ("(see https://example.org/a?b=1#c)", &["https://example.org/a?b=1#c"]),
        ("'https://presidio.dataprivacystack.org/'", &["https://presidio.dataprivacystack.org/"]),
        ("my domains: microsoft.com google.co.il", &["microsoft.com", "google.co.il"]),
        ("www.example.museum", &["www.example.museum"]),
        ("http://microsoft.vlaanderen", &["http://microsoft.vlaanderen"]),
        ("https://10.1.2.3:8080/x", &["https://"]),
        ("[docs](https://docs.rs/serde)", &["https://docs.rs/serde"]),
    ] {
        let finds = found(text);
        // An address of a host is more than a URL: it stays what it is.
        let expected: Vec<String> = urls.iter().map(|u| format!("url {u}")).collect();
        assert_eq!(finds, expected, "{text}");
    }
}

#[test]
fn what_is_no_host_is_no_url() {
    for text in [
        "http://microsoft",
        "http://localhost:3000/x",
        "'www.microsoft'",
        "main.rs and lib.py",
        "e.g. this",
        "a.b",
        "std::io::Read",
        "obj.method()",
        "end.In the",
        "1.5",
        "self.info(x)",
        "file.tar.gz",
        "://x.com",
        "ann@example.com",
    ] {
        assert_eq!(found(text), [""; 0], "{text}");
    }
}

#[test]
fn a_profession_behind_a_name_is_a_title() {
    for (text, title) in [
        (
            "Maria Gonzalez\nCrushing, grinding, and polishing machine tender\nAcme Tools Ltd.",
            "Crushing, grinding, and polishing machine tender",
        ),
        ("Maria Gonzalez, the civil drafter, said so.", "civil drafter"),
        ("I met Maria Gonzalez, a nurse at the clinic.", "nurse"),
    ] {
        assert_eq!(found(text), [format!("title {title}")], "{text}");
    }
    for text in [
        "Maria Gonzalez, however, said no.",
        "the baker said so",
        "Maria Gonzalez, her brother",
        "Maria Gonzalez is a nurse",
    ] {
        assert_eq!(found(text), [""; 0], "{text}");
    }
}

#[test]
fn private_values_stand_before_them() {
    let settings = Settings::new(serde_json::from_str("{}").unwrap()).ok().unwrap();
    let names = |text: &str| -> Vec<String> {
        settings.find(text, "").iter().map(|f| settings.kind(f.kind).unwrap().name.clone()).collect()
    };
    assert_eq!(names("https://x.example.com/?to=ann@example.org&n=1"), ["url", "email"]);
    assert_eq!(names("born 12/05/1980"), ["date_of_birth"]);
    assert_eq!(names("https://bob:secret@example.com/"), ["url", "url_credentials"]);
}

proptest::proptest! {
    /// Whatever the text, finds are in order, apart and on whole characters.
    #[test]
    fn finds_are_sound(text in r#"(https?://|www\.|[a-z]{1,4}\.|com|[0-9]{1,4}|[/:.\-T+ ,]|May|day|Sun|é|名|Z|am|@|\n){0,40}"#) {
        let settings = Settings::new(serde_json::from_str("{}").unwrap()).ok().unwrap();
        let mut end = 0;
        for f in settings.find(&text, "") {
            proptest::prop_assert!(f.start >= end && f.end > f.start && text.get(f.start..f.end).is_some());
            end = f.end;
        }
    }
}
