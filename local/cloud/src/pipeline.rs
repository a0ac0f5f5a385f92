//! The pipeline of an app whose hosts take builds: the very commands of `pipelines/artifact.yml`, run on this machine.
//!
//! What is missing is Bitbucket's containers and its token: the steps run with this machine's Node.js and the emulator's
//! credentials.

use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::process::Command;

use crate::LocalCloud;
use crate::bitbucket::Repository;
use crate::sign::ACCESS_KEY;

/// The bucket of builds.
pub const BUCKET: &str = "longshore-builds";

/// As much of a pipeline as is run here.
#[derive(Debug, Deserialize)]
struct Pipeline {
    definitions: Definitions,
}

#[derive(Debug, Deserialize)]
struct Definitions {
    steps: Vec<Wrapped>,
}

#[derive(Debug, Deserialize)]
struct Wrapped {
    step: Step,
}

#[derive(Debug, Deserialize)]
struct Step {
    name: String,
    script: Vec<String>,
}

/// Makes the bucket, as the stack of `pipelines/artifacts.yaml` would.
///
/// # Errors
/// When the emulator refuses.
pub async fn make_bucket(cloud: &LocalCloud) -> Result<()> {
    cloud.aws().create_bucket(BUCKET).await?;
    let text = format!(
        "aws s3api put-bucket-versioning --bucket {BUCKET} --versioning-configuration Status=Enabled"
    );
    run(cloud, &cloud.options().work_dir, "versions", &text, &[]).await
}

/// Builds a commit and stores it: every step in a clone of its own, as Bitbucket does it.
///
/// # Errors
/// When a step fails; the error holds what it said.
pub async fn store(cloud: &LocalCloud, repository: &Repository, commit: &str) -> Result<()> {
    let file = cloud.options().repo_root.join("pipelines/artifact.yml");
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let pipeline: Pipeline = serde_norway::from_str(&text)?;
    let folder = cloud.options().work_dir.join("pipelines").join(commit);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(folder.join("home"))?;
    let tree = repository.clone_to(&folder.join("clone")).await?;
    tree.git(&["checkout", "--quiet", "--detach", commit])
        .await?;
    let variables = [
        ("ARTIFACT_BUCKET", BUCKET),
        (
            "ARTIFACT_ROLE_ARN",
            "arn:aws:iam::000000000000:role/longshore/builds",
        ),
        ("BITBUCKET_COMMIT", commit),
        ("BITBUCKET_REPO_FULL_NAME", repository.full_name()),
        ("BITBUCKET_STEP_OIDC_TOKEN", "a token of one step"),
    ];
    for Wrapped { step } in pipeline.definitions.steps {
        run(
            cloud,
            tree.path(),
            &step.name,
            &step.script.join("\n"),
            &variables,
        )
        .await?;
    }
    Ok(())
}

async fn run(
    cloud: &LocalCloud,
    folder: &Path,
    name: &str,
    script: &str,
    variables: &[(&str, &str)],
) -> Result<()> {
    let output = Command::new("bash")
        .args(["-ec", script])
        .current_dir(folder)
        .env_clear()
        .env("PATH", cloud.tools().host_path())
        // Beside the clone: what npm keeps at home is not a part of the build.
        .env("HOME", folder.with_file_name("home"))
        .env("AWS_ENDPOINT_URL", cloud.aws().endpoint())
        .env("AWS_DEFAULT_REGION", cloud.aws().region())
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", ACCESS_KEY)
        .envs(variables.iter().copied())
        .output()
        .await?;
    told(name, &output)
}

fn told(name: &str, output: &Output) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    bail!("the step {name} ended with {}: {said}", output.status)
}
