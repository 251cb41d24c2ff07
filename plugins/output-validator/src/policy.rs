//! What is done about an answer: a table from judgements to outcomes.
//!
//! Invariants: what no longer reaches the client is only flagged; a model is asked again at most
//! `max_retries` times and never when the host has no attempt left; a bad answer that cannot be mended is
//! never passed on silently.
//! It never judges (see `judge`) and never talks to the host.

use crate::judge::Judgement;
use crate::note;
use serde::Deserialize;

/// How many violations are told of all choices together.
const MAX_TOLD: usize = 12;

/// What to do with an answer that cannot be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnInvalid {
    /// Ask the model again, then reject.
    #[default]
    Retry,
    /// Reject at once.
    Reject,
    /// Let it pass, with a flag.
    Flag,
}

/// What is known of the answer's place in the exchange.
#[derive(Debug, Clone, Copy, Default)]
pub struct Situation {
    /// Whether anything but a flag still reaches the client.
    pub gathered: bool,
    /// How often the host would still ask again.
    pub attempts_left: u32,
    /// How often this plugin has asked again.
    pub retries: u32,
    /// Whether the provider said that the answer was cut off.
    pub cut_off: bool,
}

/// What becomes of the answer.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Nothing.
    Accept,
    /// The text of these choices is replaced: the index into the answers, and the JSON.
    Replace(Vec<(usize, String)>),
    /// The model is asked again with this note.
    Retry(String),
    /// The client is told no, for this reason; it holds nothing of the answer's values.
    Reject(String),
}

/// A judgement of all choices, decided.
#[derive(Debug, PartialEq)]
pub struct Decided {
    /// What becomes of the answer.
    pub action: Action,
    /// The state to flag.
    pub state: &'static str,
    /// What was mended in what passes, each named once.
    pub mends: Vec<&'static str>,
    /// Whether something was left out or guessed in what passes.
    pub lossy: bool,
}

/// Decides from the judgement of each choice.
pub fn decide(
    judgements: Vec<Judgement>,
    on_invalid: OnInvalid,
    max_retries: u32,
    now: Situation,
) -> Decided {
    let mut violations: Vec<String> = Vec::new();
    let mut mended = Vec::new();
    let (mut mends, mut lossy) = (Vec::new(), false);
    for (choice, judgement) in judgements.into_iter().enumerate() {
        match judgement {
            Judgement::Valid => {}
            Judgement::Mended { text, mends: more, lossy: lost } => {
                mended.push((choice, text));
                mends.extend(more);
                lossy |= lost;
            }
            Judgement::Invalid(more) => violations.extend(more),
        }
    }
    mends.sort_unstable();
    mends.dedup();
    if violations.is_empty() {
        let (action, state) = match (mended.is_empty(), now.gathered) {
            (true, _) => (Action::Accept, "valid"),
            (false, true) => (Action::Replace(mended), "repaired"),
            (false, false) => (Action::Accept, "repairable"),
        };
        return Decided { action, state, mends, lossy };
    }
    if now.cut_off {
        violations.push("the answer was cut off at the limit of its length".to_owned());
    }
    let action = match on_invalid {
        _ if !now.gathered => Action::Accept,
        OnInvalid::Flag if mended.is_empty() => Action::Accept,
        OnInvalid::Flag => Action::Replace(mended),
        OnInvalid::Retry if now.retries < max_retries && now.attempts_left > 0 => {
            violations.truncate(MAX_TOLD);
            Action::Retry(note::note(&violations))
        }
        OnInvalid::Retry | OnInvalid::Reject => {
            let told: Vec<_> = violations.iter().take(MAX_TOLD).map(|one| note::for_log(one)).collect();
            Action::Reject(told.join("; "))
        }
    };
    Decided { action, state: "invalid", mends, lossy }
}

#[cfg(test)]
mod tests {
    use super::{Action, OnInvalid, Situation};
    use crate::judge::Judgement;

    const NOW: Situation = Situation { gathered: true, attempts_left: 2, retries: 0, cut_off: false };

    fn decide(
        judgements: Vec<Judgement>,
        on_invalid: OnInvalid,
        max_retries: u32,
        now: Situation,
    ) -> (Action, &'static str) {
        let decided = super::decide(judgements, on_invalid, max_retries, now);
        (decided.action, decided.state)
    }

    fn bad() -> Vec<Judgement> {
        vec![Judgement::Valid, Judgement::Invalid(vec!["at /a: is bad".to_owned()])]
    }

    fn mended() -> Vec<Judgement> {
        vec![
            Judgement::Valid,
            Judgement::Mended { text: "{}".to_owned(), mends: vec!["fence"], lossy: false },
        ]
    }

    #[test]
    fn good_and_mended_answers_pass() {
        assert_eq!(decide(vec![Judgement::Valid], OnInvalid::Retry, 2, NOW), (Action::Accept, "valid"));
        assert_eq!(
            decide(mended(), OnInvalid::Retry, 2, NOW),
            (Action::Replace(vec![(1, "{}".to_owned())]), "repaired")
        );
    }

    #[test]
    fn retries_are_bounded_by_the_plugin_and_by_the_host() {
        let (action, state) = decide(bad(), OnInvalid::Retry, 2, NOW);
        assert!(matches!(action, Action::Retry(note) if note.contains("at /a: is bad")));
        assert_eq!(state, "invalid");
        for now in [Situation { retries: 2, ..NOW }, Situation { attempts_left: 0, ..NOW }] {
            assert!(matches!(decide(bad(), OnInvalid::Retry, 2, now).0, Action::Reject(_)), "{now:?}");
        }
    }

    #[test]
    fn the_operator_chooses() {
        assert!(matches!(decide(bad(), OnInvalid::Reject, 2, NOW).0, Action::Reject(_)));
        assert_eq!(decide(bad(), OnInvalid::Flag, 2, NOW), (Action::Accept, "invalid"));
    }

    #[test]
    fn what_left_already_is_only_flagged() {
        let gone = Situation { gathered: false, ..NOW };
        assert_eq!(decide(bad(), OnInvalid::Retry, 2, gone), (Action::Accept, "invalid"));
        assert_eq!(decide(mended(), OnInvalid::Retry, 2, gone), (Action::Accept, "repairable"));
    }

    #[test]
    fn a_cut_off_answer_says_so() {
        let (action, _) = decide(bad(), OnInvalid::Reject, 2, Situation { cut_off: true, ..NOW });
        assert!(matches!(action, Action::Reject(reason) if reason.contains("cut off")));
    }
}
