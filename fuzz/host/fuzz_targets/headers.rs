//! Any text as the headers of a request and of an answer, and as a path: what a key does not delegate is not taken, what is said
//! is short and printable, nobody puts a provider off for more than a day, and no path climbs.
//!
//! The first byte of the input says whether the key delegates; a line is a header, the first a path.

#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use lockgate::auth::{Holder, Permissions, Principal, Tags};
use lockgate::proxy::request_id;
use lockgate::upstream::{BaseUrl, retry_after};
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 3_600);

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let mut lines = rest.split(|byte| *byte == b'\n');
    let path = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let mut headers = HeaderMap::new();
    for line in lines.take(64) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) =
            (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(&line[colon + 1..]));
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }

    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    assert!(retry_after(&headers, now).is_none_or(|wait| wait <= DAY));
    assert!(request_id(&headers).bytes().all(|byte| byte.is_ascii_graphic()));

    let own = Tags::of([("feature", "search")]).expect("they are tags");
    let holder = Holder { tags: own, delegates: first % 2 == 1, ..Holder::default() };
    let key = Principal {
        tenant: "t".into(),
        key: "k".into(),
        holder: holder.clone(),
        permissions: Permissions::all(),
    };
    if let Ok(told) = key.told(&headers) {
        let tags: Vec<_> = told.holder.tags.iter().collect();
        assert!(tags.len() <= 16 && tags.contains(&("feature", "search")));
        assert!(tags.iter().all(|(name, value)| name.len().max(value.len()) <= 64));
        assert!(told.holder.priority >= holder.priority);
        for name in [&told.holder.user, &told.holder.agent, &told.holder.on_behalf_of].into_iter().flatten() {
            assert!(holder.delegates && (1..=128).contains(&name.len()));
            assert!(name.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
        assert!(holder.delegates || told.holder.tags == holder.tags);
    }

    let base = BaseUrl::parse("https://provider.example/v1").expect("it is one");
    if let Ok(url) = base.join(&path) {
        assert_eq!((url.scheme_str(), url.host()), (Some("https"), Some("provider.example")));
        assert!(
            url.path().starts_with("/v1") && !url.path().split('/').any(|part| part == ".." || part == ".")
        );
    }
    let _ = BaseUrl::parse(&path);
});
