//! The end of the process: stop accepting, let open exchanges finish up to a limit, then abort.
//!
//! One [`Drain`] starts it, any number of [`Shutdown`] handles see it. The phases only go forward. A second
//! signal during the drain cuts it short. Never exits the process itself, and never waits for connections:
//! who owns them does (see `server`).

use std::time::Duration;
use tokio::sync::watch;

/// Where the process is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It serves.
    Running,
    /// It accepts nothing new and finishes what is open.
    Draining,
    /// It drops what is still open.
    Aborting,
}

/// Starts the end.
#[derive(Debug, Clone)]
pub struct Drain {
    phase: watch::Sender<Phase>,
    limit: Duration,
}

/// Sees the end come.
#[derive(Debug, Clone)]
pub struct Shutdown {
    phase: watch::Receiver<Phase>,
}

impl Drain {
    /// A process that, once told to stop, gives what is open `limit` to finish.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self { phase: watch::Sender::new(Phase::Running), limit }
    }

    /// A handle for those who must react.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        Shutdown { phase: self.phase.subscribe() }
    }

    /// Starts draining; nothing more happens when it has started already.
    pub fn start(&self) {
        self.advance(Phase::Draining);
    }

    /// Drops what is open.
    pub fn abort(&self) {
        self.advance(Phase::Aborting);
    }

    /// Drains on the first signal to stop, and aborts after the limit or on a second signal. Ends once
    /// every [`Shutdown`] handle is gone or everything was told to abort. Runs beside the servers.
    ///
    /// # Cancel safety
    /// What has started goes on being visible; only the limit is no longer enforced.
    pub async fn on_signals(&self, mut signals: StopSignals) {
        tokio::select! {
            signal = signals.next() => tracing::info!(signal, limit_ms = self.limit.as_millis(), "draining"),
            () = self.reached(Phase::Draining) => {}
        }
        self.start();
        self.finish(signals.next()).await;
    }

    /// Aborts after the limit, or when `hurry` comes first; ends early once every handle is gone.
    async fn finish(&self, hurry: impl Future<Output = &'static str>) {
        tokio::select! {
            signal = hurry => tracing::warn!(signal, "draining cut short"),
            () = tokio::time::sleep(self.limit) => tracing::warn!("draining took too long"),
            () = self.phase.closed() => return,
        }
        self.abort();
    }

    fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let forward = *phase < to;
            if forward {
                *phase = to;
            }
            forward
        });
    }

    async fn reached(&self, phase: Phase) {
        // This receiver counts as a handle: it must be gone before `finish` waits for the last one.
        let _ = self.phase.subscribe().wait_for(|now| *now >= phase).await;
    }
}

impl Shutdown {
    /// A handle of a process that never ends: for tests and one-off commands.
    #[must_use]
    pub fn never() -> Self {
        Drain::new(Duration::ZERO).shutdown()
    }

    /// Where the process is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Whether nothing new is to be accepted.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.phase() >= Phase::Draining
    }

    /// Waits for the drain to start; for ever when nobody can start it any more.
    pub async fn draining(&mut self) {
        self.past(Phase::Running).await;
    }

    /// Waits for everything to be dropped.
    pub async fn aborting(&mut self) {
        self.past(Phase::Draining).await;
    }

    /// Waits for a later phase than this one, and gives it.
    ///
    /// # Cancel safety
    /// No phase is lost.
    pub async fn past(&mut self, phase: Phase) -> Phase {
        if let Ok(now) = self.phase.wait_for(|now| *now > phase).await {
            return *now;
        }
        std::future::pending().await
    }
}

/// SIGTERM and SIGINT (Ctrl-C where there are no signals).
#[derive(Debug)]
pub struct StopSignals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignals {
    /// Takes the signals over: from here on they no longer kill the process.
    ///
    /// # Errors
    /// The system refuses.
    #[cfg(unix)]
    pub fn install() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Takes Ctrl-C over.
    ///
    /// # Errors
    /// None here.
    #[cfg(not(unix))]
    pub fn install() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// The name of the next signal.
    ///
    /// # Cancel safety
    /// No signal is lost.
    pub async fn next(&mut self) -> &'static str {
        #[cfg(unix)]
        tokio::select! {
            Some(()) = self.terminate.recv() => "SIGTERM",
            Some(()) = self.interrupt.recv() => "SIGINT",
            else => std::future::pending().await,
        }
        #[cfg(not(unix))]
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}

/// SIGHUP: the operator asks to read the configuration again.
#[derive(Debug)]
pub struct ReloadSignals {
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

impl ReloadSignals {
    /// Takes the signal over: from here on it no longer kills the process.
    ///
    /// # Errors
    /// The system refuses.
    pub fn install() -> std::io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            hangup: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?,
        })
    }

    /// The next request to reload. Several that came while nobody waited count as one.
    ///
    /// # Cancel safety
    /// No request is lost.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        if self.hangup.recv().await.is_some() {
            return;
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Sends this very process a signal, which the process has taken over.
    async fn raise(name: &str) {
        let own = std::process::id().to_string();
        let status = tokio::process::Command::new("kill").args(["-s", name, &own]).status().await.unwrap();
        assert!(status.success());
    }

    #[tokio::test(start_paused = true)]
    async fn phases_only_go_forward() {
        let drain = Drain::new(Duration::from_secs(5));
        let mut shutdown = drain.shutdown();
        assert!(!shutdown.is_draining());
        drain.abort();
        drain.start();
        shutdown.draining().await;
        assert_eq!(shutdown.phase(), Phase::Aborting);
        shutdown.aborting().await;
    }

    // One test for all that has to do with signals: they reach the whole process, so that two tests at once
    // would see each other's.
    #[tokio::test]
    async fn signals_drain_then_abort_and_reload() {
        let mut reloads = ReloadSignals::install().unwrap();
        raise("HUP").await;
        reloads.next().await;

        let drain = Drain::new(Duration::from_secs(3600));
        let mut shutdown = drain.shutdown();
        let signals = StopSignals::install().unwrap();
        let running = tokio::spawn(async move { drain.on_signals(signals).await });
        raise("TERM").await;
        shutdown.draining().await;
        assert_eq!(shutdown.phase(), Phase::Draining);
        raise("INT").await;
        shutdown.aborting().await;
        running.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_aborts() {
        let drain = Drain::new(Duration::from_secs(5));
        let mut shutdown = drain.shutdown();
        let from = tokio::time::Instant::now();
        drain.start();
        tokio::join!(drain.finish(std::future::pending()), shutdown.aborting());
        assert_eq!(from.elapsed(), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_at_once_when_nobody_is_left() {
        let drain = Drain::new(Duration::from_secs(5));
        drop(drain.shutdown());
        drain.start();
        let from = tokio::time::Instant::now();
        drain.finish(std::future::pending()).await;
        assert_eq!(from.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_handle_without_a_drain_never_ends() {
        let mut never = Shutdown::never();
        assert!(futures_util::FutureExt::now_or_never(never.draining()).is_none());
    }
}
