//! A component's stdout and stderr, line by line into the operator's log: that is where panics say where.
//!
//! Bounded per instance and per line, so a chatty guest cannot fill a log or a memory.

use std::sync::Arc;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use bytes::Bytes;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Bytes of one line that are logged.
const MAX_LINE: usize = 2_000;
/// Bytes an instance may say between two calls.
const MAX_BURST: usize = 16 * 1024;

/// Where an instance's words go.
#[derive(Clone)]
pub(super) struct Console {
    binding: Arc<str>,
}

impl Console {
    pub(super) fn new(binding: Arc<str>) -> Self {
        Self { binding }
    }

    fn stream(&self) -> Lines {
        Lines { binding: self.binding.clone(), line: Vec::new(), said: 0 }
    }
}

impl IsTerminal for Console {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Console {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.stream())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.stream())
    }
}

/// One open stream.
struct Lines {
    binding: Arc<str>,
    line: Vec<u8>,
    said: usize,
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = MAX_LINE.saturating_sub(self.line.len());
            self.line.extend(piece.iter().take(room).filter(|byte| **byte != b'\n'));
            if piece.ends_with(b"\n") {
                self.log();
            }
        }
    }

    fn log(&mut self) {
        let line = std::mem::take(&mut self.line);
        if self.said > MAX_BURST || line.is_empty() {
            return;
        }
        self.said += line.len();
        let said = String::from_utf8_lossy(&line);
        tracing::warn!(binding = %self.binding, said = %said, "plugin wrote to its console");
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.log();
    }
}

#[async_trait::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_BURST)
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
