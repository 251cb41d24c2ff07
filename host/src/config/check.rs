//! What the names of a configuration refer to. Everything that does not exist is a fault, with the name that
//! was probably meant.

mod files;
mod identity;
mod resilience;
mod routing;

use super::document::{Document, token};
use super::fault::{Fault, Faults, nearest};
use super::model::resilience::Resilience;
use super::model::{Binding, Config, Embeddings, Provider};
use super::preset;
use crate::auth::Tags;
use std::collections::BTreeMap;

/// The inputs besides text, and the path `streams`: what `modalities` and `uncovered` may name.
const MODALITIES: [&str; 5] = ["image", "audio", "file", "tokens", "other"];

/// Targets of one route.
const MOST_TARGETS: usize = 100;
/// Bytes of a secret that signs, at least.
const MIN_SECRET: usize = 16;

/// Reports every name that refers to nothing.
pub fn check(config: &Config, document: &Document, faults: &mut Faults) {
    let mut check = Check { config, document, faults };
    check.providers();
    check.plugins();
    check.chains();
    check.routes();
    check.tenants();
    check.resilience("/resilience", &config.resilience);
    check.identity();
    check.routing();
    check.limits();
    check.files();
    if let Embeddings::Openai { base_url, .. } = &config.embeddings {
        check.url("/embeddings/base_url", base_url);
    }
}

struct Check<'a> {
    config: &'a Config,
    document: &'a Document,
    faults: &'a mut Faults,
}

impl Check<'_> {
    fn refuse(&mut self, pointer: &str, message: String, suggestion: Option<String>) {
        self.faults.add(Fault { suggestion, ..self.document.fault(pointer, message) });
    }

    /// A name must be one of a section's.
    fn refers<T>(&mut self, pointer: &str, what: &str, name: &str, section: &BTreeMap<String, T>) {
        if !section.contains_key(name) {
            let suggestion = nearest(name, section.keys().map(String::as_str));
            self.refuse(pointer, format!("there is no {what} `{name}`"), suggestion);
        }
    }

    fn url(&mut self, pointer: &str, url: &str) {
        let parsed = url.parse::<http::Uri>().ok();
        let fits = parsed
            .is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
        if !fits {
            self.refuse(pointer, "this must be an http or https URL".into(), None);
        }
    }

    fn providers(&mut self) {
        for (name, provider) in &self.config.providers {
            let at = format!("/providers/{}", token(name));
            self.provider(name, provider, &at);
            if name.contains('/') {
                self.refuse(&at, "a provider's name must not contain `/`".into(), None);
            }
            self.credentials(provider, &at);
            if provider.tls.client_cert.is_some() != provider.tls.client_key.is_some() {
                self.refuse(&format!("{at}/tls"), "`client_cert` and `client_key` go together".into(), None);
            }
        }
    }

    fn provider(&mut self, name: &str, provider: &Provider, at: &str) {
        let known = || preset::all().iter().map(|preset| preset.name.as_str());
        if let Some(preset) = provider.preset.as_deref().filter(|name| preset::find(name).is_none()) {
            let message = format!("there is no preset `{preset}`");
            self.refuse(&format!("{at}/preset"), message, nearest(preset, known()));
        } else if provider.adapter.is_empty() {
            let message = format!("`adapter` is missing, and there is no preset `{name}`");
            self.refuse(at, message, nearest(name, known()));
        }
        if provider.adapter.is_empty() {
            return;
        }
        self.plugin(&format!("{at}/adapter"), &provider.adapter);
        match &provider.base_url {
            Some(url) => self.url(&format!("{at}/base_url"), url),
            None => {
                let needs =
                    provider.preset.as_deref().and_then(preset::find).and_then(|known| known.needs().next());
                let message = match needs {
                    Some(option) => format!(
                        "`base_url` or the option `{option}` is missing, of letters, digits and hyphens"
                    ),
                    None => "`base_url` is missing: the adapter has no default for it".into(),
                };
                self.refuse(at, message, None);
            }
        }
    }

    fn credentials(&mut self, provider: &Provider, at: &str) {
        if provider.credential.is_some() && !provider.credentials.is_empty() {
            let message = "`credential` is for one key, `credentials` for several: leave one out";
            self.refuse(&format!("{at}/credentials"), message.into(), None);
        }
        let idle = provider.credentials.iter().enumerate().filter(|(_, key)| key.weight == 0);
        for (place, _) in idle {
            self.refuse(&format!("{at}/credentials/{place}/weight"), "must be at least 1".into(), None);
        }
        if provider.aws.access_key_id.is_some() != provider.aws.secret_access_key.is_some() {
            let message = "`access_key_id` and `secret_access_key` go together";
            self.refuse(&format!("{at}/aws"), message.into(), None);
        }
        let Some(entra) = &provider.entra else { return };
        let proves = entra.client_secret.is_some() || entra.federated_token_file.is_some();
        if proves && (entra.tenant_id.is_none() || entra.client_id.is_none()) {
            let message = "an application needs both `tenant_id` and `client_id`";
            self.refuse(&format!("{at}/entra"), message.into(), None);
        }
    }

    fn plugins(&mut self) {
        for (name, plugin) in &self.config.plugins {
            if plugin.source.starts_with("builtin:") {
                self.builtin(&format!("/plugins/{}/source", token(name)), &plugin.source);
            }
        }
    }

    /// A plugin's name must be a builtin's, or stand under `plugins`.
    fn plugin(&mut self, pointer: &str, name: &str) {
        if name.starts_with("builtin:") {
            self.builtin(pointer, name);
        } else {
            self.refers(pointer, "plugin", name, &self.config.plugins);
        }
    }

    fn builtin(&mut self, pointer: &str, source: &str) {
        let wanted = source.trim_start_matches("builtin:");
        let (name, version) = match wanted.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (wanted, None),
        };
        if lockgate_bundle::find(name, version).is_some() {
            return;
        }
        match lockgate_bundle::find(name, None) {
            Some(builtin) => self.refuse(
                pointer,
                format!("the builtin plugin `{name}` is of version {}", builtin.version),
                Some(format!("builtin:{name}@{}", builtin.version)),
            ),
            None => {
                let known = lockgate_bundle::BUILTINS.iter().map(|builtin| builtin.name);
                let suggestion = nearest(name, known).map(|name| format!("builtin:{name}"));
                self.refuse(pointer, format!("there is no builtin plugin `{name}`"), suggestion);
            }
        }
    }

    fn chains(&mut self) {
        for (name, chain) in &self.config.chains {
            for (n, binding) in chain.iter().enumerate() {
                self.binding(&format!("/chains/{}/{n}", token(name)), binding);
            }
        }
    }

    fn binding(&mut self, at: &str, binding: &Binding) {
        self.plugin(&format!("{at}/plugin"), &binding.plugin);
        for (n, path) in binding.uncovered.iter().enumerate() {
            self.one_of(&format!("{at}/uncovered/{n}"), path, MODALITIES.into_iter().chain(["streams"]));
        }
        for (name, destination) in binding.grants.http.iter().flatten() {
            self.url(&format!("{at}/grants/http/{}/url", token(name)), &destination.url);
        }
    }

    fn one_of(&mut self, pointer: &str, name: &str, known: impl Iterator<Item = &'static str>) {
        let known: Vec<&str> = known.collect();
        if !known.contains(&name) {
            let suggestion = nearest(name, known.iter().copied());
            self.refuse(pointer, format!("this must be one of {}", known.join(", ")), suggestion);
        }
    }

    fn routes(&mut self) {
        for (name, route) in &self.config.routes {
            let at = format!("/routes/{}", token(name));
            if name.trim_end_matches('*').contains('*') {
                self.refuse(&at, "`*` may only end a route's name".into(), None);
            }
            for (n, target) in route.targets.iter().enumerate() {
                let pointer = format!("{at}/targets/{n}");
                match target.id().split_once('/') {
                    Some((provider, model)) if !model.is_empty() => {
                        self.refers(&pointer, "provider", provider, &self.config.providers);
                    }
                    _ => self.refuse(&pointer, "a target is written `provider/model`".into(), None),
                }
            }
            self.resilience(&format!("{at}/resilience"), &route.resilience);
            if route.targets.len() + route.resilience.targets().count() > MOST_TARGETS {
                let message =
                    format!("a route has at most {MOST_TARGETS} targets, those of its policies included");
                self.refuse(&format!("{at}/targets"), message, None);
            }
            if let Some(chain) = &route.chain {
                self.refers(&format!("{at}/chain"), "chain", chain, &self.config.chains);
            }
            if let Some(router) = &route.router {
                self.binding(&format!("{at}/router"), router);
            }
            for (n, modality) in route.modalities.iter().flatten().enumerate() {
                self.one_of(&format!("{at}/modalities/{n}"), modality, MODALITIES.into_iter());
            }
        }
    }

    fn resilience(&mut self, at: &str, settings: &Resilience) {
        for (pointer, message) in resilience::faults(settings) {
            self.refuse(&format!("{at}{pointer}"), message, None);
        }
        for (pointer, target) in settings.targets() {
            let pointer = format!("{at}{pointer}");
            match target.split_once('/') {
                Some((provider, model)) if !model.is_empty() => {
                    self.refers(&pointer, "provider", provider, &self.config.providers);
                }
                _ => self.refuse(&pointer, "a target is written `provider/model`".into(), None),
            }
        }
    }

    /// Webhooks, and the targets that limits send requests to.
    fn limits(&mut self) {
        for (name, webhook) in &self.config.webhooks {
            self.url(&format!("/webhooks/{}/url", token(name)), &webhook.url);
            if webhook.secret.expose().len() < MIN_SECRET {
                let at = format!("/webhooks/{}/secret", token(name));
                self.refuse(&at, format!("a secret is at least {MIN_SECRET} bytes long"), None);
            }
        }
        if let Some(approval) = &self.config.approval {
            if !(approval.above_usd.is_finite() && approval.above_usd >= 0.0) {
                self.refuse("/approval/above_usd", "this must be an amount of dollars".into(), None);
            }
            if approval.secret.expose().len() < MIN_SECRET {
                self.refuse(
                    "/approval/secret",
                    format!("a secret is at least {MIN_SECRET} bytes long"),
                    None,
                );
            }
        }
        let limits = self.config.rate_limits.iter().map(|(name, limit)| ("rate_limits", name, &limit.to));
        let budgets = self.config.budgets.iter().map(|(name, budget)| ("budgets", name, &budget.to));
        for (section, name, to) in limits.chain(budgets) {
            self.targets(&format!("/{section}/{}/to", token(name)), to);
        }
        for (name, tenant) in &self.config.tenants {
            if let Some(budget) = &tenant.budget {
                self.targets(&format!("/tenants/{}/budget/to", token(name)), &budget.to);
            }
        }
    }

    /// Each must be a target of some route, as it stands there.
    fn targets(&mut self, at: &str, to: &[String]) {
        let known: Vec<&str> =
            self.config.routes.values().flat_map(|route| &route.targets).map(|target| target.id()).collect();
        for (n, wanted) in to.iter().enumerate().filter(|(_, wanted)| !known.contains(&wanted.as_str())) {
            let suggestion = nearest(wanted, known.iter().copied());
            self.refuse(&format!("{at}/{n}"), format!("no route has the target `{wanted}`"), suggestion);
        }
    }

    fn tenants(&mut self) {
        let mut hashes: BTreeMap<&str, String> = BTreeMap::new();
        for (name, tenant) in &self.config.tenants {
            let at = format!("/tenants/{}", token(name));
            for (n, route) in tenant.routes.iter().enumerate() {
                self.refers(&format!("{at}/routes/{n}"), "route", route, &self.config.routes);
            }
            if let Some(chain) = &tenant.chain {
                self.refers(&format!("{at}/chain"), "chain", chain, &self.config.chains);
            }
            for (n, chain) in tenant.chains.iter().enumerate() {
                self.refers(&format!("{at}/chains/{n}"), "chain", chain, &self.config.chains);
            }
            for (n, key) in tenant.keys.iter().enumerate() {
                self.permissions(&format!("{at}/keys/{n}/permissions"), &key.permissions);
                let pointer = format!("{at}/keys/{n}/hash");
                let tags = key.tags.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                if Tags::of(tags).is_none() {
                    let message = "tags are up to 16, each of letters, digits and `-_.:/`, 64 at most";
                    self.refuse(&format!("{at}/keys/{n}/tags"), message.into(), None);
                }
                if let Some(first) = hashes.insert(&key.hash, format!("{name}.{}", key.name)) {
                    self.refuse(&pointer, format!("this is the key `{first}` as well"), None);
                }
            }
        }
        if let Some(anonymous) = &self.config.anonymous {
            self.refers("/anonymous", "tenant", anonymous, &self.config.tenants);
        }
    }
}
