//! Providers: their connections, their credentials, and for each tenant their adapter.

use super::plugins::{isolation, next_binding};
use super::{Composer, pointer};
use crate::app::credentials;
use crate::config;
use crate::credential::Credentials;
use crate::plugin::{BindingSettings, Grants, Hook, Limits};
use crate::route::Provider;
use crate::route::calls::Calls;
use crate::upstream::{Upstream, UpstreamSettings};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Time that one call of an adapter may compute: it may read megabytes.
const ADAPTER_DEADLINE: Duration = Duration::from_millis(500);

impl Composer<'_> {
    /// Clients of the providers; one whose settings did not change keeps its connections.
    pub(super) fn upstreams(&mut self) {
        for (name, provider) in &self.config.providers {
            let ms = Duration::from_millis;
            let settings = UpstreamSettings {
                base_url: provider.base_url.clone().unwrap_or_default(),
                connect: ms(provider.timeouts.connect_ms),
                first_byte: ms(provider.timeouts.first_byte_ms),
                idle: ms(provider.timeouts.idle_ms),
                total: ms(provider.timeouts.total_ms),
                ca_file: provider.tls.ca_file.clone(),
                client_cert: provider.tls.client_cert.clone(),
                client_key: provider.tls.client_key.clone(),
            };
            let known =
                self.shared.upstreams.lock().get(name).filter(|known| *known.settings() == settings).cloned();
            let made = known.map_or_else(|| Upstream::new(settings).map(Arc::new), Ok);
            match made {
                Ok(upstream) => drop(self.upstreams.insert(name.clone(), upstream)),
                Err(error) => self.refuse(&pointer(&["providers", name]), error.to_string()),
            }
        }
    }

    /// The credentials of a provider, the same for all tenants; those whose settings did not change keep what was fetched and
    /// learnt.
    fn credentials(&mut self, name: &str, provider: &config::Provider) -> Arc<Credentials> {
        if let Some(made) = self.credentials.get(name) {
            return made.clone();
        }
        let (keys, signers) = (credentials::keys(provider), credentials::signers(provider));
        let all = self.shared.credentials.lock();
        let credentials = match all.get(name) {
            Some(known) if known.are(&keys, &signers) => known.clone(),
            Some(known) => Arc::new(Credentials::new(keys.learning_from(&known.keys), signers)),
            None => Arc::new(Credentials::new(keys, signers)),
        };
        self.credentials.insert(name.to_owned(), credentials.clone());
        credentials
    }

    /// A provider as a tenant uses it: one for all its routes.
    pub(super) async fn tenants_provider(&mut self, tenant: &Arc<str>, name: &str) -> Option<Arc<Provider>> {
        let place = (tenant.clone(), name.to_owned());
        if let Some(known) = self.providers.get(&place) {
            return known.clone();
        }
        let provider = self.provider(tenant, name).await;
        self.providers.insert(place, provider.clone());
        provider
    }

    async fn provider(&mut self, tenant: &Arc<str>, name: &str) -> Option<Arc<Provider>> {
        let settings = self.config.providers.get(name)?;
        let upstream = self.upstreams.get(name)?.clone();
        let at = pointer(&["providers", name, "adapter"]);
        let plugin = self.plugin(&at, &settings.adapter).await?;
        let limits = Limits { deadline: ADAPTER_DEADLINE, concurrency: 256, ..Limits::default() };
        let binding = BindingSettings {
            id: next_binding(),
            name: name.into(),
            tenant: tenant.clone(),
            isolation: isolation(None, &settings.adapter),
            plugin,
            config: Value::Object(serde_json::Map::new()),
            grants: Grants::default(),
            limits,
        };
        let adapter = self.prepare(&at, binding).await?;
        if !adapter.has(Hook::ProviderAdapter) {
            self.refuse(&at, "the plugin is no adapter: it does not export `provider-adapter`");
            return None;
        }
        Some(Arc::new(Provider {
            name: name.into(),
            adapter,
            upstream,
            credentials: self.credentials(name, settings),
            options: settings.options.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            calls: Calls::default(),
        }))
    }
}
