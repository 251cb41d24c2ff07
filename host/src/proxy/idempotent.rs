//! Requests that are made once: what a client asks under a key is done once, and whoever asks again under it gets the same
//! answer.
//!
//! Invariants: the exchange goes on when its client goes away, so that the answer is there when it comes back; what a
//! provider charged for is kept, whatever came of it; what was refused before is not, and may be asked for again. A replay
//! passes authentication and takes nothing of any limit. No provider is asked before it is written down, where anything is,
//! that the request has begun; of one that the gateway's end cut short nobody knows what came of it, and it is not made
//! again.

use super::{Admitted, Body, Gateway, error_response, serve_once};
use crate::chat::Prompt;
use crate::error::{Error, Party};
use crate::server::BoxError;
use crate::store::idempotency::{Claim, End, Fingerprint, Recorder, Recording};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderValue, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use sha2::{Digest as _, Sha256};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The headers that name a request, the first that is there.
const HEADERS: [&str; 2] = ["x-lockgate-idempotency-key", "idempotency-key"];
/// Bytes of a key.
const MAX_KEY: usize = 255;
/// When it is worth trying again where too many are under way.
const SOON: Duration = Duration::from_secs(1);

/// The name that a client gave its request.
///
/// # Errors
/// 400 for one that is none.
pub fn name(prompt: &Prompt) -> Result<Option<String>, Error> {
    let Some(name) = HEADERS.into_iter().find_map(|header| prompt.header(header).next()) else {
        return Ok(None);
    };
    if name.is_empty()
        || name.len() > MAX_KEY
        || !name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
    {
        let message = "An idempotency key is 1 to 255 characters of ASCII.";
        return Err(Error::bad_request("invalid_idempotency_key", message));
    }
    Ok(Some(name.to_owned()))
}

/// Serves a request under its name: as the first, or with what the first is answered.
///
/// # Errors
/// The name stands for another request, or the answer cannot be given again.
pub async fn serve(
    gateway: &Arc<Gateway>,
    name: String,
    admitted: Admitted,
) -> Result<Response<Body>, Error> {
    let fingerprint = fingerprint(&admitted).await?;
    let figures = gateway.metrics.route(&admitted.principal.tenant, &admitted.route.name);
    let own = admitted.principal.own_name();
    match gateway.idempotency.claim([&*admitted.principal.tenant, &*own], &name, fingerprint) {
        Claim::First(recorder) => {
            let recording = recorder.recording();
            // A task of its own: it does not end with the client.
            tokio::spawn(record(gateway.clone(), recorder, admitted));
            replay(gateway, recording, false).await
        }
        Claim::Again(recording) => {
            figures.rescue("replayed");
            replay(gateway, recording, true).await
        }
        Claim::Taken => {
            let message = "This idempotency key was used for another request.";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Err(Error::new(Party::Client, status, "idempotency_key_reused", message))
        }
        Claim::Full => {
            Err(unavailable("Too many requests with idempotency keys are under way. Try again later."))
        }
    }
}

fn unavailable(message: &str) -> Error {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    Error::new(Party::Internal, status, "idempotency_unavailable", message).retry_after(Some(SOON))
}

fn conflict(code: &'static str, message: &str) -> Error {
    Error::new(Party::Client, StatusCode::CONFLICT, code, message)
}

/// Makes the exchange and records what it is answered.
async fn record(gateway: Arc<Gateway>, mut recorder: Recorder, admitted: Admitted) {
    let (format, id) = (admitted.facts.format, admitted.facts.id.clone());
    let keep = Arc::new(AtomicBool::new(false));
    let served = match recorder.begun().await {
        Ok(()) => serve_once(&gateway, admitted, Some(keep.clone())).await,
        Err(error) => {
            let message = "The idempotency key cannot be kept at the moment. Try again later.";
            Err(unavailable(message).caused_by(error))
        }
    };
    let response = served.unwrap_or_else(|error| error_response(format, &error, &id));
    let (head, mut body) = response.into_parts();
    recorder.head(head.status, head.headers);
    let end = loop {
        match body.frame().await {
            None => break End::Whole,
            Some(Err(_)) => break End::Broken,
            Some(Ok(frame)) => {
                if let Ok(piece) = frame.into_data() {
                    recorder.push(piece);
                }
            }
        }
    };
    // With its body, the exchange is over.
    drop(body);
    recorder.end(end, keep.load(Ordering::Acquire));
}

/// What is recorded, as it comes.
async fn replay(gateway: &Gateway, recording: Arc<Recording>, again: bool) -> Result<Response<Body>, Error> {
    let head = tokio::time::timeout(gateway.total_timeout, recording.head()).await;
    let (status, headers) = match head {
        Ok(Ok(head)) => head,
        Ok(Err(End::Unknown)) => {
            let message = "This request was under way when the gateway ended, and what came of it is not known. \
                           It is not made again under this key.";
            return Err(conflict("idempotency_outcome_unknown", message));
        }
        Ok(Err(End::Whole | End::Broken | End::TooLarge)) => {
            let message = "This request was answered already, and the answer was not kept.";
            return Err(conflict("idempotency_answer_gone", message));
        }
        Err(_) => {
            let error = conflict("idempotency_in_progress", "This request is still under way.");
            return Err(error.retry_after(Some(SOON)));
        }
    };
    let pieces = stream::unfold((recording, 0), |(recording, number)| async move {
        match recording.piece(number).await {
            Ok(piece) => Some((Ok(Frame::data(piece)), (recording, number + 1))),
            Err(End::Broken | End::Unknown) => {
                Some((Err(BoxError::from("the answer broke off")), (recording, usize::MAX)))
            }
            Err(End::Whole | End::TooLarge) => None,
        }
    });
    // What broke off ends there.
    let pieces = pieces.scan(false, |broken, piece: Result<Frame<Bytes>, BoxError>| {
        let go_on = !std::mem::replace(broken, piece.is_err());
        std::future::ready(go_on.then_some(piece))
    });
    let mut response = Response::new(StreamBody::new(pieces).boxed_unsync());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    if again {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// What makes two requests the same: the API, and all that was asked. A file is hashed when all of it has come.
async fn fingerprint(admitted: &Admitted) -> Result<Fingerprint, Error> {
    let prompt = &admitted.prompt;
    let mut hash = Sha256::new();
    hash.update(admitted.facts.format.name());
    hash.update([0]);
    hash.update(prompt.operation().name());
    hash.update([0]);
    hash.update(serde_json::to_vec(prompt.body()).unwrap_or_default());
    if let Some(file) = prompt.attachment() {
        let mut pieces = pin!(file.upload.pieces());
        while let Some(piece) = pieces.next().await {
            hash.update(piece.map_err(crate::format::openai::upload_error)?);
        }
    }
    Ok(hash.finalize().into())
}
