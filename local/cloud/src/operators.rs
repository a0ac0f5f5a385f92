//! People who may call the operators' API: users of the emulator's IAM, with the stack's own policies and a key each.
//!
//! So a call is signed, checked and allowed or refused as in an account. Each start gives new keys, and writes them beside the
//! cloud's other files, for whoever wants to call the API as one of them. The keys open nothing but this emulator.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use reqwest::Method;
use roxmltree::Document;
use serde_json::{Value, json};

use crate::aws::{Aws, encode};
use crate::sign::{ACCESS_KEY, Key};

const VERSION: &str = "2010-05-08";

/// Who there is, and with which roles. Two people may approve, so that an approval by two can be tried.
const PEOPLE: [(&str, &[&str]); 3] = [
    ("alice", &["Reader", "Deployer", "Approver", "Admin"]),
    ("bob", &["Reader", "Approver"]),
    ("carol", &["Reader"]),
];

/// An operator with a key.
#[derive(Clone, Debug)]
pub struct Operator {
    /// The user's name.
    pub name: String,
    /// The roles, as the stack's outputs name them.
    pub roles: Vec<String>,
    /// The key's id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
}

/// What the API answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

/// Makes the operators of a stack, or gives those that are there new keys; none when the stack has no policies for them.
///
/// # Errors
/// When the emulator refuses.
pub async fn ensure(aws: &Aws, outputs: &BTreeMap<String, String>) -> Result<Vec<Operator>> {
    let mut operators = Vec::new();
    for (name, roles) in PEOPLE {
        let policies = roles
            .iter()
            .map(|role| outputs.get(&format!("Operator{role}PolicyArn")));
        let Some(policies) = policies.collect::<Option<Vec<_>>>() else {
            return Ok(Vec::new());
        };
        let user = ("UserName", name);
        if call(aws, "GetUser", &[user]).await.is_err() {
            call(aws, "CreateUser", &[user]).await?;
        }
        for policy in policies {
            call(aws, "AttachUserPolicy", &[user, ("PolicyArn", policy)]).await?;
        }
        operators.push(with_new_key(aws, name, roles).await?);
    }
    Ok(operators)
}

async fn with_new_key(aws: &Aws, name: &str, roles: &[&str]) -> Result<Operator> {
    let user = ("UserName", name);
    let listed = call(aws, "ListAccessKeys", &[user]).await?;
    for id in texts(&listed, "AccessKeyId")? {
        call(aws, "DeleteAccessKey", &[user, ("AccessKeyId", &id)]).await?;
    }
    let created = call(aws, "CreateAccessKey", &[user]).await?;
    let one = |element: &str| -> Result<String> {
        let found = texts(&created, element)?.into_iter().next();
        found.with_context(|| format!("a key without {element}"))
    };
    Ok(Operator {
        name: name.to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        access_key_id: one("AccessKeyId")?,
        secret_access_key: one("SecretAccessKey")?,
    })
}

async fn call(aws: &Aws, action: &str, parameters: &[(&str, &str)]) -> Result<String> {
    let parameters: Vec<(String, String)> = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    aws.query("iam", VERSION, action, &parameters).await
}

/// The texts of the elements of this name.
fn texts(xml: &str, element: &str) -> Result<Vec<String>> {
    let document = Document::parse(xml)?;
    let named = document
        .descendants()
        .filter(|node| node.tag_name().name() == element);
    Ok(named
        .filter_map(|node| node.text().map(str::to_owned))
        .collect())
}

/// Writes address and keys for whoever wants to call the API.
///
/// # Errors
/// When the file cannot be written.
pub fn write(file: &Path, url: &str, region: &str, operators: &[Operator]) -> Result<()> {
    let operators = operators.iter().map(|one| {
        json!({
            "name": one.name,
            "roles": one.roles,
            "access_key_id": one.access_key_id,
            "secret_access_key": one.secret_access_key,
        })
    });
    let all = json!({ "url": url, "region": region, "operators": operators.collect::<Vec<_>>() });
    let text = serde_json::to_string_pretty(&all)?;
    std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}

/// The same for a shell: a file to source, and the profiles that it names. The first operator is the one without `--profile`;
/// `owner` is nobody of the API and may do everything else in the emulator, as whoever owns an account.
///
/// # Errors
/// When a file cannot be written.
pub fn write_for_shells(
    file: &Path,
    url: &str,
    aws: &Aws,
    environment: &str,
    operators: &[Operator],
) -> Result<()> {
    let (region, endpoint) = (aws.region(), aws.endpoint());
    let keys = file.with_extension("credentials");
    let profiles: Vec<String> = operators
        .iter()
        .map(|one| {
            format!(
                "[{}]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
                one.name, one.access_key_id, one.secret_access_key
            )
        })
        .collect();
    let owner = format!(
        "[owner]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {ACCESS_KEY}\n"
    );
    let first = operators.first().map_or("", |one| one.name.as_str());
    let exports = format!(
        "export LONGSHORE_API_URL='{url}'\nexport LONGSHORE_ENVIRONMENT={environment}\nexport AWS_ENDPOINT_URL='{endpoint}'\nexport AWS_REGION={region}\nexport AWS_DEFAULT_REGION={region}\nexport AWS_PROFILE={first}\n\
        export AWS_SHARED_CREDENTIALS_FILE='{}'\nunset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN\n",
        keys.display()
    );
    std::fs::write(&keys, profiles.concat() + &owner)
        .with_context(|| format!("writing {}", keys.display()))?;
    std::fs::write(file, exports).with_context(|| format!("writing {}", file.display()))
}

impl Operator {
    /// Calls a path of the API at this address; `query` is encoded already.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn call(
        &self,
        aws: &Aws,
        url: &str,
        (method, path, query): (Method, &str, &str),
        body: Option<&Value>,
    ) -> Result<Answer> {
        let key = Key {
            id: &self.access_key_id,
            secret: &self.secret_access_key,
        };
        let base = url
            .strip_prefix(aws.endpoint())
            .context("another cloud's address")?;
        let path = format!("{base}{path}");
        let body = body.map(Value::to_string).unwrap_or_default();
        let (status, text) = aws.execute_api(&key, method, &path, query, body).await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, body })
    }
}

/// A path as it is signed: every part encoded.
pub(crate) fn canonical(path: &str) -> String {
    let parts: Vec<String> = path.split('/').map(encode).collect();
    parts.join("/")
}
