//! `slack-clicks`: takes what people click in Slack. It verifies, records one intent on the reconciler's queue, and answers within
//! the three seconds that Slack waits. It may read one secret and write to one queue: whether a click counts, and what becomes
//! of it, is decided elsewhere.

pub mod payload;
pub mod signature;

mod gate;

pub use gate::Gate;
pub use longshore_entrance::Request;

use longshore_entrance::{Secrets, SignedBy};
use longshore_events::Click;
use longshore_shell::ports::Clock;
use longshore_shell::secrets::SecretError;
use longshore_shell::telemetry;
use serde::Serialize;
use signature::{Headers, Verified, verify};
use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;

/// The largest body that is read, in bytes: Slack sends the message along, and that is some ten thousand.
pub const BODY_MAX: usize = 64 * 1024;

/// What the entrance needs of the world.
pub trait Entrance: Sync {
    /// The signing secret, or two while it is changed; `fresh` asks past the cache. `None` only when fresh ones are asked for
    /// and the cached ones are fresh.
    fn secrets(
        &self,
        fresh: bool,
    ) -> impl Future<Output = Result<Option<Secrets>, SecretError>> + Send;

    /// Tells the reconciler of a click.
    fn record(
        &self,
        click: &Click,
    ) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> + Send;

    /// The clock.
    fn clock(&self) -> &impl Clock;

    /// Whether this is the local cloud, where answers may go to this machine.
    fn is_local(&self) -> bool;
}

/// An answer. Its texts are constant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The HTTP status.
    pub status_code: u16,
    /// The headers.
    pub headers: BTreeMap<&'static str, &'static str>,
    /// The body.
    pub body: &'static str,
}

impl Response {
    /// Taken. Slack leaves the message as it is until it is told more.
    fn taken() -> Self {
        Self::of(200, "")
    }

    fn malformed() -> Self {
        Self::of(400, r#"{"error":"malformed"}"#)
    }

    /// Not signed, or not now; the same text whatever is wrong.
    fn unsigned() -> Self {
        Self::of(401, r#"{"error":"not signed"}"#)
    }

    /// Slack shows that it did not work, and the person clicks again.
    fn unavailable() -> Self {
        Self::of(503, r#"{"error":"try again later"}"#)
    }

    fn of(status_code: u16, body: &'static str) -> Self {
        let headers = [
            ("cache-control", "no-store"),
            ("content-type", "application/json"),
        ];
        Self {
            status_code,
            headers: headers.into(),
            body,
        }
    }
}

/// Answers one click.
pub async fn handle<E: Entrance>(entrance: &E, request: &Request) -> Response {
    let Ok(body) = request.body(BODY_MAX) else {
        return refused("body", Response::malformed());
    };
    let now = entrance.clock().now();
    let Some(headers) = Headers::of(request, now) else {
        return refused("signature", Response::unsigned());
    };
    let verified = match signed(entrance, headers, &body).await {
        Ok(Some(verified)) => verified,
        Ok(None) => return refused("signature", Response::unsigned()),
        Err(error) => {
            telemetry::error("slack_secret_unavailable")
                .cause(&error)
                .write();
            return Response::unavailable();
        }
    };
    let Ok(click) = payload::parse(verified, entrance.is_local()) else {
        return refused("payload", Response::malformed());
    };
    if let Err(error) = entrance.record(&click).await {
        telemetry::error("click_unrecorded")
            .cause(error.as_ref())
            .write();
        return Response::unavailable();
    }
    telemetry::info("click_recorded")
        .id("deployment.id", &click.deployment)
        .word("word", click.word.action())
        .write();
    Response::taken()
}

fn refused(why: &'static str, response: Response) -> Response {
    telemetry::warn("click_refused").word("why", why).write();
    response
}

/// Checks the signature, and once more with fresh secrets: the cached ones may just have been changed.
async fn signed<'a, E: Entrance>(
    entrance: &E,
    headers: Headers<'_>,
    body: &'a [u8],
) -> Result<Option<Verified<'a>>, SecretError> {
    let check = |secrets: Option<Secrets>| verify(&secrets?, headers, body);
    let mut verified = check(entrance.secrets(false).await?);
    if verified.is_none() {
        verified = check(entrance.secrets(true).await?);
    }
    if verified.is_some_and(|verified| verified.signed_by() == SignedBy::Previous) {
        telemetry::warn("previous_slack_secret_used").write();
    }
    Ok(verified)
}
