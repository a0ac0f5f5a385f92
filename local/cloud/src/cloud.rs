//! The whole local cloud: tools, stand-in, hosts, emulator, stack, sinks and repositories, started and stopped as one.
//!
//! Several of them run side by side. The order of starting follows who must know whose address; stopping is the reverse, and
//! a cloud that is dropped or whose process is killed leaves nothing running either.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ssm_stand_in::{Action, FaultChange};

use crate::agents::{self, Agents};
use crate::aws::Aws;
use crate::bitbucket::{Api, Bitbucket, Repository, Webhook};
use crate::hosts::{self, Host, Hosts};
use crate::issuer::{self, Issuer};
use crate::log_agent::LogAgent;
use crate::ministack::{self, MiniStack};
use crate::operators::{self, Operator};
use crate::parameters::{self, Kind};
use crate::ports::Port;
use crate::power;
use crate::process::{self, Environment};
use crate::sinks::Sinks;
use crate::stack::Stack;
use crate::template::Template;
use crate::tools::{Progress, Tools};

const API_TYPE: &str = "AWS::ApiGatewayV2::Api";
const TOPIC_TYPE: &str = "AWS::SNS::Topic";
const DOCUMENT_TYPE: &str = "AWS::SSM::Document";
const KEY_TYPE: &str = "AWS::KMS::Key";
const WEBHOOK_PATH: &str = "/webhooks/bitbucket";

/// What a local cloud is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// The repository, with the launcher, the pins and the template.
    pub repo_root: PathBuf,
    /// A folder of its own for everything it writes.
    pub work_dir: PathBuf,
    /// The template.
    pub template: PathBuf,
    /// The folder of the built functions.
    pub functions_dir: PathBuf,
    /// The name of the environment.
    pub environment: String,
    /// The app whose hosts these are.
    pub app: String,
    /// How many hosts there are.
    pub hosts: usize,
    /// The region everything is in.
    pub region: String,
    /// Further parameters of the stack.
    pub stack_parameters: BTreeMap<String, String>,
    /// Further variables of the functions, such as a log level.
    pub function_variables: Environment,
    /// Further variables of the hosts' scripts.
    pub host_variables: Environment,
    /// A folder of programs that the hosts' scripts find before all others, to play a fault.
    pub host_programs: Option<PathBuf>,
    /// An SSM endpoint to use in the place of the stand-in.
    pub ssm_endpoint: Option<String>,
    /// How many real milliseconds one second of SSM's time limits takes.
    pub ssm_second_ms: u64,
    /// How many real milliseconds a minute of a schedule takes.
    pub minute_ms: u32,
    /// Whether there is a console, and an OIDC provider to sign in with.
    pub console: bool,
    /// Whether the folder can be started again and goes on then, also after everything was killed.
    pub persistent: bool,
    /// What goes wrong from the start.
    pub faults: FaultChange,
    /// The program that a repository's hook calls; none for repositories without webhooks.
    pub webhook_program: Option<PathBuf>,
    /// What is told while it starts.
    pub progress: Progress,
}

impl Options {
    /// The usual ones: the repository's own template and binaries, environment `dev`, two hosts of the app `orders`.
    #[must_use]
    pub fn new(repo_root: &Path, work_dir: &Path, functions_dir: &Path) -> Self {
        Self {
            repo_root: repo_root.to_owned(),
            work_dir: work_dir.to_owned(),
            template: repo_root.join("template.yaml"),
            functions_dir: functions_dir.to_owned(),
            environment: "dev".to_owned(),
            app: "orders".to_owned(),
            hosts: 2,
            region: "eu-west-1".to_owned(),
            stack_parameters: BTreeMap::new(),
            function_variables: Environment::new(),
            host_variables: Environment::new(),
            host_programs: None,
            ssm_endpoint: None,
            ssm_second_ms: 1000,
            minute_ms: 60_000,
            console: false,
            persistent: false,
            faults: FaultChange::default(),
            webhook_program: None,
            progress: |_| {},
        }
    }
}

/// A running local cloud.
#[derive(Debug)]
pub struct LocalCloud {
    options: Options,
    tools: Tools,
    aws: Aws,
    stack: Stack,
    outputs: BTreeMap<String, String>,
    resources: BTreeMap<String, Vec<String>>,
    is_resumed: bool,
    operators: Vec<Operator>,
    _log_agent: Option<LogAgent>,
    bitbucket: Bitbucket,
    bitbucket_api: Api,
    sinks: Sinks,
    issuer: Option<Issuer>,
    // Dropped in this order: hosts end before what they talk to.
    hosts: Hosts,
    agents: Agents,
    ministack: MiniStack,
    // Held for as long as it listens there.
    _sinks_port: Port,
}

impl LocalCloud {
    /// Starts everything and waits until the stack is ready.
    ///
    /// # Errors
    /// When a part does not start; the parts that did are ended.
    pub async fn start(mut options: Options) -> Result<Self> {
        std::fs::create_dir_all(&options.work_dir)
            .with_context(|| format!("making {}", options.work_dir.display()))?;
        let tools = Tools::prepare(&options.repo_root, options.progress).await?;
        let port = self::port(&options, "emulator.port")?;
        let sinks_port = self::port(&options, "sinks.port")?;
        let aws = Aws::new(port.number(), &options.region)?;
        let bitbucket = Bitbucket::open(&options.work_dir.join("bitbucket"))?;
        let bitbucket_api = Api::start(&bitbucket).await?;
        let hosts = prepare_hosts(&tools, &options, &aws)?;
        let agents = start_agents(&options, &aws, &hosts).await?;
        if options.ssm_endpoint.is_none() {
            agents.set_faults(&options.faults)?;
        }
        let sinks = Sinks::start_at(port.number(), sinks_port.number()).await?;
        (options.progress)("starting the emulator");
        let ministack =
            start_ministack(&tools, port, &options, &agents, (&bitbucket_api, &sinks)).await?;
        let place = place_of_issuer(&mut options).await?;
        let stack = Stack::new(aws.clone(), &format!("longshore-{}", options.environment));
        let found = stack.found().await?;
        let is_resumed = found.is_some();
        let outputs = match found {
            Some(outputs) => outputs,
            None => create(&stack, &options, &bitbucket).await?,
        };
        if is_resumed {
            boot(&options, &hosts, &agents).await?;
        }
        let resources = resources_by_type(&stack).await?;
        let operators = operators::ensure(&aws, &outputs).await?;
        // Only the product's own template has the log group.
        let sends = !operators.is_empty();
        let log_agent =
            sends.then(|| LogAgent::start(aws.clone(), &options.environment, hosts.all()));
        let mut cloud = Self {
            options,
            tools,
            aws,
            stack,
            outputs,
            resources,
            is_resumed,
            operators,
            _log_agent: log_agent,
            bitbucket,
            bitbucket_api,
            sinks,
            issuer: None,
            hosts,
            agents,
            ministack,
            _sinks_port: sinks_port,
        };
        cloud.write_operators()?;
        if let Some(place) = place {
            let (console, environment) = (cloud.console_url()?, &cloud.options.environment);
            let folder = cloud.options.work_dir.join("issuer");
            cloud.issuer = Some(place.start(&console, environment, &folder).await?);
        }
        Ok(cloud)
    }

    /// Brings the stack to what the template and the binaries are now.
    ///
    /// # Errors
    /// When a function is not built, or a resource fails.
    pub async fn update(&mut self) -> Result<()> {
        let given = stack_parameters(&self.options, &self.bitbucket)?;
        let (template, functions) = (&self.options.template, &self.options.functions_dir);
        self.outputs = self.stack.update(template, functions, &given).await?;
        self.resources = resources_by_type(&self.stack).await?;
        Ok(())
    }

    /// Ends everything; the folders stay for reading.
    ///
    /// # Errors
    /// When a part cannot be ended.
    pub async fn stop(mut self) -> Result<()> {
        let hosts = self.hosts.stop().await;
        let agents = self.agents.stop().await;
        let ministack = self.ministack.stop().await;
        let issuer = match self.issuer {
            Some(issuer) => issuer.stop().await,
            None => Ok(()),
        };
        hosts.and(agents).and(ministack).and(issuer)
    }

    /// Pulls the plug: SIGKILL to every process but this one, and the stand-in for SSM, which is a part of this process, is
    /// dropped in the middle of whatever it does. Says how many processes there were.
    ///
    /// # Errors
    /// When the processes of this machine cannot be listed, or some are always left.
    pub async fn cut_power(self) -> Result<usize> {
        // First the stand-in: no script's end may be reported that is an end by this cut.
        drop(self.agents);
        let killed = power::cut(self.aws.endpoint(), self.hosts.folder()).await?;
        self.ministack.stop().await?;
        self.sinks.stop().await;
        Ok(killed)
    }

    /// Whether it was there before and goes on.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// A client of the emulator, as its deploying key.
    #[must_use]
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// The tools it runs on.
    #[must_use]
    pub fn tools(&self) -> &Tools {
        &self.tools
    }

    /// What it was started with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The stack's outputs.
    #[must_use]
    pub fn outputs(&self) -> &BTreeMap<String, String> {
        &self.outputs
    }

    /// The hosts.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        self.hosts.all()
    }

    /// The stand-in for SSM and its agents, for faults.
    #[must_use]
    pub fn agents(&self) -> &Agents {
        &self.agents
    }

    /// Where notifications end.
    #[must_use]
    pub fn sinks(&self) -> &Sinks {
        &self.sinks
    }

    /// The repositories.
    #[must_use]
    pub fn bitbucket(&self) -> &Bitbucket {
        &self.bitbucket
    }

    /// Bitbucket's API.
    #[must_use]
    pub fn bitbucket_api(&self) -> &Api {
        &self.bitbucket_api
    }

    /// The physical name of the stack's first resource of this type.
    ///
    /// # Errors
    /// When the stack has none.
    pub fn resource(&self, kind: &str) -> Result<&str> {
        let first = self.resources.get(kind).and_then(|names| names.first());
        first
            .map(String::as_str)
            .with_context(|| format!("the stack has no {kind}"))
    }

    /// The name of the SSM document.
    ///
    /// # Errors
    /// When the stack has none.
    pub fn document(&self) -> Result<&str> {
        self.resource(DOCUMENT_TYPE)
    }

    /// The address of a path of the stack's HTTP API on this machine.
    ///
    /// # Errors
    /// When the stack has no API.
    pub fn api_url(&self, path: &str) -> Result<String> {
        let api = self.resource(API_TYPE)?;
        Ok(format!(
            "{}/_aws/execute-api/{api}/$default{path}",
            self.aws.endpoint()
        ))
    }

    /// Where the stack's HTTP API has a host of its own on this machine, as on AWS: browsers find every name below `localhost`
    /// on the loopback.
    ///
    /// # Errors
    /// When the stack has no API.
    pub fn origin(&self) -> Result<String> {
        let api = self.resource(API_TYPE)?;
        let port = self.aws.endpoint().rsplit(':').next();
        let port = port.context("an endpoint without a port")?;
        Ok(format!("http://{api}.execute-api.localhost:{port}"))
    }

    /// The address of the console, which is there when the options ask for one.
    ///
    /// # Errors
    /// When the stack has no API.
    pub fn console_url(&self) -> Result<String> {
        Ok(format!("{}/console", self.origin()?))
    }

    /// The OIDC provider, where there is a console.
    #[must_use]
    pub fn issuer(&self) -> Option<&Issuer> {
        self.issuer.as_ref()
    }

    /// The people who may call the operators' API.
    #[must_use]
    pub fn operators(&self) -> &[Operator] {
        &self.operators
    }

    /// Address and keys of the operators' API, in a file for whoever wants to call it.
    #[must_use]
    pub fn operators_file(&self) -> PathBuf {
        self.options.work_dir.join("operators.json")
    }

    /// The same for a shell to source.
    #[must_use]
    pub fn operators_env(&self) -> PathBuf {
        self.options.work_dir.join("operators.env")
    }

    fn write_operators(&self) -> Result<()> {
        if self.operators.is_empty() {
            return Ok(());
        }
        let (file, url) = (self.operators_file(), self.api_url("")?);
        let region = &self.options.region;
        operators::write(&file, &url, region, &self.operators)?;
        let (file, environment) = (self.operators_env(), &self.options.environment);
        operators::write_for_shells(&file, &url, &self.aws, environment, &self.operators)
    }

    /// Where Bitbucket's webhooks go.
    ///
    /// # Errors
    /// When the stack has no API.
    pub fn webhook_url(&self) -> Result<String> {
        self.api_url(WEBHOOK_PATH)
    }

    /// Writes a plain parameter and returns its version.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub async fn put_parameter(&self, name: &str, value: &str) -> Result<u64> {
        parameters::put(&self.aws, name, value, Kind::String, None).await
    }

    /// Writes a secret parameter under the environment's key, and returns its version.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub async fn put_secret(&self, name: &str, value: &str) -> Result<u64> {
        let key = self.resource(KEY_TYPE).ok();
        parameters::put(&self.aws, name, value, Kind::SecureString, key).await
    }

    /// Sends what the stack's topic publishes to the sinks.
    ///
    /// # Errors
    /// When the stack has no topic, or the emulator refuses.
    pub async fn subscribe_sinks(&self) -> Result<()> {
        self.sinks
            .subscribe(&self.aws, self.resource(TOPIC_TYPE)?)
            .await
    }

    /// Kills every running process of a function with SIGKILL, in the middle of whatever it does; says how many there were.
    ///
    /// # Errors
    /// When the processes of this machine cannot be listed.
    pub fn kill_function(&self, name: &str) -> Result<usize> {
        let name = format!("longshore-{}-{name}", self.options.environment);
        process::kill_by_environment(&[
            ("AWS_LAMBDA_FUNCTION_NAME", &name),
            ("AWS_ENDPOINT_URL", self.aws.endpoint()),
        ])
    }

    /// A repository whose pushes are announced to the API with this secret.
    ///
    /// # Errors
    /// When git fails or the stack has no API.
    pub async fn repository(&self, full_name: &str, secret: &str) -> Result<(Repository, Webhook)> {
        let repository = self.bitbucket.repository(full_name).await?;
        let webhook = Webhook::new(full_name, &self.webhook_url()?, secret);
        if let Some(program) = &self.options.webhook_program {
            repository.announce(program, &webhook)?;
        }
        Ok((repository, webhook))
    }
}

/// The port that this part of a persistent cloud always has, or any.
fn port(options: &Options, file: &str) -> Result<Port> {
    if options.persistent {
        Port::kept_in(&options.work_dir.join(file))
    } else {
        Port::reserve()
    }
}

/// Where the OIDC provider will be, which the stack has to know before the provider can know the console's address.
async fn place_of_issuer(options: &mut Options) -> Result<Option<issuer::Place>> {
    if !options.console {
        return Ok(None);
    }
    let port = self::port(options, "issuer.port")?;
    let place = issuer::Place::prepare(&options.repo_root, port, options.progress).await?;
    let given = [
        ("ConsoleIssuer", place.url()),
        ("ConsoleClient", issuer::CLIENT.to_owned()),
        ("ConsoleScopes", issuer::SCOPES.to_owned()),
        ("ConsolePersonClaim", issuer::PERSON_CLAIM.to_owned()),
    ];
    let given = given.map(|(name, value)| (name.to_owned(), value));
    options.stack_parameters.extend(given);
    Ok(Some(place))
}

async fn create(
    stack: &Stack,
    options: &Options,
    bitbucket: &Bitbucket,
) -> Result<BTreeMap<String, String>> {
    (options.progress)("creating the stack");
    let given = stack_parameters(options, bitbucket)?;
    let (template, functions) = (&options.template, &options.functions_dir);
    stack.create(template, functions, &given).await
}

/// Starts on every host what its init starts: the apps, and the agent.
async fn boot(options: &Options, hosts: &Hosts, agents: &Agents) -> Result<()> {
    (options.progress)("starting the hosts again");
    for host in hosts.all() {
        power::boot(host).await?;
        if options.ssm_endpoint.is_none() {
            let host = host.id.clone();
            agents.set_faults(&FaultChange {
                actions: vec![Action::Reboot { host }],
                ..FaultChange::default()
            })?;
        }
    }
    Ok(())
}

fn prepare_hosts(tools: &Tools, options: &Options, aws: &Aws) -> Result<Hosts> {
    let settings = hosts::Settings {
        repo_root: &options.repo_root,
        folder: &options.work_dir.join("hosts"),
        count: options.hosts,
        environment: &options.environment,
        app: &options.app,
        endpoint: aws.endpoint(),
        region: &options.region,
        variables: &options.host_variables,
        programs: options.host_programs.as_deref(),
        persistent: options.persistent,
    };
    Hosts::prepare(tools, &settings)
}

async fn start_agents(options: &Options, aws: &Aws, hosts: &Hosts) -> Result<Agents> {
    if let Some(endpoint) = &options.ssm_endpoint {
        return Ok(Agents::at(endpoint));
    }
    let kept = options.persistent;
    let settings = agents::Settings {
        ministack: aws.endpoint(),
        region: &options.region,
        second_ms: options.ssm_second_ms,
        kept_in: kept.then(|| options.work_dir.join("ssm.jsonl")),
        hosts: hosts.all(),
    };
    Agents::start(&settings).await
}

async fn start_ministack(
    tools: &Tools,
    port: Port,
    options: &Options,
    agents: &Agents,
    (bitbucket_api, sinks): (&Api, &Sinks),
) -> Result<MiniStack> {
    let mut variables = options.function_variables.clone();
    variables.insert(
        "LONGSHORE_BITBUCKET_API".to_owned(),
        bitbucket_api.endpoint(),
    );
    variables.insert("LONGSHORE_SLACK_API".to_owned(), sinks.endpoint());
    let settings = ministack::Settings {
        repo_root: &options.repo_root,
        folder: &options.work_dir.join("ministack"),
        hosts: &options.work_dir.join("hosts"),
        region: &options.region,
        ssm_endpoint: agents.endpoint(),
        minute_ms: options.minute_ms,
        persistent: options.persistent,
        variables: &variables,
    };
    MiniStack::start(tools, port, &settings).await
}

/// The given parameters, and those that this machine decides where the template has them.
fn stack_parameters(options: &Options, bitbucket: &Bitbucket) -> Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(&options.template)
        .with_context(|| format!("reading {}", options.template.display()))?;
    let declared = Template::parse(&text)?.parameters();
    let own = [
        ("EnvironmentName", options.environment.clone()),
        ("GitBaseUrl", bitbucket.git_base()),
        ("ArtifactBucketName", crate::pipeline::BUCKET.to_owned()),
        ("HostUser", user_name()),
        ("Architecture", architecture().to_owned()),
        ("ReserveConcurrency", "no".to_owned()),
    ];
    let own = own
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter();
    let mut parameters: BTreeMap<_, _> = own.filter(|(name, _)| declared.contains(name)).collect();
    parameters.extend(options.stack_parameters.clone());
    Ok(parameters)
}

/// This machine's processor, in Lambda's words.
fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x86_64"
    }
}

/// The user that runs us, and so the hosts' apps.
fn user_name() -> String {
    let id = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut lines = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    let found = lines.find(|fields| fields.get(2) == Some(&id.as_str()));
    found
        .and_then(|fields| fields.first().map(|&name| name.to_owned()))
        .unwrap_or_else(|| "root".to_owned())
}

async fn resources_by_type(stack: &Stack) -> Result<BTreeMap<String, Vec<String>>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for resource in stack.resources().await? {
        found
            .entry(resource.kind)
            .or_default()
            .push(resource.physical);
    }
    Ok(found)
}
