//! The sockets: accepts, records, answers, and notices who goes away.
//!
//! Every answer carries a guard from the moment its request is complete. hyper drops the answer's future or
//! body when the client closes the connection, also while the answer hangs; a guard that is dropped before
//! the answer ended counts as a disconnect.

use crate::reply::{Content, Paced, Reply, Then};
use crate::wire::Wire;
use crate::{Handler, Recorded, cohere};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep, sleep};

/// What a provider saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    recorded: Mutex<Vec<Recorded>>,
    pub(crate) requests: watch::Sender<usize>,
    pub(crate) connections: watch::Sender<usize>,
    pub(crate) disconnects: watch::Sender<usize>,
}

impl Seen {
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn record(&self, request: Recorded) {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        self.requests.send_modify(|count| *count += 1);
    }
}

/// Accepts connections until it is dropped; the connections end with it.
pub(crate) async fn accept(listener: TcpListener, handler: Arc<dyn Handler>, seen: Arc<Seen>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                seen.connections.send_modify(|count| *count += 1);
                connections.spawn(connection(stream, handler.clone(), seen.clone()));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Takes connections in memory until it is dropped; they end with it.
pub(crate) async fn take(
    mut incoming: mpsc::UnboundedReceiver<DuplexStream>,
    handler: Arc<dyn Handler>,
    seen: Arc<Seen>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            stream = incoming.recv() => {
                let Some(stream) = stream else { return };
                seen.connections.send_modify(|count| *count += 1);
                connections.spawn(connection(stream, handler.clone(), seen.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: impl Line, handler: Arc<dyn Handler>, seen: Arc<Seen>) {
    stream.hurry();
    let reset = Arc::new(AtomicBool::new(false));
    let socket = Socket { stream, reset: reset.clone() };
    let service = service_fn(move |request| answer(request, handler.clone(), seen.clone(), reset.clone()));
    // A connection that breaks off is either what the script wanted or counted by its guard.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

async fn answer(
    request: Request<Incoming>,
    handler: Arc<dyn Handler>,
    seen: Arc<Seen>,
    reset: Arc<AtomicBool>,
) -> io::Result<Response<Answer>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let request = Recorded { method: head.method, path, headers: head.headers, body };
    let mut guard = Guard { seen: seen.clone(), ended: false };
    seen.record(request.clone());
    let reply = handler.reply(&request);
    if let Some(delay) = reply.delay {
        tokio::time::sleep(delay).await;
    }
    let (status, content_type, frames) = match render(&reply, &request) {
        Rendered::Answer { status, content_type, frames } => (status, content_type, in_bytes(frames, &reply)),
        Rendered::Hang => std::future::pending().await,
        Rendered::Reset => {
            guard.ended = true;
            reset.store(true, Ordering::Relaxed);
            return Err(io::Error::from(io::ErrorKind::ConnectionReset));
        }
    };
    let pace = reply.pace.map(|pause| (pause, Box::pin(sleep(pause))));
    let mut response = Response::new(Answer { frames, guard, reset, pace });
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(value) = HeaderValue::from_str(&content_type) {
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    let said = match &reply.content {
        Content::Error(status, _) => Wire::of(&request).error_header(*status),
        _ => None,
    };
    for (name, value) in said.into_iter().chain(reply.headers) {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

enum Rendered {
    Answer { status: u16, content_type: String, frames: Frames },
    Hang,
    Reset,
}

fn render(reply: &Reply, request: &Recorded) -> Rendered {
    let wire = Wire::of(request);
    match &reply.content {
        Content::Speech(speech) if wire.streams(request) => {
            events(wire, wire.stream(request, speech), Then::End)
        }
        Content::Speech(speech) => document(200, &wire.document(request, speech)),
        Content::Error(status, message) => document(*status, &wire.error(*status, message)),
        Content::Echo => render(&Reply::text(request.last_user_text()), request),
        Content::Embeddings(dimensions) => document(200, &wire.embeddings(request, *dimensions)),
        Content::Rerank(scores) => document(200, &cohere::ranking(request, scores)),
        Content::Status(status, body) => document(*status, body),
        Content::Raw { status, content_type, body } => Rendered::Answer {
            status: *status,
            content_type: content_type.clone(),
            frames: Frames::Whole(Some(body.clone())),
        },
        Content::Cut { deltas, then } => events(wire, wire.opening(request, deltas), *then),
        Content::Paced(paced) => stream(wire, Frames::Paced { paced: paced.clone(), reset: reply.resets }),
        Content::Hang => Rendered::Hang,
        Content::Reset => Rendered::Reset,
    }
}

fn document(status: u16, body: &Value) -> Rendered {
    let frames = Frames::Whole(Some(Bytes::from(body.to_string())));
    Rendered::Answer { status, content_type: "application/json".into(), frames }
}

fn events(wire: Wire, frames: Vec<Bytes>, then: Then) -> Rendered {
    stream(wire, Frames::Queue { frames: frames.into(), then, flushed: false })
}

/// The same, byte by byte, where the reply wants it so.
fn in_bytes(frames: Frames, reply: &Reply) -> Frames {
    if !reply.dribbles {
        return frames;
    }
    let each = |bytes: Bytes| (0..bytes.len()).map(move |at| bytes.slice(at..=at)).collect::<Vec<_>>();
    match frames {
        Frames::Whole(body) => {
            let frames = body.into_iter().flat_map(each).collect();
            Frames::Queue { frames, then: Then::End, flushed: false }
        }
        Frames::Queue { frames, then, flushed } => {
            Frames::Queue { frames: frames.into_iter().flat_map(each).collect(), then, flushed }
        }
        paced @ Frames::Paced { .. } => paced,
    }
}

fn stream(wire: Wire, frames: Frames) -> Rendered {
    Rendered::Answer { status: 200, content_type: wire.stream_type().into(), frames }
}

/// Counts a disconnect, unless the answer ended first.
struct Guard {
    seen: Arc<Seen>,
    ended: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.ended {
            self.seen.disconnects.send_modify(|count| *count += 1);
        }
    }
}

enum Frames {
    Whole(Option<Bytes>),
    Queue { frames: VecDeque<Bytes>, then: Then, flushed: bool },
    Paced { paced: Paced, reset: bool },
}

impl Frames {
    /// Whether a piece is left to say.
    fn has_more(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_some(),
            Self::Queue { frames, .. } => !frames.is_empty(),
            Self::Paced { .. } => true,
        }
    }
}

/// The body of an answer.
struct Answer {
    frames: Frames,
    guard: Guard,
    reset: Arc<AtomicBool>,
    /// The pause before a piece, and what is left of the one before the next.
    pace: Option<(Duration, Pin<Box<Sleep>>)>,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if let Some((pause, left)) = &mut this.pace
            && this.frames.has_more()
        {
            ready!(left.as_mut().poll(context));
            left.as_mut().reset(Instant::now() + *pause);
        }
        let next = match &mut this.frames {
            Frames::Whole(body) => {
                // hyper knows the length and does not ask again.
                this.guard.ended = true;
                body.take()
            }
            Frames::Queue { frames, then, flushed } => match frames.pop_front() {
                None if *then == Then::Stall => return Poll::Pending,
                None if *then == Then::Reset && !*flushed => {
                    // hyper flushes while a body is not ready: what was said arrives before the reset.
                    *flushed = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                None if *then == Then::Reset => {
                    this.guard.ended = true;
                    this.reset.store(true, Ordering::Relaxed);
                    return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
                }
                next => next,
            },
            Frames::Paced { paced, reset } => {
                let mut paced = paced.lock().unwrap_or_else(PoisonError::into_inner);
                match paced.poll_recv(context) {
                    Poll::Ready(None) if *reset => {
                        this.guard.ended = true;
                        this.reset.store(true, Ordering::Relaxed);
                        return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
                    }
                    Poll::Ready(next) => next,
                    Poll::Pending => return Poll::Pending,
                }
            }
        };
        this.guard.ended |= next.is_none();
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.frames {
            Frames::Whole(body) => SizeHint::with_exact(
                body.as_ref().map_or(0, |body| u64::try_from(body.len()).unwrap_or(u64::MAX)),
            ),
            _ => SizeHint::default(),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.frames, Frames::Whole(None))
    }
}

/// A connection of either kind.
trait Line: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Each frame is to leave at once.
    fn hurry(&self);

    /// When it is dropped, it ends with a reset.
    fn reset(&self);
}

impl Line for TcpStream {
    fn hurry(&self) {
        // Without it the stream only arrives in larger pieces.
        let _ = self.set_nodelay(true);
    }

    fn reset(&self) {
        // Closing with zero linger is what makes the kernel send RST in place of FIN.
        let _ = self.set_zero_linger();
    }
}

/// In memory everything leaves at once, and an end that comes too soon is all there is of a reset.
impl Line for DuplexStream {
    fn hurry(&self) {}

    fn reset(&self) {}
}

/// A socket that can be told to end with a reset.
struct Socket<S: Line> {
    stream: S,
    reset: Arc<AtomicBool>,
}

impl<S: Line> Drop for Socket<S> {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            self.stream.reset();
        }
    }
}

impl<S: Line> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Line> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
