//! The connection to AWS, built by hand from what the environment says: no credential chain, no profile files, no
//! certificates of the operating system. Each of those costs a cold start more than the request it is for.
//!
//! One connector serves every client, so a function has one pool and reads its roots once. Only Amazon's own roots are
//! trusted for AWS (`connect/roots.pem`, the five that Amazon Trust Services asks clients to trust), unless
//! `LONGSHORE_CA_BUNDLE` names others. Nothing here sends a request.

use crate::config::Access;
use crate::web::Web;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::region::Region;
use aws_types::sdk_config::{SdkConfig, SharedCredentialsProvider};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// The roots that AWS's endpoints chain to.
const AMAZON_ROOTS: &[u8] = include_bytes!("connect/roots.pem");

/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_500);
/// How long any answer may take to begin; the single attempt of SendCommand may use all of it.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a call may take with all its attempts.
const CALL_TIMEOUT: Duration = Duration::from_secs(12);
/// How long an idle connection is kept. AWS closes idle ones itself, and a frozen function does not see it happen.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// Attempts of a call that may be repeated. SendCommand may not, and says so itself.
const ATTEMPTS_MAX: u32 = 3;

/// Why the connection cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The bundle of certificates cannot be read.
    #[error("LONGSHORE_CA_BUNDLE {0} cannot be read")]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// The bundle holds no certificate, or something that is none.
    #[error("LONGSHORE_CA_BUNDLE {0} is not a list of PEM certificates")]
    NotCertificates(PathBuf),
}

/// The connection: what every client is made from.
#[derive(Clone, Debug)]
pub struct Aws {
    sdk: SdkConfig,
    ssm: OnceLock<aws_sdk_ssm::Client>,
    cloudwatch: OnceLock<aws_sdk_cloudwatch::Client>,
    logs: OnceLock<aws_sdk_cloudwatchlogs::Client>,
    web: Web,
}

impl Aws {
    /// Builds the connection. No request is sent.
    ///
    /// # Errors
    /// [`ConnectError`] when the bundle of certificates that the environment names is unusable.
    pub fn connect(access: &Access) -> Result<Self, ConnectError> {
        let bundle = access.ca_bundle.as_deref().map(Bundle::read).transpose()?;
        let pem = bundle.as_ref().map_or(AMAZON_ROOTS, |b| &b.pem);
        let client = client_trusting(pem);
        let sleep = SharedAsyncSleep::new(TokioSleep::new());
        let web = Web::new(bundle.map(|b| b.roots), access.is_local(), sleep.clone());
        Ok(Self {
            sdk: sdk_config(access, client, sleep),
            ssm: OnceLock::new(),
            cloudwatch: OnceLock::new(),
            logs: OnceLock::new(),
            web,
        })
    }

    /// The same with another HTTP client and another way to wait, for tests.
    #[must_use]
    pub fn through(access: &Access, client: SharedHttpClient, sleep: SharedAsyncSleep) -> Self {
        Self {
            sdk: sdk_config(access, client, sleep.clone()),
            ssm: OnceLock::new(),
            cloudwatch: OnceLock::new(),
            logs: OnceLock::new(),
            web: Web::new(None, access.is_local(), sleep),
        }
    }

    /// What SDK clients are made from.
    #[must_use]
    pub const fn sdk(&self) -> &SdkConfig {
        &self.sdk
    }

    /// The one client of SSM, which several adapters share.
    pub(crate) fn ssm(&self) -> aws_sdk_ssm::Client {
        self.ssm
            .get_or_init(|| aws_sdk_ssm::Client::new(&self.sdk))
            .clone()
    }

    /// The client of CloudWatch, built by whoever needs it first: few invocations do.
    pub(crate) fn cloudwatch(&self) -> aws_sdk_cloudwatch::Client {
        self.cloudwatch
            .get_or_init(|| aws_sdk_cloudwatch::Client::new(&self.sdk))
            .clone()
    }

    /// The client of CloudWatch Logs, likewise.
    pub(crate) fn logs(&self) -> aws_sdk_cloudwatchlogs::Client {
        self.logs
            .get_or_init(|| aws_sdk_cloudwatchlogs::Client::new(&self.sdk))
            .clone()
    }

    /// The client for the public web.
    pub(crate) const fn web(&self) -> &Web {
        &self.web
    }
}

/// Certificates from a file, read and understood before anything relies on them.
struct Bundle {
    pem: Vec<u8>,
    roots: RootCertStore,
}

impl Bundle {
    fn read(path: &Path) -> Result<Self, ConnectError> {
        let pem = std::fs::read(path)
            .map_err(|error| ConnectError::Unreadable(path.to_owned(), error))?;
        let roots = roots_of(&pem).ok_or_else(|| ConnectError::NotCertificates(path.to_owned()))?;
        Ok(Self { pem, roots })
    }
}

fn roots_of(pem: &[u8]) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}

/// One connector for every client. The SDK's own client would build one per client only to throw it away, and with it
/// read the roots again.
fn client_trusting(pem: &[u8]) -> SharedHttpClient {
    let trust = TrustStore::empty().with_pem_certificate(pem);
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .build();
    let builder = Connector::builder()
        .connector_settings(settings)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .tls_provider(Provider::Rustls(CryptoMode::Ring));
    // Building a context cannot fail; the default one would bring the system's certificates.
    let builder = match TlsContext::builder().with_trust_store(trust).build() {
        Ok(context) => builder.tls_context(context),
        Err(_) => builder,
    };
    let connector = SharedHttpConnector::new(builder.build());
    http_client_fn(move |_, _| connector.clone())
}

fn sdk_config(access: &Access, client: SharedHttpClient, sleep: SharedAsyncSleep) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(access.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(access.credentials.clone()))
        .http_client(client)
        .sleep_impl(sleep)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .service_config(Endpoints(access.clone()))
        .build()
}

/// Gives each client its endpoint.
#[derive(Debug)]
struct Endpoints(Access);

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        if key.env() != "AWS_ENDPOINT_URL" {
            return None;
        }
        let service = key.service_id().to_ascii_uppercase().replace(' ', "_");
        self.0.endpoint(&service).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_roots_are_five_certificates_that_rustls_takes() {
        assert_eq!(roots_of(AMAZON_ROOTS).unwrap().len(), 5);
    }

    #[test]
    fn what_is_no_certificate_is_no_bundle() {
        assert!(roots_of(b"").is_none());
        assert!(roots_of(b"hello").is_none());
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(roots_of(broken.as_bytes()).is_none());
    }

    #[test]
    fn a_bundle_that_is_missing_or_wrong_is_named() {
        let missing = Bundle::read(Path::new("/nonexistent/bundle.pem"));
        assert!(matches!(missing, Err(ConnectError::Unreadable(..))));
        let wrong = Bundle::read(Path::new("/dev/null"));
        assert!(matches!(wrong, Err(ConnectError::NotCertificates(_))));
    }
}
