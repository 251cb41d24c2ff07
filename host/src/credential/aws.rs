//! Signatures of Amazon Web Services: Signature Version 4, with credentials from wherever Amazon's own tools find them.
//!
//! The chain is Amazon's: environment, profiles and what they refer to (`credential_process`, single sign-on, roles),
//! web identity, container, instance. Both the chain and the signature are Amazon's own crates.

use super::SignError;
use super::renewed::{Fetched, Renewed, Source};
use crate::clock;
use crate::secret::Secret;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_http_client::{Builder, tls};
use bytes::Bytes;
use http::Request;
use std::fmt;
use std::time::Duration;
use tokio::sync::OnceCell;

/// Credentials without an end are asked for again after this: a profile may have changed.
const GOOD_FOR: Duration = Duration::from_secs(900);

/// Who the gateway is to Amazon. What is not set is found by the chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwsSettings {
    /// The region that requests are signed for.
    pub region: Option<String>,
    /// The service that requests are signed for; `bedrock` where nothing else is said.
    pub service: Option<String>,
    /// An access key of its own: its id, the secret, and the token of a session.
    pub key: Option<(String, Secret, Option<Secret>)>,
    /// A profile of the shared configuration.
    pub profile: Option<String>,
    /// A role to take on.
    pub role: Option<String>,
    /// Where the token service and others are, instead of Amazon's own place.
    pub endpoint: Option<String>,
}

/// The signer.
pub struct Aws {
    settings: AwsSettings,
    chain: OnceCell<Renewed<Chain>>,
}

/// Where credentials come from.
struct Chain {
    region: String,
    provider: SharedCredentialsProvider,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("region", &self.settings.region).finish_non_exhaustive()
    }
}

impl Aws {
    /// A signer with these settings.
    #[must_use]
    pub fn new(settings: AwsSettings) -> Self {
        Self { settings, chain: OnceCell::new() }
    }

    /// Signs a request, its body included.
    ///
    /// # Errors
    /// No region or no credentials are found.
    pub async fn sign(&self, request: &mut Request<Bytes>) -> Result<(), SignError> {
        let chain = self.chain.get_or_try_init(|| Chain::find(&self.settings)).await?;
        let identity = chain.get().await?.into();
        let service = self.settings.service.as_deref().unwrap_or("bedrock");
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&chain.source().region)
            .name(service)
            .time(clock::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(unsigned)?
            .into();
        let uri = request.uri().to_string();
        let headers = request.headers().iter().filter_map(|(k, v)| Some((k.as_str(), v.to_str().ok()?)));
        let body = SignableBody::Bytes(request.body());
        let signable =
            SignableRequest::new(request.method().as_str(), &uri, headers, body).map_err(unsigned)?;
        let (instructions, _) = sign(signable, &params).map_err(unsigned)?.into_parts();
        instructions.apply_to_request_http1x(request);
        for name in ["authorization", "x-amz-security-token"] {
            if let Some(value) = request.headers_mut().get_mut(name) {
                value.set_sensitive(true);
            }
        }
        Ok(())
    }
}

fn unsigned(error: impl fmt::Display) -> SignError {
    SignError::Settings(format!("the request cannot be signed: {error}"))
}

impl Chain {
    async fn find(settings: &AwsSettings) -> Result<Renewed<Self>, SignError> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        loader = loader.http_client(Builder::new().tls_provider(tls).build_https());
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(endpoint) = &settings.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some((id, secret, session)) = &settings.key {
            let session = session.as_ref().map(|session| session.expose().to_owned());
            loader =
                loader.credentials_provider(Credentials::new(id, secret.expose(), session, None, "lockgate"));
        }
        let found: SdkConfig = loader.load().await;
        let region = found.region().map(ToString::to_string).ok_or_else(|| {
            SignError::Settings("no region is known: set `aws.region` or AWS_REGION".into())
        })?;
        let provider = found.credentials_provider();
        let provider =
            provider.ok_or_else(|| SignError::Unavailable("no credentials of Amazon's are found".into()))?;
        let provider = match &settings.role {
            None => provider,
            Some(role) => {
                let role = AssumeRoleProvider::builder(role).configure(&found).session_name("lockgate");
                SharedCredentialsProvider::new(role.build_from_provider(provider).await)
            }
        };
        Ok(Renewed::new(Self { region, provider }))
    }
}

impl Source for Chain {
    type Value = Credentials;

    async fn fetch(&self) -> Result<Fetched<Credentials>, SignError> {
        let fetched = self.provider.provide_credentials().await.map_err(|error| {
            SignError::Unavailable(format!("no credentials of Amazon's are found ({error})"))
        })?;
        let good_for = match fetched.expiry() {
            Some(end) => end.duration_since(clock::now()).unwrap_or_default(),
            None => GOOD_FOR,
        };
        Ok(Fetched::new(fetched, good_for))
    }
}
