"""What the tests of the host script share: a host in a temporary folder with the real git, npm, node and pm2.

Only the AWS CLI is a stand-in (`fakes/aws`), and `npm ci` where a test is not about it (`fakes/npm`). Every process that a test starts belongs to the pm2 home or to the process
group of one of its steps and is ended by its id; nothing is ever ended by name.
"""

import atexit
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
# The one pin of pm2, which the local hosts have too. It is a tool of the tests and is never shipped (AGPL-3.0).
PM2 = HERE.parents[1] / "local" / "npm"


def script():
    """The host script: the files of `host/script` in the order of their names."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="longshore-host-script-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    whole = folder / "longshore.sh"
    whole.write_text("".join(part.read_text() for part in sorted((HERE.parent / "script").iterdir())))
    whole.chmod(0o755)
    folder.chmod(0o755)  # Another user runs it, too.
    return whole


SCRIPT = script()
APP = "orders"
ENVIRONMENT = "staging"
REPOSITORY = "acme/orders"
INSTANCE = "i-0123456789abcdef0"
ULID = "01JD0000000000000000000000"

SERVER = """
const http = require('http');
const path = require('path');
const seen = (name) => Buffer.from(process.env[name] || '').toString('base64');
const server = http.createServer((request, response) => {
  if (request.url === '/health') return response.writeHead(%(status)d).end('%(version)s');
  if (request.url === '/who') return response.end(JSON.stringify({ version: '%(version)s', pid: process.pid, cwd: process.cwd(), release: process.env.LONGSHORE_RELEASE, node_env: process.env.NODE_ENV, variables: Object.keys(process.env) }));
  response.end(seen(path.basename(request.url)));
});
server.listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGINT', () => server.close(() => process.exit(0)));
"""


def tools():
    """The folder of pm2's executables."""
    return installed(PM2) / ".bin"


def installed(source):
    """The `node_modules` of a folder with a lock file, installed once per lock into the temporary folder of the machine."""
    lock = (source / "package-lock.json").read_bytes()
    home = pathlib.Path(tempfile.gettempdir()) / f"longshore-host-tools-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not home.exists():
        fresh = pathlib.Path(tempfile.mkdtemp(prefix="longshore-host-tools-"))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, fresh / name)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=fresh, check=True,
                       stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        fresh.chmod(0o755)  # Another user runs pm2 from here, too.
        with contextlib.suppress(OSError):
            fresh.rename(home)
    return home / "node_modules"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def alive(pid, proc=pathlib.Path("/proc")):
    """Whether the process exists and is not a zombie that waits for its parent."""
    try:
        stat = (proc / str(pid) / "stat").read_text()
    except OSError:
        return False
    return stat.rsplit(") ", 1)[1][0] != "Z"


def wait_until(condition, seconds=15.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())


class Answer:
    """What a step gave back."""

    def __init__(self, code, stdout, stderr, seconds):
        self.code, self.stdout, self.stderr, self.seconds = code, stdout, stderr, seconds
        lines = stdout.splitlines()
        self.body = json.loads(lines[0]) if len(lines) == 1 else None

    def __getattr__(self, name):
        if name == "cls":
            name = "class"
        return self.body[name]

    def __repr__(self):
        return f"exit {self.code}: {self.stdout!r} {self.stderr[-2000:]!r}"


class Host:
    """One host: its root folder, its agent's environment, its origin repository, its parameters."""

    inside = ()  # What a command is prefixed with to run on the host, where that is a world of its own.
    proc = pathlib.Path("/proc")  # The processes of that world, by its own numbers.

    def __init__(self, stand_ins):
        self.stand_ins = stand_ins
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="longshore-host-"))
        self.root = self.folder / "root"
        self.app = self.root / APP
        self.aws = self.folder / "aws"
        self.origin = self.folder / "git" / f"{REPOSITORY}.git"
        self.work = self.folder / "work"
        self.fakes = self.folder / "fakes"
        for folder in (self.aws / "values", self.origin.parent, self.fakes):
            folder.mkdir(parents=True)
        self.folder.chmod(0o755)
        for tool in stand_ins:
            (self.fakes / tool).symlink_to(HERE / "fakes" / tool)
        self.script = SCRIPT
        self.port = free_port()
        self.generation = 0
        self.config_version = 0
        self.user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
        self.git("init", "--quiet", "--bare", str(self.origin))
        self.git("init", "--quiet", "--initial-branch=main", str(self.work))

    # --- git and parameters ---

    def git(self, *arguments):
        environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
                       "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.com", "GIT_COMMITTER_NAME": "t",
                       "GIT_COMMITTER_EMAIL": "t@example.com", "HOME": str(self.folder)}
        return subprocess.run(["git", *arguments], check=True, env=environment, capture_output=True, text=True).stdout.strip()

    def commit(self, version, status=200, server=None, scripts=None, files=None):
        """A commit of the app whose server tells `version`; its hash."""
        content = {
            "package.json": json.dumps({"name": APP, "version": "1.0.0", "private": True, "scripts": scripts or {}}),
            "package-lock.json": json.dumps({"name": APP, "version": "1.0.0", "lockfileVersion": 3, "requires": True,
                                             "packages": {"": {"name": APP, "version": "1.0.0"}}}),
            "server.js": SERVER % {"version": version, "status": status} if server is None else server,
            **(files or {}),
        }
        for name, text in content.items():
            (self.work / name).parent.mkdir(parents=True, exist_ok=True)
            (self.work / name).write_text(text)
        self.git("-C", str(self.work), "add", "--all")
        self.git("-C", str(self.work), "commit", "--quiet", "--allow-empty", "--message", str(version))
        self.git("-C", str(self.work), "push", "--quiet", str(self.origin), "HEAD:refs/heads/main")
        return self.git("-C", str(self.work), "rev-parse", "HEAD")

    def parameter(self, name, value, version=1):
        file = self.aws / "values" / name.replace("/", "%2F") / str(version)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(value.encode("utf-8"))

    def configure(self, mode="fork", instances=1, hooks=None, attempts=3, interval=1, manager="pm2", **other):
        """Stores the next version of the app's configuration."""
        self.config_version += 1
        document = {"branch": "main", "waves": ["100%"],
                    "health": {"port": 3000, "path": "/health", "expected_status": 200, "attempts": attempts,
                               "interval_seconds": interval, "bake_seconds": 5},
                    "process": {"manager": manager, "script": "server.js", "mode": mode, "instances": instances},
                    "hooks": hooks or {}, **other}
        self.parameter(f"/longshore/{ENVIRONMENT}/apps/{REPOSITORY}", json.dumps(document), self.config_version)
        return self.config_version

    def pin(self, values, version=1):
        for name, value in values.items():
            self.parameter(f"/{APP}/{ENVIRONMENT}/{name}", value, version)
        return ",".join(f"{name}:{version}" for name in values)

    def store(self, commit, pack, version="v1"):
        """Stores a build of a commit in the bucket: what `pack(tar)` puts into it. The document's parameter that names it."""
        file = self.aws / "bucket" / REPOSITORY / f"{commit}.tar.gz" / version
        file.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(file, "w:gz") as tar:
            pack(tar)
        return f"{version}:{hashlib.sha256(file.read_bytes()).hexdigest()}"

    # --- steps ---

    @staticmethod
    def release(commit, config_version, pins=""):
        return f"{commit}-{hashlib.sha256(f'{config_version} {pins}'.encode()).hexdigest()[:12]}"

    def variables(self, action, commit="0" * 40, pins="", attempt=1, generation=None, config_version=None, release=None,
                  **changed):
        """The SSM_ variables of one command; `changed` replaces any of them, None leaves it out."""
        generation = generation or self.generation or 1
        config_version = config_version or self.config_version or 1
        values = {
            "Action": action, "App": APP, "Environment": ENVIRONMENT, "Repository": REPOSITORY, "Deployment": ULID,
            "Generation": str(generation), "Token": f"{ULID}:{generation}:{action}:1:1.{attempt}",
            "Release": release or self.release(commit, config_version, pins), "Previous": "",
            "ConfigVersion": str(config_version),
            "Pins": pins, "NotAfter": str(int(time.time()) + 600), "DeadlineSeconds": "120",
            "GitBase": f"file://{self.folder}/git", "Artifact": "", "ArtifactBucket": "builds", "HostUser": self.user, **changed,
        }
        return {f"SSM_{name}": value for name, value in values.items() if value is not None}

    def environment(self, variables):
        """What the agent gives a step: no HOME, its own variables, AWS's, and some that must not reach a child."""
        return {
            "PATH": f"{self.fakes}:{tools()}:{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
            "AWS_SSM_REGION_NAME": "eu-west-1", "AWS_SSM_INSTANCE_ID": INSTANCE,
            "LONGSHORE_ROOT": str(self.root), "LONGSHORE_PORT": str(self.port), "AWS_FAKE_FOLDER": str(self.aws),
            "AWS_SECRET_ACCESS_KEY": "agent-credential-canary", "SSM_COMMAND_ID": "11111111-2222-3333-4444-555555555555",
            "NODE_OPTIONS": "--no-such-option-of-node", "NPM_TOKEN": "agent-environment-canary", **variables,
        }

    def spawn(self, action, **options):
        """Starts a step as the agent does: own process group, standard input closed."""
        return subprocess.Popen([*self.inside, "/bin/sh", "-c", str(self.script)], cwd="/", env=self.environment(self.variables(action, **options)),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                start_new_session=True)

    def run(self, action, **options):
        began = time.monotonic()
        step = self.spawn(action, **options)
        stdout, stderr = step.communicate(timeout=150)
        return Answer(step.returncode, stdout, stderr, time.monotonic() - began)

    def deploy(self, commit, **options):
        """Prepare and activate under a new generation; the answer of the activation."""
        self.generation += 1
        prepared = self.run("prepare", commit=commit, **options)
        assert prepared.code == 0, (prepared, self.logs())
        return self.run("activate", commit=commit, **options)

    def change_script(self, what, instead):
        """Gives this host a copy of the script in which one thing is another."""
        text = self.script.read_text()
        assert text.count(what) == 1, what
        self.script = self.folder / "longshore.sh"
        self.script.write_text(text.replace(what, instead))
        self.script.chmod(0o755)

    def shim(self, tool, body):
        """Puts a shell script before a tool; `$REAL` is the tool itself, `$NOTES` a folder for the test's notes."""
        notes = self.folder / "notes"
        notes.mkdir(exist_ok=True)
        real = HERE / "fakes" / tool if tool in self.stand_ins else shutil.which(tool, path=f"{tools()}:{os.environ['PATH']}")
        file = self.fakes / tool
        file.unlink(missing_ok=True)
        file.write_text(f"#!/bin/bash\nREAL={real} NOTES={notes}\n{body}\n")
        file.chmod(0o755)
        return notes

    def unshim(self, tool):
        (self.fakes / tool).unlink()
        if tool in self.stand_ins:
            (self.fakes / tool).symlink_to(HERE / "fakes" / tool)

    # --- looking ---

    def ledger(self):
        return json.loads((self.app / "ledger.json").read_text())

    def get(self, path, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()

    def who(self):
        return json.loads(self.get("/who"))

    def current(self):
        link = self.app / "current"
        return os.path.basename(os.readlink(link)) if link.is_symlink() else ""

    def pm2_environment(self):
        return {"PATH": f"{tools()}:{os.environ['PATH']}", "HOME": str(self.folder), "PM2_HOME": str(self.app / "pm2")}

    def pm2(self, *arguments):
        return subprocess.run(["pm2", *arguments], env=self.pm2_environment(), check=True, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL).stdout

    def processes(self):
        """The app's processes as pm2 sees them; none when no daemon runs (asking would start one)."""
        if not self.daemon():
            return []
        lines = [line for line in self.pm2("jlist").splitlines() if line.startswith("[")]
        return [entry for entry in json.loads(lines[-1]) if entry["name"] == APP]

    def pids(self):
        return [entry["pid"] for entry in self.processes()]

    def daemon(self):
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.app / "pm2" / "pm2.pid").read_text())
            if alive(pid, self.proc):
                return pid
        return 0

    def logs(self):
        return "\n".join(f"== {file.name}\n{file.read_text(errors='replace')[-3000:]}"
                         for file in sorted((self.app / "log").rglob("*.log")))

    def files_with(self, needle, outside=()):
        """Every file of the host that contains the bytes, but for those whose name is in `outside`."""
        hits = []
        for file in self.app.rglob("*"):
            if file.is_file() and not file.is_symlink() and file.name not in outside and needle in file.read_bytes():
                hits.append(str(file.relative_to(self.app)))
        return hits

    # --- the end ---

    def close(self):
        """Ends what runs of this host: the group of a survivor, then pm2 with its processes, each by its id."""
        with contextlib.suppress(OSError, ValueError):
            pid, start = (self.app / "child").read_text().split()
            if pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[19] == start:
                os.killpg(int(pid), signal.SIGKILL)
        daemon = self.daemon()
        if daemon:
            pids = self.pids()
            subprocess.run(["pm2", "kill"], env=self.pm2_environment(), capture_output=True, stdin=subprocess.DEVNULL,
                           timeout=30, check=False)
            for pid in [daemon, *pids]:
                if not wait_until(lambda pid=pid: not alive(pid), 5):
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


class HostTest(unittest.TestCase):
    """A test with a host of its own, gone with all its processes at the end."""

    stand_ins = ("aws", "npm")

    def setUp(self):
        self.host = Host(self.stand_ins)
        self.addCleanup(self.host.close)

    def check(self, answer, code, cls):
        """The contract of every answer: one line, short, the exit code of its class."""
        self.assertIsNotNone(answer.body, f"not exactly one line: {answer!r}\n{self.host.logs()}")
        self.assertEqual((answer.code, answer.cls), (code, cls), f"{answer!r}\n{self.host.logs()}")
        self.assertLess(len(answer.stdout), 2000)
        keys = [key for key in answer.body if key != "migrations"]
        self.assertEqual(keys, ["longshore", "token", "action", "outcome", "class", "release", "generation", "served",
                                "healthy", "took_ms", "detail", "repeated"])
        self.assertIsInstance(answer.took_ms, int)
        self.assertGreaterEqual(answer.took_ms, 0)
        self.assertRegex(answer.detail, re.compile(r"\A[ -~]{0,300}\Z"))
