//! What the operator's own rights show of the account: the caller, the parameters by their names, the key, the queues of
//! dead letters and the alarms. KMS and CloudWatch are asked by their JSON protocols, which saves two SDKs.

use super::Findings;
use crate::failure::Failure;
use crate::parameters::{api_url_name, failed};
use crate::session::Session;
use crate::signed::Call;
use aws_sdk_sqs::types::QueueAttributeName;
use aws_sdk_ssm::types::{ParameterStringFilter, ParameterType};
use aws_types::service_config::ServiceConfigKey;
use longshore_core::EnvironmentName;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) async fn caller(session: &Session, found: &mut Findings) {
    let what = "AWS account";
    if let Err(failure) = session.region() {
        found.bad(what, &failure.message, &failure.next);
        return;
    }
    let client = aws_sdk_sts::Client::new(session.sdk());
    match client.get_caller_identity().send().await {
        Ok(me) => {
            let account = me.account().unwrap_or("unknown");
            let arn = me.arn().unwrap_or("unknown");
            found.good(what, &format!("{account}, as {arn}"));
        }
        Err(error) => {
            let failure = failed("sts:GetCallerIdentity", &error);
            found.bad(what, &failure.message, &failure.next);
        }
    }
}

/// A parameter that an environment has, and what it is without it.
struct Wanted {
    name: String,
    secret: bool,
    without: &'static str,
}

fn wanted(environment: &EnvironmentName) -> [Wanted; 4] {
    let of = |name: String, secret, without| Wanted {
        name,
        secret,
        without,
    };
    let under = |end: &str| format!("/longshore/{environment}/{end}");
    [
        of(
            under("control/bitbucket/webhook-secret"),
            true,
            "no push is accepted",
        ),
        of(
            under("control/bitbucket/token"),
            true,
            "a push that Bitbucket lost is not noticed",
        ),
        of(
            under("git/token"),
            true,
            "hosts cannot fetch a private repository",
        ),
        of(
            api_url_name(environment),
            false,
            "operators must name the API themselves",
        ),
    ]
}

pub(super) async fn parameters(
    session: &Session,
    environment: &EnvironmentName,
    found: &mut Findings,
) {
    let wanted = wanted(environment);
    let names: Vec<&str> = wanted.iter().map(|one| one.name.as_str()).collect();
    match described(session, &names).await {
        Err(failure) => found.unknown("parameters", &failure),
        Ok(there) => {
            for one in &wanted {
                parameter(one, there.get(&one.name), environment, found);
            }
        }
    }
}

/// Type and key of each parameter that is there; never a value.
type Described = BTreeMap<String, (Option<ParameterType>, Option<String>)>;

async fn described(session: &Session, names: &[&str]) -> Result<Described, Failure> {
    session.region()?;
    let filter = ParameterStringFilter::builder()
        .key("Name")
        .option("Equals")
        .set_values(Some(names.iter().map(|&name| name.to_owned()).collect()))
        .build()
        .map_err(|error| Failure::usage("internal", error.to_string(), "report this"))?;
    let client = aws_sdk_ssm::Client::new(session.sdk());
    let request = client.describe_parameters().parameter_filters(filter);
    let output = request.send().await;
    let output = output.map_err(|error| failed("ssm:DescribeParameters", &error))?;
    let one = |metadata: &aws_sdk_ssm::types::ParameterMetadata| {
        let name = metadata.name()?.to_owned();
        let key = metadata.key_id().map(str::to_owned);
        Some((name, (metadata.r#type().cloned(), key)))
    };
    Ok(output.parameters().iter().filter_map(one).collect())
}

fn parameter(
    one: &Wanted,
    there: Option<&(Option<ParameterType>, Option<String>)>,
    environment: &EnvironmentName,
    found: &mut Findings,
) {
    let stem = format!("/longshore/{environment}/");
    let what = format!("parameter {}", one.name.trim_start_matches(&stem));
    let Some((kind, key)) = there else {
        let detail = format!("is missing: {}", one.without);
        found.bad(&what, &detail, "create it: README.md, \"Deploy to AWS\"");
        return;
    };
    let alias = format!("alias/longshore-{environment}");
    let right_kind = !one.secret || *kind == Some(ParameterType::SecureString);
    if !right_kind {
        let next = "delete it, give the secret a new value, and store it as a SecureString";
        found.bad(&what, "holds a secret and is not encrypted", next);
    } else if one.secret && key.as_deref() == Some("alias/aws/ssm") {
        let next = format!("store it again with --key-id {alias}");
        found.bad(&what, "is encrypted under another key", &next);
    } else {
        found.good(&what, "is there");
    }
}

pub(super) async fn key(session: &Session, environment: &EnvironmentName, found: &mut Findings) {
    let alias = format!("alias/longshore-{environment}");
    let what = format!("key {alias}");
    let body = json!({ "KeyId": alias });
    let said = asked(session, &KMS, "DescribeKey", &body).await;
    let state = |json: Value| {
        json.pointer("/KeyMetadata/KeyState")?
            .as_str()
            .map(str::to_owned)
    };
    match said.map(state) {
        Err(failure) if failure.word == "NotFoundException" => {
            let next = "deploy the stack again: its key is gone";
            found.bad(&what, "does not exist", next);
        }
        Err(failure) => found.unknown(&what, &failure),
        Ok(Some(state)) if state == "Enabled" => found.good(&what, "is enabled"),
        Ok(state) => {
            let detail = format!("is {}", state.as_deref().unwrap_or("in an unknown state"));
            found.bad(&what, &detail, "enable it, or cancel its deletion, in KMS");
        }
    }
}

pub(super) async fn dead_letters(
    session: &Session,
    environment: &EnvironmentName,
    found: &mut Findings,
) {
    let queues = match dead_letter_queues(session, environment).await {
        Ok(queues) => queues,
        Err(failure) => return found.unknown("dead letters", &failure),
    };
    if queues.is_empty() {
        let detail = format!("no queue is named longshore-{environment}-…-dlq");
        return found.bad(
            "dead letters",
            &detail,
            "deploy the stack, or check --region",
        );
    }
    let before = found.0.len();
    for url in &queues {
        dead_letters_of(session, url, found).await;
    }
    if found.0.len() == before {
        found.good("dead letters", &format!("none in {} queues", queues.len()));
    }
}

async fn dead_letter_queues(
    session: &Session,
    environment: &EnvironmentName,
) -> Result<Vec<String>, Failure> {
    session.region()?;
    let client = aws_sdk_sqs::Client::new(session.sdk());
    let prefix = format!("longshore-{environment}-");
    let output = client.list_queues().queue_name_prefix(prefix).send().await;
    let output = output.map_err(|error| failed("sqs:ListQueues", &error))?;
    let urls = output
        .queue_urls()
        .iter()
        .filter(|url| url.ends_with("-dlq"));
    Ok(urls.cloned().collect())
}

async fn dead_letters_of(session: &Session, url: &str, found: &mut Findings) {
    let name = url.rsplit('/').next().unwrap_or(url);
    let client = aws_sdk_sqs::Client::new(session.sdk());
    let count = QueueAttributeName::ApproximateNumberOfMessages;
    let request = client
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(count.clone());
    let number = match request.send().await {
        Ok(output) => output
            .attributes()
            .and_then(|all| all.get(&count).cloned())
            .unwrap_or_default(),
        Err(error) => return found.unknown(name, &failed("sqs:GetQueueAttributes", &error)),
    };
    if number != "0" {
        let next = "docs/OPERATIONS.md, chapter Dead letters";
        found.bad(name, &format!("holds {number} messages"), next);
    }
}

pub(super) async fn alarms(session: &Session, environment: &EnvironmentName, found: &mut Findings) {
    let what = "alarms";
    let prefix = format!("longshore-{environment}-");
    let body = json!({ "AlarmNamePrefix": prefix, "MaxRecords": 100 });
    let json = match asked(session, &CLOUDWATCH, "DescribeAlarms", &body).await {
        Ok(json) => json,
        Err(failure) => return found.unknown(what, &failure),
    };
    let alarms = json.get("MetricAlarms").and_then(Value::as_array);
    let alarms = alarms.cloned().unwrap_or_default();
    if alarms.is_empty() {
        return found.bad(
            what,
            "there is none",
            "deploy the stack: its alarms are missing",
        );
    }
    let rings = |alarm: &&Value| text_of(alarm, "StateValue") == Some("ALARM");
    let ringing: Vec<&Value> = alarms.iter().filter(rings).collect();
    for alarm in &ringing {
        let name = text_of(alarm, "AlarmName").unwrap_or("unknown");
        let next = text_of(alarm, "AlarmDescription");
        let next = next.unwrap_or("docs/OPERATIONS.md");
        found.bad(&format!("alarm {name}"), "rings", next);
    }
    if ringing.is_empty() {
        found.good(what, &format!("none of {} rings", alarms.len()));
    }
}

fn text_of<'a>(json: &'a Value, key: &str) -> Option<&'a str> {
    json.get(key).and_then(Value::as_str)
}

/// A service that is asked by its JSON protocol.
struct Service {
    id: &'static str,
    endpoint: &'static str,
    signed_as: &'static str,
    target: &'static str,
    content: &'static str,
}

const KMS: Service = Service {
    id: "KMS",
    endpoint: "kms",
    signed_as: "kms",
    target: "TrentService",
    content: "application/x-amz-json-1.1",
};

const CLOUDWATCH: Service = Service {
    id: "CloudWatch",
    endpoint: "monitoring",
    signed_as: "monitoring",
    target: "GraniteServiceVersion20100801",
    content: "application/x-amz-json-1.0",
};

async fn asked(
    session: &Session,
    service: &Service,
    action: &str,
    body: &Value,
) -> Result<Value, Failure> {
    let url = url_of(session, service)?;
    let target = format!("{}.{action}", service.target);
    let call = Call {
        service: service.signed_as,
        method: "POST",
        url: &url,
        headers: &[("content-type", service.content), ("x-amz-target", &target)],
        body: body.to_string(),
    };
    let answer = session.send(&call).await?;
    let json: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    if answer.status == 200 {
        return Ok(json);
    }
    let code = text_of(&json, "__type").unwrap_or("unknown");
    let code = code.rsplit('#').next().unwrap_or(code);
    let action = format!("{}:{action}", service.endpoint);
    let message = format!("AWS refused {action} with {} {code}", answer.status);
    let next = format!("check that you may call {action}");
    Err(Failure::refused(code, message, next))
}

fn url_of(session: &Session, service: &Service) -> Result<String, Failure> {
    let region = session.region()?;
    let key = ServiceConfigKey::builder()
        .service_id(service.id)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok();
    let named = session.sdk().service_config();
    let named = named
        .zip(key)
        .and_then(|(config, key)| config.load_config(key));
    let everything = session.sdk().endpoint_url().map(str::to_owned);
    let end = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    let usual = || format!("https://{}.{region}.{end}", service.endpoint);
    Ok(named.or(everything).unwrap_or_else(usual))
}
