//! What exchanges cost: who is charged what, who can see it, and what it would cost before.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::quotas::{stage, told};
use crate::support::{KEY, Stage, ask, ask_streamed, binding, hash, soon, with};
use http::Method;
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply, Script};
use serde_json::{Value, json};

/// A provider that fails as it is told to, and a ledger that is kept.
async fn failing(folder: &tempfile::TempDir) -> Stage {
    let file = folder.path().join("ledger.db");
    let handler = |request: &Recorded| match request.last_user_text().as_str() {
        "refuse" => Reply::error(500, "no"),
        "overload" => Reply::error(429, "slow down"),
        "reset" => Reply::reset(),
        "hang" => Reply::hang(),
        "break" => Reply::reset_after(["half ", "an ", "answer"]),
        _ => Reply::echo(),
    };
    Stage::configured(handler, json!([]), move |mut config| {
        config["prices"]["overrides"]["openai/gpt-test"] =
            json!({ "input_cost_per_token": 0.001, "output_cost_per_token": 0.001 });
        config["ledger"] = json!({ "file": file });
        config["budgets"]["all"] = json!({ "usd": 1000, "per": "month" });
        config["tenants"]["acme"]["keys"] = json!([
            { "name": "web", "hash": hash(KEY), "team": "search", "tags": { "feature": "answers" } },
            { "name": "batch", "hash": hash("batch"), "user": "ada", "delegates": true },
        ]);
        config
    })
    .await
}

async fn usage(stage: &Stage, query: &str) -> Value {
    let answer = stage.gateway.admin().get(&format!("/usage{query}")).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// What exchanges of this outcome took, once there is one: the log tells of it a moment before the ledger does.
async fn outcome(stage: &Stage, outcome: &str) -> Value {
    soon("the record", async {
        loop {
            let lines = usage(stage, "?by=outcome,usage_basis").await;
            if let Some(line) = lines.as_array().unwrap().iter().find(|line| line["outcome"] == outcome) {
                break line.clone();
            }
        }
    })
    .await
}

#[tokio::test]
async fn what_a_provider_refused_is_not_charged_and_what_it_began_is() {
    let folder = tempfile::tempdir().unwrap();
    let stage = failing(&folder).await;
    for failing in ["refuse", "overload", "reset"] {
        let answer = stage.chat(&ask(failing)).await;
        assert!(answer.status != 200);
        assert_eq!((answer.header("x-lockgate-tokens-in"), answer.header("x-lockgate-usage")), ("0", "none"));
        assert_eq!(answer.header("x-lockgate-cost-usd"), "0.000000");
    }
    let refused = outcome(&stage, "upstream").await;
    assert_eq!((&refused["requests"], &refused["cost_usd"]), (&json!(3), &json!("0.000000")), "{refused}");
    let broken = stage.chat(&ask_streamed("break")).await;
    assert!(!broken.is_done());
    let begun = soon("the record", async {
        loop {
            let lines = usage(&stage, "?by=usage_basis").await;
            let line =
                lines.as_array().unwrap().iter().find(|line| line["usage_basis"] == "estimate").cloned();
            if let Some(line) = line {
                break line;
            }
        }
    })
    .await;
    // "break", and "half an answer".
    assert!(
        begun["input_tokens"] == 2 && (3..=5).contains(&begun["output_tokens"].as_u64().unwrap()),
        "{begun}"
    );
    // A reset connection may have been tried twice.
    let asked = stage.upstream.requests().len();
    let client = stage.gateway.client();
    let hanging = tokio::spawn(async move { client.chat(&ask("hang")).await.map(drop) });
    soon("the request", stage.upstream.wait_for_requests(asked + 1)).await;
    hanging.abort();
    stage.gateway.log.wait_for("\"outcome\":\"abandoned\"").await;
    let abandoned = outcome(&stage, "abandoned").await;
    assert_eq!(
        (&abandoned["input_tokens"], &abandoned["output_tokens"]),
        (&json!(2), &json!(0)),
        "{abandoned}"
    );
}

#[tokio::test]
async fn the_ledger_tells_who_used_what() {
    let folder = tempfile::tempdir().unwrap();
    let stage = failing(&folder).await;
    assert_eq!(stage.chat(&ask("one two")).await.header("x-lockgate-usage"), "provider");
    let tagged = async |key: &str, tags: &str| {
        let client = stage.gateway.anybody().with_key(key);
        let request = client.request(Method::POST, "/v1/chat/completions").header("x-lockgate-tags", tags);
        client.open(request, ask("hello").to_string()).await.unwrap().rest().await.unwrap()
    };
    assert_eq!(tagged("batch", "feature=nightly,run=7").await.status, 200);
    assert_eq!(tagged("batch", "feature=nightly").await.status, 200);
    assert_eq!(told(&tagged(KEY, "feature=other").await), (403, "not_delegated".into()));
    assert_eq!(told(&tagged("batch", "feature=").await), (400, "invalid_tags".into()));
    let lines = usage(&stage, "?by=feature,team,user,key").await;
    let groups: Vec<String> = lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            format!(
                "{}/{}/{}/{}: {}",
                line["feature"], line["team"], line["user"], line["key"], line["requests"]
            )
        })
        .collect();
    let expected = ["\"answers\"/\"search\"/null/\"web\": 1", "\"nightly\"/null/\"ada\"/\"batch\": 2"];
    assert!(expected.iter().all(|line| groups.iter().any(|group| group == line)), "{groups:?}");
    assert_eq!(usage(&stage, "").await[0]["tenant"], "acme");
    let wrong = stage.gateway.admin().get("/usage?by=colour").await.unwrap();
    assert_eq!(told(&wrong), (400, "invalid_query".into()));
}

async fn post(stage: &Stage, key: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
    let client = stage.gateway.anybody().with_key(key);
    let mut request = client.request(Method::POST, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    soon("an answer", client.open(request, body.to_string())).await.unwrap().rest().await.unwrap()
}

#[tokio::test]
async fn a_request_is_estimated_without_being_asked() {
    let stage = stage(|config| {
        config["rate_limits"]["web"] =
            json!({ "by": ["key"], "requests": 1, "tokens": 100_000, "per": "day" });
        config["budgets"]["all"] = json!({ "usd": 0.5, "per": "month" });
        config["routes"]["known"] = json!({ "targets": ["openai/gpt-4o", "openai/unknown-model"] });
        config["tenants"]["acme"]["routes"] = json!(["*", "known"]);
    })
    .await;
    let known = with(with(ask("tiktoken is great!"), "model", json!("known")), "max_tokens", json!(100));
    let answer = post(&stage, KEY, "/v1/estimate", &known, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let told_of = answer.json();
    let exact = &told_of["targets"][0];
    // Six of the text, three around it, three around the chat.
    assert_eq!((&exact["input_tokens"], &exact["counted_by"]), (&json!(12), &json!("tokenizer")), "{exact}");
    assert_eq!((&exact["min_cost_usd"], &exact["max_cost_usd"]), (&json!("0.000030"), &json!("0.001030")));
    let unknown = &told_of["targets"][1];
    assert_eq!(
        (&unknown["priced"], &unknown["max_cost_usd"]),
        (&json!(false), &Value::Null),
        "unknown is unknown"
    );
    assert_eq!((&told_of["outcome"], answer.header("x-lockgate-usage")), (&json!("admitted"), "estimate"));
    let limits = told_of["limits"].as_array().unwrap();
    let of = |name: &str| limits.iter().find(|limit| limit["name"] == name).unwrap();
    assert_eq!((&of("web requests")["left"], &of("budget all")["left"]), (&json!(1), &Value::Null));
    // A dollar for a thousand tokens: this one may cost more than there is.
    let dear = with(ask("hello"), "max_tokens", json!(2_000));
    let anthropic = json!({ "model": "gpt-test", "max_tokens": 2_000, "messages": [{ "role": "user", "content": "hello" }] });
    for (path, body) in [("/v1/estimate/chat/completions", &dear), ("/v1/estimate/v1/messages", &anthropic)] {
        let told_of = post(&stage, KEY, path, body, &[]).await.json();
        assert_eq!(
            (&told_of["outcome"], &told_of["max_tokens"]),
            (&json!("refused"), &json!(2_002)),
            "{told_of}"
        );
    }
    assert_eq!(told(&post(&stage, "nobody", "/v1/estimate", &dear, &[]).await).0, 401);
    assert_eq!(stage.upstream.requests().len(), 0);
    // Nothing was taken.
    assert_eq!(stage.chat(&with(ask("hello"), "max_tokens", json!(10))).await.status, 200);
}

#[tokio::test]
async fn tokens_are_counted_by_the_models_own_tokenizer() {
    let stage = stage(|_| {}).await;
    let count = async |model: &str| {
        let body =
            json!({ "model": model, "messages": [{ "role": "user", "content": "tiktoken is great!" }] });
        let answer = post(&stage, KEY, "/v1/messages/count_tokens", &body, &[]).await;
        (answer.json()["input_tokens"].as_u64().unwrap(), answer.header("x-lockgate-usage").to_owned())
    };
    assert_eq!(count("gpt-4o-mini").await, (12, "tokenizer".into()));
    assert_eq!(count("claude-sonnet-4-5").await, (6, "estimate".into()));
}

#[tokio::test]
async fn what_may_cost_much_needs_an_approval_that_is_used_once() {
    let stage = stage(|config| {
        config["approval"] = json!({ "above_usd": 0.1, "secret": "a secret of all replicas" });
        config["routes"]["smart"] = json!({ "targets": ["openai/gpt-test", "openai/small"] });
        config["prices"]["overrides"]["openai/small"] =
            json!({ "input_cost_per_token": 0.000_001, "output_cost_per_token": 0.000_001 });
        config["tenants"]["acme"]["routes"] = json!(["*", "smart"]);
    })
    .await;
    let dear = with(ask("hello"), "max_tokens", json!(1_000));
    let path = "/v1/chat/completions";
    assert_eq!(post(&stage, KEY, path, &with(ask("hello"), "max_tokens", json!(50)), &[]).await.status, 200);
    assert_eq!(told(&post(&stage, KEY, path, &dear, &[]).await), (403, "approval_required".into()));
    assert_eq!(post(&stage, KEY, "/v1/estimate", &dear, &[]).await.json()["outcome"], "needs_approval");
    let issue = async |query: &str| {
        soon("an approval", stage.gateway.admin().post(&format!("/approvals?{query}"), "")).await.unwrap()
    };
    for wrong in [
        "",
        "tenant=acme",
        "tenant=nobody&max_usd=1",
        "tenant=acme&max_usd=-1",
        "tenant=acme&max_usd=1&seconds=0",
    ] {
        assert_eq!(told(&issue(wrong).await), (400, "invalid_query".into()), "{wrong}");
    }
    let approval = |answer: &Answer| answer.json()["approval"].as_str().unwrap().to_owned();
    let good = approval(&issue("tenant=acme&key=web&max_usd=2").await);
    let small = approval(&issue("tenant=acme&max_usd=0.5").await);
    let with_it = async |key: &str, approval: &str| {
        told(&post(&stage, key, path, &dear, &[("x-lockgate-approval", approval)]).await)
    };
    assert_eq!(with_it(KEY, &small).await, (403, "invalid_approval".into()), "it is for less");
    assert_eq!(with_it("batch", &good).await, (403, "invalid_approval".into()), "it is another key's");
    assert_eq!(with_it(KEY, "lga1.x.y").await, (403, "invalid_approval".into()));
    assert_eq!(with_it(KEY, &good).await.0, 200);
    assert_eq!(with_it(KEY, &good).await, (403, "invalid_approval".into()), "it was used");
    assert!(!stage.gateway.log.text().contains(&good), "the log has no approvals");
    assert!(stage.upstream.requests().iter().all(|request| request.header("x-lockgate-approval").is_none()));
    // The other policy: what costs too much goes where it does not.
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
    config["approval"]["otherwise"] = json!("downgrade");
    assert_eq!(stage.gateway.reload(&config).await.status, 200);
    let smart = post(&stage, KEY, path, &with(dear.clone(), "model", json!("smart")), &[]).await;
    assert_eq!(
        (smart.header("x-lockgate-model"), smart.header("x-lockgate-flags")),
        ("small", "approval=downgraded")
    );
    assert_eq!(told(&post(&stage, KEY, path, &dear, &[]).await), (403, "approval_required".into()));
}

#[tokio::test]
async fn an_answer_that_was_not_accepted_was_paid_for_all_the_same() {
    let replies = [Reply::text("Bern, of course."), Reply::text("{\"city\":\"Bern\"}")];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    let mut validator = binding("builtin:output-validator", json!({}));
    validator["streams"] = json!("on-demand");
    let stage = Stage::configured(Script::new(replies), json!([validator]), move |mut config| {
        config["ledger"] = json!({ "file": file });
        config["prices"]["overrides"]["openai/gpt-test"] =
            json!({ "input_cost_per_token": 0, "output_cost_per_token": 0.001 });
        config
    })
    .await;
    let schema =
        json!({ "type": "object", "required": ["city"], "properties": { "city": { "type": "string" } } });
    let format = json!({ "type": "json_schema", "json_schema": { "name": "city", "schema": schema } });
    let answer = stage.chat(&with(ask("which city?"), "response_format", format)).await;
    assert_eq!((answer.text().as_str(), answer.header("x-lockgate-attempts")), ("{\"city\":\"Bern\"}", "2"));
    // Three words of the first answer, and one of the second.
    assert_eq!(
        (answer.header("x-lockgate-tokens-out"), answer.header("x-lockgate-cost-usd")),
        ("4", "0.004000")
    );
    assert!(answer.header("x-lockgate-tokens-in").parse::<u64>().unwrap() > 2 * 2);
    let lines = usage(&stage, "?by=usage_basis").await;
    assert_eq!(
        (&lines[0]["output_tokens"], &lines[0]["cost_usd"]),
        (&json!(4), &json!("0.004000")),
        "{lines}"
    );
}

#[tokio::test]
async fn costs_are_said_in_the_operators_currency_and_budgets_written_in_it() {
    let stage = stage(|config| {
        config["prices"]["currency"] = json!({ "code": "EUR", "usd": 1.25 });
        config["budgets"]["all"] = json!({ "amount": 0.08, "per": "month" });
    })
    .await;
    let answer = stage.chat(&with(ask("one two"), "max_tokens", json!(10))).await;
    // Two tokens of the question and two of its echo, a thousandth of a dollar each.
    assert_eq!(answer.header("x-lockgate-cost-usd"), "0.004000");
    assert_eq!(answer.header("x-lockgate-cost"), "0.003200 EUR");
    assert_eq!(usage(&stage, "").await[0]["cost"], "0.003200 EUR");
    // Eight hundredths of a euro are a tenth of a dollar: a hundred tokens.
    let more = |tokens: u64| with(ask("one two"), "max_tokens", json!(tokens));
    assert_eq!(told(&stage.chat(&more(95)).await), (429, "budget_exceeded".into()));
    assert_eq!(stage.chat(&more(90)).await.status, 200);
}

#[tokio::test]
async fn a_stream_that_was_gathered_first_is_counted_once() {
    // A provider that reports no usage.
    let said = "word ".repeat(40);
    let chunk = |delta: Value, finish: Value| {
        format!(
            "data: {}\n\n",
            json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] })
        )
    };
    let stream = chunk(json!({ "content": said }), Value::Null)
        + &chunk(json!({}), json!("stop"))
        + "data: [DONE]\n\n";
    let mut told = Vec::new();
    let mut gathers = binding("builtin:output-validator", json!({ "rules": { "must_contain": ["word"] } }));
    gathers["streams"] = json!("gather");
    for chain in [json!([]), json!([gathers])] {
        let stream = stream.clone();
        let reply = move |_: &Recorded| Reply::raw(200, "text/event-stream", stream.clone());
        let stage = Stage::start(reply, chain).await;
        let answer = stage.chat(&ask_streamed("hi")).await;
        assert_eq!(answer.text(), said, "{}", answer.body);
        let (_, tokens) = answer.body.split_once("tokens-out=").unwrap();
        told.push(tokens.split(' ').next().unwrap().to_owned());
    }
    assert_eq!(told[0], told[1]);
}
