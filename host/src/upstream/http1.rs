//! One HTTP/1.1 connection, driven by the request that uses it.
//!
//! hyper's connection is a future that somebody must poll. In a task of its own, every piece of an answer would cost a
//! change of tasks, and often of threads. So whoever waits for an answer polls the connection, too.
//!
//! Invariant: nobody polls an idle one. Whether its peer has closed it is seen when it is looked at
//! ([`Http1::is_usable`]), which asks the system and waits for nothing.

use super::payload::Sent;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

pub(super) struct Http1 {
    sender: SendRequest<Sent>,
    connection: Connection,
}

/// None once it has ended.
type Connection = Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>;

impl Http1 {
    pub fn new(
        sender: SendRequest<Sent>,
        connection: impl Future<Output = hyper::Result<()>> + Send + 'static,
    ) -> Self {
        Self { sender, connection: Some(Box::pin(connection)) }
    }

    /// Moves bytes in both directions, as far as they go. What goes wrong is told to who waits for the answer.
    pub fn drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.connection, cx);
    }

    /// Whether it is open and done with everything that was asked of it.
    pub fn is_usable(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.sender.is_ready()
    }

    /// Sends a request, and waits for the head of its answer.
    pub async fn send(&mut self, request: Request<Sent>) -> hyper::Result<Response<Incoming>> {
        let mut answered = pin!(self.sender.send_request(request));
        std::future::poll_fn(|cx| {
            drive(&mut self.connection, cx);
            answered.as_mut().poll(cx)
        })
        .await
    }
}

fn drive(connection: &mut Connection, cx: &mut Context<'_>) {
    if let Some(open) = connection
        && let Poll::Ready(ended) = open.as_mut().poll(cx)
    {
        *connection = None;
        if let Err(error) = ended {
            tracing::debug!(%error, "upstream connection ended");
        }
    }
}
