//! What the metrics page says, and what the log does not.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use parking_lot::Mutex;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

fn pairs(labels: &[(&str, &str)]) -> Vec<(String, String)> {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The value of a series, by its line up to the space; the labels in their order on the page.
fn value(metrics: &Metrics, series: &str) -> Option<f64> {
    let page = metrics.render();
    page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[track_caller]
fn check(metrics: &Metrics, expected: &[(&str, f64)]) {
    for (series, expected) in expected {
        assert_eq!(value(metrics, series), Some(*expected), "{series} in\n{}", metrics.render());
    }
}

#[test]
fn exchanges() {
    let metrics = Metrics::new();
    let route = metrics.route("acme", "smart");
    assert!(Arc::ptr_eq(&route, &metrics.route("acme", "smart")));
    route.exchange(200, 300 * MS, MS, Some(20 * MS));
    metrics.route("acme", "smart").exchange(429, MS, MS, None);
    route.exchange(200, 100 * MS, 2 * MS, None);
    route.tokens("openai", 10, 5, 3);
    route.tokens("openai", 1, 1, 0);
    route.tokens("", 0, 0, 0);
    route.cost(0.25);
    route.cost(0.5);
    route.cost(f64::NAN);
    route.cost(-1.0);
    route.cache("hit");
    route.cache("hit");
    metrics.upstream_error("openai", "reset");
    metrics.in_flight(1);
    metrics.in_flight(1);
    metrics.in_flight(-1);
    let labels = r#"{tenant="acme",route="smart"}"#;
    check(
        &metrics,
        &[
            (r#"lockgate_requests_total{tenant="acme",route="smart",status="200"}"#, 2.0),
            (r#"lockgate_requests_total{tenant="acme",route="smart",status="429"}"#, 1.0),
            ("lockgate_exchanges_in_flight", 1.0),
            (&format!("lockgate_request_duration_seconds_count{labels}"), 3.0),
            (&format!("lockgate_request_duration_seconds_sum{labels}"), 0.401),
            (&format!("lockgate_overhead_seconds_sum{labels}"), 0.004),
            (&format!("lockgate_time_to_first_token_seconds_count{labels}"), 1.0),
            (r#"lockgate_tokens_total{tenant="acme",route="smart",provider="openai",type="input"}"#, 11.0),
            (r#"lockgate_tokens_total{tenant="acme",route="smart",provider="openai",type="output"}"#, 6.0),
            (
                r#"lockgate_tokens_total{tenant="acme",route="smart",provider="openai",type="cache_read"}"#,
                3.0,
            ),
            (&format!("lockgate_cost_usd_total{labels}"), 0.75),
            (r#"lockgate_cache_total{tenant="acme",route="smart",result="hit"}"#, 2.0),
            (r#"lockgate_upstream_errors_total{provider="openai",kind="reset"}"#, 1.0),
        ],
    );
    assert!(metrics.render().ends_with("# EOF\n"));
    assert!(!metrics.render().contains("provider=\"\""));
}

#[test]
fn a_provider_cannot_flood_the_page() {
    let metrics = Metrics::new();
    for i in 0..1000 {
        metrics.upstream_error("openai", &format!("code-{i}"));
    }
    for kind in ["", "two words", "line\n", &"x".repeat(100)] {
        metrics.upstream_error("openai", kind);
    }
    metrics.upstream_error("openai", "code-0");
    assert_eq!(metrics.render().matches("lockgate_upstream_errors_total{").count(), 65);
    check(
        &metrics,
        &[
            (r#"lockgate_upstream_errors_total{provider="openai",kind="code-0"}"#, 2.0),
            (r#"lockgate_upstream_errors_total{provider="openai",kind="other"}"#, 1000.0 - 64.0 + 4.0),
        ],
    );
}

#[test]
fn connections_are_read_when_rendered() {
    let metrics = Metrics::new();
    let open = Arc::new(std::sync::atomic::AtomicUsize::new(3));
    let read = open.clone();
    metrics.watch_connections("client", move || read.load(std::sync::atomic::Ordering::Relaxed));
    check(&metrics, &[(r#"lockgate_connections{listener="client"}"#, 3.0)]);
    open.store(1, std::sync::atomic::Ordering::Relaxed);
    check(&metrics, &[(r#"lockgate_connections{listener="client"}"#, 1.0)]);
}

#[test]
fn buckets_hold_what_is_not_above_them() {
    let histogram = Histogram::new(&[1.0, 2.0]);
    let mut registry = prometheus_client::registry::Registry::default();
    registry.register("h", "h", histogram.clone());
    for value in [0.5, 1.0, 1.5, 2.0, 7.0, f64::NAN, f64::INFINITY] {
        histogram.observe(value);
    }
    let mut page = String::new();
    prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
    for line in [
        "h_sum 12.0",
        "h_count 5",
        "h_bucket{le=\"1.0\"} 2",
        "h_bucket{le=\"2.0\"} 4",
        "h_bucket{le=\"+Inf\"} 5",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
    }
}

#[test]
fn observations_are_not_lost_between_threads() {
    let histogram = Histogram::new(&[1.0]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1000).for_each(|_| histogram.observe(0.5)));
        }
    });
    assert_eq!(histogram.count(), 4000);
    let mut registry = prometheus_client::registry::Registry::default();
    registry.register("h", "h", histogram);
    let mut page = String::new();
    prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
    assert!(page.contains("h_sum 2000.0"), "{page}");
}

#[test]
fn plugins() {
    let metrics = Metrics::new();
    let plugin = PluginMetrics::new(&metrics, "pii", "acme");
    plugin.called("text-filter", "ok", 10 * MS);
    plugin.called("text-filter", "ok", 10 * MS);
    plugin.called("text-filter", "trap", 20 * MS);
    plugin.called("pre-request", "deadline", 10 * MS);
    plugin.called("pre-request", "rejected", MS);
    plugin.edited(3);
    plugin.instances(2);
    plugin.instances(-1);
    // Made again, after a reload, it goes on counting.
    PluginMetrics::new(&metrics, "pii", "acme").called("text-filter", "ok", MS);
    let labels = r#"binding="pii",tenant="acme""#;
    check(
        &metrics,
        &[
            (&format!(r#"lockgate_plugin_calls_total{{{labels},hook="text-filter",outcome="ok"}}"#), 3.0),
            (&format!(r#"lockgate_plugin_calls_total{{{labels},hook="text-filter",outcome="trap"}}"#), 1.0),
            (&format!(r#"lockgate_plugin_call_duration_seconds_count{{{labels},hook="text-filter"}}"#), 4.0),
            (&format!("lockgate_plugin_traps_total{{{labels}}}"), 2.0),
            (&format!("lockgate_plugin_rejections_total{{{labels}}}"), 1.0),
            (&format!("lockgate_plugin_edits_total{{{labels}}}"), 3.0),
            (&format!("lockgate_plugin_instances{{{labels}}}"), 1.0),
        ],
    );
}

#[test]
fn a_plugin_counts_what_it_likes() {
    let metrics = Metrics::new();
    let plugin = PluginMetrics::new(&metrics, "pii", "acme");
    plugin.add("Found.Mails_total", 2, &pairs(&[("zone", "eu"), ("kind", "work")]));
    plugin.add("found-mails", 1, &pairs(&[("kind", "work"), ("zone", "eu"), ("tenant", "other")]));
    plugin.sample("score", 0.9, &[]);
    let labels = r#"{binding="pii",kind="work",tenant="acme",zone="eu"}"#;
    check(
        &metrics,
        &[
            (&format!("lockgate_plugin_custom_found_mails_total{labels}"), 3.0),
            (r#"lockgate_plugin_custom_score_count{binding="pii",tenant="acme"}"#, 1.0),
        ],
    );
    assert_eq!(value(&metrics, r#"lockgate_plugin_custom_dropped_total{binding="pii",tenant="acme"}"#), None);
}

#[test]
fn a_plugin_cannot_flood_the_page() {
    let metrics = Metrics::new();
    let plugin = PluginMetrics::new(&metrics, "pii", "acme");
    let dropped = || {
        value(&metrics, r#"lockgate_plugin_custom_dropped_total{binding="pii",tenant="acme"}"#).unwrap_or(0.0)
    };
    plugin.add("a", 1, &[]);
    let many: Vec<_> = (0..9).map(|i| (format!("l{i}"), String::new())).collect();
    for refuse in [
        ("", &[][..]),
        ("7up", &[]),
        ("a b", &[]),
        ("é", &[]),
        ("dropped", &[]),
        (&"n".repeat(65), &[]),
        ("a", &many),
        ("a", &pairs(&[("le", "1")])),
        ("a", &pairs(&[("a b", "1")])),
    ] {
        let before = dropped();
        plugin.add(refuse.0, 1, refuse.1);
        assert_eq!(dropped(), before + 1.0, "{refuse:?}");
    }
    let before = dropped();
    plugin.sample("a", 1.0, &[]);
    assert_eq!(dropped(), before + 1.0, "a counter is no histogram");

    plugin.add("cut", 1, &pairs(&[("value", &"é".repeat(50))]));
    assert!(metrics.render().contains(&format!("value=\"{}\"", "é".repeat(32))));

    for i in 0..1000 {
        plugin.add("series", 1, &pairs(&[("i", &i.to_string())]));
    }
    assert_eq!(
        metrics.render().matches("custom_series_total{").count(),
        498,
        "with `a` and `cut` it has 500"
    );
    let other = PluginMetrics::new(&metrics, "other", "acme");
    other.add("series", 1, &[]);
    check(&metrics, &[(r#"lockgate_plugin_custom_series_total{binding="other",tenant="acme"}"#, 1.0)]);
    for i in 0..1000 {
        other.add(&format!("name{i}"), 1, &[]);
    }
    assert_eq!(metrics.render().matches("# TYPE lockgate_plugin_custom_name").count(), 256 - 3);
}

/// A writer that keeps what was written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logged(format: Format, filter: &str, log: impl FnOnce()) -> String {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = logging::subscriber(format, logging::parse(filter).unwrap(), move || writer.clone());
    tracing::subscriber::with_default(subscriber, log);
    let bytes = written.0.lock().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_line_of_json_holds_its_fields() {
    let line = logged(Format::Json, "info", || {
        let span = tracing::info_span!("exchange", id = "req_1");
        span.in_scope(|| tracing::info!(target: "lockgate::proxy", status = 200, "done \"well\"\n"));
        tracing::debug!("unseen");
    });
    assert_eq!(line.lines().count(), 1, "{line}");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    for (pointer, expected) in [
        ("/level", serde_json::json!("INFO")),
        ("/target", "lockgate::proxy".into()),
        ("/message", "done \"well\"\n".into()),
        ("/status", 200.into()),
        ("/span/id", "req_1".into()),
    ] {
        assert_eq!(line.pointer(pointer), Some(&expected), "{pointer} of {line}");
    }
    assert!(line.get("timestamp").is_some());
}

#[test]
fn transports_say_nothing_of_what_they_carry() {
    for format in [Format::Json, Format::Text] {
        for filter in ["trace", "info,hyper=trace,h2::codec=trace,rustls=debug"] {
            let text = logged(format, filter, || {
                tracing::trace!(target: "h2::codec", "hunter2");
                tracing::debug!(target: "hyper::proto::h1", "hunter2");
                tracing::debug!(target: "rustls", "hunter2");
                tracing::info!(target: "hyper", "fine");
                tracing::info!(target: "lockgate", "fine too");
            });
            assert!(
                !text.contains("hunter2") && text.contains("fine too") && text.lines().count() == 2,
                "{text}"
            );
        }
    }
    // The cap does not raise what the operator wants to see less of.
    assert_eq!(logged(Format::Text, "error", || tracing::info!(target: "hyper", "unwanted")), "");
}

#[test]
fn a_filter_that_is_none_is_told() {
    let error = check_filter("lockgate=loud").unwrap_err();
    assert!(error.to_string().starts_with("`lockgate=loud` is not a log filter"), "{error}");
    check_filter("info,lockgate::plugin=debug").unwrap();
}
