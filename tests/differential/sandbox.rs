//! A host in a folder: the real script on a real disk with the real git, and the tool room in the place of everything
//! else (`room.cjs`). No time passes and nothing listens but the room.

use crate::sequence::{Run, Step};
use longshore_core::Commit;
use longshore_shell::fakes::{Behaviour, Trouble};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use tempfile::TempDir;

const SIGKILL: i32 = 9;
const ROOM_ENOUGH_KB: &str = "1000000";
const ROOM_TIGHT_KB: &str = "1000";

/// Where the rooms of this test lie.
fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("differential")
        .join(file)
}

/// The script as it is in the tree.
pub(crate) fn script() -> String {
    longshore_tests::host_script()
}

/// The word by which the rooms know a behaviour or a point.
pub(crate) fn word(name: impl std::fmt::Debug) -> String {
    let name = format!("{name:?}");
    name.chars().fold(String::new(), |mut text, c| {
        if c.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
        text
    })
}

/// A bare repository with a commit for each behaviour.
pub(crate) struct Origin {
    folder: TempDir,
    /// The commits, and how each behaves.
    pub(crate) commits: Vec<(Commit, Behaviour)>,
}

impl Origin {
    pub(crate) fn new(behaviours: &[Behaviour]) -> Self {
        let folder = TempDir::new().unwrap();
        let bare = folder.path().join("acme/orders.git");
        git(&["init", "--quiet", "--bare", bare.to_str().unwrap()], "");
        let mut import = String::new();
        for (number, behaviour) in behaviours.iter().enumerate() {
            import.push_str(&commit_of(number, &word(behaviour)));
        }
        let at = ["-C", bare.to_str().unwrap()];
        git(&[&at[..], &["fast-import", "--quiet"]].concat(), &import);
        let commits = behaviours.iter().enumerate().map(|(number, behaviour)| {
            let name = format!("refs/heads/c{number}");
            let text = if *behaviour == Behaviour::Missing {
                "0123456789".repeat(4)
            } else {
                git(&[&at[..], &["rev-parse", &name]].concat(), "")
            };
            (Commit::parse(text.trim()).unwrap(), *behaviour)
        });
        Self {
            commits: commits.collect(),
            folder,
        }
    }
}

/// A commit in the form of `git fast-import`, on a branch of its own.
fn commit_of(number: usize, behaviour: &str) -> String {
    let who = format!(
        "committer t <t@example.com> {} +0000",
        1_700_000_000 + number
    );
    let files = [
        ("behaviour", behaviour),
        ("server.js", "'use strict';"),
        ("migrations/1.sql", "CREATE TABLE a (id int);"),
    ];
    let inline = files.map(|(file, text)| {
        let length = text.len();
        format!("M 644 inline {file}\ndata {length}\n{text}\n")
    });
    format!(
        "commit refs/heads/c{number}\n{who}\ndata 0\n{}",
        inline.concat()
    )
}

fn git(words: &[&str], input: &str) -> String {
    let mut run = Command::new("git")
        .args(words)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git");
    run.stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = run.wait_with_output().unwrap();
    assert!(output.status.success(), "git {words:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// One host.
pub(crate) struct Sandbox<'a> {
    origin: &'a Origin,
    folder: TempDir,
    script: PathBuf,
    user: String,
    room: Child,
    wire: BufReader<TcpStream>,
    _alive: ChildStdin,
}

impl<'a> Sandbox<'a> {
    /// A host that runs this text of the script.
    pub(crate) fn new(origin: &'a Origin, text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for tool in ["node", "pm2", "npm", "aws"] {
            symlink(here("stand-in.bash"), bin.join(tool)).unwrap();
        }
        let script = folder.path().join("longshore.sh");
        fs::write(&script, text).unwrap();
        let mut room = Command::new("node")
            .arg(here("room.cjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node");
        let mut port = String::new();
        BufReader::new(room.stdout.take().unwrap())
            .read_line(&mut port)
            .unwrap();
        fs::write(bin.join("port"), &port).unwrap();
        let address = format!("127.0.0.1:{}", port.trim());
        let wire = TcpStream::connect(address).unwrap();
        wire.set_nodelay(true).unwrap();
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        Self {
            origin,
            script,
            user: String::from_utf8(user).unwrap().trim().to_owned(),
            _alive: room.stdin.take().unwrap(),
            room,
            wire: BufReader::new(wire),
            folder,
        }
    }

    /// Plays one step; says what the script answered, and what then is there.
    pub(crate) fn play(&mut self, step: &Step) -> (Value, Value) {
        let (answer, seen) = match step {
            Step::Crash => (Value::Null, self.ask(&json!({"do": "crash"}))),
            Step::Reboot => (Value::Null, self.ask(&json!({"do": "reboot"}))),
            Step::Run(run) => {
                let answer = self.run(run);
                let killed = answer.is_null();
                (answer, self.ask(&json!({"do": "end", "killed": killed})))
            }
        };
        (answer, self.look(&seen))
    }

    /// Runs the script as the agent does. Null when it was killed.
    fn run(&mut self, run: &Run) -> Value {
        let has = |trouble| run.troubles.contains(&trouble);
        let stop = run.killed_at.map(word).unwrap_or_default();
        self.ask(
            &json!({"do": "step", "now": run.now.as_unix_s(), "stop": stop,
            "disk_full": has(Trouble::DiskFull), "disk_fills": has(Trouble::DiskFillsUp),
            "parameters_missing": has(Trouble::ParametersMissing), "down_fails": has(Trouble::DownFails)}),
        );
        let lock = has(Trouble::Busy).then(|| self.lock());
        let output = self.command(run, &stop).output().unwrap();
        drop(lock);
        if output.status.signal() == Some(SIGKILL) {
            assert!(output.stdout.is_empty(), "it was told before the end");
            return Value::Null;
        }
        let text = String::from_utf8(output.stdout).unwrap();
        let Ok(Value::Object(mut answer)) = serde_json::from_str(&text) else {
            return json!({"unreadable": text});
        };
        answer.remove("detail");
        let took = answer.remove("took_ms");
        assert!(took.is_some_and(|ms| ms.is_u64()), "no time: {text}");
        answer.insert("exit".into(), output.status.code().into());
        Value::Object(answer)
    }

    fn command(&self, run: &Run, stop: &str) -> Command {
        let tight = run.troubles.contains(&Trouble::DiskTight);
        let free = if tight { ROOM_TIGHT_KB } else { ROOM_ENOUGH_KB };
        let stand_ins = self.folder.path().join("bin");
        let tools = std::env::var_os("PATH").unwrap();
        let path = format!("{}:{}", stand_ins.display(), tools.to_str().unwrap());
        let parameters = self.parameters(run);
        let parameters = parameters.map(|(name, value)| (format!("SSM_{name}"), value));
        let mut command = Command::new("/bin/bash");
        command
            .arg(&self.script)
            .process_group(0)
            .stdin(Stdio::null())
            .env_clear()
            .envs(parameters)
            .env("PATH", path)
            .env("AWS_SSM_REGION_NAME", "eu-west-1")
            .env("LONGSHORE_ROOT", self.folder.path().join("root"))
            .env("BASH_ENV", here("hooks.bash"))
            .env("DIFFERENTIAL_STOP", stop)
            .env("DIFFERENTIAL_NOW", run.now.as_unix_s().to_string())
            .env("DIFFERENTIAL_FREE", free);
        command
    }

    /// What the document makes of an order.
    fn parameters(&self, run: &Run) -> [(&'static str, String); 17] {
        let order = &run.order;
        let down = run.troubles.contains(&Trouble::SourceDown);
        let nowhere = self.folder.path().join("nowhere");
        let base = if down {
            &nowhere
        } else {
            self.origin.folder.path()
        };
        [
            ("Action", order.action().word().to_owned()),
            ("App", order.app.to_string()),
            ("Environment", order.environment.to_string()),
            ("Repository", order.repository.to_string()),
            ("Deployment", order.token.deployment.to_string()),
            ("Generation", order.token.generation.to_string()),
            ("Token", order.token.to_string()),
            ("Release", order.release.id().to_string()),
            ("Previous", String::new()),
            ("ConfigVersion", order.release.config_version.to_string()),
            ("Pins", order.release.pins()),
            ("Artifact", String::new()),
            ("ArtifactBucket", String::new()),
            ("NotAfter", order.not_after.as_unix_s().to_string()),
            ("DeadlineSeconds", "600".to_owned()),
            ("GitBase", format!("file://{}", base.display())),
            ("HostUser", self.user.clone()),
        ]
    }

    fn app(&self) -> PathBuf {
        self.folder.path().join("root/orders")
    }

    fn lock(&self) -> File {
        fs::create_dir_all(self.app()).unwrap();
        let file = File::create(self.app().join("lock")).unwrap();
        file.lock().unwrap();
        file
    }

    fn ask(&mut self, wish: &Value) -> Value {
        writeln!(self.wire.get_mut(), "{wish}").unwrap();
        let mut line = String::new();
        self.wire.read_line(&mut line).unwrap();
        serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("the tool room is gone: {}", self.log()))
    }

    /// What is on the disk and what runs, as `compare.rs` tells it of the model.
    fn look(&self, seen: &Value) -> Value {
        let ledger = fs::read_to_string(self.app().join("ledger.json"));
        let ledger = ledger.map_or(Value::Null, |text| {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        });
        let current = fs::read_link(self.app().join("current")).unwrap_or_default();
        let folders = fs::read_dir(self.app().join("releases"))
            .into_iter()
            .flatten();
        let mut folders: Vec<String> = folders
            .map(|folder| folder.unwrap().file_name().into_string().unwrap())
            .collect();
        folders.sort();
        json!({
            "ledger": crate::compare::of_ledger_file(&ledger),
            "current": current.file_name().map(|name| name.to_str().unwrap()).unwrap_or_default(),
            "releases": folders,
            "served": seen["served"],
            "managed": seen["managed"],
            "migrated": seen["migrated"],
            "taken_back": seen["taken_back"],
            "starts": seen["starts"],
        })
    }

    /// The logs of the last steps, for a person who reads a failure.
    pub(crate) fn log(&self) -> String {
        let logs = fs::read_dir(self.app().join("log")).into_iter().flatten();
        let mut logs: Vec<PathBuf> = logs
            .map(|log| log.unwrap().path())
            .filter(|p| p.is_file())
            .collect();
        logs.sort_by_key(|log| fs::metadata(log).unwrap().modified().unwrap());
        let last = logs.iter().rev().take(1);
        last.map(|log| fs::read_to_string(log).unwrap_or_default())
            .collect()
    }
}

impl Drop for Sandbox<'_> {
    fn drop(&mut self) {
        let _ = self.room.kill();
        let _ = self.room.wait();
    }
}
