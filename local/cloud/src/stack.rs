//! Creates, updates and reads the stack of an environment, by CloudFormation's own calls.
//!
//! The template travels through the bucket, as with `sam deploy`, because it is larger than a call may be. A failure is told
//! by the resources that failed first. It must never report a stack as ready that is not.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use roxmltree::{Document, Node};

use crate::aws::Aws;
use crate::package::{self, BUCKET};
use crate::sign::hex_hash;
use crate::template::Template;
use crate::wait;

const VERSION: &str = "2010-05-15";
const READY_WITHIN: Duration = Duration::from_mins(3);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const CAPABILITIES: [&str; 3] = [
    "CAPABILITY_IAM",
    "CAPABILITY_NAMED_IAM",
    "CAPABILITY_AUTO_EXPAND",
];
const CAUSES_MAX: usize = 5;

/// A stack's name and where it lives.
#[derive(Clone, Debug)]
pub struct Stack {
    aws: Aws,
    name: String,
}

/// One resource of a stack.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Resource {
    /// Its name in the template.
    pub logical: String,
    /// Its type.
    pub kind: String,
    /// What a reference to it gives.
    pub physical: String,
}

impl Stack {
    /// A stack of this name, whether it is there or not.
    #[must_use]
    pub fn new(aws: Aws, name: &str) -> Self {
        Self {
            aws,
            name: name.to_owned(),
        }
    }

    /// Packs the functions, puts template and code into the bucket, and makes the stack; waits until it is ready.
    ///
    /// # Errors
    /// When a function is not built, or a resource fails; the error names the first failures.
    pub async fn create(
        &self,
        template: &Path,
        functions: &Path,
        parameters: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>> {
        self.aws.create_bucket(BUCKET).await?;
        self.change("CreateStack", template, functions, parameters)
            .await
    }

    /// Brings the stack to what template and code are now; a stack that needs no change is as wanted.
    ///
    /// # Errors
    /// As with [`Stack::create`].
    pub async fn update(
        &self,
        template: &Path,
        functions: &Path,
        parameters: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>> {
        match self
            .change("UpdateStack", template, functions, parameters)
            .await
        {
            Err(error) if format!("{error:#}").contains("No updates are to be performed") => {
                self.outputs().await
            }
            result => result,
        }
    }

    /// The outputs of the stack if it is there and ready.
    ///
    /// # Errors
    /// When the emulator answers and what it says makes no sense.
    pub async fn found(&self) -> Result<Option<BTreeMap<String, String>>> {
        match self.status().await.as_deref() {
            Ok("CREATE_COMPLETE" | "UPDATE_COMPLETE") => self.outputs().await.map(Some),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// The stack's outputs.
    ///
    /// # Errors
    /// When the stack is not there.
    pub async fn outputs(&self) -> Result<BTreeMap<String, String>> {
        let text = self.call("DescribeStacks", Vec::new()).await?;
        let document = Document::parse(&text)?;
        let outputs = members(&document, "Outputs");
        Ok(outputs
            .filter_map(|one| Some((child(one, "OutputKey")?, child(one, "OutputValue")?)))
            .collect())
    }

    /// The stack's resources.
    ///
    /// # Errors
    /// When the stack is not there.
    pub async fn resources(&self) -> Result<Vec<Resource>> {
        let text = self.call("DescribeStackResources", Vec::new()).await?;
        let document = Document::parse(&text)?;
        let resource = |one: Node<'_, '_>| {
            Some(Resource {
                logical: child(one, "LogicalResourceId")?,
                kind: child(one, "ResourceType")?,
                physical: child(one, "PhysicalResourceId").unwrap_or_default(),
            })
        };
        Ok(members(&document, "StackResources")
            .filter_map(resource)
            .collect())
    }

    async fn change(
        &self,
        action: &str,
        template: &Path,
        functions: &Path,
        parameters: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>> {
        let url = self.upload(template, functions).await?;
        let mut query = vec![("TemplateURL".to_owned(), url)];
        for (number, capability) in (1_usize..).zip(CAPABILITIES) {
            query.push((
                format!("Capabilities.member.{number}"),
                capability.to_owned(),
            ));
        }
        for (number, (key, value)) in (1_usize..).zip(parameters) {
            query.push((
                format!("Parameters.member.{number}.ParameterKey"),
                key.clone(),
            ));
            query.push((
                format!("Parameters.member.{number}.ParameterValue"),
                value.clone(),
            ));
        }
        self.call(action, query).await?;
        self.wait_ready().await?;
        self.outputs().await
    }

    async fn upload(&self, template: &Path, functions: &Path) -> Result<String> {
        let text = std::fs::read_to_string(template)
            .with_context(|| format!("reading {}", template.display()))?;
        let mut template = Template::parse(&text)?;
        let mut uploaded = BTreeMap::new();
        for (logical, binary) in template.functions()? {
            uploaded.insert(
                logical,
                package::upload(&self.aws, functions, &binary).await?,
            );
        }
        template.point_to(&uploaded)?;
        let text = template.text();
        let key = format!("templates/{}.json", hex_hash(text.as_bytes()));
        self.aws.put_object(BUCKET, &key, text.into_bytes()).await?;
        Ok(format!("{}/{BUCKET}/{key}", self.aws.endpoint()))
    }

    async fn wait_ready(&self) -> Result<()> {
        let status = wait::until(
            "end of the stack's change",
            READY_WITHIN,
            LOOK_EVERY,
            async || {
                let status = self.status().await?;
                Ok((!status.ends_with("_IN_PROGRESS")).then_some(status))
            },
        );
        let status = status.await?;
        if status == "CREATE_COMPLETE" || status == "UPDATE_COMPLETE" {
            return Ok(());
        }
        bail!(
            "the stack {} is {status}:\n{}",
            self.name,
            self.causes().await?
        )
    }

    async fn status(&self) -> Result<String> {
        let text = self.call("DescribeStacks", Vec::new()).await?;
        let document = Document::parse(&text)?;
        let status = document
            .descendants()
            .find(|node| node.has_tag_name_like("StackStatus"));
        status
            .and_then(|node| node.text())
            .map(str::to_owned)
            .context("a stack without a status")
    }

    /// The first failures, oldest first, without those that only follow from another one.
    async fn causes(&self) -> Result<String> {
        let text = self.call("DescribeStackEvents", Vec::new()).await?;
        let document = Document::parse(&text)?;
        let mut causes: Vec<String> = members(&document, "StackEvents")
            .filter_map(failure)
            .collect();
        causes.reverse();
        causes.truncate(CAUSES_MAX);
        Ok(causes.join("\n"))
    }

    async fn call(&self, action: &str, mut parameters: Vec<(String, String)>) -> Result<String> {
        parameters.push(("StackName".to_owned(), self.name.clone()));
        self.aws
            .query("cloudformation", VERSION, action, &parameters)
            .await
    }
}

fn failure(event: Node<'_, '_>) -> Option<String> {
    let status = child(event, "ResourceStatus")?;
    let reason = child(event, "ResourceStatusReason").unwrap_or_default();
    if !status.ends_with("_FAILED") || reason.contains("cancelled") {
        return None;
    }
    let logical = child(event, "LogicalResourceId")?;
    Some(format!(
        "  {logical} ({}): {reason}",
        child(event, "ResourceType")?
    ))
}

/// The `member` elements of the list of this name.
fn members<'a>(document: &'a Document<'a>, list: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    let lists = document
        .descendants()
        .filter(move |node| node.has_tag_name_like(list));
    lists
        .flat_map(|node| node.children())
        .filter(|node| node.has_tag_name_like("member"))
}

/// The text of the child element of this name.
fn child(node: Node<'_, '_>, name: &str) -> Option<String> {
    let found = node.children().find(|one| one.has_tag_name_like(name))?;
    Some(found.text().unwrap_or_default().to_owned())
}

/// Element names without their namespace, which differs between services.
trait LocalName {
    fn has_tag_name_like(&self, name: &str) -> bool;
}

impl LocalName for Node<'_, '_> {
    fn has_tag_name_like(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}
