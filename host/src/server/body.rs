//! Reading a request's body, bounded in bytes and time.

use super::BoxError;
use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use std::pin::pin;
use std::time::Duration;

/// Bytes that are set aside because a client named a length, before it has sent them.
const TRUSTED_CAPACITY: usize = 64 * 1024;

/// A body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is larger than allowed.
    #[error("the body is larger than {max} bytes")]
    TooLarge {
        /// The bound.
        max: usize,
    },
    /// It did not come in time.
    #[error("the body did not arrive in time")]
    Timeout,
    /// The connection broke, or the bytes were not HTTP.
    #[error("the body broke off")]
    Broken(#[source] BoxError),
}

/// Reads a whole body. One that announces too great a length is refused before it is read; one that comes
/// in one piece is not copied.
///
/// # Errors
/// As [`BodyError`] says.
///
/// # Cancel safety
/// What was read is lost.
pub async fn read_limited<B>(body: B, max: usize, timeout: Duration) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let announced = body.size_hint().lower();
    if announced > max as u64 {
        return Err(BodyError::TooLarge { max });
    }
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let announced = usize::try_from(announced).unwrap_or(max);
    tokio::time::timeout(timeout, read(body, announced, max)).await.map_err(|_| BodyError::Timeout)?
}

async fn read<B>(body: B, announced: usize, max: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let mut body = pin!(body);
    let mut first = Bytes::new();
    let mut all: Option<BytesMut> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| BodyError::Broken(error.into()))?.into_data() else { continue };
        let read = all.as_ref().map_or(first.len(), BytesMut::len);
        if data.len() > max - read {
            return Err(BodyError::TooLarge { max });
        }
        match &mut all {
            Some(all) => all.extend_from_slice(&data),
            None if first.is_empty() => first = data,
            None => {
                let capacity = announced.min(TRUSTED_CAPACITY).max(first.len() + data.len());
                let mut together = BytesMut::with_capacity(capacity);
                together.extend_from_slice(&first);
                together.extend_from_slice(&data);
                all = Some(together);
            }
        }
    }
    Ok(all.map_or(first, BytesMut::freeze))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use http_body_util::{Full, StreamBody};
    use std::convert::Infallible;

    const LONG: Duration = Duration::from_secs(10);

    fn pieces(pieces: &[&'static str]) -> impl Body<Data = Bytes, Error = Infallible> {
        let frames: Vec<_> =
            pieces.iter().map(|p| Ok(http_body::Frame::data(Bytes::from_static(p.as_bytes())))).collect();
        StreamBody::new(futures_util::stream::iter(frames))
    }

    #[tokio::test]
    async fn pieces_are_joined() {
        assert_eq!(read_limited(pieces(&["", "ab", "", "cd", "e"]), 5, LONG).await.unwrap(), "abcde");
        assert_eq!(read_limited(pieces(&[]), 5, LONG).await.unwrap(), "");
    }

    #[tokio::test]
    async fn one_piece_is_not_copied() {
        let whole = Bytes::from(vec![7; 100]);
        let read = read_limited(Full::new(whole.clone()), 100, LONG).await.unwrap();
        assert_eq!(read.as_ptr(), whole.as_ptr());
    }

    #[tokio::test]
    async fn too_large_is_refused_announced_or_not() {
        let announced = read_limited(Full::new(Bytes::from_static(b"abcdef")), 5, LONG).await;
        assert!(matches!(announced, Err(BodyError::TooLarge { max: 5 })));
        let found = read_limited(pieces(&["abc", "def"]), 5, LONG).await;
        assert!(matches!(found, Err(BodyError::TooLarge { max: 5 })));
    }

    #[tokio::test(start_paused = true)]
    async fn too_slow_is_refused() {
        let stuck =
            StreamBody::new(futures_util::stream::pending::<Result<http_body::Frame<Bytes>, Infallible>>());
        assert!(matches!(read_limited(stuck, 5, LONG).await, Err(BodyError::Timeout)));
    }

    #[tokio::test]
    async fn broken_is_told() {
        let error = std::io::Error::other("gone");
        let broken = StreamBody::new(futures_util::stream::iter([Err::<http_body::Frame<Bytes>, _>(error)]));
        assert!(matches!(read_limited(broken, 5, LONG).await, Err(BodyError::Broken(_))));
    }
}
