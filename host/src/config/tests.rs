//! What is reported about broken configurations, and that whole ones load.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

const HASH: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

fn faults(text: &str) -> String {
    parse("lockgate.yaml", text, &[("KEY", "sk-secret")]).unwrap_err().to_string()
}

fn whole() -> String {
    format!(
        "listen: 127.0.0.1:0
admin: {{ token: '${{env:KEY}}' }}
providers:
  openai: {{ adapter: 'builtin:openai', credential: '${{env:KEY}}' }}
chains:
  standard:
    - {{ plugin: 'builtin:pii-mask@1', config: {{ entities: [email] }}, on_error: reject }}
routes:
  smart: {{ targets: [openai/gpt-5, {{ target: openai/gpt-5-mini, weight: 2 }}], chain: standard }}
tenants:
  acme: {{ keys: [{{ name: web, hash: '{HASH}' }}], routes: [smart] }}
"
    )
}

#[test]
fn a_whole_configuration_loads_and_hides_its_secrets() {
    let loaded = parse("lockgate.yaml", &whole(), &[("KEY", "sk-secret")]).unwrap();
    let provider = loaded.config.providers.get("openai").unwrap();
    assert_eq!(provider.credential.as_ref().unwrap().expose(), "sk-secret");
    assert!(!format!("{loaded:?}").contains("sk-secret"));
    let targets = &loaded.config.routes.get("smart").unwrap().targets;
    assert_eq!(targets.get(1).unwrap().facts(), [("weight".to_owned(), "2".to_owned())]);
    let at = loaded.document.position("/routes/smart/targets/1").unwrap();
    assert_eq!((at.line, at.column), (9, 36));
}

#[test]
fn json_is_yaml() {
    let loaded = parse("x.json", r#"{"listen": "127.0.0.1:9", "watch": false}"#, &[]).unwrap();
    assert_eq!((loaded.config.listen.port(), loaded.config.watch), (9, false));
}

#[test]
fn every_fault_is_reported_at_once_with_its_place_and_what_was_meant() {
    let text = whole()
        .replace("targets: [openai/gpt-5", "targets: [opnai/gpt-5")
        .replace("chain: standard", "chain: standrad")
        .replace("routes: [smart]", "routes: [smrt]")
        .replace("pii-mask@1", "pii-mask@7");
    insta::assert_snapshot!(faults(&text));
}

#[test]
fn a_file_is_for_one_thing() {
    let one = whole() + "counters: { file: a.db }\nledger: { file: a.db }\nkeys: { file: ./b.db }\n";
    let told = faults(&one);
    assert!(told.contains("counters.file") && told.contains("the file of `ledger` already"), "{told}");
    let beside = whole() + "counters: { file: a.db }\nkeys: { file: a.db.state }\n";
    assert!(faults(&beside).contains("the file of `keys` already"));
    let apart = beside + "state: { file: c.db }\n";
    let loaded = parse("lockgate.yaml", &apart, &[("KEY", "sk-secret")]).unwrap();
    assert_eq!(loaded.config.state_file().unwrap().to_str(), Some("c.db"));
    let memory = parse("lockgate.yaml", &whole(), &[("KEY", "sk-secret")]).unwrap();
    assert_eq!(memory.config.state_file(), None);
}

#[test]
fn a_misshapen_part_does_not_hide_the_faults_of_others() {
    let text = whole()
        .replace("on_error: reject", "on_eror: reject, limits: { memory_mb: much }")
        .replace("targets: [openai/gpt-5", "targets: [opnai/gpt-5")
        .replace("listen: 127.0.0.1:0", "listen: 127.0.0.1:0\nwatch: maybe\nlisn: x");
    insta::assert_snapshot!(faults(&text));
    // A section that is not read at all is no reason to call what refers to it wrong.
    let text = whole().replace("chains:", "chians:");
    assert_eq!(faults(&text).lines().count(), 1, "{}", faults(&text));
}

#[test]
fn the_shape_is_checked_with_suggestions() {
    let text = whole()
        .replace("on_error: reject", "on_eror: reject")
        .replace("name: web, ", "")
        .replace("weight: 2", "weight: heavy")
        .replace("listen: 127.0.0.1:0", "listn: 127.0.0.1:0\nwatch: maybe");
    insta::assert_snapshot!(faults(&text));
}

#[test]
fn faults_of_routing_are_reported_with_their_places() {
    let route = "smart: { targets: [openai/gpt-5, { target: openai/gpt-5-mini, weight: 2 }], chain: standard,
    rules: [{ when: { headers: { Cookie: x }, language: klingon, modality: [text, smell], model: 'a*b' }, targets: [openai/gpt-6] },
      { when: { bytes: { min: 2, max: 1 }, time: { from: '25:00', timezone: Mars } }, route: smrt, pin: openai/* },
      { weights: { openai/gpt-5: -1 } }, { name: idle }],
    pins: { smart: nobody/x }, residency: ['eu*'], residency_when: { pii: [''] },
    canary: { targets: [openai/gpt-5], percent: 5, roll_back: { error_rate: 2, latency: 0.5, min_attempts: 0 } },
    mirror: { target: openai/*, percent: 1 } }
  other: { targets: [openai/x], residency: [ch] }";
    let text = whole()
        .replace(
            "smart: { targets: [openai/gpt-5, { target: openai/gpt-5-mini, weight: 2 }], chain: standard }",
            route,
        )
        .replace("routes: [smart]", "routes: [smart, other], residency: [eu]")
        .replace("name: web", "name: web, pins: { smart: openai/gpt-5, none: openai/gpt-5 }")
        + "routing: { rules: [{ when: { route: oth* }, route: smart }, { when: { route: smart }, targets: [] }] }";
    insta::assert_snapshot!(faults(&text));
}

#[test]
fn references_that_lead_nowhere_are_faults() {
    let text =
        whole().replacen("${env:KEY}", "${env:NO_SUCH}", 1).replace("${env:KEY}", "${file:/no/such/file}");
    insta::assert_snapshot!(faults(&text));
}

#[test]
fn a_document_that_is_none_says_where() {
    insta::assert_snapshot!(faults("listen: [\nproviders: }"));
    insta::assert_snapshot!(faults("listen: 127.0.0.1:1\nlisten: 127.0.0.1:2\n"));
}

#[test]
fn values_never_appear_in_faults() {
    let text = whole()
        .replace("token: '${env:KEY}'", "token: { was: sk-visible }")
        .replace("hash: 'sha256:", "hash: 'sk-visible:");
    assert!(!faults(&text).contains("sk-visible"));
}

#[test]
fn aliases_and_depth_are_bounded() {
    let bomb: String =
        (1..12).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(","))).collect();
    assert!(faults(&format!("a0: &a0 [x]\n{bomb}")).contains("aliases"));
    assert!(faults(&format!("a: {}{}", "[".repeat(200), "]".repeat(200))).contains("nested"));
    for open in ["[", "- ", "{a: "] {
        assert!(!faults(&open.repeat(100_000)).is_empty(), "and no stack overflows");
    }
}

#[test]
fn what_is_known_of_a_provider_need_not_be_written() {
    let text = "providers:
  groq: { credential: k }
  fast: { preset: groq, base_url: 'http://127.0.0.1:1/v1' }
  mine: { adapter: 'builtin:gemini@1' }
  local: { adapter: 'builtin:openai', base_url: 'http://127.0.0.1:2/v1' }
";
    let config = parse("x", text, &[]).unwrap().config;
    for (name, adapter, url, prices) in [
        ("groq", "builtin:openai", "https://api.groq.com/openai/v1", "groq"),
        ("fast", "builtin:openai", "http://127.0.0.1:1/v1", "groq"),
        ("mine", "builtin:gemini@1", "https://generativelanguage.googleapis.com", "gemini"),
        ("local", "builtin:openai", "http://127.0.0.1:2/v1", "openai"),
    ] {
        let provider = config.providers.get(name).unwrap();
        assert_eq!(
            (provider.adapter.as_str(), provider.base_url.as_deref(), provider.price_name()),
            (adapter, Some(url), Some(prices)),
            "{name}"
        );
    }
    let wrong = faults("providers: { grok: {}, x: { preset: mistrl }, y: { adapter: own } }");
    for told in ["did you mean `groq`", "did you mean `mistral`", "providers.y"] {
        assert!(wrong.contains(told), "{wrong}");
    }
}

#[test]
fn the_environment_alone_serves_its_provider() {
    let loaded = standard(&[("OPENAI_API_KEY", "sk-1")]).unwrap();
    assert_eq!(loaded.config.anonymous.as_deref(), Some("default"));
    let keyed = standard(&[("ANTHROPIC_API_KEY", "sk-2"), ("LOCKGATE_API_KEY", "mine")]).unwrap();
    assert_eq!(keyed.config.anonymous, None);
    assert!(keyed.config.routes.contains_key("anthropic/*"));
    let two = standard(&[("GROQ_API_KEY", "sk-3"), ("MISTRAL_API_KEY", "sk-4")]).unwrap().config;
    assert_eq!(two.providers.keys().collect::<Vec<_>>(), ["groq", "mistral"]);
    assert!(standard(&[]).unwrap_err().to_string().contains("OPENAI_API_KEY, ANTHROPIC_API_KEY"));
    let everywhere =
        [("OPENAI_API_KEY", "sk-1"), ("LOCKGATE_LISTEN", "0.0.0.0:80"), ("LOCKGATE_API_KEY", "mine")];
    assert_eq!(standard(&everywhere).unwrap().config.listen.to_string(), "0.0.0.0:80");
    let open = standard(&[everywhere[0], everywhere[1]]).unwrap_err().to_string();
    assert!(open.contains("LOCKGATE_API_KEY"), "{open}");
    for (name, wrong) in [("LOCKGATE_ADMIN_LISTEN", "8081"), ("LOCKGATE_LOG_FORMAT", "loud")] {
        assert!(standard(&[("OPENAI_API_KEY", "sk-1"), (name, wrong)]).is_err(), "{name}");
    }
}

#[test]
fn the_examples_load() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    struct Any;
    impl Environment for Any {
        fn variable(&self, _: &str) -> Option<String> {
            Some("value".into())
        }
    }
    let yaml = |folder: &str| {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|ext| ext == "yaml")).collect::<Vec<_>>()
    };
    let providers = yaml(&format!("{examples}/providers"));
    for preset in preset::all() {
        let file = format!("{}.yaml", preset.name);
        assert!(
            providers.iter().any(|known| known.ends_with(&file)),
            "there is no example of {}",
            preset.name
        );
    }
    let all = yaml(examples);
    assert!(!all.is_empty());
    for file in all.iter().chain(&providers) {
        load(file, &Any).unwrap_or_else(|faults| unreachable!("{}: {faults}", file.display()));
    }
}

#[test]
fn commands_print_secrets() {
    let text = whole().replace("${env:KEY}", "${command:printf sk-; printf printed}");
    let loaded = parse("x", &text, &[]).unwrap();
    let credential = |loaded: &Loaded| {
        loaded.config.providers.get("openai").unwrap().credential.as_ref().unwrap().expose().to_owned()
    };
    assert_eq!(credential(&loaded), "sk-printed");
    let (command, known) = loaded.sources.commands.first().unwrap();
    assert_eq!((command.as_str(), *known), ("printf sk-; printf printed", digest("sk-printed")));
    assert!(!format!("{loaded:?}").contains("sk-printed"), "{loaded:?}");
    let failing = text.replace("printf printed", "false");
    let faults = parse("x", &failing, &[]).unwrap_err().to_string();
    assert!(faults.contains("gives nothing: it failed"), "{faults}");
}

#[test]
fn credentials_are_of_one_kind() {
    let with = |more: &str| {
        let provider = format!("openai: {{ adapter: 'builtin:openai', {more} }}");
        faults(&whole().replace("openai: { adapter: 'builtin:openai', credential: '${env:KEY}' }", &provider))
    };
    for (more, why) in [
        ("credential: a, credentials: [{ key: b }]", "leave one out"),
        ("credentials: [{ key: b, weight: 0 }]", "at least 1"),
        ("aws: { access_key_id: a }", "go together"),
        ("entra: { client_secret: s }", "needs both"),
    ] {
        assert!(with(more).contains(why), "{more}: {}", with(more));
    }
    let azure = whole().replace("openai: { adapter: 'builtin:openai',", "openai: { preset: azure-openai,");
    assert!(faults(&azure).contains("the option `resource` is missing"), "{}", faults(&azure));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}", yaml in "[a-c:\\[\\]{}&*!| \n-]{0,80}") {
        let _ = parse("x", &text, &[]);
        let _ = parse("x", &yaml, &[]);
    }
}
