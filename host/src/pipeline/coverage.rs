//! Whether the guards of a chain can cover every path of a route, checked before any traffic.
//!
//! A guard is a binding that fails closed: an operator who wants a failure to reject wants no way around it
//! either. A gap is refused with the route, the guard and the reason, unless the operator wrote the
//! exception down (`uncovered`, `streams`). Pure: knows names and facts, no components.

use crate::chat::Modality;

/// How a binding with `post-response` deals with a streamed answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// Every streamed answer is gathered, judged, then streamed to the client.
    Gather,
    /// Gathered when the plugin asks for it (`exchange.gather-answer`), observed otherwise.
    OnDemand,
    /// Judged after the client has it: flags only.
    Observe,
}

/// What coverage needs to know of a binding.
#[derive(Debug, Clone)]
pub struct Guarding<'a> {
    /// The binding's name.
    pub name: &'a str,
    /// Whether its failure rejects.
    pub fails_closed: bool,
    /// Whether it reads requests.
    pub pre_request: bool,
    /// Whether it rewrites answers.
    pub text_filter: bool,
    /// Whether it judges complete answers.
    pub post_response: bool,
    /// What the operator chose for streams.
    pub streams: Option<Streams>,
    /// The exceptions that the operator wrote down.
    pub uncovered: &'a [String],
}

/// A path that a guard does not cover.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("route `{route}`: guard `{guard}` does not cover {path}: {reason}")]
pub struct Gap {
    /// The route.
    pub route: String,
    /// The binding.
    pub guard: String,
    /// The path: a modality or `streams`.
    pub path: String,
    /// Why, and how to close the gap or to write it down.
    pub reason: String,
}

/// The inputs that a route admits besides text, when the operator did not say: everything where nothing
/// guards, and what the guards cover (or were excused from) where something does.
#[must_use]
pub fn default_modalities(guards: &[Guarding<'_>]) -> Vec<Modality> {
    let reading: Vec<_> = guards.iter().filter(|guard| reads_requests(guard)).collect();
    Modality::ALL
        .into_iter()
        .filter(|modality| reading.iter().all(|guard| excused(guard, modality.name())))
        .collect()
}

/// Every gap of a route. `modalities` are the inputs it admits besides text.
#[must_use]
pub fn gaps(route: &str, modalities: &[Modality], guards: &[Guarding<'_>]) -> Vec<Gap> {
    let mut found = Vec::new();
    for guard in guards.iter().filter(|guard| guard.fails_closed) {
        let mut gap = |path: &str, reason: String| {
            found.push(Gap {
                route: route.to_owned(),
                guard: guard.name.to_owned(),
                path: path.to_owned(),
                reason,
            });
        };
        for modality in modalities {
            let name = modality.name();
            if reads_requests(guard) && !excused(guard, name) {
                gap(
                    name,
                    format!(
                        "plugins read text only; remove `{name}` from the route's `modalities`, or add it to \
                         the binding's `uncovered`"
                    ),
                );
            }
        }
        if guard.post_response && guard.streams.is_none() && !excused(guard, "streams") {
            gap(
                "streams",
                "its `post-response` sees an answer when it is complete, and what was streamed cannot be taken \
                 back; set the binding's `streams` to `gather`, `on-demand` or `observe`"
                    .to_owned(),
            );
        }
    }
    found
}

const fn reads_requests(guard: &Guarding<'_>) -> bool {
    guard.fails_closed && guard.pre_request
}

fn excused(guard: &Guarding<'_>, path: &str) -> bool {
    guard.uncovered.iter().any(|exception| exception == path)
}

#[cfg(test)]
mod tests {
    //! What is refused, and what an operator may write down.
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn guard<'a>(uncovered: &'a [String]) -> Guarding<'a> {
        Guarding {
            name: "pii",
            fails_closed: true,
            pre_request: true,
            text_filter: true,
            post_response: false,
            streams: None,
            uncovered,
        }
    }

    #[test]
    fn pictures_past_a_text_guard_are_a_gap_unless_written_down() {
        let gap = gaps("smart", &[Modality::Image], &[guard(&[])]).pop().unwrap();
        assert_eq!((gap.guard.as_str(), gap.path.as_str()), ("pii", "image"));
        assert!(gap.to_string().starts_with("route `smart`: guard `pii` does not cover image"));
        assert_eq!(gaps("smart", &[Modality::Image], &[guard(&["image".to_owned()])]), []);
        assert_eq!(gaps("smart", &[Modality::Image], &[Guarding { fails_closed: false, ..guard(&[]) }]), []);
    }

    #[test]
    fn judging_streams_must_be_chosen() {
        let judge = Guarding { pre_request: false, post_response: true, ..guard(&[]) };
        assert_eq!(gaps("smart", &[], std::slice::from_ref(&judge)).pop().unwrap().path, "streams");
        for streams in [Streams::Gather, Streams::OnDemand, Streams::Observe] {
            assert_eq!(gaps("smart", &[], &[Guarding { streams: Some(streams), ..judge.clone() }]), []);
        }
    }

    #[test]
    fn a_route_admits_by_default_what_its_guards_cover() {
        assert_eq!(default_modalities(&[]), Modality::ALL);
        assert_eq!(default_modalities(&[guard(&[])]), []);
        assert_eq!(default_modalities(&[guard(&["image".to_owned()])]), [Modality::Image]);
        assert_eq!(default_modalities(&[Guarding { fails_closed: false, ..guard(&[]) }]), Modality::ALL);
    }
}
