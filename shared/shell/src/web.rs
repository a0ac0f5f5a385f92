//! Requests to the public web: the check from outside, Slack, and Bitbucket's API.
//!
//! The addresses come from configuration that people write, so they are treated as hostile. The name is resolved first,
//! every address it has must be public, and the connection goes to exactly the address that was checked; a name that
//! changes its mind in between gains nothing. Redirects are not followed, answers are cut, everything together has one
//! time limit, and each request has its own connection.

mod address;

use address::is_public;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A client for the public web.
#[derive(Clone, Debug)]
pub(crate) struct Web {
    roots: Option<RootCertStore>,
    loopback: bool,
    sleep: SharedAsyncSleep,
    tls: OnceLock<Option<Arc<ClientConfig>>>,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(&'static str, &'a str)],
    pub(crate) body: Bytes,
    pub(crate) timeout: Duration,
    pub(crate) answer_bytes_max: usize,
}

/// An answer: its status, its headers, and its body up to the limit.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no answer. None of it repeats the URL, which may be a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebError {
    /// Not an absolute http or https URL without user, or not one that may be asked.
    #[error("the URL is refused: {0}")]
    Url(&'static str),
    /// The name does not exist, or cannot be resolved now.
    #[error("the host name cannot be resolved")]
    Name(#[source] std::io::Error),
    /// The name leads to an address that is not public.
    #[error("the address is not public")]
    NotPublic,
    /// No connection.
    #[error("no connection")]
    Connection(#[source] std::io::Error),
    /// The request could not be carried out.
    #[error("no HTTP answer")]
    Http(#[source] hyper::Error),
    /// The body is longer than allowed.
    #[error("the answer is too long")]
    TooLong,
    /// Out of time.
    #[error("no answer in time")]
    Timeout,
}

impl Web {
    /// A client that trusts these roots, else Mozilla's. `loopback` lets it ask this machine, for the local cloud. Limits
    /// of time are waited for by `sleep`.
    pub(crate) const fn new(
        roots: Option<RootCertStore>,
        loopback: bool,
        sleep: SharedAsyncSleep,
    ) -> Self {
        Self {
            roots,
            loopback,
            sleep,
            tls: OnceLock::new(),
        }
    }

    /// Whether this machine may be asked.
    pub(crate) const fn reaches_loopback(&self) -> bool {
        self.loopback
    }

    /// Sends one request.
    pub(crate) async fn ask(&self, call: Call<'_>) -> Result<Reply, WebError> {
        let limit = self.sleep.sleep(call.timeout);
        tokio::select! {
            biased;
            reply = self.ask_for_ever(call) => reply,
            () = limit => Err(WebError::Timeout),
        }
    }

    async fn ask_for_ever(&self, call: Call<'_>) -> Result<Reply, WebError> {
        let target = Target::of(call.url)?;
        let address = self.address_of(&target).await?;
        let stream = TcpStream::connect(address).await;
        let stream = stream.map_err(WebError::Connection)?;
        if target.tls {
            let name = ServerName::try_from(target.host.clone())
                .map_err(|_| WebError::Url("the host is not a name"))?;
            let config = self.tls().ok_or(WebError::Url("TLS is not available"))?;
            let stream = TlsConnector::from(config).connect(name, stream).await;
            exchange(stream.map_err(WebError::Connection)?, &target, call).await
        } else {
            exchange(stream, &target, call).await
        }
    }

    /// The address to connect to, if every address of the name may be asked.
    async fn address_of(&self, target: &Target) -> Result<SocketAddr, WebError> {
        let may_be_asked = |ip: IpAddr| is_public(ip) || (self.loopback && ip.is_loopback());
        let addresses: Vec<SocketAddr> =
            tokio::net::lookup_host((target.host.as_str(), target.port))
                .await
                .map_err(WebError::Name)?
                .collect();
        if addresses.iter().any(|address| !may_be_asked(address.ip())) {
            return Err(WebError::NotPublic);
        }
        // Lambda has no IPv6 of its own, so IPv4 goes first.
        let first = addresses.iter().find(|address| address.is_ipv4());
        first
            .or(addresses.first())
            .copied()
            .ok_or_else(|| WebError::Name(std::io::ErrorKind::NotFound.into()))
    }

    /// The TLS settings, made when they are first needed.
    fn tls(&self) -> Option<Arc<ClientConfig>> {
        self.tls
            .get_or_init(|| {
                let roots = self.roots.clone().unwrap_or_else(|| RootCertStore {
                    roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
                });
                let provider = Arc::new(rustls::crypto::ring::default_provider());
                let config = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .ok()?
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                Some(Arc::new(config))
            })
            .clone()
    }
}

/// Where a URL leads.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    tls: bool,
    host: String,
    port: u16,
    authority: String,
    path: String,
}

impl Target {
    fn of(url: &str) -> Result<Self, WebError> {
        let uri: Uri = url
            .parse()
            .map_err(|_| WebError::Url("it cannot be read"))?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(WebError::Url("only http and https are asked")),
        };
        let authority = uri.authority().ok_or(WebError::Url("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(WebError::Url("it names a user"));
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        if host.is_empty() {
            return Err(WebError::Url("it names no host"));
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            tls,
            host: host.to_owned(),
            port,
            authority: authority.to_string(),
            path: path.to_owned(),
        })
    }
}

/// One request and its answer over a connection that stands.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    target: &Target,
    call: Call<'_>,
) -> Result<Reply, WebError> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(WebError::Http)?;
    let exchange = async {
        let limit = call.answer_bytes_max;
        let request = request(target, call)?;
        let reply = sender.send_request(request).await.map_err(WebError::Http)?;
        read(reply, limit).await
    };
    // The connection is driven here, so that nothing of it outlives the call.
    tokio::pin!(connection, exchange);
    tokio::select! {
        biased;
        reply = &mut exchange => reply,
        ended = &mut connection => match ended {
            Ok(()) => exchange.await,
            Err(error) => Err(WebError::Http(error)),
        },
    }
}

fn request(target: &Target, call: Call<'_>) -> Result<Request<Full<Bytes>>, WebError> {
    let mut builder = Request::builder()
        .method(call.method)
        .uri(&target.path)
        .header(header::HOST, &target.authority)
        .header(header::USER_AGENT, "longshore")
        .header(header::CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in call.headers {
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| WebError::Url("a header has a character that no header may have"))?;
        // Some are credentials; nothing that prints a request shows them.
        value.set_sensitive(true);
        builder = builder.header(*name, value);
    }
    builder
        .body(Full::new(call.body))
        .map_err(|_| WebError::Url("it cannot be asked"))
}

async fn read(
    reply: http::Response<hyper::body::Incoming>,
    limit: usize,
) -> Result<Reply, WebError> {
    let (parts, body) = reply.into_parts();
    let body = Limited::new(body, limit).collect().await;
    let body = body.map_err(|error| match error.downcast::<hyper::Error>() {
        Ok(error) => WebError::Http(*error),
        Err(other) if other.is::<LengthLimitError>() => WebError::TooLong,
        Err(_) => WebError::TooLong,
    })?;
    Ok(Reply {
        status: parts.status,
        headers: parts.headers,
        body: body.to_bytes(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_and_https_urls_are_targets() {
        for url in [
            "",
            "/health",
            "ftp://example.com",
            "file:///etc/passwd",
            "https://user:password@example.com/",
            "https://",
            "http://exa mple.com",
            "gopher://x",
        ] {
            assert!(matches!(Target::of(url), Err(WebError::Url(_))), "{url}");
        }
        let target = Target::of("https://example.com/health?x=1").unwrap();
        assert_eq!((target.tls, target.port), (true, 443));
        assert_eq!(target.path, "/health?x=1");
        let target = Target::of("http://[::1]:8080").unwrap();
        assert_eq!((target.host.as_str(), target.port), ("::1", 8080));
        assert_eq!(
            (target.authority.as_str(), target.path.as_str()),
            ("[::1]:8080", "/")
        );
    }
}
