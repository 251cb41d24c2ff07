//! Asks a gateway, as any client does.
//!
//! Never prints its key, and takes no answer for a target's that another target gave or that was kept.

use super::task::Task;
use crate::secret::Secret;
use crate::upstream::Upstream;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Bytes of an answer.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
/// Keeps a cache out of it: neither read nor written.
const BYPASS: (&str, &str) = ("x-lockgate-cache", "bypass");

/// A gateway, and who asks it.
pub struct Asking {
    /// The gateway; none asks nobody.
    pub gateway: Option<Upstream>,
    /// The key.
    pub key: Option<Secret>,
    /// The model that judges.
    pub judge: Option<String>,
}

/// An answer.
pub struct Answer {
    /// What was said.
    pub text: String,
    /// What it cost, in USD, where the gateway knows.
    pub cost: Option<f64>,
    /// How long it took.
    pub took: Duration,
}

impl Asking {
    /// Asks nobody.
    #[cfg(test)]
    pub const fn nobody() -> Self {
        Self { gateway: None, key: None, judge: None }
    }

    /// Has a target do a task.
    ///
    /// # Errors
    /// It was not done, or not by this target.
    pub async fn ask(&self, target: &str, task: &Task) -> Result<Answer, String> {
        let mut body = json!({ "model": target, "messages": task.messages, "temperature": 0 });
        if let (Some(most), Some(fields)) = (task.max_tokens, body.as_object_mut()) {
            fields.insert("max_tokens".into(), most.into());
        }
        let began = Instant::now();
        let (headers, answer) = self.send(body).await?;
        let took = began.elapsed();
        let says = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let by = format!("{}/{}", says("x-lockgate-provider"), says("x-lockgate-model"));
        if says("x-lockgate-cache") == "hit" {
            return Err("a kept answer came".into());
        }
        if by != target {
            return Err(format!("`{by}` answered"));
        }
        let cost = says("x-lockgate-cost-usd").parse().ok().filter(|cost: &f64| cost.is_finite());
        Ok(Answer { text: said(&answer)?, cost, took })
    }

    /// Asks the model that judges.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn judge(&self, messages: &Value) -> Result<String, String> {
        let judge = self.judge.as_deref().ok_or("there is no model that judges")?;
        let body = json!({ "model": judge, "messages": messages, "temperature": 0 });
        let (_, answer) = self.send(body).await.map_err(|why| format!("the judge: {why}"))?;
        said(&answer)
    }

    async fn send(&self, body: Value) -> Result<(HeaderMap, Value), String> {
        let gateway = self.gateway.as_ref().ok_or("there is no gateway")?;
        let mut request = Request::new(bytes::Bytes::from(body.to_string()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = gateway.url("/v1/chat/completions").map_err(|error| error.to_string())?;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(BYPASS.0, HeaderValue::from_static(BYPASS.1));
        if let Some(key) = &self.key {
            let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose()))
                .map_err(|_| "the key cannot be sent in a header")?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let answered = gateway.send(request).await.map_err(|error| error.to_string())?;
        let (status, headers) = (answered.status, answered.headers.clone());
        let body = answered.body.collect(MAX_ANSWER).await.map_err(|error| error.to_string())?;
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok((headers, body));
        }
        let code = body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default();
        Err(format!("status {} {code}", status.as_u16()).trim_end().to_owned())
    }
}

fn said(answer: &Value) -> Result<String, String> {
    let text = answer.pointer("/choices/0/message/content").and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| "nothing was said".to_owned())
}
