//! From an adapter's call to a request on the wire: the host's part is the base URL, the credential, the signature, the
//! canonical body.
//!
//! Never lets an adapter choose where a request goes, and never puts a credential where it did not name one.

use crate::chat::{Attachment, Prompt};
use crate::credential::{Pick, SignError};
use crate::error::Error;
use crate::format::{Format, openai};
use crate::plugin::{Call, CallBody, HeaderValue as PluginValue};
use crate::route::Provider;
use crate::upload::Broken;
use crate::upstream::Payload;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A request that lacks only its credential.
pub struct Outbound {
    method: Method,
    uri: Uri,
    headers: Vec<(HeaderName, PluginValue)>,
    body: Content,
    signer: Option<String>,
}

enum Content {
    Whole(Bytes),
    /// A form whose file may still be coming.
    Form(Payload),
}

impl Outbound {
    /// The request that an adapter's call means.
    ///
    /// # Errors
    /// The call is not one.
    pub fn new(
        provider: &Provider,
        call: Call,
        format: Format,
        prompt: &Prompt,
        model: &str,
    ) -> Result<Self, Error> {
        let bad = |what: &str| {
            Error::upstream(
                StatusCode::BAD_GATEWAY,
                "adapter_failed",
                format!("The provider's adapter made a bad {what}."),
            )
        };
        let (body, form) = match (call.body, prompt.attachment()) {
            (CallBody::Bytes(bytes), _) => (Content::Whole(bytes.into()), None),
            (CallBody::Prompt, None) => (Content::Whole(native_body(format, prompt, model)?.into()), None),
            (CallBody::Prompt, Some(file)) => {
                let (media, payload) = form(prompt, model, file);
                (Content::Form(payload), Some(media))
            }
        };
        let method = Method::from_bytes(call.method.as_bytes()).map_err(|_| bad("method"))?;
        let uri = provider.upstream.url(&call.path).map_err(|_| bad("path"))?;
        let headers = call.headers.into_iter().map(|(name, value)| Some((name.try_into().ok()?, value)));
        let mut headers: Vec<(HeaderName, PluginValue)> =
            headers.collect::<Option<_>>().ok_or_else(|| bad("header"))?;
        if let Some(kind) = form {
            headers.retain(|(name, _)| name != header::CONTENT_TYPE);
            headers.push((header::CONTENT_TYPE, PluginValue::Text(kind)));
        }
        Ok(Self { method, uri, headers, body, signer: call.signer })
    }

    /// The request with a credential.
    ///
    /// # Errors
    /// A header is none, or nothing can be had to sign with.
    pub async fn request(&self, provider: &Provider, key: Option<&Pick>) -> Result<Request<Payload>, Error> {
        let mut request = Request::new(match &self.body {
            Content::Whole(bytes) => bytes.clone(),
            // Tokens do not sign what is sent, and no other signer meets a form.
            Content::Form(_) => Bytes::new(),
        });
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        for (name, value) in &self.headers {
            let value = match value {
                PluginValue::Text(text) => HeaderValue::try_from(text).map_err(|_| {
                    let message = "The provider's adapter made a bad header.";
                    Error::upstream(StatusCode::BAD_GATEWAY, "adapter_failed", message)
                })?,
                PluginValue::Secret { name: secret, prefix } => {
                    let Some(key) = key.filter(|_| secret == "api-key") else { continue };
                    let mut value = HeaderValue::try_from(format!("{prefix}{}", key.secret().expose()))
                        .map_err(|_| Error::internal("A configured credential is not a header value."))?;
                    value.set_sensitive(true);
                    value
                }
            };
            request.headers_mut().append(name, value);
        }
        if let Some(signer) = &self.signer {
            // Boxed: what signs may have to fetch, and its state is not to burden every exchange.
            Box::pin(provider.credentials.sign(signer, &mut request)).await.map_err(unsigned)?;
        }
        Ok(request.map(|whole| match &self.body {
            Content::Whole(_) => Payload::Whole(whole),
            Content::Form(payload) => payload.clone(),
        }))
    }

    /// Whether the credential is a key, of which there may be another.
    #[must_use]
    pub const fn is_signed(&self) -> bool {
        self.signer.is_some()
    }
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
    body: &'a Map<String, Value>,
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
                ("stream_options", Value::Object(options)) if usage => {
                    let mut options = options.clone();
                    options.insert("include_usage".into(), Value::Bool(true));
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
