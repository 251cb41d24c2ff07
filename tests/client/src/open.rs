//! An answer whose body is still arriving. Dropping it closes the connection.

use crate::Answer;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::io;
use tokio::task::JoinHandle;

/// Drives a connection until it is dropped.
#[derive(Debug)]
pub(crate) struct Driver(pub(crate) JoinHandle<hyper::Result<()>>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An answer whose body is still arriving.
#[derive(Debug)]
pub struct Open {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    body: Incoming,
    came: Vec<u8>,
    _driver: Driver,
}

impl Open {
    pub(crate) fn new(answer: Response<Incoming>, driver: Driver) -> Self {
        let (head, body) = answer.into_parts();
        Self { status: head.status, headers: head.headers, body, came: Vec::new(), _driver: driver }
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// The answer breaks off.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
                self.came.extend_from_slice(&data);
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// Waits until `text` has come.
    ///
    /// # Errors
    /// The answer ends or breaks off before.
    pub async fn until(&mut self, text: &str) -> io::Result<()> {
        while !String::from_utf8_lossy(&self.came).contains(text) {
            if self.next().await?.is_none() {
                let came = String::from_utf8_lossy(&self.came);
                return Err(io::Error::other(format!("the answer ended before {text:?} came: {came}")));
            }
        }
        Ok(())
    }

    /// Waits for the rest.
    ///
    /// # Errors
    /// The answer breaks off.
    pub async fn rest(mut self) -> io::Result<Answer> {
        while self.next().await?.is_some() {}
        let body = String::from_utf8_lossy(&self.came).into_owned();
        Ok(Answer { status: self.status, headers: self.headers, body })
    }

    /// All that comes, also of an answer that breaks off.
    pub async fn all(mut self) -> String {
        while let Ok(Some(_)) = self.next().await {}
        String::from_utf8_lossy(&self.came).into_owned()
    }
}
