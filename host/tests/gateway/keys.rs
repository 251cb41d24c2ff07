//! Keys that are made, changed, rotated and revoked while the gateway runs, by the admin API and the command line.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Gateway, ask, config, hash, soon, with};
use http::Method;
use lockgate_client::{Answer, Client};
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;
use tokio::process::Command;

const OWNER: &str = "the-token-of-the-owner";
const OPERATOR: &str = "the-token-of-the-operator";
const VIEWER: &str = "the-token-of-the-viewer";

/// A gateway whose administrators have tokens, and whose keys are in a file of this folder.
async fn start(upstream: &Upstream, folder: &Path) -> Gateway {
    Gateway::start(&with_keys(upstream, folder)).await
}

fn with_keys(upstream: &Upstream, folder: &Path) -> Value {
    let mut config = config(upstream, json!([]));
    config["keys"] = json!({ "file": folder.join("keys.db") });
    config["tenants"]["globex"] = json!({ "routes": ["*"] });
    let token = |name: &str, token: &str| json!({ "name": name, "role": name, "hash": hash(token) });
    config["admin"]["tokens"] =
        json!([token("owner", OWNER), token("operator", OPERATOR), token("viewer", VIEWER)]);
    config
}

async fn echo() -> (Upstream, TempDir) {
    (Upstream::start(|_: &Recorded| Reply::echo()).await.unwrap(), tempfile::tempdir().unwrap())
}

async fn send(admin: &Client, method: Method, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let open = soon("an answer", admin.open(admin.request(method, path), body)).await.unwrap();
    soon("the rest", open.rest()).await.unwrap()
}

async fn make(admin: &Client, body: &Value) -> Value {
    let made = send(admin, Method::POST, "/keys", body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.json()
}

async fn status(gateway: &Gateway, key: &Value) -> u16 {
    let client = gateway.anybody().with_key(key.as_str().unwrap());
    soon("an answer", client.chat(&ask("hi"))).await.unwrap().status.as_u16()
}

#[tokio::test]
async fn a_key_lives_from_its_making_to_its_end_and_survives_kill_9() {
    let (upstream, folder) = echo().await;
    let mut gateway = start(&upstream, folder.path()).await;
    let admin = gateway.admin().with_key(OWNER);
    let made = make(&admin, &json!({ "tenant": "globex", "name": "web", "team": "core" })).await;
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].clone());
    assert_eq!(status(&gateway, &key).await, 200);
    let usage = send(&gateway.admin().with_key(VIEWER), Method::GET, "/usage", &Value::Null).await;
    assert!(usage.body.contains("globex"), "{}", usage.body);

    let rotated =
        send(&admin, Method::POST, &format!("/keys/{id}/rotate"), &json!({ "overlap_s": 600 })).await;
    let second = rotated.json()["key"].clone();
    assert_eq!((status(&gateway, &key).await, status(&gateway, &second).await), (200, 200));
    let other = make(&admin, &json!({ "tenant": "globex", "name": "other" })).await;
    let revoked =
        send(&admin, Method::DELETE, &format!("/keys/{}", other["id"].as_str().unwrap()), &Value::Null).await;
    assert_eq!((revoked.status.as_u16(), revoked.json()["state"].clone()), (200, json!("revoked")));
    assert_eq!(status(&gateway, &other["key"]).await, 401);

    gateway.signal("KILL").await;
    gateway.exit().await;
    let gateway = start(&upstream, folder.path()).await;
    let admin = gateway.admin().with_key(OWNER);
    assert_eq!((status(&gateway, &key).await, status(&gateway, &second).await), (200, 200));
    assert_eq!(status(&gateway, &other["key"]).await, 401);
    let rotated = send(&admin, Method::POST, &format!("/keys/{id}/rotate"), &json!({ "overlap_s": 0 })).await;
    assert_eq!((status(&gateway, &second).await, status(&gateway, &rotated.json()["key"]).await), (401, 200));

    let listed = send(&admin, Method::GET, "/keys?tenant=globex&revoked=true", &Value::Null).await.json();
    let names: Vec<_> = listed["keys"].as_array().unwrap().iter().map(|key| key["name"].clone()).collect();
    assert_eq!(names, ["web", "other"]);
    let said = format!("{listed}{}", gateway.log.text());
    for secret in [&key, &second, &rotated.json()["key"], &json!(OWNER)] {
        let secret = secret.as_str().unwrap().rsplit('_').next().unwrap();
        assert!(!said.contains(secret), "{said}");
    }
    let done = gateway.log.wait_for("\"administration\"").await;
    assert!(done.contains("\"who\":\"owner\"") && done.contains("/rotate"), "{done}");
}

#[tokio::test]
async fn what_is_said_of_a_key_is_checked_and_changes_at_once() {
    let (upstream, folder) = echo().await;
    let gateway = start(&upstream, folder.path()).await;
    let admin = gateway.admin().with_key(OWNER);
    for (body, why) in [
        (json!({ "name": "x" }), "tenant"),
        (json!({ "tenant": "nobody", "name": "x" }), "no such tenant"),
        (json!({ "tenant": "acme" }), "name"),
        (json!({ "tenant": "acme", "name": "a\nb" }), "printable"),
        (json!({ "tenant": "acme", "name": "x", "colour": "red" }), "colour"),
        (json!({ "tenant": "acme", "name": "x", "expires": "2001-01-01T00:00:00Z" }), "to come"),
        (json!({ "tenant": "acme", "name": "x", "permissions": { "chain": "nowhere" } }), "chain"),
        (json!({ "tenant": "acme", "name": "x", "permissions": { "models": ["a*b"] } }), "models"),
        (json!([]), "object"),
    ] {
        let refused = send(&admin, Method::POST, "/keys", &body).await;
        assert_eq!(
            (refused.status.as_u16(), refused.error("code").as_str()),
            (400, "invalid_key_settings"),
            "{body}"
        );
        assert!(refused.error("message").contains(why), "{body}: {}", refused.body);
    }
    let taken = send(&admin, Method::POST, "/keys", &json!({ "tenant": "acme", "name": "web" })).await;
    assert_eq!(
        (taken.status.as_u16(), taken.error("code").as_str()),
        (409, "name_taken"),
        "it is in the file"
    );

    let made =
        make(&admin, &json!({ "tenant": "acme", "name": "bot", "expires": "2099-01-01T00:00:00Z" })).await;
    let at = format!("/keys/{}", made["id"].as_str().unwrap());
    let patch = json!({ "expires": null, "permissions": { "models": ["gpt-other"] }, "agent": "bot-7" });
    let changed = send(&admin, Method::PATCH, &at, &patch).await.json();
    assert_eq!((&changed["agent"], &changed["expires"]), (&json!("bot-7"), &Value::Null));
    assert_eq!(status(&gateway, &made["key"]).await, 404);
    let wider = json!({ "permissions": { "models": null, "max_tokens": 50 } });
    let changed = send(&admin, Method::PATCH, &at, &wider).await.json();
    assert_eq!((&changed["permissions"], &changed["name"]), (&json!({ "max_tokens": 50 }), &json!("bot")));
    assert_eq!(status(&gateway, &made["key"]).await, 200);
    assert_eq!(send(&admin, Method::PATCH, &at, &json!({ "name": "web" })).await.status, 409);
    assert_eq!(send(&admin, Method::GET, "/keys/nothing", &Value::Null).await.error("code"), "unknown_key");
    assert_eq!(send(&admin, Method::GET, "/keys/000000000000", &Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_key_whose_tenant_or_chain_is_gone_is_nobodys() {
    let (upstream, folder) = echo().await;
    let mut config = with_keys(&upstream, folder.path());
    config["chains"]["strict"] = json!([]);
    config["tenants"]["globex"]["chains"] = json!(["strict"]);
    let gateway = Gateway::start(&config).await;
    let admin = gateway.admin().with_key(OWNER);
    let strict = json!({ "tenant": "globex", "name": "s", "permissions": { "chain": "strict" } });
    let (strict, plain) =
        (make(&admin, &strict).await, make(&admin, &json!({ "tenant": "globex", "name": "p" })).await);
    assert_eq!((status(&gateway, &strict["key"]).await, status(&gateway, &plain["key"]).await), (200, 200));
    config["tenants"]["globex"]["chains"] = json!([]);
    gateway.write(&config);
    assert_eq!(send(&admin, Method::POST, "/reload", &Value::Null).await.status, 200);
    assert_eq!((status(&gateway, &strict["key"]).await, status(&gateway, &plain["key"]).await), (401, 200));
    config["tenants"].as_object_mut().unwrap().remove("globex");
    gateway.write(&config);
    assert_eq!(send(&admin, Method::POST, "/reload", &Value::Null).await.status, 200);
    assert_eq!(status(&gateway, &plain["key"]).await, 401);
}

#[tokio::test]
async fn roles_may_what_they_may_and_everything_is_logged_with_who_did_it() {
    let (upstream, folder) = echo().await;
    let gateway = start(&upstream, folder.path()).await;
    let key = json!({ "tenant": "acme", "name": "bot" });
    for (token, method, path, wanted) in [
        (VIEWER, Method::GET, "/usage", 200),
        (VIEWER, Method::GET, "/keys", 200),
        (VIEWER, Method::GET, "/quarantine", 403),
        (VIEWER, Method::POST, "/reload", 403),
        (VIEWER, Method::POST, "/keys", 403),
        (OPERATOR, Method::GET, "/quarantine", 200),
        (OPERATOR, Method::POST, "/reload", 200),
        (OPERATOR, Method::POST, "/keys", 403),
        (OPERATOR, Method::DELETE, "/keys/000000000000", 403),
        (OWNER, Method::POST, "/keys", 201),
        (OWNER, Method::GET, "/nothing", 404),
        ("wrong", Method::GET, "/usage", 401),
    ] {
        let admin = gateway.admin().with_key(token);
        let answer = send(&admin, method.clone(), path, &key).await;
        assert_eq!(answer.status.as_u16(), wanted, "{method} {path}: {}", answer.body);
    }
    let anybody = gateway.admin();
    assert_eq!(
        send(&anybody, Method::GET, "/usage", &Value::Null).await.status,
        401,
        "not from this machine either"
    );
    assert_eq!(send(&anybody, Method::GET, "/healthz", &Value::Null).await.status, 200);
    let refused = gateway.log.wait_for("administrator's request is refused").await;
    assert!(refused.contains("\"path\":\"/usage\""), "{refused}");
    let log = gateway.log.text();
    for (who, role) in [("viewer", "viewer"), ("operator", "operator"), ("owner", "owner")] {
        let line = format!("\"who\":\"{who}\",\"role\":\"{role}\"");
        assert!(log.contains(&line), "{line} is not in {log}");
    }
    for secret in [OWNER, OPERATOR, VIEWER] {
        assert!(!log.contains(secret));
    }
}

#[tokio::test]
async fn without_a_file_no_key_is_made() {
    let (upstream, _folder) = echo().await;
    let gateway = Gateway::start(&config(&upstream, json!([]))).await;
    let refused =
        send(&gateway.admin(), Method::POST, "/keys", &json!({ "tenant": "acme", "name": "bot" })).await;
    assert_eq!((refused.status.as_u16(), refused.error("code").as_str()), (409, "keys_not_kept"));
}

#[tokio::test]
async fn who_guesses_waits_and_a_key_from_the_same_address_does_not() {
    let (upstream, folder) = echo().await;
    let mut config = with_keys(&upstream, folder.path());
    config["identity"] = json!({ "lockout": { "failures": 3, "first_ms": 600_000, "longest_ms": 600_000 } });
    let gateway = Gateway::start(&config).await;
    let late = make(&gateway.admin().with_key(OWNER), &json!({ "tenant": "acme", "name": "late" })).await;
    assert_eq!(gateway.client().chat(&ask("hi")).await.unwrap().status, 200);
    let guess = format!("{}x", &late["key"].as_str().unwrap()[..56]);
    let mut answers = Vec::new();
    for _ in 0..3 {
        let wrong = gateway.anybody().with_key(&guess).chat(&ask("hi")).await.unwrap();
        assert_eq!((wrong.status.as_u16(), wrong.error("code").as_str()), (401, "invalid_api_key"));
        answers.push(wrong.body);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    for key in [guess.as_str(), late["key"].as_str().unwrap(), "sk-something"] {
        let locked = gateway.anybody().with_key(key).chat(&ask("hi")).await.unwrap();
        assert_eq!((locked.status.as_u16(), locked.error("code").as_str()), (429, "too_many_wrong_keys"));
        assert!(locked.header("retry-after").parse::<u64>().unwrap() > 500, "{:?}", locked.headers);
    }
    assert_eq!(gateway.client().chat(&ask("hi")).await.unwrap().status, 200);
    let admin = gateway.admin();
    for _ in 0..3 {
        assert_eq!(send(&admin.with_key("x"), Method::GET, "/usage", &Value::Null).await.status, 401);
    }
    assert_eq!(send(&admin.with_key("x"), Method::GET, "/usage", &Value::Null).await.status, 429);
}

#[tokio::test]
async fn the_command_line_does_the_same() {
    let (upstream, folder) = echo().await;
    let gateway = start(&upstream, folder.path()).await;
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{OWNER}\n")).unwrap();
    let address = format!("http://{}", gateway.admin_address);
    let run = async |args: &[&str], token: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
        command.env_clear().args(["keys", "--admin", &address, "--token-file"]).arg(token).args(args);
        let output = soon("the command", command.output()).await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let said = [
        ["--team", "core"],
        ["--expires-in", "90d"],
        ["--models", "gpt-test,smart"],
        ["--max-tokens", "100"],
        ["--tag", "feature=search,stage=beta"],
        ["--priority", "high"],
    ]
    .concat();
    let (code, key, told) = run(&[&["create", "globex", "bot"][..], &said].concat(), &file).await;
    let key = key.trim();
    assert_eq!((code, key.len()), (Some(0), 57), "{told}");
    assert!(!told.contains(key) && told.contains("not shown again"), "{told}");
    let id = key.split('_').nth(1).unwrap();
    assert_eq!(status(&gateway, &json!(key)).await, 200);
    let (_, shown, _) = run(&["show", id], &file).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["permissions"], json!({ "models": ["gpt-test", "smart"], "max_tokens": 100 }));
    assert_eq!((&shown["team"], &shown["state"]), (&json!("core"), &json!("active")));
    let tags = json!({ "feature": "search", "stage": "beta" });
    assert_eq!((&shown["tags"], &shown["priority"]), (&tags, &json!("high")));
    let (code, _, told) = run(&["update", id, "--pin", "gpt-test=openai/other"], &file).await;
    assert!(code == Some(1) && told.contains("pin_targets"), "{told}");
    let (_, listed, _) = run(&["list", "--tenant", "globex"], &file).await;
    assert!(listed.contains(id) && listed.contains("active") && listed.contains("bot"), "{listed}");
    let (code, changed, _) = run(&["update", id, "--models", "gpt-other"], &file).await;
    assert_eq!((code, changed.trim().ends_with("changed")), (Some(0), true));
    assert_eq!(status(&gateway, &json!(key)).await, 404);
    let (code, second, _) = run(&["rotate", id, "--overlap", "0s"], &file).await;
    assert_eq!(
        (code, status(&gateway, &json!(key)).await, status(&gateway, &json!(second.trim())).await),
        (Some(0), 401, 404)
    );
    assert_eq!(run(&["revoke", id], &file).await.0, Some(0));
    assert_eq!(status(&gateway, &json!(second.trim())).await, 401);
    let (code, out, told) = run(&["revoke", id], &file).await;
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(told.contains("404") && told.contains("no such key"), "{told}");
    let wrong = folder.path().join("wrong");
    std::fs::write(&wrong, "something-else").unwrap();
    let (code, _, told) = run(&["list"], &wrong).await;
    assert!(code == Some(1) && told.contains("401") && !told.contains("something-else"), "{told}");
}

#[tokio::test]
async fn a_low_trust_key_gets_the_strict_chain_on_every_route() {
    let (upstream, folder) = echo().await;
    let mut config = with_keys(&upstream, folder.path());
    config["chains"]["strict"] = json!([crate::support::binding("builtin:pii-mask", json!({}))]);
    config["routes"]["smart"] = json!({ "targets": ["openai/large"] });
    config["tenants"]["globex"] = json!({ "routes": ["*", "smart"], "chains": ["strict"] });
    let gateway = Gateway::start(&config).await;
    let admin = gateway.admin().with_key(OWNER);
    let strict = json!({ "tenant": "globex", "name": "s", "permissions": { "chain": "strict" } });
    let strict = make(&admin, &strict).await["key"].as_str().unwrap().to_owned();
    let plain =
        make(&admin, &json!({ "tenant": "globex", "name": "p" })).await["key"].as_str().unwrap().to_owned();
    for model in ["gpt-test", "smart"] {
        let body = with(ask("I am ada@example.org"), "model", json!(model));
        for (key, seen) in [(&strict, "I am <EMAIL_1>"), (&plain, "I am ada@example.org")] {
            let answer = soon("an answer", gateway.anybody().with_key(key).chat(&body)).await.unwrap();
            assert_eq!(answer.text(), "I am ada@example.org");
            assert_eq!(upstream.last_request().unwrap().last_user_text(), seen, "{model}");
        }
    }
}

#[tokio::test]
async fn a_key_made_at_run_time_has_tags_a_priority_and_pins_like_any_other() {
    let (upstream, folder) = echo().await;
    let mut config = with_keys(&upstream, folder.path());
    config["ledger"] = json!({ "file": folder.path().join("ledger.db") });
    config["routes"]["smart"] = json!({ "targets": ["openai/large", "openai/small"] });
    config["routes"]["fixed"] = json!({ "targets": ["openai/large"], "pins": { "fixed": "openai/large" } });
    config["tenants"]["globex"] =
        json!({ "routes": ["*", "smart", "fixed"], "pin_targets": ["openai/old", "openai/small"] });
    let mut gateway = Gateway::start(&config).await;
    let admin = gateway.admin().with_key(OWNER);
    let key = |said: Value| {
        let mut body = json!({ "tenant": "globex", "name": "x" });
        body.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        body
    };
    for (said, why) in [
        (json!({ "tags": { "feature": "a b" } }), "tags"),
        (json!({ "priority": "urgent" }), "high"),
        (json!({ "pins": { "smart": "openai/other" } }), "pin_targets"),
        (json!({ "pins": { "smart": "openai/*" } }), "pin_targets"),
        (json!({ "pins": { "fixed": "openai/old" } }), "another target"),
        (json!({ "pins": { "a*b": "openai/old" } }), "may only end"),
    ] {
        let refused = send(&admin, Method::POST, "/keys", &key(said.clone())).await;
        assert_eq!((refused.status.as_u16(), refused.error("code").as_str()), (400, "invalid_key_settings"));
        assert!(refused.error("message").contains(why), "{said}: {}", refused.body);
    }
    let said = json!({
        "tags": { "feature": "search" }, "priority": "low", "pins": { "smart": "openai/old", "gpt-*": "openai/small" },
    });
    let made = make(&admin, &key(said.clone())).await;
    for field in ["tags", "priority", "pins"] {
        assert_eq!(made[field], said[field], "{made}");
    }
    gateway.signal("KILL").await;
    gateway.exit().await;
    let mut gateway = Gateway::start(&config).await;
    let admin = gateway.admin().with_key(OWNER);
    let client = gateway.anybody().with_key(made["key"].as_str().unwrap());
    let asked = async |client: &Client, model: &str, headers: &[(&str, &str)]| {
        let request = client.request(Method::POST, "/v1/chat/completions");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let body = with(ask("hi"), "model", json!(model)).to_string();
        let open = soon("an answer", client.open(request, body)).await.unwrap();
        soon("the rest", open.rest()).await.unwrap()
    };
    for (model, target) in [("smart", "old"), ("gpt-4o", "small"), ("fixed", "large"), ("claude", "claude")] {
        let answer = asked(&client, model, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.header("x-lockgate-model")), (200, target), "{model}");
    }
    let plain = make(&admin, &json!({ "tenant": "globex", "name": "plain" })).await;
    let other = gateway.anybody().with_key(plain["key"].as_str().unwrap());
    assert_eq!(asked(&other, "smart", &[]).await.header("x-lockgate-model"), "large");
    for (name, value) in [("x-lockgate-priority", "normal"), ("x-lockgate-tags", "feature=chat")] {
        assert_eq!(asked(&client, "smart", &[(name, value)]).await.status, 403, "{name}");
    }
    assert_eq!(asked(&other, "smart", &[("x-lockgate-priority", "normal")]).await.status, 200);

    // A target that is gone is nobody's: the request goes nowhere else.
    config["tenants"]["globex"]["pin_targets"] = json!([]);
    gateway.write(&config);
    assert_eq!(send(&admin, Method::POST, "/reload", &Value::Null).await.status, 200);
    let gone = asked(&client, "smart", &[]).await;
    assert_eq!((gone.status.as_u16(), gone.error("code").as_str()), (503, "pinned_target_unavailable"));
    // What is not changed is not asked about again; a pin can be taken away.
    let at = format!("/keys/{}", made["id"].as_str().unwrap());
    let patch = json!({ "pins": { "smart": null }, "tags": { "feature": null, "stage": "beta" } });
    let changed = send(&admin, Method::PATCH, &at, &patch).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let changed = changed.json();
    assert_eq!(
        (&changed["pins"], &changed["tags"]),
        (&json!({ "gpt-*": "openai/small" }), &json!({ "stage": "beta" }))
    );
    assert_eq!(asked(&client, "smart", &[]).await.header("x-lockgate-model"), "large");
    gateway.signal("TERM").await;
    gateway.exit().await;
    let ledger = rusqlite::Connection::open(folder.path().join("ledger.db")).unwrap();
    let count = |tags: &str| -> i64 {
        let sql = "SELECT count(*) FROM exchanges WHERE key = 'x' AND tags LIKE ?1";
        ledger.query_row(sql, [format!("%{tags}%")], |row| row.get(0)).unwrap()
    };
    assert!(count("search") >= 4 && count("beta") == 1, "{} {}", count("search"), count("beta"));
}
