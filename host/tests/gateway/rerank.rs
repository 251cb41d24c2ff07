//! Orders of documents and embeddings, in the shapes that clients know, before providers of both kinds.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{CREDENTIAL, Stage, binding, soon, with};
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};

/// A gateway that masks, before a provider of this adapter.
async fn stage(adapter: &str, reply: Reply) -> Stage {
    let chain = json!([binding("builtin:pii-mask", json!({}))]);
    let adapter = format!("builtin:{adapter}");
    let base = if adapter == "builtin:cohere" { "" } else { "/v1" };
    let handler = move |_: &Recorded| reply.clone();
    let stage = Stage::configured(handler, chain, |mut config| {
        let url = config["providers"]["openai"]["base_url"].as_str().unwrap().replace("/v1", base);
        let provider = json!({ "adapter": adapter, "base_url": url, "credential": CREDENTIAL });
        config["providers"] = json!({ "tested": provider });
        config["routes"]["*"]["targets"] = json!(["tested/ranker"]);
        config
    });
    stage.await
}

async fn post(stage: &Stage, path: &str, body: &Value) -> Answer {
    soon("an answer", stage.gateway.client().post(path, body.to_string())).await.unwrap()
}

fn ranking() -> Value {
    json!({
        "model": "m", "query": "Who is ada@example.org?", "top_n": 2,
        "documents": ["eve@example.org left", { "text": "ada@example.org is here", "page": 3 }, "Nothing"],
    })
}

#[tokio::test]
async fn documents_come_back_in_order_and_the_provider_sees_them_masked() {
    for adapter in ["openai", "cohere"] {
        let stage = stage(adapter, Reply::rerank([0.25, 0.5, 0.125])).await;
        for (path, at) in [("/v1/rerank", "/usage"), ("/v2/rerank", "/meta/api_version")] {
            let answer = post(&stage, path, &ranking()).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let told = answer.json();
            let expected = json!([
                { "index": 1, "relevance_score": 0.5 }, { "index": 0, "relevance_score": 0.25 },
            ]);
            assert_eq!(told["results"], expected, "{adapter} {path}");
            assert!(told.pointer(at).is_some(), "{adapter} {path}: {told}");
            let seen = stage.upstream.last_request().unwrap();
            let theirs = if adapter == "cohere" { "/v2/rerank" } else { "/v1/rerank" };
            assert_eq!((seen.path.as_str(), &seen.json()["model"]), (theirs, &json!("ranker")));
            assert!(
                seen.text().contains("<EMAIL_1>") && !seen.text().contains("@example.org"),
                "{}",
                seen.text()
            );
            assert_eq!(seen.json()["documents"].as_array().unwrap().len(), 3);
        }
    }
}

#[tokio::test]
async fn a_client_that_asks_for_its_documents_gets_its_own() {
    for adapter in ["openai", "cohere"] {
        let stage = stage(adapter, Reply::rerank([0.25, 0.5, 0.75])).await;
        for path in ["/v1/rerank", "/v2/rerank"] {
            let told = post(&stage, path, &with(ranking(), "return_documents", json!(true))).await.json();
            assert_eq!(told["results"][0]["document"], json!({ "text": "Nothing" }), "{told}");
            let own = json!({ "text": "ada@example.org is here", "page": 3 });
            assert_eq!(
                (&told["results"][1]["document"], told["results"].as_array().unwrap().len()),
                (&own, 2)
            );
            let all = with(with(ranking(), "return_documents", json!(true)), "top_n", json!(3));
            let told = post(&stage, path, &all).await.json();
            assert_eq!(told["results"][2]["document"], json!({ "text": "eve@example.org left" }), "{told}");
        }
    }
}

#[tokio::test]
async fn errors_are_in_the_shape_of_the_path() {
    for adapter in ["openai", "cohere"] {
        let stage = stage(adapter, Reply::error(429, "Slow down.")).await;
        let told = post(&stage, "/v1/rerank", &ranking()).await;
        assert_eq!((told.status.as_u16(), told.error("message").as_str()), (429, "Slow down."));
        let told = post(&stage, "/v2/rerank", &ranking()).await;
        assert_eq!(
            (told.status.as_u16(), &told.json()["message"]),
            (429, &json!("Slow down.")),
            "{}",
            told.body
        );
        assert_eq!(told.json()["id"], told.header("x-request-id"));
        let before = stage.upstream.requests().len();
        for (field, wrong) in [
            ("query", json!(1)),
            ("query", Value::Null),
            ("documents", json!("one")),
            ("documents", json!([1])),
            ("model", json!("")),
        ] {
            let body = with(ranking(), field, wrong);
            let told = post(&stage, "/v1/rerank", &body).await;
            assert_eq!((told.status.as_u16(), told.error("param").as_str()), (400, field), "{}", told.body);
            let told = post(&stage, "/v2/rerank", &body).await;
            assert!(
                told.status == 400 && told.json()["message"].as_str().unwrap().contains(field),
                "{}",
                told.body
            );
        }
        assert_eq!(stage.upstream.requests().len(), before, "a wrong request went out");
    }
}

#[tokio::test]
async fn a_document_that_no_guard_can_read_is_refused() {
    let stage = stage("cohere", Reply::rerank([0.5])).await;
    let told =
        post(&stage, "/v1/rerank", &with(ranking(), "documents", json!([{ "title": "ada@example.org" }])))
            .await;
    assert_eq!(
        (told.status.as_u16(), told.error("code").as_str()),
        (400, "unsupported_modality"),
        "{}",
        told.body
    );
    assert!(stage.upstream.requests().is_empty());
}

#[tokio::test]
async fn what_is_no_order_is_an_error() {
    for (adapter, path) in [("openai", "/v1/rerank"), ("openai", "/v2/rerank"), ("cohere", "/v2/rerank")] {
        let stage = stage(adapter, Reply::status(200, json!({ "data": [] }))).await;
        let told = post(&stage, path, &ranking()).await;
        assert_eq!(told.status, 502, "{adapter} {path}: {}", told.body);
    }
}

#[tokio::test]
async fn embeddings_are_in_the_clients_shape_before_both() {
    let texts = json!(["I am ada@example.org", "plain"]);
    let openais = json!({ "model": "m", "input": texts });
    let coheres =
        json!({ "model": "m", "texts": texts, "input_type": "search_query", "embedding_types": ["float"] });
    for adapter in ["openai", "cohere"] {
        let stage = stage(adapter, Reply::embeddings(4)).await;
        let own = post(&stage, "/v1/embeddings", &openais).await.json();
        assert_eq!(
            (&own["object"], &own["data"][1]["object"]),
            (&json!("list"), &json!("embedding")),
            "{own}"
        );
        assert_eq!(
            (&own["data"][1]["index"], &own["usage"]["prompt_tokens"]),
            (&json!(1), &json!(4)),
            "{own}"
        );
        let told = post(&stage, "/v2/embed", &coheres).await.json();
        assert_eq!((&told["texts"], &told["embeddings"]["float"][0]), (&texts, &own["data"][0]["embedding"]));
        assert_eq!(told["embeddings"]["float"][1].as_array().unwrap().len(), 4);
        assert_eq!(told["meta"]["billed_units"]["input_tokens"], 4, "{told}");
        let seen = stage.upstream.last_request().unwrap();
        assert!(
            !seen.text().contains("@example.org") && seen.json().get("cohere").is_none(),
            "{}",
            seen.text()
        );
        let purpose = seen.json().get("input_type").cloned();
        assert_eq!(purpose, (adapter == "cohere").then(|| json!("search_query")));
        let asked = with(coheres.clone(), "embedding_types", json!(["int8"]));
        let refused = post(&stage, "/v2/embed", &asked).await;
        assert_eq!(refused.status, 502, "vectors of another type than was asked for: {}", refused.body);
    }
}
