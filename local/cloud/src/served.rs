//! What a host serves, asked as anybody would ask: by HTTP.
//!
//! The probe header makes the app's preload say which release answers, and from which process.

use std::time::Duration;

use crate::hosts::Host;

const HTTP_TIMEOUT: Duration = Duration::from_secs(3);

/// What one host serves; all of it empty when nothing answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// The release's id.
    pub release: String,
    /// The page.
    pub page: String,
    /// The number of the process that answered.
    pub process: String,
}

impl Served {
    /// Asks a host.
    pub async fn by(host: &Host) -> Self {
        let url = format!("http://127.0.0.1:{}/", host.port());
        ask(&url).await.unwrap_or_default()
    }
}

async fn ask(url: &str) -> reqwest::Result<Served> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let request = http.get(url).header("x-longshore-probe", "1");
    let answer = request.timeout(HTTP_TIMEOUT).send().await?;
    let header = |name: &str| {
        let value = answer.headers().get(name);
        let value = value.and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (release, process) = (header("x-longshore-release"), header("x-longshore-process"));
    let page = answer.text().await?;
    Ok(Served {
        release,
        page,
        process,
    })
}
