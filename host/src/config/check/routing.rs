//! What is wrong with where requests are sent: rules that lead nowhere, pins that contradict one another, regions that no
//! target is in.

use super::Check;
use crate::config::document::token;
use crate::config::fault::nearest;
use crate::config::model::routing::{Names, Rule, Span, When};
use crate::config::model::{Route, RouteTarget, Tenant};
use crate::route::pattern::{Pattern, any};
use crate::route::residency::Regions;
use crate::route::{hours, language};

/// What `modality` may name beside what `modalities` may.
const TEXT: &str = "text";

impl Check<'_> {
    pub(super) fn routing(&mut self) {
        for (n, rule) in self.config.routing.rules.iter().enumerate() {
            let at = format!("/routing/rules/{n}");
            self.rule(&at, rule);
            for (name, route) in &self.config.routes {
                if covers(&rule.when.route, name) {
                    self.rule_on(&at, rule, name, route);
                }
            }
        }
        for (name, route) in &self.config.routes {
            let at = format!("/routes/{}", token(name));
            for (n, rule) in route.rules.iter().enumerate() {
                let at = format!("{at}/rules/{n}");
                self.rule(&at, rule);
                self.rule_on(&at, rule, name, route);
            }
            for (model, target) in &route.pins {
                self.pin(&format!("{at}/pins/{}", token(model)), model, target);
            }
            self.regions(&format!("{at}/residency"), &route.residency);
            for (category, regions) in &route.residency_when {
                self.regions(&format!("{at}/residency_when/{}", token(category)), regions);
            }
            self.canary(&at, route);
            if let Some(mirror) = &route.mirror {
                self.target(&format!("{at}/mirror/target"), mirror.target.id(), false);
                self.percent(&format!("{at}/mirror/percent"), mirror.percent);
            }
        }
        for (name, tenant) in &self.config.tenants {
            self.tenant_routing(name, tenant);
        }
    }

    fn canary(&mut self, at: &str, route: &Route) {
        let Some(canary) = &route.canary else { return };
        for (n, target) in canary.targets.iter().enumerate() {
            let at = format!("{at}/canary/targets/{n}");
            self.target(&at, target.id(), true);
            if route.targets.iter().any(|own| own.id() == target.id()) {
                self.refuse(&at, "this is a target of the route already".into(), None);
            }
        }
        self.percent(&format!("{at}/canary/percent"), canary.percent);
        let Some(roll_back) = &canary.roll_back else { return };
        let at = format!("{at}/canary/roll_back");
        if roll_back.error_rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
            self.refuse(&format!("{at}/error_rate"), "this must be a share from 0 to 1".into(), None);
        }
        if roll_back.latency.is_some_and(|times| !times.is_finite() || times < 1.0) {
            self.refuse(&format!("{at}/latency"), "this must be a number of times, at least 1".into(), None);
        }
        for (field, value) in
            [("min_attempts", u64::from(roll_back.min_attempts)), ("half_life_s", roll_back.half_life_s)]
        {
            if value == 0 {
                self.refuse(&format!("{at}/{field}"), "this must be at least 1".into(), None);
            }
        }
        if roll_back.error_rate.is_none() && roll_back.latency.is_none() {
            self.refuse(&at, "this rolls nothing back: say `error_rate` or `latency`".into(), None);
        }
    }

    fn percent(&mut self, at: &str, percent: f64) {
        if !(0.0..=100.0).contains(&percent) {
            self.refuse(at, "this must be a number from 0 to 100".into(), None);
        }
    }

    /// A target of its own: `provider/model`, or `provider/*` where any model will do.
    fn target(&mut self, at: &str, id: &str, any_model: bool) {
        match id.split_once('/') {
            Some((_, "*")) if !any_model => {
                self.refuse(at, "this must name the model: `provider/model`".into(), None);
            }
            Some((provider, model)) if !model.is_empty() => {
                self.refers(at, "provider", provider, &self.config.providers);
            }
            _ => self.refuse(at, "a target is written `provider/model`".into(), None),
        }
    }

    fn pin(&mut self, at: &str, model: &str, target: &str) {
        self.pattern(at, model);
        self.target(at, target, false);
    }

    fn pattern(&mut self, at: &str, pattern: &str) {
        if pattern.is_empty() || pattern.trim_end_matches('*').contains('*') || pattern.ends_with("**") {
            self.refuse(at, "this must be a name; `*` may only end it".into(), None);
        }
    }

    fn regions(&mut self, at: &str, regions: &[String]) {
        for (n, region) in regions.iter().enumerate() {
            let fits = region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if region.is_empty() || !fits || region.starts_with('-') || region.ends_with('-') {
                let message = "a region is letters, digits and hyphens; `eu` is all that begins with `eu-`";
                self.refuse(&format!("{at}/{n}"), message.into(), None);
            }
        }
    }

    /// What is wrong with a rule wherever it stands.
    fn rule(&mut self, at: &str, rule: &Rule) {
        let ways = [rule.route.is_some(), rule.targets.is_some(), rule.pin.is_some()];
        let said = ways.iter().filter(|said| **said).count();
        if said > 1 || said == 1 && rule.targets.is_none() && !rule.weights.is_empty() {
            let message =
                "a rule says one of `route`, `targets` and `pin`; `weights` go with `targets` or alone";
            self.refuse(at, message.into(), None);
        }
        if said == 0 && rule.weights.is_empty() {
            let message = "this rule does nothing: say `route`, `targets`, `pin` or `weights`";
            self.refuse(at, message.into(), None);
        }
        if let Some(route) = &rule.route {
            self.refers(&format!("{at}/route"), "route", route, &self.config.routes);
        }
        if let Some(pin) = &rule.pin {
            self.target(&format!("{at}/pin"), pin, false);
        }
        if rule.targets.as_ref().is_some_and(Vec::is_empty) {
            self.refuse(&format!("{at}/targets"), "there must be at least one".into(), None);
        }
        for (target, weight) in &rule.weights {
            if !weight.is_finite() || *weight < 0.0 {
                let at = format!("{at}/weights/{}", token(target));
                self.refuse(&at, "a weight is a number from 0".into(), None);
            }
        }
        self.when(&format!("{at}/when"), &rule.when);
        if let Some(unless) = &rule.unless {
            self.when(&format!("{at}/unless"), unless);
            if !unless.route.list().is_empty() {
                let message = "say in `when` which routes a rule is for";
                self.refuse(&format!("{at}/unless/route"), message.into(), None);
            }
        }
    }

    /// What is wrong with a rule on a route that it is for.
    fn rule_on(&mut self, at: &str, rule: &Rule, name: &str, route: &Route) {
        let has = |id: &str| route.targets.iter().any(|target| target.id() == id);
        let known = || route.targets.iter().map(RouteTarget::id);
        let named = rule.targets.iter().flatten().enumerate();
        let named = named.map(|(n, id)| (format!("{at}/targets/{n}"), id));
        let weighed = rule.weights.keys().map(|id| (format!("{at}/weights/{}", token(id)), id));
        for (at, id) in named.chain(weighed) {
            if !has(id) {
                let message = format!("the route `{name}` has no target `{id}`");
                self.refuse(&at, message, nearest(id, known()));
            }
        }
        if !rule.weights.is_empty() && route.router.is_none() {
            let message = format!("the route `{name}` has no `router` that could weigh");
            self.refuse(&format!("{at}/weights"), message, None);
        }
        let Some(to) = rule.route.as_ref().filter(|to| self.config.routes.contains_key(*to)) else { return };
        let lost = |tenant: &Tenant| {
            tenant.routes.iter().any(|have| have == name) && !tenant.routes.iter().any(|have| have == to)
        };
        let lost: Vec<&String> =
            self.config.tenants.iter().filter(|(_, tenant)| lost(tenant)).map(|(name, _)| name).collect();
        for tenant in lost {
            let message = format!("the tenant `{tenant}` has the route `{name}`, but not `{to}`");
            self.refuse(&format!("{at}/route"), message, None);
        }
    }

    fn when(&mut self, at: &str, when: &When) {
        for (field, names) in [
            ("route", &when.route),
            ("tenant", &when.tenant),
            ("team", &when.team),
            ("user", &when.user),
            ("service", &when.service),
            ("agent", &when.agent),
            ("key", &when.key),
            ("on_behalf_of", &when.on_behalf_of),
            ("model", &when.model),
            ("operation", &when.operation),
            ("tags", &when.tags),
        ] {
            self.names(&format!("{at}/{field}"), names);
        }
        for (name, values) in &when.metadata {
            self.names(&format!("{at}/metadata/{}", token(name)), values);
        }
        for (name, values) in &when.headers {
            let at = format!("{at}/headers/{}", token(name));
            self.names(&at, values);
            if crate::proxy::is_hidden(&name.to_ascii_lowercase()) {
                self.refuse(&at, "this header may carry a credential, and is seen by nothing".into(), None);
            }
        }
        for (place, kind) in when.modality.placed() {
            let kinds = [TEXT].into_iter().chain(super::MODALITIES);
            self.one_of(&format!("{at}/modality{place}"), kind, kinds);
        }
        for (place, name) in when.language.placed() {
            if language::named(name).is_none() {
                let message = "this must be a language, by two letters (ISO 639-1) or three (639-3)";
                self.refuse(&format!("{at}/language{place}"), message.into(), None);
            }
        }
        for (field, span) in [("bytes", when.bytes), ("tokens", when.tokens)] {
            if let Some(Span { min: Some(min), max: Some(max) }) = span
                && min > max
            {
                self.refuse(&format!("{at}/{field}"), "`min` is above `max`: nothing fits".into(), None);
            }
        }
        let Some(time) = &when.time else { return };
        for (field, text) in [("from", &time.from), ("to", &time.to)] {
            if text.as_ref().is_some_and(|text| hours::time(text).is_none()) {
                let message = "a time is written `HH:MM`, from 00:00 to 23:59";
                self.refuse(&format!("{at}/time/{field}"), message.into(), None);
            }
        }
        if time.from.is_some() && time.from == time.to {
            self.refuse(&format!("{at}/time"), "`from` and `to` are the same: nothing fits".into(), None);
        }
        if let Some(zone) = time.timezone.as_ref().filter(|zone| crate::limit::Calendar::zone(zone).is_none())
        {
            self.refuse(&format!("{at}/time/timezone"), format!("there is no time zone `{zone}`"), None);
        }
    }

    fn names(&mut self, at: &str, names: &Names) {
        for (place, name) in names.placed() {
            self.pattern(&format!("{at}{place}"), name);
        }
    }

    fn tenant_routing(&mut self, name: &str, tenant: &Tenant) {
        let at = format!("/tenants/{}", token(name));
        self.regions(&format!("{at}/residency"), &tenant.residency);
        for (n, route) in tenant.routes.iter().enumerate() {
            let Some(settings) = self.config.routes.get(route) else { continue };
            let demands: Vec<Regions> = [&tenant.residency, &settings.residency]
                .into_iter()
                .filter(|regions| !regions.is_empty())
                .map(|regions| Regions::new(regions))
                .collect();
            let meets = |target: &RouteTarget| demands.iter().all(|demand| demand.admit(target.region()));
            if !settings.targets.is_empty() && !settings.targets.iter().any(meets) {
                let message = format!("no target of the route `{route}` is where `residency` demands");
                self.refuse(&format!("{at}/routes/{n}"), message, None);
            }
        }
        for (n, target) in tenant.pin_targets.iter().enumerate() {
            self.target(&format!("{at}/pin_targets/{n}"), target, false);
        }
        for (n, key) in tenant.keys.iter().enumerate() {
            for (model, target) in &key.pins {
                let at = format!("{at}/keys/{n}/pins/{}", token(model));
                self.pin(&at, model, target);
                let mut others = tenant.routes.iter().filter_map(|route| self.config.routes.get(route));
                let other = others.find_map(|route| route.pins.get(model).filter(|other| *other != target));
                if let Some(other) = other.cloned() {
                    self.refuse(&at, format!("its route pins this model to `{other}`"), None);
                }
                let serves = |route: &String| any(&[Pattern::new(route)], model.trim_end_matches('*'));
                if !tenant.routes.iter().any(serves) {
                    self.refuse(&at, "no route of the tenant serves this model".into(), None);
                }
            }
        }
    }
}

/// Whether names, or none at all, mean this one.
fn covers(names: &Names, name: &str) -> bool {
    let mut patterns = names.list().iter().map(|pattern| Pattern::new(pattern));
    names.list().is_empty() || patterns.any(|pattern| pattern.fits(name))
}
