//! `semantic-cache`: answers what was asked before, in the same words or in others.
//!
//! `key` says when two requests are the same, `guard` which details must agree between two wordings,
//! `settings` what the operator and the client want; this file asks the host's services. The host stores
//! canonical answers and replays them as the client asked for them, streamed or whole.
//! It never carries an answer, stores no text, and never fails a request because a service failed.
#![forbid(unsafe_code)]

mod guard;
mod key;
mod settings;

use guard::Details;
use key::{Keys, Similar};
use lockgate_sdk::{log, prelude::*, responses, vectors};
use settings::{Config, Control, Mode, Refused, Share, Wishes};

/// The field that holds a question's details.
const DETAILS: &str = "details";

/// How much the threshold rises near a rejected answer, and how far it rises at most.
const RAISE: f32 = 0.1;
const HIGHEST: f32 = 0.99;

struct SemanticCache {
    config: Config,
}

/// What the search found: an answer to replay, or what an answer is to be remembered by.
enum Found {
    Hit(String),
    Miss(Option<Mark>),
}

/// What an answer is found by: the vector of its question, what must be the same in another's, and what must agree.
struct Mark {
    vector: Vec<f32>,
    context: (String, String),
    details: Details,
}

impl Plugin for SemanticCache {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Vec<Issue>> {
        let issues = config.issues();
        if issues.is_empty() {
            guard::prepare();
            return Ok(Self { config });
        }
        Err(issues.into_iter().map(|(pointer, message)| Issue::new(pointer, message)).collect())
    }
}

impl PreRequest for SemanticCache {
    fn on_request(&self, x: &Exchange, p: &Prompt) -> Result<Decision, Fault> {
        let header = |name: &str| p.header(name).into_iter().next();
        let wishes = match Wishes::read(&self.config, header) {
            Ok(wishes) => wishes,
            Err(refused) => return Ok(Decision::Reject(refusal(refused))),
        };
        if wishes.control == Control::Bypass {
            x.flag("cache", "bypass");
            return Ok(Decision::Next);
        }
        let request = p.json("").and_then(|json| serde_json::from_str(&json).ok());
        let Some(request) = request else { return Ok(Decision::Next) };
        if let Some(reason) = self.config.bypasses(&request) {
            x.flag("cache", "bypass");
            x.flag("cache.reason", reason);
            return Ok(match wishes.control {
                Control::Only => cache_miss(),
                _ => Decision::Next,
            });
        }
        let Some(owner) = self.owner(x, &request) else {
            x.flag("cache", "bypass");
            x.flag("cache.reason", "owner");
            return Ok(Decision::Next);
        };
        let operation = p.operation();
        let partition = [&self.config.namespace, &wishes.namespace, &wishes.version, &operation, &owner];
        let partition = partition.map(String::as_str);
        let mut keys = key::keys(&request, &partition);
        if self.config.mode == Mode::Exact {
            keys.similar = None;
        }
        Ok(self.answer(x, &keys, &wishes).unwrap_or_else(|fault| {
            log::warn("the cache was passed over", &[("code", &fault.code), ("reason", &fault.message)]);
            x.flag("cache", "miss");
            x.flag("cache.fault", &fault.code);
            match wishes.control {
                Control::Only => cache_miss(),
                _ => Decision::Next,
            }
        }))
    }
}

impl SemanticCache {
    /// Whose answers these are, beyond the tenant's; `None` when the owner is not known and must be.
    fn owner(&self, x: &Exchange, request: &serde_json::Value) -> Option<String> {
        match self.config.share {
            Share::Tenant => Some(String::new()),
            Share::Key => x.attr("principal.key"),
            Share::User => request.get("user").and_then(|user| user.as_str()).map(str::to_owned),
        }
    }

    fn answer(&self, x: &Exchange, keys: &Keys, wishes: &Wishes) -> Result<Decision, Fault> {
        let found = match wishes.control {
            Control::Refresh => Found::Miss(match &keys.similar {
                Some(similar) => Mark::of(similar)?,
                None => None,
            }),
            _ => self.search(x, keys)?,
        };
        let mark = match found {
            Found::Hit(id) => return Ok(Decision::Replay(id)),
            Found::Miss(_) if wishes.control == Control::Only => {
                x.flag("cache", "miss");
                return Ok(cache_miss());
            }
            Found::Miss(mark) => mark,
        };
        x.flag("cache", if wishes.control == Control::Refresh { "refresh" } else { "miss" });
        responses::keep(x, &keys.exact, wishes.ttl_ms, &wishes.labels(&self.config))?;
        if let Some(Mark { vector, context, details }) = mark {
            let terms = [context, (DETAILS.to_owned(), details.encode())];
            vectors::upsert(&self.config.collection, &keys.exact, &vector, wishes.ttl_ms, &terms)?;
        }
        Ok(Decision::Next)
    }

    /// Looks for the very request first, then for one of the same meaning.
    fn search(&self, x: &Exchange, keys: &Keys) -> Result<Found, Fault> {
        if responses::describe(&keys.exact)?.is_some() {
            x.flag("cache", "hit");
            return Ok(Found::Hit(keys.exact.clone()));
        }
        let Some(similar) = &keys.similar else { return Ok(Found::Miss(None)) };
        let Some(mark) = Mark::of(similar)? else { return Ok(Found::Miss(None)) };
        let query = vectors::Query {
            limit: self.config.neighbours,
            at_least: mark.details.least_similarity(self.config.threshold),
            among: Some(vec![mark.context.clone()]),
        };
        let hits = vectors::nearest(&self.config.collection, &mark.vector, &query)?;
        let mut bar = None;
        for hit in &hits {
            let kept = hit.fields.iter().find(|(name, _)| name == DETAILS);
            let kept = kept.and_then(|(_, details)| Details::decode(details));
            let Some(score) = kept.and_then(|kept| mark.details.score(&kept, hit.similarity)) else {
                continue;
            };
            if score < self.config.threshold {
                continue;
            }
            // Rejections are asked for where there is something to answer with, and once.
            let raised = match bar {
                Some(bar) => bar,
                None => *bar.insert(self.raised(&hits)?),
            };
            // Without an answer it is still under way, or failed: its vector stays, and goes with its lifetime.
            if score >= raised && responses::describe(&hit.id)?.is_some() {
                x.flag("cache", "semantic-hit");
                x.flag("cache.similarity", &format!("{:.3}", hit.similarity));
                x.flag("cache.score", &format!("{score:.3}"));
                return Ok(Found::Hit(hit.id.clone()));
            }
        }
        Ok(Found::Miss(Some(mark)))
    }

    /// The threshold, raised where an answer near by was rejected: what was too far once is too far again.
    fn raised(&self, hits: &[vectors::Hit]) -> Result<f32, Fault> {
        let threshold = self.config.threshold;
        for hit in hits.iter().filter(|hit| hit.similarity >= threshold) {
            if responses::describe(&format!("rejected/{}", hit.id))?.is_some() {
                return Ok((threshold + RAISE).min(HIGHEST.max(threshold)));
            }
        }
        Ok(threshold)
    }
}

impl Mark {
    /// The mark of a question; none where the embedder gives no vector.
    fn of(similar: &Similar) -> Result<Option<Self>, Fault> {
        let vectors = vectors::embed(std::slice::from_ref(&similar.question))?;
        // A text of which the embedder knows no word has no direction, and is only compared exactly.
        let directed = |vector: &Vec<f32>| vector.iter().any(|number| *number != 0.0);
        let Some(vector) = vectors.into_iter().next().filter(directed) else { return Ok(None) };
        let details = Details::of(&similar.question);
        // What must be the same, not only agree, is part of what is looked up: fewer vectors are compared.
        let context = key::text_digest(&format!("{}|{}", similar.context, details.fixed()));
        Ok(Some(Self { vector, context: ("context".to_owned(), context), details }))
    }
}

fn refusal(refused: Refused) -> Rejection {
    match refused {
        Refused::Denied => {
            let message = "The cache is not the client's to control here.";
            Rejection::new(403, "cache_control_denied", message)
        }
        Refused::Invalid(message) => Rejection::new(400, "invalid_cache_control", message),
    }
}

fn cache_miss() -> Decision {
    Decision::Reject(Rejection::new(504, "cache_miss", "The cache has no answer to this request."))
}

plugin!(SemanticCache: PreRequest);
