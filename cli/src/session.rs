//! The operator's own access to AWS: credentials by the usual chain (variables, profiles, SSO, processes, the role of a
//! machine), the region, and one HTTP client for everything.
//!
//! Trusted are the certificates of the operating system and Amazon's own roots, so that the command works in a container
//! without certificates too; a bundle that is named replaces both. Nothing of the credentials is ever shown.

use crate::failure::Failure;
use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_types::SdkConfig;
use aws_types::region::Region;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The roots that AWS's endpoints chain to, the same that the functions trust.
const AMAZON_ROOTS: &[u8] = include_bytes!("../../shared/shell/src/connect/roots.pem");
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// API Gateway gives up after 30 seconds itself.
const READ_TIMEOUT: Duration = Duration::from_secs(35);

/// How the operator reaches AWS.
#[derive(Clone, Debug)]
pub struct Session {
    sdk: SdkConfig,
    connector: SharedHttpConnector,
}

/// Which access.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The region, else that of the chain.
    pub region: Option<String>,
    /// The profile, else that of the chain.
    pub profile: Option<String>,
    /// Certificates that are trusted instead of the usual ones.
    pub ca_bundle: Option<PathBuf>,
}

impl Session {
    /// Reads the configuration. Nothing is sent yet.
    ///
    /// # Errors
    /// When the bundle of certificates cannot be read.
    pub async fn open(access: &Access) -> Result<Self, Failure> {
        let trust = trust(access.ca_bundle.as_deref())?;
        let connector = connector(trust);
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(client_of(connector.clone()));
        if let Some(region) = &access.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &access.profile {
            loader = loader.profile_name(profile);
        }
        let sdk = loader.load().await;
        Ok(Self { sdk, connector })
    }

    /// What the SDK's clients are made from.
    #[must_use]
    pub const fn sdk(&self) -> &SdkConfig {
        &self.sdk
    }

    /// What sends a request.
    #[must_use]
    pub const fn connector(&self) -> &SharedHttpConnector {
        &self.connector
    }

    /// The region.
    ///
    /// # Errors
    /// When nothing names one.
    pub fn region(&self) -> Result<&str, Failure> {
        self.sdk.region().map(AsRef::as_ref).ok_or_else(|| {
            Failure::usage(
                "no_region",
                "no AWS region is known",
                "pass --region, set AWS_REGION, or name a profile that has one with --profile",
            )
        })
    }

    /// The credentials.
    ///
    /// # Errors
    /// When there are none, or the chain cannot get them.
    pub async fn credentials(&self) -> Result<Credentials, Failure> {
        let Some(provider) = self.sdk.credentials_provider() else {
            return Err(no_credentials("nothing provides any"));
        };
        provider
            .provide_credentials()
            .await
            .map_err(|error| no_credentials(&DisplayErrorContext(&error).to_string()))
    }
}

fn no_credentials(why: &str) -> Failure {
    let next = "sign in (`aws sso login`, `aws configure`), name a profile with --profile, or set AWS_ACCESS_KEY_ID";
    let why = why.lines().next().unwrap_or_default();
    let message = format!("there are no AWS credentials: {why}");
    Failure::unreachable("no_credentials", message, next)
}

fn trust(bundle: Option<&Path>) -> Result<TrustStore, Failure> {
    let Some(path) = bundle else {
        return Ok(TrustStore::default().with_pem_certificate(AMAZON_ROOTS));
    };
    let pem = std::fs::read(path).map_err(|error| {
        let message = format!(
            "the certificates in {} cannot be read: {error}",
            path.display()
        );
        Failure::usage(
            "no_certificates",
            message,
            "correct AWS_CA_BUNDLE, or take it away",
        )
    })?;
    Ok(TrustStore::empty().with_pem_certificate(pem))
}

fn connector(trust: TrustStore) -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .build();
    let builder = Connector::builder()
        .connector_settings(settings)
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(Provider::Rustls(CryptoMode::Ring));
    // Building a context cannot fail; the default one would leave Amazon's roots out.
    let builder = match TlsContext::builder().with_trust_store(trust).build() {
        Ok(context) => builder.tls_context(context),
        Err(_) => builder,
    };
    SharedHttpConnector::new(builder.build())
}

/// One connector for every client, so that there is one pool and the roots are read once.
fn client_of(connector: SharedHttpConnector) -> SharedHttpClient {
    http_client_fn(move |_, _| connector.clone())
}
