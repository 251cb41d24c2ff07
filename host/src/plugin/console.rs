//! WASI as a guest finds it: a clock, random numbers, and a console that leads into the operator's log. No
//! files, no network, no environment, no arguments.
//!
//! The console is where panics say what and where. Lines are bounded in length, and in number by the
//! binding's share of the log, so a chatty guest fills neither a log nor a memory.

use super::instance::Surroundings;
use crate::exchange::Exchange;
use bytes::Bytes;
use parking_lot::Mutex;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Bytes of one line that are logged.
const MAX_LINE: usize = 2_000;
/// Bytes that are taken at once.
const MAX_WRITE: usize = 16 * 1024;

/// A guest's WASI, and the console in it.
pub(super) fn inert(around: &Arc<Surroundings>, exchange: Option<&Arc<Exchange>>) -> (WasiCtx, Console) {
    let line = || Line { around: around.clone(), exchange: exchange.cloned(), said: Vec::new() };
    let stream = || Stream(Arc::new(Mutex::new(line())));
    let console = Console([stream(), stream()]);
    let [out, err] = console.0.clone();
    (WasiCtx::builder().stdout(out).stderr(err).build(), console)
}

/// Both streams of an instance.
pub(super) struct Console([Stream; 2]);

impl Console {
    /// Ends the lines of the call before; what follows is said in a call for this exchange.
    pub(super) fn belongs_to(&self, exchange: Option<&Arc<Exchange>>) {
        for Stream(line) in &self.0 {
            let mut line = line.lock();
            line.log();
            line.exchange = exchange.cloned();
        }
    }
}

/// Where an instance's words go. A guest opens its console anew for each piece that it writes, so what is
/// said of a line is kept here.
#[derive(Clone)]
struct Stream(Arc<Mutex<Line>>);

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

/// The line that is being said.
struct Line {
    around: Arc<Surroundings>,
    /// Whose call it is said in.
    exchange: Option<Arc<Exchange>>,
    said: Vec<u8>,
}

impl Line {
    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let words = piece.strip_suffix(b"\n").unwrap_or(piece);
            let room = MAX_LINE.saturating_sub(self.said.len()).min(words.len());
            self.said.extend_from_slice(words.get(..room).unwrap_or_default());
            if words.len() < piece.len() {
                self.log();
            }
        }
    }

    fn log(&mut self) {
        if !self.said.is_empty() && self.around.log.admits() {
            let (said, around) = (std::mem::take(&mut self.said), self.around.clone());
            let say = move || {
                let said = String::from_utf8_lossy(&said);
                let (binding, tenant) = (&*around.name, &*around.tenant);
                tracing::warn!(target: "lockgate::plugin::said", binding, tenant, "{said}");
            };
            match &self.exchange {
                Some(exchange) => exchange.once_certain(say),
                None => say(),
            }
        }
        self.said.clear();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.log();
    }
}

#[async_trait::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.lock().take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_WRITE)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
