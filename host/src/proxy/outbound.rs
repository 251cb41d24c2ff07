//! From an adapter's call to a request on the wire: the host's part is the base URL, the credential, the signature, the
//! canonical body.
//!
//! Never lets an adapter choose where a request goes, and never puts a credential where it did not name one.

use super::fault::adapter_failed;
use crate::chat::{Attachment, Prompt};
use crate::credential::{Pick, SignError};
use crate::error::Error;
use crate::exchange::Exchange;
use crate::format::{Format, openai};
use crate::plugin::CallBody;
use crate::route::Provider;
use crate::route::calls::{Head, Value};
use crate::upload::Broken;
use crate::upstream::Payload;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderValue, Request, StatusCode, header};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value as Json};
use std::sync::Arc;

/// A request that lacks only its credential.
pub struct Outbound {
    head: Arc<Head>,
    body: Content,
}

enum Content {
    Whole(Bytes),
    /// A form whose file may still be coming, and its media type.
    Form(Payload, HeaderValue),
}

impl Outbound {
    /// The request that the provider's adapter makes of a prompt. It is not asked where a call of its holds.
    ///
    /// # Errors
    /// The adapter refused it, failed, or its call is none.
    pub async fn of(
        provider: &Provider,
        exchange: &Arc<Exchange>,
        format: Format,
        prompt: &Prompt,
        model: &str,
    ) -> Result<Self, Error> {
        let (operation, streaming) = (prompt.operation(), prompt.streaming());
        if let Some(head) = provider.calls.held(operation, streaming, model) {
            return Ok(Self { head, body: canonical(format, prompt, model)? });
        }
        let facts = facts(provider, prompt, model);
        let call = provider.adapter.encode(exchange, facts).await.map_err(|error| match error.fault() {
            // The adapter says what the provider cannot express: the client's to read, and no other attempt at
            // the same provider would differ, but another provider may.
            Some(("invalid", message)) => {
                Error { retryable: true, ..Error::bad_request("unsupported_parameter", message.to_owned()) }
            }
            _ => adapter_failed(error),
        })?;
        let holds = call.holds;
        let (head, body) = Head::of(call, &provider.upstream).map_err(|what| {
            let message = format!("The provider's adapter made a bad {what}.");
            Error::upstream(StatusCode::BAD_GATEWAY, "adapter_failed", message)
        })?;
        let head = Arc::new(head);
        if holds {
            provider.calls.hold(operation, streaming, model, head.clone());
        }
        let body = match body {
            CallBody::Bytes(bytes) => Content::Whole(bytes.into()),
            CallBody::Prompt => canonical(format, prompt, model)?,
        };
        Ok(Self { head, body })
    }

    /// The request with a credential.
    ///
    /// # Errors
    /// Nothing can be had to sign with.
    pub async fn request(&self, provider: &Provider, key: Option<&Pick>) -> Result<Request<Payload>, Error> {
        let (bytes, media) = match &self.body {
            Content::Whole(bytes) => (bytes.clone(), None),
            // Tokens do not sign what is sent, and no other signer meets a form.
            Content::Form(_, media) => (Bytes::new(), Some(media)),
        };
        let mut request = Request::new(bytes);
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = self.head.uri.clone();
        for (name, value) in &self.head.headers {
            let value = match value {
                Value::Text(value) => value.clone(),
                Value::Secret { name: secret, prefix } => {
                    let Some(key) = key.filter(|_| secret == "api-key") else { continue };
                    let mut value = HeaderValue::try_from(format!("{prefix}{}", key.secret().expose()))
                        .map_err(|_| Error::internal("A configured credential is not a header value."))?;
                    value.set_sensitive(true);
                    value
                }
            };
            request.headers_mut().append(name, value);
        }
        if let Some(media) = media {
            // Whatever the adapter said: it did not know what would part the fields.
            request.headers_mut().insert(header::CONTENT_TYPE, media.clone());
        }
        if let Some(signer) = &self.head.signer {
            // Boxed: what signs may have to fetch, and its state is not to burden every exchange.
            Box::pin(provider.credentials.sign(signer, &mut request)).await.map_err(unsigned)?;
        }
        Ok(request.map(|whole| match &self.body {
            Content::Whole(_) => Payload::Whole(whole),
            Content::Form(payload, _) => payload.clone(),
        }))
    }

    /// Whether the host reads the answer itself.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.head.native
    }

    /// Whether the credential is a key, of which there may be another.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.head.signer.is_some()
    }
}

fn facts(provider: &Provider, prompt: &Prompt, model: &str) -> Vec<(String, String)> {
    let mut facts = Vec::with_capacity(4 + provider.options.len());
    facts.push(("provider".to_owned(), provider.name.to_string()));
    facts.push(("model".to_owned(), model.to_owned()));
    facts.push(("operation".to_owned(), prompt.operation().name().to_owned()));
    facts.push(("streaming".to_owned(), prompt.streaming().to_string()));
    facts.extend(provider.options.iter().map(|(key, value)| (format!("option.{key}"), value.clone())));
    facts
}

/// The canonical body.
fn canonical(format: Format, prompt: &Prompt, model: &str) -> Result<Content, Error> {
    let Some(file) = prompt.attachment() else {
        return Ok(Content::Whole(native_body(format, prompt, model)?.into()));
    };
    let (media, payload) = form(prompt, model, file);
    let media = media.try_into().map_err(|_| Error::internal("A form has no media type."))?;
    Ok(Content::Form(payload, media))
}

/// A form: its media type, and its bytes, those of the file as they come.
fn form(prompt: &Prompt, model: &str, file: &Attachment) -> (String, Payload) {
    let written = Arc::new(openai::write_form(prompt.body(), model, file));
    let (media, upload, fields) =
        (written.media.clone(), file.upload.clone(), Arc::new(prompt.body().clone()));
    let payload = Payload::pieces(move || {
        let before = written.before.clone();
        let (written, fields, ended) = (written.clone(), fields.clone(), upload.clone());
        // Asked for when the file is over: only then is it known what stood behind it.
        let behind = move || Ok(written.behind(&fields, ended.late()));
        let first = stream::once(async { Ok::<_, Broken>(before) });
        first.chain(upload.pieces()).chain(stream::once(async move { behind() }))
    });
    (media, payload)
}

/// The operator's to mend; another target may serve meanwhile.
fn unsigned(error: SignError) -> Error {
    let message = "The gateway has no valid credential for the provider.";
    let status = StatusCode::BAD_GATEWAY;
    Error { retryable: true, ..Error::upstream(status, "credential_unavailable", message) }.caused_by(error)
}

/// The canonical body, asking for what the gateway needs: the target's model, and usage in streams.
struct NativeBody<'a> {
    body: &'a Map<String, Json>,
    /// Whether the usage is to be asked for: of answers in events that tell none unasked.
    usage: bool,
    model: &'a str,
}

impl Serialize for NativeBody<'_> {
    /// Nothing of the body is copied on its way to the text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (body, usage) = (self.body, self.usage);
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in body {
            match (name.as_str(), value) {
                ("model", _) => map.serialize_entry(name, self.model)?,
                // The host adds them itself: the client's own, not those that its guards masked.
                ("return_documents", _) => {}
                ("stream_options", Json::Object(options)) if usage => {
                    let mut options = options.clone();
                    options.insert("include_usage".into(), Json::Bool(true));
                    map.serialize_entry(name, &options)?;
                }
                _ => map.serialize_entry(name, value)?,
            }
        }
        if usage && !body.contains_key("stream_options") {
            map.serialize_entry("stream_options", &serde_json::json!({ "include_usage": true }))?;
        }
        map.end()
    }
}

fn native_body(format: Format, prompt: &Prompt, model: &str) -> Result<Vec<u8>, Error> {
    // The texts are most of it; a quarter more has room for names and escapes.
    let mut body = Vec::with_capacity(256 + prompt.text_bytes() * 5 / 4);
    let canonical = format.native(prompt.body());
    let usage = prompt.streaming() && prompt.operation().speaks();
    serde_json::to_writer(&mut body, &NativeBody { body: &canonical, usage, model })
        .map_err(|error| Error::internal("The request could not be written.").caused_by(error))?;
    Ok(body)
}
