//! Where a route's exchanges may go: its rules, pins, regions, canary, mirror and affinity, as the proxy takes them.

use super::{Composer, pointer, resilience};
use crate::chat::Modality;
use crate::config::routing::{self as settings, AffinityBy, CanaryBy, Day, Names};
use crate::config::{self, RouteTarget, Written};
use crate::limit::Calendar;
use crate::pipeline::chain::Chain;
use crate::route::affinity::{Affinity, By};
use crate::route::canary::{self, Canary, RollBack, State};
use crate::route::hours::{self, Hours};
use crate::route::language;
use crate::route::mirror::Mirror;
use crate::route::pattern::{Pattern, any};
use crate::route::pin::{Pin, Pins};
use crate::route::quality::Measured;
use crate::route::residency::{Regions, Residency};
use crate::route::rule::{Action, Condition, Plan, Rule, Who};
use crate::route::{Policy, Rankings, Resilience, Route, Target};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A route of a tenant that is being made.
pub(super) struct Making<'m, 'c> {
    /// Whose it is.
    pub tenant: &'m Arc<str>,
    /// The tenant's settings.
    pub owner: &'c config::Tenant,
    /// Its name.
    pub name: &'c str,
    /// Its settings.
    pub route: &'c config::Route,
    /// Its chain.
    pub chain: &'m Chain,
    /// Its targets: those that are not its own are added behind.
    pub targets: &'m mut Vec<Target>,
    /// The places of those.
    pub hidden: Vec<usize>,
}

impl<'c> Composer<'c> {
    /// Reads what benchmarks found out.
    pub(super) fn benchmarks(&mut self) {
        let Some(file) = &self.config.routing.benchmarks else { return };
        let file = self.beside(file);
        let read = std::fs::read_to_string(&file).map_err(|error| error.to_string());
        self.sources.files.push(file);
        match read.and_then(|text| Measured::parse(&text)) {
            Ok(measured) => self.measured = measured,
            Err(why) => self.refuse("/routing/benchmarks", why),
        }
    }

    /// A target, where its provider can be made.
    pub(super) async fn target(
        &mut self,
        tenant: &Arc<str>,
        described: &RouteTarget,
        mut facts: Vec<(String, String)>,
    ) -> Option<Target> {
        let id = described.id();
        for (name, value) in self.measured.facts(id) {
            if !facts.iter().any(|(said, _)| *said == name) {
                facts.push((name, value));
            }
        }
        let (provider, model) = id.split_once('/')?;
        let provider = self.tenants_provider(tenant, provider).await?;
        Some(Target {
            id: id.to_owned(),
            model: (model != "*").then(|| model.to_owned()),
            provider,
            health: self.health(id),
            facts,
            timeouts: resilience::timeouts(described.timeouts()),
            prefill: described.prefill().map(resilience::prefill),
            priced: OnceLock::new(),
        })
    }

    /// What a route says of where its exchanges may go; none where it says nothing.
    pub(super) async fn policy(&mut self, mut making: Making<'_, 'c>) -> Option<Box<Policy>> {
        let (route, name) = (making.route, making.name);
        let own = route.targets.len();
        let mut rules = Vec::new();
        let shared = self.config.routing.rules.iter().enumerate();
        let shared = shared.filter(|(_, rule)| covers(&rule.when.route, name));
        let shared = shared.map(|(n, rule)| (format!("routing.{n}"), rule));
        let mine = route.rules.iter().enumerate().map(|(n, rule)| (format!("{name}.{n}"), rule));
        for (place, rule) in shared.chain(mine) {
            rules.extend(self.rule(&mut making, &place, rule).await);
        }
        let pins = self.pins(&mut making).await;
        let residency = self.residency(&making);
        let canary = match &route.canary {
            Some(canary) => self.canary(&mut making, canary).await,
            None => None,
        };
        let mirror = match &route.mirror {
            Some(mirror) => self.mirror(&mut making, mirror).await,
            None => None,
        };
        let affinity = route.affinity.as_ref().map(|affinity| Affinity {
            by: match affinity.by {
                AffinityBy::Conversation => By::Conversation,
                AffinityBy::Prefix => By::Prefix,
            },
            keep: Duration::from_secs(affinity.keep_s),
            least: affinity.min_bytes,
            warm: self.shared.warm.clone(),
        });
        let idle = rules.is_empty()
            && making.hidden.is_empty()
            && pins.all.is_empty()
            && pins.keys.is_empty()
            && residency.is_empty()
            && canary.is_none()
            && mirror.is_none()
            && affinity.is_none();
        (!idle).then(|| {
            Box::new(Policy { rules, own, hidden: making.hidden, pins, residency, canary, mirror, affinity })
        })
    }

    /// The place of a target by its id: the route's own, or one that is added for those who are sent there.
    async fn place(&mut self, making: &mut Making<'_, 'c>, id: &'c str) -> Option<usize> {
        if let Some(place) = making.targets.iter().position(|target| target.id == id) {
            return Some(place);
        }
        // What is known of all models of a provider is known of this one.
        let of_all = id.split_once('/').map(|(provider, _)| format!("{provider}/*"));
        let described = making.route.targets.iter().find(|target| Some(target.id()) == of_all.as_deref());
        let facts = described.map(RouteTarget::facts).unwrap_or_default();
        self.hide(making, &RouteTarget::Id(id.to_owned()), facts).await
    }

    /// Adds a target behind the route's own.
    async fn hide(
        &mut self,
        making: &mut Making<'_, 'c>,
        described: &RouteTarget,
        facts: Vec<(String, String)>,
    ) -> Option<usize> {
        let target = self.target(making.tenant, described, facts).await?;
        let place = making.targets.len();
        making.targets.push(target);
        making.hidden.push(place);
        Some(place)
    }

    async fn rule(
        &mut self,
        making: &mut Making<'_, 'c>,
        place: &str,
        rule: &'c settings::Rule,
    ) -> Option<Rule> {
        let name: Arc<str> = rule.name.as_deref().unwrap_or(place).into();
        let action = match (&rule.route, &rule.pin) {
            (Some(route), _) => Action::Route(route.as_str().into()),
            (None, pin) => {
                let mut targets = None;
                if let Some(pin) = pin {
                    targets = Some(vec![self.place(making, pin).await?]);
                } else if let Some(ids) = &rule.targets {
                    let at = |id: &String| making.targets.iter().position(|target| target.id == *id);
                    targets = Some(ids.iter().filter_map(at).collect());
                }
                let weighed = |(id, weight): (&String, &f64)| {
                    Some((making.targets.iter().position(|target| target.id == *id)?, *weight))
                };
                let weights = rule.weights.iter().filter_map(weighed).collect();
                Action::Plan(Arc::new(Plan { rule: name.clone(), targets, weights }))
            }
        };
        let unless = rule.unless.as_ref().map(conditions).unwrap_or_default();
        Some(Rule { name, when: conditions(&rule.when), unless, action })
    }

    async fn pins(&mut self, making: &mut Making<'_, 'c>) -> Pins {
        let mut pins = Pins::default();
        for (model, target) in &making.route.pins {
            self.place(making, target).await;
            pins.all.push(Pin { model: Pattern::new(model), target: target.as_str().into() });
        }
        for target in &making.owner.pin_targets {
            self.place(making, target).await;
        }
        // Rules and plugins may send what a key pinned to any route: each needs its target.
        for key in &making.owner.keys {
            for (model, target) in &key.pins {
                self.place(making, target).await;
                let pin = Pin { model: Pattern::new(model), target: target.as_str().into() };
                pins.keys.entry(key.name.as_str().into()).or_default().push(pin);
            }
        }
        pins
    }

    fn residency(&mut self, making: &Making<'_, 'c>) -> Residency {
        let always = [&making.owner.residency, &making.route.residency];
        let always = always.into_iter().filter(|regions| !regions.is_empty());
        let when = making.route.residency_when.iter();
        let residency = Residency {
            always: always.map(|regions| Regions::new(regions)).collect(),
            when: when.map(|(category, regions)| (category.as_str().into(), Regions::new(regions))).collect(),
        };
        let guarded = making.chain.guarding().any(|guard| guard.fails_closed && guard.pre_request);
        if !residency.when.is_empty() && !guarded {
            let message = "no plugin of the chain that rejects on error reads requests: nothing would say what is in them";
            self.refuse(&pointer(&["routes", making.name, "residency_when"]), message);
        }
        residency
    }

    async fn canary(
        &mut self,
        making: &mut Making<'_, 'c>,
        canary: &'c Written<settings::Canary>,
    ) -> Option<Canary> {
        let mut places = Vec::new();
        for target in &canary.targets {
            places.extend(self.hide(making, target, target.facts()).await);
        }
        let seed: Vec<&str> = canary.targets.iter().map(RouteTarget::id).collect();
        let roll_back = canary.roll_back.as_ref().map(|settings| RollBack {
            error_rate: settings.error_rate,
            latency: settings.latency,
            least: settings.min_attempts,
            half_life: Duration::from_secs(settings.half_life_s),
        });
        let (tenant, route): (Arc<str>, Arc<str>) = (making.tenant.clone(), making.name.into());
        // As long as nothing of it changes, what is known of it stays known.
        let key = canary::name(&tenant, &route, canary.digest());
        let mut known = self.shared.canaries.lock();
        known.retain(|_, state| state.strong_count() > 0);
        let state = known.get(&key).and_then(std::sync::Weak::upgrade).unwrap_or_else(|| {
            let fresh = State::new(tenant.clone(), route.clone(), seed.join(" "), roll_back);
            let state = Arc::new(fresh.remembered(self.shared.rolled_back.clone(), key.clone()));
            known.insert(key, Arc::downgrade(&state));
            state
        });
        drop(known);
        let by = match canary.by {
            CanaryBy::Request => canary::By::Request,
            CanaryBy::Key => canary::By::Key,
            CanaryBy::User => canary::By::User,
            CanaryBy::Conversation => canary::By::Conversation,
        };
        Some(Canary { places, share: canary.percent / 100.0, by, state })
    }

    async fn mirror(&mut self, making: &mut Making<'_, 'c>, mirror: &'c settings::Mirror) -> Option<Mirror> {
        let target = self.target(making.tenant, &mirror.target, mirror.target.facts()).await?;
        let route = Route {
            name: making.name.into(),
            chain: Chain::default(),
            router: None,
            targets: vec![target],
            attempts: 1,
            modalities: Modality::ALL.to_vec(),
            resilience: Resilience { ranked: 1, ..Resilience::default() },
            policy: None,
            rankings: Rankings::default(),
        };
        Some(Mirror::new(Arc::new(route), mirror.percent / 100.0, mirror.max_in_flight))
    }
}

fn covers(names: &Names, name: &str) -> bool {
    names.list().is_empty() || any(&patterns(names), name)
}

fn patterns(names: &Names) -> Vec<Pattern> {
    names.list().iter().map(|name| Pattern::new(name)).collect()
}

/// What must hold, the cheapest first.
fn conditions(when: &settings::When) -> Vec<Condition> {
    let who = [
        (Who::Tenant, &when.tenant),
        (Who::Team, &when.team),
        (Who::User, &when.user),
        (Who::Service, &when.service),
        (Who::Agent, &when.agent),
        (Who::Key, &when.key),
        (Who::OnBehalfOf, &when.on_behalf_of),
    ];
    let said = |names: &&Names| !names.list().is_empty();
    let who = who.into_iter().filter(|(_, names)| said(names));
    let mut all: Vec<Condition> = who.map(|(who, names)| Condition::Who(who, patterns(names))).collect();
    all.extend(Some(&when.model).filter(said).map(|names| Condition::Model(patterns(names))));
    all.extend(Some(&when.operation).filter(said).map(|names| Condition::Operation(patterns(names))));
    all.extend(when.streaming.map(Condition::Streaming));
    all.extend(when.tools.map(Condition::Tools));
    let headers = when.headers.iter();
    all.extend(headers.map(|(name, values)| Condition::Header(name.to_ascii_lowercase(), patterns(values))));
    all.extend(Some(&when.tags).filter(said).map(|names| Condition::Tag(patterns(names))));
    let metadata = when.metadata.iter();
    all.extend(metadata.map(|(name, values)| Condition::Metadata(name.clone(), patterns(values))));
    all.extend(when.time.as_ref().map(|time| Condition::Hours(hours_of(time))));
    if said(&&when.modality) {
        let kind = |name: &String| Modality::ALL.into_iter().find(|kind| kind.name() == *name);
        all.push(Condition::Modality(when.modality.list().iter().map(kind).collect()));
    }
    let span = |span: settings::Span| (span.min.unwrap_or(0), span.max.unwrap_or(usize::MAX));
    all.extend(when.bytes.map(span).map(|(from, to)| Condition::Bytes(from, to)));
    all.extend(when.tokens.map(span).map(|(from, to)| Condition::Tokens(from, to)));
    if said(&&when.language) {
        let languages = when.language.list().iter().filter_map(|name| language::named(name));
        all.push(Condition::Language(languages.collect()));
    }
    all
}

fn hours_of(time: &settings::Time) -> Hours {
    let day = |day: &Day| match day {
        Day::Mon => Weekday::Monday,
        Day::Tue => Weekday::Tuesday,
        Day::Wed => Weekday::Wednesday,
        Day::Thu => Weekday::Thursday,
        Day::Fri => Weekday::Friday,
        Day::Sat => Weekday::Saturday,
        Day::Sun => Weekday::Sunday,
    };
    let at = |text: &Option<String>| text.as_deref().and_then(hours::time);
    Hours {
        days: time.days.iter().map(day).collect(),
        from: at(&time.from),
        to: at(&time.to),
        // A zone that there is not was refused when the configuration was read.
        zone: time.timezone.as_deref().and_then(Calendar::zone).unwrap_or(TimeZone::UTC),
    }
}
