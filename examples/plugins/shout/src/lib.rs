//! `shout`: the smallest text filter. Answers come in capitals, whole and streamed.
#![forbid(unsafe_code)]
use lockgate_sdk::prelude::*;

#[derive(Deserialize)]
struct Config {}

struct Shout;

impl Plugin for Shout {
    type Config = Config;
    fn configure(_: Config) -> Result<Self, Vec<Issue>> {
        Ok(Self)
    }
}

impl TextFilter for Shout {
    fn inspect(&self, _: &Exchange, w: Window) -> Result<Verdict, Fault> {
        if w.at.channel != "content" {
            return Ok(Verdict::Pass(Pass::all(&w)));
        }
        let loud = Edit::new(0, w.text.len(), w.text.to_uppercase());
        Ok(Verdict::release(w.text.len(), vec![loud]))
    }
}

plugin!(Shout: TextFilter);
