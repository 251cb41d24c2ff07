//! What a guest writes to its console reaches the operator's log, in bounds; nothing else of WASI is there.
#![expect(clippy::expect_used, reason = "tests")]

use crate::support::{exchange, house};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// A log that can be read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("nobody panicked with it")).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked with it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

async fn said_by(deed: &str) -> String {
    let used = house().hostile(deed, |settings| settings.limits.deadline = Duration::from_secs(60)).await;
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let _ = used.binding.on_request(&exchange("hello")).await;
    drop(guard);
    log.text()
}

#[tokio::test]
async fn a_panic_says_where_and_why_and_whose_it_is() {
    let said = said_by("panic").await;
    assert!(said.contains("hostile/src/lib.rs") && said.contains("it panics in a hook"), "{said}");
    assert!(said.contains("guest") && said.contains("acme"), "{said}");
}

#[tokio::test]
async fn a_chatty_guest_does_not_fill_the_log() {
    let said = said_by("chatty").await;
    let lines = said.lines().count();
    // It says 500; 200 a second are logged, and saying them all takes a second at most but on a busy machine.
    assert!((150..=450).contains(&lines), "{lines} lines");
    assert!(said.lines().all(|line| line.len() < 2_500));
}
