//! A certificate authority that lives as long as one run, and the certificate it gives to the stub of AWS.
//!
//! The functions are told to trust it by `LONGSHORE_CA_BUNDLE`. It is never written anywhere but into the run's own
//! temporary folder, and its key is not written at all.

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
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
}

impl Certificate {
    /// Makes an authority, an intermediate one as AWS has, and a certificate for [`HOST`].
    ///
    /// # Errors
    /// When a key cannot be made.
    pub fn make() -> Result<Self> {
        let root = CertifiedIssuer::self_signed(authority()?, KeyPair::generate()?)?;
        let between = CertifiedIssuer::signed_by(authority()?, KeyPair::generate()?, &root)?;
        let key = KeyPair::generate()?;
        let leaf = CertificateParams::new([HOST.to_owned()])?.signed_by(&key, &between)?;
        let chain = vec![leaf.der().clone(), between.der().clone()];
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .context("the stub's certificate is not usable")?;
        Ok(Self {
            server: Arc::new(server),
            authority_pem: root.pem(),
        })
    }
}

fn authority() -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(params)
}
