//! Credentials of providers, from their settings.

use crate::config;
use crate::credential::{AwsSettings, EntraSettings, GoogleSettings, Key, Keyring, Proof, SignerSettings};

/// The keys of a provider.
pub fn keys(provider: &config::Provider) -> Keyring {
    let only = provider.credential.iter().map(|key| Key::new("credential", key.clone(), 1));
    let several = provider.credentials.iter().enumerate().map(|(place, key)| {
        let numbered = || format!("{}", place + 1);
        Key::new(&key.name.clone().unwrap_or_else(numbered), key.key.clone(), key.weight)
    });
    Keyring::new(only.chain(several).collect())
}

/// The settings of a provider's signers.
pub fn signers(provider: &config::Provider) -> SignerSettings {
    let aws = &provider.aws;
    let key = aws.access_key_id.clone().zip(aws.secret_access_key.clone());
    SignerSettings {
        aws: AwsSettings {
            region: aws.region.clone().or_else(|| provider.options.get("region").cloned()),
            service: aws.service.clone(),
            key: key.map(|(id, secret)| (id, secret, aws.session_token.clone())),
            profile: aws.profile.clone(),
            role: aws.role_arn.clone(),
            endpoint: aws.endpoint_url.clone(),
        },
        google: GoogleSettings { credentials: provider.google.credentials.clone() },
        entra: provider.entra.as_ref().map(|entra| EntraSettings {
            authority: entra.authority.clone(),
            scope: entra.scope.clone(),
            proof: proof(entra),
        }),
    }
}

fn proof(entra: &config::Entra) -> Proof {
    let tenant = entra.tenant_id.clone().unwrap_or_default();
    let client = entra.client_id.clone().unwrap_or_default();
    match (&entra.client_secret, &entra.federated_token_file) {
        (Some(secret), _) => Proof::ClientSecret { tenant, client, secret: secret.clone() },
        (None, Some(file)) => Proof::Federated { tenant, client, file: file.clone() },
        (None, None) => Proof::Managed { url: entra.identity_url.clone(), client: entra.client_id.clone() },
    }
}
