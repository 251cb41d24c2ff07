//! What is asked for besides a chat: bare completions, moderations, images, speech, transcriptions.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{KEY, Stage, binding, soon};
use http::Method;
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const BOUNDARY: &str = "the-boundary-of-the-tests";

/// A provider of the OpenAI API, in the parts that are no chat.
fn provider(request: &Recorded) -> Reply {
    let body = request.json();
    let usage = json!({ "prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6 });
    match request.path.trim_start_matches("/v1") {
        "/completions" if body["stream"] == true => {
            let chunk = |text: &str, finish: Value, usage: Value| {
                let choice = json!({ "text": text, "index": 0, "logprobs": null, "finish_reason": finish });
                let choices = if usage.is_null() { json!([choice]) } else { json!([]) };
                let chunk = json!({ "id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
                    "choices": choices, "usage": usage });
                format!("data: {chunk}\n\n")
            };
            let frames = [
                chunk("Write to <EMA", Value::Null, Value::Null),
                chunk("IL_1>.", json!("stop"), Value::Null),
                chunk("", Value::Null, usage),
                "data: [DONE]\n\n".to_owned(),
            ];
            Reply::raw(200, "text/event-stream", frames.concat())
        }
        "/completions" => Reply::status(
            200,
            json!({
                "id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "usage": usage,
                "choices": [{ "text": "Write to <EMAIL_1>.", "index": 0, "logprobs": null, "finish_reason": "stop" }],
            }),
        ),
        "/moderations" => {
            Reply::status(200, json!({ "id": "modr-1", "model": "m", "results": [{ "flagged": false }] }))
        }
        "/images/generations" if body["stream"] == true => Reply::raw(
            200,
            "text/event-stream",
            "event: image_generation.completed\ndata: {\"b64_json\":\"AA==\"}\n\n",
        ),
        "/images/generations" => Reply::status(
            200,
            json!({
                "created": 1, "data": [{ "b64_json": "AA==" }],
                "usage": { "input_tokens": 7, "output_tokens": 100, "total_tokens": 107 },
            }),
        ),
        "/audio/speech" => Reply::raw(200, "audio/mpeg", vec![0xff_u8, 0xfb, 0, 1]),
        "/audio/transcriptions" if request.text().contains("srt") => {
            Reply::raw(200, "text/plain", "1\n00:00:00,000 --> 00:00:01,000\nWrite to <EMAIL_1>.\n")
        }
        "/audio/transcriptions" => Reply::status(
            200,
            json!({
                "text": "Write to <EMAIL_1>.", "segments": [{ "id": 0, "text": "Write to <EMAIL_1>." }],
            }),
        ),
        _ => Reply::error(404, "There is nothing here."),
    }
}

/// A masking gateway before it that admits sound.
async fn masked() -> Stage {
    let mut mask = binding("builtin:pii-mask", json!({}));
    mask["uncovered"] = json!(["audio"]);
    Stage::start(provider, json!([mask])).await
}

async fn post(stage: &Stage, path: &str, body: &Value) -> Answer {
    soon("an answer", stage.gateway.client().post(path, body.to_string())).await.unwrap()
}

async fn transcribe(stage: &Stage, fields: &[(&str, &str)], file: &[u8]) -> Answer {
    let mut form = Vec::new();
    for (name, value) in fields {
        let part =
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        form.extend_from_slice(part.as_bytes());
    }
    let head = "Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav";
    form.extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
    form.extend_from_slice(file);
    form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let client = stage.gateway.client();
    let mut request = client.request(Method::POST, "/v1/audio/transcriptions");
    let kind = format!("multipart/form-data; boundary={BOUNDARY}").parse().unwrap();
    request.headers_mut().unwrap().insert("content-type", kind);
    soon("an answer", async { client.open(request, form).await?.rest().await }).await.unwrap()
}

const SAID: &str = "Write to ada@example.org.";

#[tokio::test]
async fn bare_texts_are_completed() {
    let stage = masked().await;
    let ask = json!({ "model": "m", "prompt": format!("Say: {SAID}"), "suffix": "ada@example.org", "max_tokens": 9 });
    let answer = post(&stage, "/v1/completions", &ask).await;
    assert_eq!(answer.json()["object"], "text_completion", "{}", answer.body);
    assert_eq!(answer.json()["choices"][0]["text"], SAID);
    assert_eq!(answer.json()["usage"]["total_tokens"], 6);
    let seen = stage.upstream.last_request().unwrap();
    assert_eq!(seen.json()["prompt"], "Say: Write to <EMAIL_1>.");
    assert_eq!((&seen.json()["suffix"], &seen.json()["max_tokens"]), (&json!("<EMAIL_1>"), &json!(9)));
    let mut streamed = ask.clone();
    streamed["stream"] = json!(true);
    streamed["stream_options"] = json!({ "include_usage": true });
    let answer = post(&stage, "/v1/completions", &streamed).await;
    let events = answer.events();
    let text: String = events.iter().filter_map(|event| event["choices"][0]["text"].as_str()).collect();
    assert_eq!((text.as_str(), answer.is_done()), (SAID, true), "{}", answer.body);
    assert!(events.iter().all(|event| event["object"] == "text_completion"), "{}", answer.body);
    assert_eq!(events.last().unwrap()["usage"]["total_tokens"], 6);
    let refused = post(&stage, "/v1/completions", &json!({ "model": "m", "prompt": 1 })).await;
    assert_eq!((refused.status.as_u16(), refused.error("param").as_str()), (400, "prompt"));
}

#[tokio::test]
async fn bare_texts_are_completed_by_providers_that_only_converse() {
    let stage = Stage::configured(
        |request: &Recorded| match request.last_user_text().as_str() {
            "Once upon" => Reply::text("a time"),
            other => Reply::error(400, other),
        },
        json!([]),
        |mut config| {
            let url = config["providers"]["openai"]["base_url"]
                .as_str()
                .unwrap()
                .trim_end_matches("/v1")
                .to_owned();
            config["providers"]["claude"] = json!({ "adapter": "builtin:anthropic", "base_url": url });
            config["routes"]["*"]["targets"] = json!(["claude/m"]);
            config
        },
    )
    .await;
    let answer = post(&stage, "/v1/completions", &json!({ "model": "m", "prompt": "Once upon" })).await;
    assert_eq!(answer.json()["choices"][0]["text"], "a time", "{}", answer.body);
    assert_eq!(stage.upstream.last_request().unwrap().path, "/v1/messages");
    let answer = post(&stage, "/v1/completions", &json!({ "model": "m", "prompt": ["a", "b"] })).await;
    assert_eq!((answer.status.as_u16(), answer.error("code").as_str()), (400, "unsupported_parameter"));
    let answer = post(&stage, "/v1/images/generations", &json!({ "model": "m", "prompt": "a" })).await;
    assert_eq!(answer.error("code"), "unsupported_parameter");
    assert!(answer.error("message").contains("`images`"), "{}", answer.body);
}

#[tokio::test]
async fn moderations_and_images_pass_the_guards() {
    let stage = masked().await;
    let parts = json!([{ "type": "text", "text": SAID }]);
    for input in [json!(SAID), json!(["one", SAID]), parts] {
        let answer = post(&stage, "/v1/moderations", &json!({ "input": input })).await;
        assert_eq!(answer.json()["results"][0]["flagged"], false, "{}", answer.body);
        let seen = stage.upstream.last_request().unwrap();
        assert!(seen.text().contains("<EMAIL_1>") && !seen.text().contains("ada@"), "{}", seen.text());
        assert_eq!(seen.json()["model"], "omni-moderation-latest");
    }
    let image =
        json!({ "input": [{ "type": "image_url", "image_url": { "url": "data:image/png;base64,AA==" } }] });
    let refused = post(&stage, "/v1/moderations", &image).await;
    assert_eq!(refused.error("code"), "unsupported_modality");
    let answer =
        post(&stage, "/v1/images/generations", &json!({ "model": "m", "prompt": SAID, "size": "auto" }))
            .await;
    assert_eq!(answer.json()["data"][0]["b64_json"], "AA==");
    assert_eq!((answer.header("x-lockgate-tokens-in"), answer.header("x-lockgate-tokens-out")), ("7", "100"));
    assert_eq!(stage.upstream.last_request().unwrap().json()["prompt"], "Write to <EMAIL_1>.");
    let ask = json!({ "model": "m", "prompt": SAID, "stream": true, "partial_images": 1 });
    let answer = post(&stage, "/v1/images/generations", &ask).await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert!(answer.body.contains("event: image_generation.completed"), "{}", answer.body);
    for path in ["/v1/moderations", "/v1/images/generations", "/v1/audio/speech"] {
        assert_eq!(
            post(&stage, path, &json!({ "model": "m" })).await.error("code"),
            "missing_required_parameter"
        );
    }
}

#[tokio::test]
async fn texts_are_spoken() {
    let stage = masked().await;
    let ask =
        json!({ "model": "tts", "input": SAID, "instructions": "like ada@example.org", "voice": "alloy" });
    let client = stage.gateway.client();
    let request = client.request(Method::POST, "/v1/audio/speech");
    let mut open = soon("an answer", client.open(request, ask.to_string())).await.unwrap();
    let mut sound = Vec::new();
    while let Some(bytes) = soon("sound", open.next()).await.unwrap() {
        sound.extend_from_slice(&bytes);
    }
    assert_eq!(sound, [0xff, 0xfb, 0, 1]);
    let seen = stage.upstream.last_request().unwrap().json();
    assert_eq!(
        (&seen["input"], &seen["instructions"]),
        (&json!("Write to <EMAIL_1>."), &json!("like <EMAIL_1>"))
    );
    let log = stage.gateway.log.wait_for("\"outcome\":\"answered\"").await;
    assert!(log.contains("\"status\":200"), "{log}");
}

#[tokio::test]
async fn sound_is_written_down() {
    let stage = masked().await;
    let sound = [0_u8, 13, 10, 45, 45, 255, 0];
    let fields = [
        ("model", "whisper"),
        ("prompt", SAID),
        ("timestamp_granularities[]", "word"),
        ("timestamp_granularities[]", "segment"),
        ("response_format", "verbose_json"),
    ];
    let answer = transcribe(&stage, &fields, &sound).await;
    assert_eq!(answer.json()["text"], SAID, "{}", answer.body);
    assert_eq!(answer.json()["segments"][0]["text"], SAID);
    let seen = stage.upstream.last_request().unwrap();
    let kind = seen.header("content-type").unwrap();
    assert!(kind.starts_with("multipart/form-data; boundary="), "{kind}");
    let contains = |needle: &[u8]| seen.body.windows(needle.len()).any(|window| window == needle);
    assert!(contains(b"Write to <EMAIL_1>.") && !contains(b"ada@") && contains(&sound) && contains(b"a.wav"));
    assert_eq!(seen.text().matches("timestamp_granularities[]").count(), 2);
    let answer = transcribe(&stage, &[("model", "whisper"), ("response_format", "srt")], &sound).await;
    assert!(
        answer.body.ends_with("<EMAIL_1>.\n") && answer.header("content-type") == "text/plain",
        "{}",
        answer.body
    );
    let refused = transcribe(&stage, &[("prompt", "no model")], &sound).await;
    assert_eq!(refused.error("param"), "model");
    let refused = post(&stage, "/v1/audio/transcriptions", &json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.error("code").as_str()), (400, "invalid_form"));
    let guarded = Stage::start(provider, json!([binding("builtin:pii-mask", json!({}))])).await;
    let refused = transcribe(&guarded, &[("model", "whisper")], &sound).await;
    assert_eq!(refused.error("code"), "unsupported_modality");
}

/// Reads from a socket until this was read.
async fn until(socket: &mut TcpStream, seen: &mut Vec<u8>, text: &str) {
    while !seen.windows(text.len()).any(|window| window == text.as_bytes()) {
        let read = soon(text, socket.read_buf(seen)).await.unwrap();
        assert!(read > 0, "{text:?} did not come: {}", String::from_utf8_lossy(seen));
    }
}

#[tokio::test]
async fn a_file_is_sent_on_while_it_comes() {
    // A provider that is a bare socket, to see what has come before the end.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let stage = Stage::configured(provider, json!([]), |mut config| {
        config["providers"]["openai"]["base_url"] = json!(url);
        config
    })
    .await;
    let field = |name: &str, more: &str, value: &str| {
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{value}")
    };
    let start =
        field("model", "", "whisper\r\n") + &field("file", "; filename=\"a.wav\"", "the beginning of it");
    let rest =
        " and the end\r\n".to_owned() + &field("language", "", "en\r\n") + &format!("--{BOUNDARY}--\r\n");
    let head = format!(
        "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n\
         content-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {}\r\n\r\n",
        start.len() + rest.len()
    );
    let mut client = TcpStream::connect(stage.gateway.address).await.unwrap();
    client.write_all((head + &start).as_bytes()).await.unwrap();
    let (mut socket, _) = soon("the gateway", listener.accept()).await.unwrap();
    let mut seen = Vec::new();
    until(&mut socket, &mut seen, "the beginning").await;
    client.write_all(rest.as_bytes()).await.unwrap();
    until(&mut socket, &mut seen, "--\r\n\r\n0\r\n\r\n").await;
    let text = String::from_utf8_lossy(&seen).into_owned();
    for part in [
        "POST /v1/audio/transcriptions",
        "transfer-encoding: chunked",
        "whisper",
        " and the end",
        "name=\"language\"",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let answer =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{\"text\":\"hm\"}";
    socket.write_all(answer.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    until(&mut client, &mut said, "{\"text\":\"hm\"}").await;
    assert!(said.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&said));
}

#[tokio::test]
async fn a_file_that_breaks_off_is_the_clients_error() {
    let stage = Stage::start(provider, json!([])).await;
    let sound = [0_u8; 10];
    let answer = transcribe(&stage, &[("model", "whisper")], &sound).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    // A form without its end.
    let form = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf of it"
    );
    let client = stage.gateway.client();
    let mut request = client.request(Method::POST, "/v1/audio/transcriptions");
    let kind = format!("multipart/form-data; boundary={BOUNDARY}").parse().unwrap();
    request.headers_mut().unwrap().insert("content-type", kind);
    let answer = soon("an answer", async { client.open(request, form).await?.rest().await }).await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), answer.error("code").as_str()),
        (400, "request_broken"),
        "{}",
        answer.body
    );
}
