//! The files that state is kept in: each is for one thing.

use super::Check;

impl Check<'_> {
    /// Two that are one would find the other's tables in it.
    pub(super) fn files(&mut self) {
        let config = self.config;
        let state = config.state_file();
        let at = if config.state.file.is_some() { "/state/file" } else { "/counters/file" };
        let files = [
            ("ledger", "/ledger/file", config.ledger.file.as_ref()),
            ("counters", "/counters/file", config.counters.file.as_ref()),
            ("keys", "/keys/file", config.keys.file.as_ref()),
            ("state", at, state.as_ref()),
        ];
        for (place, (_, at, file)) in files.iter().enumerate() {
            let Some(file) = file else { continue };
            let before = files.iter().take(place).find(|(_, _, other)| other.as_ref() == Some(file));
            if let Some((other, _, _)) = before {
                let message = format!("this is the file of `{other}` already: name another");
                self.refuse(at, message, None);
            }
        }
    }
}
