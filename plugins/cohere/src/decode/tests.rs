//! Tests of the decoding of answers. The frames follow the API's documentation.

use super::Decoder;
use adapter_kit::testing::{refused, spoilt, survives, transcript, transcript_from};
use serde_json::{Value, json};

fn frame(kind: &str, index: u64, message: Value) -> Value {
    json!({ "type": kind, "index": index, "delta": { "message": message } })
}

fn start() -> Value {
    json!({ "id": "c1", "type": "message-start",
            "delta": { "message": { "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": [] } } })
}

fn end(reason: &str) -> Value {
    json!({ "type": "message-end", "delta": { "finish_reason": reason, "usage": figures() } })
}

fn figures() -> Value {
    json!({ "billed_units": { "input_tokens": 10, "output_tokens": 5 },
            "tokens": { "input_tokens": 70.0, "output_tokens": 6 }, "cached_tokens": 4 })
}

fn citation() -> Value {
    json!({ "start": 0, "end": 3, "text": "Let", "type": "TEXT_CONTENT", "sources": [
        { "type": "document", "id": "doc:0", "document": { "id": "doc:0", "text": "long" } } ] })
}

const BEGIN: &str = "extra id=c1";
const USAGE: &str = "usage 70/6/4/0/0";
const CITED: &str = "{\"start\":0,\"end\":3,\"text\":\"Let\",\"type\":\"TEXT_CONTENT\",\"sources\":[{\"type\":\"document\",\"id\":\"doc:0\"}]}";

#[test]
fn a_stream_of_thinking_text_and_citations() {
    let content = |kind: &str, index: u64, content: Value| frame(kind, index, json!({ "content": content }));
    let frames = [
        start(),
        content("content-start", 0, json!({ "type": "thinking", "thinking": "" })),
        content("content-delta", 0, json!({ "thinking": "Hm" })),
        content("content-delta", 0, json!({ "thinking": "." })),
        json!({ "type": "content-end", "index": 0 }),
        content("content-start", 1, json!({ "type": "text", "text": "Let " })),
        content("content-delta", 1, json!({ "text": "me" })),
        frame("citation-start", 0, json!({ "citations": citation() })),
        json!({ "type": "citation-end", "index": 0 }),
        frame("citation-start", 1, json!({ "citations": citation() })),
        frame("citation-start", 2, json!({ "citations": 7 })),
        json!({ "type": "debug", "prompt": "…" }),
        content("content-delta", 1, json!({ "text": " see." })),
        json!({ "type": "content-end", "index": 1 }),
        end("COMPLETE"),
        json!("[DONE]"),
    ];
    let cited = format!("extra citations=[{CITED},{CITED}]");
    assert_eq!(
        transcript::<Decoder>(&frames),
        [BEGIN, "reasoning#0.0 Hm.", "content#0.0 Let me see.", &cited, USAGE, "finish#0 stop"]
    );
}

#[test]
fn a_stream_of_calls() {
    let plan =
        |text: &str| json!({ "type": "tool-plan-delta", "delta": { "message": { "tool_plan": text } } });
    let begin = |index: u64, id: &str, name: &str| {
        let call = json!({ "id": id, "type": "function", "function": { "name": name, "arguments": "" } });
        frame("tool-call-start", index, json!({ "tool_calls": call }))
    };
    let more = |index: u64, text: &str| {
        frame("tool-call-delta", index, json!({ "tool_calls": { "function": { "arguments": text } } }))
    };
    let frames = [
        start(),
        plan("I will "),
        plan("look."),
        begin(0, "weather_a", "weather"),
        more(0, "{\"city\":"),
        more(0, " \"Paris\"}"),
        json!({ "type": "tool-call-end", "index": 0 }),
        begin(1, "", "now"),
        json!({ "type": "tool-call-end", "index": 1 }),
        more(9, "lost"),
        end("TOOL_CALL"),
    ];
    assert_eq!(
        transcript::<Decoder>(&frames),
        [
            BEGIN,
            "reasoning#0.0 I will look.",
            "tool#0.0 weather_a weather",
            "tool-args#0.0 {\"city\": \"Paris\"}",
            "tool#0.1 call1 now",
            "tool-args#0.1 {}",
            USAGE,
            "finish#0 tool_calls",
        ]
    );
}

#[test]
fn a_whole_body_tells_the_same() {
    let call = |id: &str, arguments: Value| json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": arguments } });
    let body = json!({ "id": "c1", "finish_reason": "TOOL_CALL", "usage": figures(), "message": {
        "role": "assistant", "tool_plan": "Look. ", "citations": [citation()],
        "tool_calls": [call("a", json!("{\"x\":1}")), call("b", json!({ "y": 2 })), call("c", json!(""))],
        "content": [{ "type": "thinking", "thinking": "Hm." }, { "type": "text", "text": "Hi" }] } });
    let cited = format!("extra citations=[{CITED}]");
    assert_eq!(
        transcript::<Decoder>(&[body]),
        [
            BEGIN,
            "reasoning#0.0 Look. Hm.",
            "content#0.0 Hi",
            "tool#0.0 a f",
            "tool-args#0.0 {\"x\":1}",
            "tool#0.1 b f",
            "tool-args#0.1 {\"y\":2}",
            "tool#0.2 c f",
            "tool-args#0.2 {}",
            &cited,
            USAGE,
            "finish#0 tool_calls",
        ]
    );
    let body = json!({ "finish_reason": "COMPLETE", "message": { "content": "Hi" },
                       "usage": { "billed_units": { "input_tokens": 1, "output_tokens": 2 }, "tokens": null } });
    let expected = ["content#0.0 Hi", "usage 1/2/0/0/0", "finish#0 stop"];
    assert_eq!(transcript::<Decoder>(&[body]), expected);
}

#[test]
fn reasons_are_the_gateways_words() {
    let failed = "the model failed while it wrote the answer";
    for (theirs, ours) in [
        ("COMPLETE", "finish#0 stop".to_owned()),
        ("STOP_SEQUENCE", "finish#0 stop".to_owned()),
        ("MAX_TOKENS", "finish#0 length".to_owned()),
        ("TOOL_CALL", "finish#0 tool_calls".to_owned()),
        ("ERROR_TOXIC", "finish#0 content_filter".to_owned()),
        ("INVENTED_LATER", "finish#0 invented_later".to_owned()),
        ("ERROR", format!("error 502 error {failed}")),
        ("TIMEOUT", format!("error 504 timeout {failed}")),
    ] {
        assert_eq!(transcript::<Decoder>(&[end(theirs)]), [USAGE.to_owned(), ours]);
    }
    let told =
        json!({ "type": "message-end", "delta": { "finish_reason": "ERROR", "error": "Out of luck" } });
    assert_eq!(transcript::<Decoder>(&[told]), ["error 502 error Out of luck"]);
    let bare = json!({ "type": "message-end", "delta": { "error": "Out of luck" } });
    assert_eq!(transcript::<Decoder>(&[bare]), ["error 502 error Out of luck"]);
}

#[test]
fn embeddings_become_the_clients_body() {
    let decoder = Decoder::new("embeddings", "embed-v4.0");
    let body = r#"{ "id": "e1", "texts": ["a", "b"], "response_type": "embeddings_by_type",
        "embeddings": { "float": [[0.10, -1e-5], [2.0]] },
        "meta": { "api_version": { "version": "2" }, "billed_units": { "input_tokens": 7, "images": 1 } } }"#;
    let told = r#"extra body={"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10, -1e-5]},{"object":"embedding","index":1,"embedding":[2.0]}],"model":"embed-v4.0","usage":{"prompt_tokens":7,"total_tokens":7}}"#;
    assert_eq!(transcript_from(&decoder, &[json!(body)]), ["usage 7/0/0/0/0 images=1", told]);
    let base64 = json!({ "embeddings": { "float": null, "base64": ["AAA="] } });
    let told = transcript_from(&decoder, &[base64]).join("\n");
    assert!(told.contains(r#""embedding":"AAA=""#), "{told}");
    for bad in [json!({ "id": "e1" }), json!({ "embeddings": [] }), json!([]), json!("<html>")] {
        let told = transcript_from(&decoder, &[bad]).join("\n");
        assert!(told.starts_with("error 502 bad_response"), "{told}");
    }
}

#[test]
fn an_order_of_documents_becomes_the_clients_body() {
    let decoder = Decoder::new("rerank", "rerank-v3.5");
    let body = json!({ "id": "r1", "results": [
            { "index": 3, "relevance_score": 0.98 }, { "index": 0, "relevance_score": 1 } ],
        "meta": { "api_version": { "version": "2" }, "billed_units": { "search_units": 1 } } });
    let told = r#"extra body={"id":"r1","model":"rerank-v3.5","results":[{"index":3,"relevance_score":0.98},{"index":0,"relevance_score":1.0}],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}},"usage":{"total_tokens":0}}"#;
    assert_eq!(transcript_from(&decoder, &[body]), ["usage 0/0/0/0/0 search_units=1", told]);
    let body = json!({ "results": [], "meta": { "billed_units": { "total_tokens": 9 } } });
    assert_eq!(transcript_from(&decoder, &[body]).first().map(String::as_str), Some("usage 9/0/0/0/0"));
    for bad in [json!({ "id": "r1" }), json!({ "results": [{ "index": -1, "relevance_score": 0 }] })] {
        let told = transcript_from(&decoder, &[bad]).join("\n");
        assert!(told.starts_with("error 502 bad_response"), "{told}");
    }
}

#[test]
fn errors_keep_their_words() {
    for (body, expected) in [
        (
            json!({ "id": "e", "message": "invalid request: no messages" }),
            "error 400 http_400 invalid request: no messages",
        ),
        (json!({ "error": "No." }), "error 400 http_400 No."),
        (json!({ "code": "c", "detail": "No." }), "error 400 c No."),
        (json!("<html>Oh"), "error 400 http_400 <html>Oh"),
    ] {
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        assert_eq!(refused::<Decoder>(400, &[], &body), expected);
    }
    let limit = json!({ "message": "Slow down." }).to_string();
    let expected = "error 429 http_429 Slow down. after 2000";
    assert_eq!(refused::<Decoder>(429, &[("retry-after", "2")], &limit), expected);
    let late = json!({ "message": "Busy", "status_code": 503 });
    let hello = frame("content-delta", 0, json!({ "content": { "text": "Hi" } }));
    let told = transcript::<Decoder>(&[hello, late, end("COMPLETE")]);
    assert_eq!(told, ["content#0.0 Hi", "error 503 http_503 Busy"]);
    let odd = json!({ "type": "error", "error": { "a": 1 } });
    let expected = format!("error 500 http_500 {odd}");
    assert_eq!(transcript::<Decoder>(&[odd]), [expected]);
}

#[test]
fn citations_are_bounded() {
    let mut long = citation();
    if let Some(text) = long.get_mut("text") {
        *text = "x".repeat(1000).into();
    }
    let mut frames = vec![frame("citation-start", 0, json!({ "citations": long })); 200];
    frames.push(end("COMPLETE"));
    let told = transcript::<Decoder>(&frames);
    let cited = told.first().map_or(0, String::len);
    assert!((60_000..70_000).contains(&cited), "{cited}");
}

#[test]
fn hostile_answers_do_no_harm() {
    let call = json!({ "id": "a", "function": { "name": "f", "arguments": { "a": 1 } } });
    let message = json!({ "content": [{ "thinking": "x" }, { "text": "y" }], "tool_plan": "p", "tool_calls": [call],
                          "citations": [citation()] });
    let body = json!({ "id": "c", "finish_reason": "COMPLETE", "message": message, "usage": figures() });
    let begun = frame("tool-call-start", 0, json!({ "tool_calls": call }));
    let more = frame("tool-call-delta", 0, json!({ "tool_calls": call }));
    let error = json!({ "message": "m", "status_code": 500 });
    survives::<Decoder>(&[start(), begun, more, end("ERROR"), body, error]);
    let meta =
        json!({ "billed_units": { "search_units": 1, "input_tokens": 2 }, "tokens": { "input_tokens": 1 } });
    for (operation, sample) in [
        ("embeddings", json!({ "embeddings": { "float": [[1.0]], "base64": ["A"] }, "meta": meta })),
        ("rerank", json!({ "id": "r", "results": [{ "index": 0, "relevance_score": 0.5 }], "meta": meta })),
    ] {
        for bad in spoilt(&sample) {
            let told = transcript_from(&Decoder::new(operation, "m\"\u{0}"), &[bad]);
            for body in told.iter().filter_map(|event| event.strip_prefix("extra body=")) {
                assert!(serde_json::from_str::<Value>(body).is_ok(), "{body}");
            }
        }
    }
}
