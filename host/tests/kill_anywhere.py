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
import signal
import subprocess
import threading
import typing

import harness
from harness import Host, alive, wait_until
from own_systemd import APP_DIR, Systemd

PATIENCE = 150  # More than the deadline of a step, so that one which hangs says so itself.
# What an answer says of its own run, which a run that was killed and begun again may say otherwise.
OF_THE_RUN = ("token", "generation", "repeated", "detail", "took_ms")

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
# The stand-in for the AWS CLI in one process, for one app with one parameter; the other one has the target group.
if [[ $1 == elbv2 ]]; then exec "$STAND_IN" "$@"; fi
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


class Command(typing.NamedTuple):
    """A command that bash ran in an action; `side` where the two sides of a lane do not run the same."""

    side: int | None
    number: int
    place: str
    word: str

    def __str__(self):
        return f"{self.number} ({self.place} {self.word})"


class Poller(threading.Thread):
    """A client that asks all the time, a new connection each time, and notes what it is told, while the lane says so."""

    def __init__(self, lane):
        super().__init__(daemon=True)
        self.lane, self.over = lane, threading.Event()
        self.told, self.failed = {}, []

    def run(self):
        while not self.over.wait(0.02):
            if self.lane.asks():
                self.ask()

    def ask(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.lane.host.port, timeout=10)
        try:
            connection.request("GET", "/health")
            reply = connection.getresponse()
            word = f"{reply.status} {reply.read().decode()}"
            self.told[word] = self.told.get(word, 0) + 1
        except (OSError, http.client.HTTPException) as error:
            if not self.lane.excused():
                self.failed.append(repr(error))
        finally:
            connection.close()

    def end(self):
        self.over.set()
        self.join()
        return self.told, self.failed


class Lane:
    """One host on which one action is killed again and again. `fresh` brings the host to where the action begins."""

    action = ""
    under_systemd = False

    def __init__(self):
        self.host = Host(("aws", "npm"))
        self.systemd = None
        if self.under_systemd:
            self.systemd = Systemd(self.host.folder)
            self.systemd.take(self.host)
        self.script, self.place = traced_script(self.host.folder)
        self.notes = self.host.folder / "kill"
        self.notes.mkdir()
        self.put_before("npm", NPM)
        self.put_before("aws", AWS.replace("$STAND_IN", str(harness.HERE / "fakes" / "aws")))
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

    def asks(self):
        """Whether a client would come to this host now."""
        return True

    def excused(self):
        """Whether a request that has just failed had no right to an answer."""
        return False

    def more_of_the_end(self):
        """What the end state has besides."""
        return {}

    # --- parts for them ---

    def put_before(self, tool, body):
        """Puts a stand-in before a tool."""
        (self.host.fakes / tool).unlink(missing_ok=True)
        (self.host.fakes / tool).write_text(body)
        (self.host.fakes / tool).chmod(0o755)

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
        return subprocess.Popen([*host.inside, "/bin/sh", "-c", str(self.script)], cwd="/", env=environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def traced(self):
        """Runs the action undisturbed; the commands, and the end state."""
        self.begin()
        trace = self.notes / "trace"
        trace.write_text("")
        step = self.start(trace=trace)
        stdout, stderr = step.communicate(timeout=PATIENCE)
        assert step.returncode == 0, (stdout, stderr, self.host.logs())
        commands = []
        for line in trace.read_text().rstrip("\n").split("\n"):
            number, at, word = (line + " ").split(" ")[:3]
            commands.append(Command(None, int(number), self.place(int(at)), word))
        return commands, self.end_state(json.loads(stdout))

    def begin(self):
        self.runs += 1
        self.fresh()
        self.host.generation += 1

    def turn_to(self, side):
        """Brings a host with two sides to where the action towards this one begins."""

    def killed(self, *kills):
        """Kills the action at each of these commands, one run after another, and gives it again; what is wrong, if
        anything is."""
        self.turn_to(kills[0][0].side)
        self.begin()
        poller = Poller(self)
        poller.start()
        problems = []
        try:
            for command, after in kills:
                problems += self.kill(command.number, after, poller)
            step = self.start()
            stdout, stderr = step.communicate(timeout=PATIENCE)
        finally:
            told, failed = poller.end()
        if failed:
            problems.append(f"requests failed: {failed[:3]} ({len(failed)} of {len(failed) + sum(told.values())})")
        if set(told) - {f"200 {word}" for word in self.versions}:
            problems.append(f"clients were told {told}")
        answer = json.loads(stdout) if stdout.count("\n") == 1 else None
        if answer is None or step.returncode != 0:
            problems.append(f"given again, it ended with {step.returncode}: {stdout} {stderr[-500:]} {self.host.logs()[-3000:]}")
            return problems
        return problems + self.differences(answer)

    def kill(self, number, after, poller):
        step = self.start(kill_at=number, after=after)
        stdout, _ = step.communicate(timeout=PATIENCE)
        if step.returncode != -signal.SIGKILL and not after:
            return [f"it was not killed at {number}: {step.returncode} {stdout}"]
        return self.still_old(poller) if self.host.current() == self.before else []

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
            **self.more_of_the_end(), "managers": self.managers(),
            "answer": {key: value for key, value in answer.items() if key not in OF_THE_RUN},
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

    def managers(self):
        """Who keeps the app: pm2's daemon and what it has saved, and systemd's unit with its files."""
        found = {"daemon": self.host.daemon() > 0, "saved": (self.host.app / "pm2" / "dump.pm2").exists()}
        if self.systemd:
            found["unit"] = self.systemd.show(f"longshore-{harness.APP}.service", "LoadState,ActiveState,UnitFileState").split("\n")
            found["units"] = sorted(str(file.relative_to(self.systemd.units)) for file in self.systemd.units.rglob("longshore-*"))
        return found

    def seat(self):
        """The app's folder as its processes see it."""
        return APP_DIR if self.systemd else str(self.host.app)

    def running(self):
        """Every process that has to do with this host: its pid and where it runs."""
        found, words = {}, (str(self.host.folder), self.seat())
        for entry in self.host.proc.iterdir():
            with contextlib.suppress(OSError, ValueError):
                pid = int(entry.name)
                where = os.readlink(entry / "cwd")
                line = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
                if any(word in where + line for word in words) and alive(pid, self.host.proc):
                    found[pid] = (where, line[:200])
        return found

    def serving(self):
        """The releases in which processes run, one word for each process."""
        folder = f"{self.seat()}/releases/"
        return sorted(where.removeprefix(folder) for where, _ in self.running().values() if where.startswith(folder))

    def strays(self):
        """What runs and is neither pm2's daemon nor a process of the active release."""
        daemon, active = self.host.daemon(), f"{self.seat()}/releases/{self.host.current()}"
        return [line for pid, (where, line) in self.running().items() if pid != daemon and where != active]

    def close(self):
        if self.systemd:
            self.systemd.close()
        self.host.close()
