//! Secrets that a command prints: `${command:vault read -field=key secret/openai}`.
//!
//! Invariants: what a command prints is never shown, on either of its outputs, and nor is its line; it is bounded in
//! time and size. The configuration is the operator's, so its commands run in a shell, with the gateway's own rights.

use std::io::{self, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Time that a command may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(5);
/// Bytes that it may print.
const MAX_OUTPUT: u64 = 1024 * 1024;

/// Runs a command and gives what it printed, without the line's end. Blocks the thread.
///
/// # Errors
/// Why it gave nothing.
pub fn run(line: &str) -> Result<String, String> {
    let mut child = Command::new("sh")
        .args(["-c", line])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.kind().to_string())?;
    let printed = child.stdout.take();
    let (sender, text) = mpsc::channel();
    std::thread::spawn(move || {
        let read = printed.map(read).unwrap_or_else(|| Ok(Vec::new()));
        // Whoever waited may have gone.
        let _ = sender.send(read);
    });
    let ended = wait(&mut child).map_err(|error| error.kind().to_string())?;
    if !ended {
        // Its children may go on; nobody waits for them.
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("it took longer than {} seconds", PATIENCE.as_secs()));
    }
    let status = child.wait().map_err(|error| error.kind().to_string())?;
    if !status.success() {
        return Err(format!("it failed ({status})"));
    }
    // Something that it left behind may hold its output open.
    let text = text.recv_timeout(PATIENCE).ok().and_then(Result::ok).ok_or("its output does not end")?;
    if text.len() as u64 > MAX_OUTPUT {
        return Err(format!("it printed more than {MAX_OUTPUT} bytes"));
    }
    let text = String::from_utf8(text).map_err(|_| "it printed what is not UTF-8")?;
    match text.trim_end_matches(['\n', '\r']) {
        "" => Err("it printed nothing".into()),
        text => Ok(text.to_owned()),
    }
}

/// Everything that is printed, but no more than the bound and one; the rest is read and dropped.
fn read(mut printed: impl io::Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    printed.by_ref().take(MAX_OUTPUT + 1).read_to_end(&mut text)?;
    io::copy(&mut printed, &mut io::sink())?;
    Ok(text)
}

/// Whether it ended in time.
fn wait(child: &mut Child) -> io::Result<bool> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if child.try_wait()?.is_some() {
            return Ok(true);
        }
        std::thread::park_timeout(LOOK);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::run;

    #[test]
    fn a_command_gives_what_it_prints_and_nothing_else_is_told() {
        assert_eq!(run("printf 'a b\\n\\n'; echo secret >&2").as_deref(), Ok("a b"));
        for (line, why) in [
            ("echo secret; exit 3", "it failed (exit status: 3)"),
            ("true", "it printed nothing"),
            ("printf '\\377'", "it printed what is not UTF-8"),
            ("head -c 1100000 /dev/zero", "it printed more than 1048576 bytes"),
        ] {
            assert_eq!(run(line), Err(why.to_owned()), "{line}");
        }
    }
}
