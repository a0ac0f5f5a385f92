"""Kills the host script at any of its commands, gives it again, and says how the host then differs from one that was left
alone.

A copy of the script traces itself: a DEBUG trap, which functions and subshells inherit, numbers every command in the
order in which it is run, over all subshells. At the number that is asked for it kills the script's process group, as the
agent does. For a command that becomes a process group of its own there is a second way: the script is killed when that
group is there, so the child goes on alone.
"""

import contextlib
import fcntl
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

import harness
from harness import Host, alive, wait_until

# The number comes from the offset of a file that all subshells share, so no command costs a fork. Every command in here
# is bash's own; functions called by a DEBUG trap are not traced themselves.
TRACE = r"""
exec 7>>"${KILL_COUNTER}"
traced() {
  local number word self=${BASHPID}
  printf . >&7
  while read -r word number; do [[ ${word} == pos: ]] && break; done </proc/self/fdinfo/7
  if [[ -n ${KILL_TRACE} ]]; then printf '%s %s %s\n' "${number}" "$1" "${2%%[[:space:]]*}" >>"${KILL_TRACE}"; fi
  if [[ ${number} != "${KILL_AT}" ]]; then return 0; fi
  if [[ -z ${KILL_AFTER} ]]; then kill -KILL 0; fi
  kill_when_apart "${self}" &
  return 0
}
kill_when_apart() {
  local stat fields group
  trap - DEBUG
  read -r stat </proc/self/stat
  read -r -a fields <<<"${stat##*) }"
  group=${fields[2]}
  while read -r stat <"/proc/$1/stat" && read -r -a fields <<<"${stat##*) }" && [[ ${fields[2]} == "${group}" ]]; do :; done
  read -r -t "${KILL_AFTER}" _ <> <(:) || :
  kill -KILL -- "-${group}"
}
trap 'traced "${LINENO}" "${BASH_COMMAND}" || :' DEBUG
set -T
"""

NPM = r"""#!/bin/bash
# npm for an app without dependencies: what a real one does for `ci` and `run`, without its second of CPU.
case $1 in
ci) mkdir -p node_modules ;;
run) exec /bin/sh -c "$(sed -n "s/.*\"$2\": \"\([^\"]*\)\".*/\1/p" package.json)" ;;
*) exit 1 ;;
esac
"""

AWS = r"""#!/bin/bash
# The stand-in for the AWS CLI in one process, for one app with one parameter.
printf '{"Parameters":['
for word; do
  case $word in /*) name=${word%:*} version=${word##*:}
    printf '%s{"Name":"%s","Version":%s,"Value":%s}' "$comma" "$name" "$version" "$(cat "$AWS_FAKE_FOLDER/json/${name//\//%2F}")"
    comma=, ;;
  esac
done
printf ']}\n'
"""


def traced_script(folder):
    """The copy of the script that traces itself, and for each of its lines the file and line of the tree."""
    text = harness.SCRIPT.read_text()
    head, found, rest = text.partition("LC_ALL=C\n")
    assert found, "the script has no LC_ALL"
    places = [(part.name, number) for part in sorted((harness.HERE.parent / "script").iterdir())
              for number in range(1, part.read_text().count("\n") + 1)]
    before, added = head.count("\n") + 1, TRACE.count("\n")
    copy = folder / "traced.sh"
    copy.write_text(head + found + TRACE + rest)
    copy.chmod(0o755)

    def place(line):
        at = line if line <= before else line - added
        name, number = places[at - 1]
        return f"{name}:{number}"

    return copy, place


class Poller(threading.Thread):
    """A client that asks all the time, a new connection each time, and notes what it is told."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.over = port, threading.Event()
        self.told, self.failed = {}, []

    def run(self):
        while not self.over.wait(0.01):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                connection.request("GET", "/health")
                reply = connection.getresponse()
                word = f"{reply.status} {reply.read().decode()}"
                connection.close()
                self.told[word] = self.told.get(word, 0) + 1
            except OSError as error:
                self.failed.append(repr(error))

    def end(self):
        self.over.set()
        self.join()
        return self.told, self.failed


class Lane:
    """One host on which one action is killed again and again. `fresh` brings the host to where the action begins."""

    action = ""
    served_throughout = True

    def __init__(self):
        self.host = Host(("aws", "npm"))
        self.script, self.place = traced_script(self.host.folder)
        self.notes = self.host.folder / "kill"
        self.notes.mkdir()
        for tool, body in (("npm", NPM), ("aws", AWS)):
            (self.host.fakes / tool).unlink()
            (self.host.fakes / tool).write_text(body)
            (self.host.fakes / tool).chmod(0o755)
        (self.host.aws / "json").mkdir()
        self.runs = 0
        try:
            self.build()
        except BaseException:
            self.close()
            raise

    # --- what a kind of lane says ---

    def build(self):
        """Brings up the host."""
        raise NotImplementedError

    def fresh(self):
        """Brings the host to where the action begins."""
        raise NotImplementedError

    def options(self):
        """Which release the action is about."""
        raise NotImplementedError

    # --- parts for them ---

    def commits(self, *versions, **options):
        return [self.host.commit(version, **options) for version in versions]

    def configure(self, **options):
        version = self.host.configure(**options)
        name = f"/longshore/{harness.ENVIRONMENT}/apps/{harness.REPOSITORY}".replace("/", "%2F")
        (self.host.aws / "json" / name).write_text(json.dumps((self.host.aws / "values" / name / str(version)).read_text()))
        return version

    def pin(self):
        name = f"/{harness.APP}/{harness.ENVIRONMENT}/SECRET"
        (self.host.aws / "json" / name.replace("/", "%2F")).write_text(json.dumps("correct-horse"))
        return "SECRET:1"

    # --- running ---

    def start(self, kill_at="", after="", trace=""):
        host = self.host
        (self.notes / "counter").write_text("")
        environment = host.environment(host.variables(self.action, **self.options()))
        environment |= {"KILL_COUNTER": str(self.notes / "counter"), "KILL_TRACE": str(trace), "KILL_AT": str(kill_at),
                        "KILL_AFTER": after}
        return subprocess.Popen(["/bin/sh", "-c", str(self.script)], cwd="/", env=environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def traced(self):
        """Runs the action undisturbed; the commands as (number, place, first word), and the end state."""
        self.begin()
        trace = self.notes / "trace"
        trace.write_text("")
        step = self.start(trace=trace)
        stdout, stderr = step.communicate(timeout=60)
        assert step.returncode == 0, (stdout, stderr, self.host.logs())
        commands = []
        for line in trace.read_text().rstrip("\n").split("\n"):
            number, at, word = (line + " ").split(" ")[:3]
            commands.append((int(number), self.place(int(at)), word))
        return commands, self.end_state(json.loads(stdout))

    def begin(self):
        self.runs += 1
        self.fresh()
        self.host.generation += 1

    def killed(self, *kills):
        """Kills the action at each of these commands, one run after another, and gives it again; what is wrong, if
        anything is."""
        self.begin()
        poller = Poller(self.host.port) if self.served_throughout else None
        if poller:
            poller.start()
        problems = []
        try:
            for number, after in kills:
                problems += self.kill(number, after, poller)
            step = self.start()
            stdout, stderr = step.communicate(timeout=60)
        finally:
            told, failed = poller.end() if poller else ({}, [])
        if failed:
            problems.append(f"requests failed: {failed[:3]} ({len(failed)} of {len(failed) + sum(told.values())})")
        if set(told) - {f"200 {word}" for word in self.versions}:
            problems.append(f"clients were told {told}")
        answer = json.loads(stdout) if stdout.count("\n") == 1 else None
        if answer is None or step.returncode != 0:
            problems.append(f"given again, it ended with {step.returncode}: {stdout} {stderr[-500:]}")
            return problems
        return problems + self.differences(answer)

    def kill(self, number, after, poller):
        step = self.start(kill_at=number, after=after)
        stdout, _ = step.communicate(timeout=60)
        if step.returncode != -signal.SIGKILL and not after:
            return [f"it was not killed at {number}: {step.returncode} {stdout}"]
        return self.still_old(poller) if poller and self.host.current() == self.before else []

    versions = ()
    before = ""

    def still_old(self, poller):
        """Before the switch nobody is told anything but the old release."""
        told = dict(poller.told)
        return [f"before the switch clients were told {told}"] if set(told) - {f"200 {self.old_version}"} else []

    old_version = ""

    # --- the end state ---

    def differences(self, answer):
        found, wanted = self.end_state(answer), self.reference()
        return [f"{key}: {found[key]!r} instead of {wanted[key]!r}" for key in wanted if found[key] != wanted[key]]

    def reference(self):
        return self.expected

    def end_state(self, answer):
        """All that must not depend on kills. Times, numbers of generations and what is in the logs may."""
        host = self.host
        wait_until(lambda: not self.strays(), 8)
        return {
            "answer": {key: value for key, value in answer.items() if key not in ("token", "generation", "repeated", "detail")},
            "ledger": self.ledger(), "current": host.current(), "files": self.files(), "locked": self.locked(),
            "strays": self.strays(), "serving": self.serving(),
        }

    def ledger(self):
        ledger = self.host.ledger()
        mine = [entry for entry in ledger["entries"] if entry["generation"] == self.host.generation]
        switched = ledger["switched"] or {}
        return {"generation": ledger["generation"] - self.host.generation, "active": ledger["active"],
                "active_state": ledger["active_state"],
                "switched": [switched.get("release"), switched.get("from"), switched.get("generation", 0) == self.host.generation],
                "proven": [proven["release"] for proven in ledger["proven"]],
                "migrated": sum(str(key).endswith(f":{self.host.generation}") for key in ledger["migrations"]),
                "entries": [[entry["action"], entry["release"], entry.get("answer", {}).get("class")] for entry in mine]}

    def files(self):
        app = self.host.app
        names = sorted(str(path.relative_to(app)) for folder in (app, app / "releases") for path in folder.iterdir())
        own = sorted(str(path.relative_to(app)) for path in app.glob("releases/*/.longshore/*"))
        return [name for name in names if not name.startswith("child")], own

    def locked(self):
        with open(self.host.app / "lock", "w", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return False
            except OSError:
                return True

    def running(self):
        """Every process that has to do with this host: its pid and where it runs."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                pid = int(entry.name)
                where = os.readlink(entry / "cwd")
                line = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
                if str(self.host.folder) in where + line and alive(pid):
                    found[pid] = (where, line[:200])
        return found

    def serving(self):
        """The releases in which processes run, one word for each process."""
        folder = f"{self.host.app}/releases/"
        return sorted(where.removeprefix(folder) for where, _ in self.running().values() if where.startswith(folder))

    def strays(self):
        """What runs and is neither pm2's daemon nor a process of the active release."""
        daemon, active = self.host.daemon(), f"{self.host.app}/releases/{self.host.current()}"
        return [line for pid, (where, line) in self.running().items() if pid != daemon and where != active]

    def close(self):
        self.host.close()


class Served(Lane):
    """A host that serves a first release while the action is about something else."""

    def build(self):
        host = self.host
        self.configure(mode="cluster", instances=1, attempts=8, hooks=self.hooks)
        self.first, self.second = self.commits("v1", "v2", scripts={"build": "echo built >built", "migrate": "true"})
        self.pins = self.pin()
        host.generation += 1
        for action in ("prepare", "activate"):
            answer = host.run(action, commit=self.first, pins=self.pins)
            assert answer.code == 0, (answer, host.logs())
        self.more()
        self.ledger_before, self.generation_before = (host.app / "ledger.json").read_bytes(), host.generation
        self.before, self.old_version, self.versions = host.current(), "v1", ("v1",)
        self.commands, self.expected = self.traced()

    hooks = None

    def more(self):
        """What the action needs besides."""

    def options(self):
        return {"commit": self.second, "pins": self.pins}

    def fresh(self):
        (self.host.app / "ledger.json").write_bytes(self.ledger_before)
        self.host.generation = self.generation_before


class Preparing(Served):
    """prepare: of a release that is not there."""

    action = "prepare"
    hooks = {"build": "build"}

    def fresh(self):
        super().fresh()
        shutil.rmtree(self.host.app / "releases" / self.host.release(self.second, 1, self.pins), ignore_errors=True)


class Migrating(Served):
    """migrate: of a release with a migration that may be run twice."""

    action = "migrate"
    hooks = {"build": "build", "migrate": "migrate"}

    def more(self):
        self.host.generation += 1
        answer = self.host.run("prepare", commit=self.second, pins=self.pins)
        assert answer.code == 0, (answer, self.host.logs())


class Pruning(Served):
    """prune: of a release too many, and of an unfinished one."""

    action = "prune"

    def fresh(self):
        super().fresh()
        releases = self.host.app / "releases"
        whole = releases / self.host.current()
        for number in range(7):
            copy = releases / f"{number:040x}-{number:012x}"
            if not copy.exists():
                shutil.copytree(whole, copy)
            record = copy / ".longshore" / "release.json"
            record.write_text(json.dumps({**json.loads(record.read_text()), "prepared_at": f"2100-01-0{number + 1}"}))
        (releases / f"{'a' * 40}-{'b' * 12}.partial").mkdir(exist_ok=True)


class Looking(Served):
    """status."""

    action = "status"


class Activating(Lane):
    """activate: from one release to another and back, so every second time it is a rollback. Each run begins where the
    one before has ended."""

    action = "activate"
    modes = ("cluster", "cluster")

    def build(self):
        host = self.host
        commits = self.commits("v1", "v2")
        self.sides = []
        for commit, mode in zip(commits, self.modes):
            version = self.configure(mode=mode, instances=1, attempts=8)
            host.generation += 1
            self.sides.append({"commit": commit, "config_version": version, "pins": self.pin()})
            for action in ("prepare", "activate"):
                answer = host.run(action, **self.sides[-1])
                assert answer.code == 0, (answer, host.logs())
        self.side = 1
        self.versions = ("v1", "v2")
        self.expectations = {}
        for _ in self.sides:
            self.commands, state = self.traced()
            self.expectations[self.side] = state

    def fresh(self):
        self.before, self.old_version = self.host.current(), f"v{self.side + 1}"
        self.side = 1 - self.side

    def options(self):
        return self.sides[self.side]

    def reference(self):
        return self.expectations[self.side]


class Replacing(Activating):
    """activate: between releases that pm2 cannot reload into each other, which is a gap."""

    modes = ("fork", "cluster")
    served_throughout = False


LANES = (Looking, Pruning, Migrating, Preparing, Activating, Replacing)
