//! Microsoft Teams: the webhook of a workflow, which posts the card that it is sent.
//!
//! The address of such a webhook holds its signature and is a secret. It is one of Azure Logic Apps, or, for flows made since
//! Power Automate has moved, one of the Power Platform (Microsoft Learn, "Create incoming webhooks with Workflows for
//! Microsoft Teams"; Power Automate, "Changes to HTTP or Teams webhook trigger flows").

use super::answer::{Asked, ask, leads_to, taken};
use super::{AnnounceError, unreadable};
use crate::secrets::{SecretName, Secrets};
use crate::web::Web;
use http::Method;
use longshore_core::ChannelName;
use secrecy::ExposeSecret;
use std::time::Duration;

/// How long a workflow may take to accept a message; it posts it afterwards.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The domains that workflows have their webhooks under.
const DOMAINS: [&str; 2] = [".logic.azure.com", ".api.powerplatform.com"];

fn is_workflow(url: &str, loopback: bool) -> bool {
    leads_to(url, loopback, |host| {
        DOMAINS.iter().any(|domain| host.ends_with(domain))
    })
}

/// Sends a card to a workflow.
pub(super) async fn send(
    web: &Web,
    secrets: &impl Secrets,
    channel: &ChannelName,
    json: &str,
) -> Result<(), AnnounceError> {
    let name = SecretName::Teams(channel.clone());
    let url = secrets.current(&name).await.map_err(|e| unreadable(&e))?;
    let url = url.expose_secret().trim();
    if !is_workflow(url, web.reaches_loopback()) {
        let reason =
            format!("the webhook of channel {channel} does not lead to a workflow of Teams");
        return Err(AnnounceError::GiveUp(reason));
    }
    let asked = Asked {
        whose: "Teams",
        method: Method::POST,
        url,
        headers: &[],
        json,
        timeout: TIMEOUT,
    };
    taken("Teams", &ask(web, asked).await?, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_go_to_workflows_and_nowhere_else() {
        let path = "workflows/0123/triggers/manual/paths/invoke?api-version=2016-06-01&sig=x";
        let power = "default0123.6c.environment.api.powerplatform.com";
        for (url, public, local) in [
            (
                format!("https://prod-12.westeurope.logic.azure.com:443/{path}"),
                true,
                true,
            ),
            (
                format!("https://{power}/powerautomate/automations/direct/{path}"),
                true,
                true,
            ),
            (
                format!("https://{power}:443/powerautomate/{path}"),
                true,
                true,
            ),
            (format!("https://logic.azure.com/{path}"), false, false),
            (format!("https://evil-logic.azure.com/{path}"), false, false),
            (
                format!("https://prod.logic.azure.com.example.com/{path}"),
                false,
                false,
            ),
            (
                format!("https://prod.logic.azure.com@example.com/{path}"),
                false,
                false,
            ),
            (
                format!("http://prod-12.westeurope.logic.azure.com/{path}"),
                false,
                false,
            ),
            (
                format!("https://prod.logic.azure.com:8443/{path}"),
                false,
                false,
            ),
            (
                "https://acme.webhook.office.com/webhookb2/0123".to_owned(),
                false,
                false,
            ),
            ("https://acme.powerplatform.com/x".to_owned(), false, false),
            ("http://127.0.0.1:9000/teams/x".to_owned(), false, true),
            (String::new(), false, false),
        ] {
            assert_eq!(is_workflow(&url, false), public, "{url}");
            assert_eq!(is_workflow(&url, true), local, "{url} in the local cloud");
        }
    }
}
