//! A certificate authority that lives as long as one run, and the certificate it gives to the stub of AWS.
//!
//! The functions are told to trust it by `LONGSHORE_CA_BUNDLE`. It is never written anywhere but into the run's own
//! temporary folder, and its key is not written at all.

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_RSA_SHA256};
use rustls::ServerConfig;
use rustls::crypto::ring::{self, cipher_suite};
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// The name that the stub answers to.
pub const HOST: &str = "localhost";

/// What a TLS server needs, and what its clients must trust.
#[derive(Debug)]
pub struct Certificate {
    /// The server's settings. It speaks HTTP/1.1 only, like the endpoints of DynamoDB and SSM.
    pub server: Arc<ServerConfig>,
    /// The authority's certificate, as PEM.
    pub authority_pem: String,
    /// Whether the keys are RSA with 2,048 bits, as AWS's are. Checking another signature costs a client another time.
    pub is_rsa: bool,
}

impl Certificate {
    /// Makes an authority, an intermediate one as AWS has, and a certificate for [`HOST`]; with RSA keys where `openssl`
    /// is there to make them, else with keys on P-256.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub fn make() -> Result<Self> {
        match rsa_key() {
            Some(key) => Self::with_keys(key, || rsa_key().context("no RSA key"), true),
            None => Self::with_keys(KeyPair::generate()?, || Ok(KeyPair::generate()?), false),
        }
    }

    /// The same with keys on P-256, which are made in no time.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub fn make_quickly() -> Result<Self> {
        Self::with_keys(KeyPair::generate()?, || Ok(KeyPair::generate()?), false)
    }

    fn with_keys(first: KeyPair, key: impl Fn() -> Result<KeyPair>, is_rsa: bool) -> Result<Self> {
        let root = CertifiedIssuer::self_signed(authority()?, first)?;
        let between = CertifiedIssuer::signed_by(authority()?, key()?, &root)?;
        let key = key()?;
        let leaf = CertificateParams::new([HOST.to_owned()])?.signed_by(&key, &between)?;
        let chain = vec![leaf.der().clone(), between.der().clone()];
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let mut server = ServerConfig::builder_with_provider(Arc::new(suites_of_aws()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .context("the stub's certificate is not usable")?;
        server.ignore_client_order = true;
        Ok(Self {
            server: Arc::new(server),
            authority_pem: root.pem(),
            is_rsa,
        })
    }
}

/// AWS's endpoints choose the suite themselves, and AES with 128 bits before 256.
fn suites_of_aws() -> rustls::crypto::CryptoProvider {
    rustls::crypto::CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            cipher_suite::TLS13_AES_256_GCM_SHA384,
        ],
        ..ring::default_provider()
    }
}

fn authority() -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(params)
}

/// An RSA key. The libraries here use such keys but do not make them.
fn rsa_key() -> Option<KeyPair> {
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA"])
        .args(["-pkeyopt", "rsa_keygen_bits:2048"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let pem = String::from_utf8(made.stdout).ok()?;
    KeyPair::from_pem_and_sign_algo(&pem, &PKCS_RSA_SHA256).ok()
}
