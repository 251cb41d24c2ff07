//! A plugin that misbehaves hurts its own binding: its routes answer what `on_error` says, within its
//! deadline, and the routes beside it notice nothing.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, ask, ask_streamed, binding, soon, with};
use lockgate_guests::HOSTILE;
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};

const DEEDS: [&str; 5] = ["loop", "bomb", "panic", "overflow", "fault"];

/// For each deed a route that fails closed and one that fails open, and a route without it.
fn routes(mut config: Value, component: &std::path::Path) -> Value {
    config["plugins"] = json!({ "hostile": { "source": component } });
    config["chains"]["calm"] = json!([binding("builtin:pii-mask", json!({}))]);
    config["routes"]["calm"] = json!({ "targets": ["openai/*"], "chain": "calm" });
    let mut names = vec!["calm".to_owned()];
    for deed in DEEDS {
        for on_error in ["reject", "skip"] {
            let name = format!("{deed}-{on_error}");
            config["chains"][&name] = json!([{
                "plugin": "hostile", "name": name, "config": { "deed": deed }, "on_error": on_error,
                "limits": { "deadline_ms": 20, "memory_mb": 16 }, "streams": "observe",
            }]);
            config["routes"][&name] = json!({ "targets": ["openai/*"], "chain": name });
            names.push(name);
        }
    }
    config["tenants"]["acme"]["routes"] = json!(names);
    config
}

#[tokio::test]
async fn it_ends_as_its_binding_says_and_its_neighbours_do_not_notice() {
    let folder = tempfile::tempdir().unwrap();
    let component = folder.path().join("hostile.wasm");
    std::fs::write(&component, HOSTILE).unwrap();
    let stage =
        Stage::configured(|_: &Recorded| Reply::echo(), json!([]), |config| routes(config, &component)).await;
    let to = |body: Value, model: &str| with(body, "model", json!(model));
    let calm = || async {
        let body = to(ask_streamed("I am ada@example.org"), "calm");
        stage.chat(&body).await
    };
    for deed in DEEDS {
        for body in [ask("hi"), ask_streamed("hi")] {
            let (closed, open) =
                (to(body.clone(), &format!("{deed}-reject")), to(body, &format!("{deed}-skip")));
            let all = async { tokio::join!(stage.chat(&closed), stage.chat(&open), calm(), calm()) };
            let (closed, open, calm, calm_too) = soon(deed, Box::pin(all)).await;
            assert_eq!(
                (closed.status.as_u16(), closed.error("code").as_str()),
                (503, "policy_unavailable"),
                "{deed}: {}",
                closed.body
            );
            assert_eq!((open.status.as_u16(), open.text().as_str()), (200, "hi"), "{deed}: {}", open.body);
            for neighbour in [calm, calm_too] {
                assert_eq!(
                    (neighbour.status.as_u16(), neighbour.text().as_str()),
                    (200, "I am ada@example.org"),
                    "{deed}"
                );
                assert!(neighbour.is_done());
            }
        }
    }
    // What did not pass its guard never left the gateway.
    let seen = stage.upstream.requests();
    assert_eq!(seen.len(), DEEDS.len() * 2 * 3);
    let metrics = stage.gateway.metrics().await;
    for deed in DEEDS {
        let name = format!("binding=\"{deed}-reject\"");
        let failed = metrics.sum("lockgate_plugin_calls_total", &[&name])
            - metrics.sum("lockgate_plugin_calls_total", &[&name, "outcome=\"ok\""]);
        assert!(failed >= 2.0, "{deed}: {}", metrics.0);
    }
    assert!(metrics.sum("lockgate_plugin_traps_total", &["binding=\"panic-reject\""]) >= 2.0);
}

#[tokio::test]
async fn a_binding_that_keeps_failing_is_left_alone_and_fails_as_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let component = folder.path().join("hostile.wasm");
    std::fs::write(&component, HOSTILE).unwrap();
    let stage =
        Stage::configured(|_: &Recorded| Reply::echo(), json!([]), |config| routes(config, &component)).await;
    for _ in 0..12 {
        let closed = stage.chat(&with(ask("hi"), "model", json!("panic-reject"))).await;
        assert_eq!(closed.error("code"), "policy_unavailable");
        assert_eq!(stage.chat(&with(ask("hi"), "model", json!("panic-skip"))).await.text(), "hi");
    }
    let metrics = stage.gateway.metrics().await;
    let calls = |outcome: &str| {
        metrics.sum(
            "lockgate_plugin_calls_total",
            &["binding=\"panic-reject\"", &format!("outcome=\"{outcome}\"")],
        )
    };
    assert!(calls("trap") >= 5.0 && calls("trap") < 12.0, "{}", metrics.0);
}
