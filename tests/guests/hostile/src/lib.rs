//! Does the one bad thing that its configuration names, in whichever hook it is called.
//!
//! A deed that it does not know is refused with the list of those it does, so a test can see that it
//! covers each of them.

#![forbid(unsafe_code)]

use lockgate_sdk::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Deed {
    /// Nothing bad: the neighbour that must keep answering.
    Nothing,
    /// Computes for ever.
    Loop,
    /// Takes all memory it can get.
    Bomb,
    /// Panics.
    Panic,
    /// Calls itself without end.
    Overflow,
    /// Computes for `ms` milliseconds.
    Slow,
    /// Sleeps for `ms` milliseconds.
    Sleep,
    /// Writes a great deal to its console.
    Chatty,
    /// Answers edits behind the end of the window; ranks a target that is not there.
    BadEdits,
    /// Answers a watermark inside a character.
    BadSafe,
    /// Writes more scratch than it may.
    Scratch,
    /// Reports a fault.
    Fault,
    /// Panics when the text says so, and counts its calls otherwise.
    PanicOnDemand,
    /// Refuses its configuration.
    Refuse,
    /// Panics while it is configured.
    ConfigurePanic,
    /// Computes for ever while it is configured.
    ConfigureLoop,
    /// Writes to its console while it is configured.
    ConfigurePrint,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    deed: Deed,
    #[serde(default)]
    ms: u64,
}

struct Hostile {
    config: Config,
}

impl Plugin for Hostile {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Vec<Issue>> {
        match config.deed {
            Deed::Refuse => Err(vec![
                Issue::new("/deed", "this deed is refused"),
                Issue::new("/ms", "and so is its length"),
            ]),
            Deed::ConfigurePanic => panic!("it panics while it is configured"),
            Deed::ConfigureLoop => endless(),
            Deed::ConfigurePrint => {
                println!("printed while it is configured");
                eprintln!("and to the other stream as well");
                Ok(Self { config })
            }
            _ => Ok(Self { config }),
        }
    }
}

impl Hostile {
    fn act(&self, x: &Exchange, text: &str) -> Result<(), Fault> {
        match self.config.deed {
            Deed::Loop => endless(),
            Deed::Bomb => bomb(),
            Deed::Panic => panic!("it panics in a hook"),
            Deed::Overflow => drop(black_box(overflow(black_box(1)))),
            Deed::Slow => {
                let since = Instant::now();
                while since.elapsed() < Duration::from_millis(self.config.ms) {}
            }
            Deed::Sleep => std::thread::sleep(Duration::from_millis(self.config.ms)),
            Deed::Chatty => (0..5_000).for_each(|line| eprintln!("line {line} {}", "x".repeat(5_000))),
            Deed::Scratch => {
                let held = vec![7; 100 * 1024];
                (0..10).try_for_each(|piece| x.put(&piece.to_string(), &held))?;
            }
            Deed::Fault => return Err(Fault::new("unavailable", "it cannot do its work")),
            Deed::PanicOnDemand => assert!(!text.contains("panic"), "it was asked to"),
            _ => {}
        }
        Ok(())
    }
}

fn endless() -> ! {
    let mut turn = 0_u64;
    loop {
        turn = black_box(turn.wrapping_add(1));
    }
}

fn bomb() -> ! {
    let mut held: Vec<Vec<u8>> = Vec::new();
    loop {
        held.push(vec![1; 1024 * 1024]);
        black_box(&held);
    }
}

/// Frames that hold next to nothing of the guest's own stack, which lies in its memory and would end in an
/// access out of bounds: it is the stack of the host that is to run out.
#[expect(unconditional_recursion, reason = "that is the deed")]
fn overflow(depth: u64) -> u64 {
    overflow(black_box(depth) + 1) + 1
}

impl PreRequest for Hostile {
    fn on_request(&self, x: &Exchange, p: &Prompt) -> Result<Decision, Fault> {
        let text: String = p.texts().into_iter().map(|part| part.text).collect();
        self.act(x, &text)?;
        Ok(Decision::Next)
    }
}

impl Routing for Hostile {
    fn rank(&self, x: &Exchange, _: &Prompt, targets: Vec<Target>) -> Result<Vec<u32>, Fault> {
        self.act(x, "")?;
        let bad = self.config.deed == Deed::BadEdits;
        Ok(if bad { vec![targets.len() as u32] } else { vec![0, 0] })
    }
}

impl TextFilter for Hostile {
    fn inspect(&self, x: &Exchange, w: Window) -> Result<Verdict, Fault> {
        self.act(x, &w.text)?;
        let end = w.text.len();
        Ok(match self.config.deed {
            Deed::BadEdits => Verdict::release(end, vec![Edit::new(end, end + 1, "x")]),
            Deed::BadSafe => Verdict::release(end.saturating_sub(1), Vec::new()),
            _ => Verdict::Pass(Pass::all(&w)),
        })
    }
}

plugin!(Hostile: PreRequest, Routing, TextFilter);
