"""Releases come and go: the way of a push, of a rollback, and what the app and the host see of it."""

import base64
import os
import pathlib
import threading
import unittest

from harness import HostTest, alive, wait_until

SECRET = "correct-horse-battery-staple"
VALUES = {
    "PLAIN": "plain",
    "LINES": "-----BEGIN KEY-----\nMIIabcdef0123456789\n\n-----END KEY-----\n",
    "QUOTES": "single ' double \" back ` slash \\ \\n end",
    "DOLLARS": "$HOME ${HOME} $(id) $$ %s %d",
    "EQUALS": "a=b=c;d&e|f>g<h#i!j*k?l[m]{n}~",
    "UNICODE": "Grüße, 世界 🚢 \u202e",
    "SPACES": "  leading and trailing\t \n",
    "TAGS": "</script> {{ ssm:/x }} \x7f\x01",
    "EMPTY_AFTER_TRIM": " ",
    "COMBINING": "e\u0301 \u0915\u094d\u0937 \U0001f469\u200d\U0001f680",
    "FOUR_KB": ("0123456789 '\"$\\=\n" * 300)[:4096],
    "EIGHT_KB": ("\U0001f6a2 ~" * 2000)[:2730],
    "name": "not the name that pm2 keeps",
    "HOME": "/a/home/of/the/app",
    "version": "also a key of pm2",
    **{f"MANY_{number:02}": f"value {number} = '{number}'" for number in range(25)},
    "SECRET": SECRET,
}


class TheWayOfAPush(HostTest):
    """One host through push, push and rollback, in a cluster of two."""

    stand_ins = ("aws",)

    def test_two_releases_and_the_way_back(self):
        host = self.host
        host.configure(mode="cluster", instances=2, attempts=5)
        first_pins = host.pin({"COLOUR": "green", "SECRET": SECRET})
        first = host.commit("v1")
        self.check(host.deploy(first, pins=first_pins), 0, "done")
        self.assertEqual(host.who()["version"], "v1")
        first_pids = host.pids()

        second_pins = host.pin({"COLOUR": "blue", "SECRET": SECRET}, version=2)
        second = host.commit("v2")
        activated = host.deploy(second, pins=second_pins)
        self.check(activated, 0, "done")
        release = host.release(second, 1, second_pins)
        self.assertEqual((activated.served, activated.healthy, activated.release), (release, True, release))
        self.the_new_processes_run_in(release, first_pids)
        self.assertEqual(host.get("/COLOUR"), b"Ymx1ZQ==")
        self.the_old_release_comes_back(first, first_pins)

    def test_an_answer_tells_how_long_the_step_ran_and_its_repeat_tells_the_same(self):
        """By the program that proves and records at once, and by the one that only records."""
        host = self.host
        host.configure(attempts=5)
        commit = host.commit("v1")
        host.generation += 1
        for action, attempt in (("prepare", 1), ("activate", 1), ("activate", 2)):
            with self.subTest(action=action, attempt=attempt):
                told = host.run(action, commit=commit, attempt=attempt)
                self.check(told, 0, "done")
                self.assertGreater(told.took_ms, 0)
                self.assertLessEqual(told.took_ms, told.seconds * 1000 + 10)
                self.assertEqual(host.ledger()["entries"][-1]["answer"], told.body)
                again = host.run(action, commit=commit, attempt=attempt)
                self.check(again, 0, "done")
                self.assertEqual(again.body, {**told.body, "repeated": True})

    def the_new_processes_run_in(self, release, old_pids):
        """Old processes gone, new ones started later and inside the release's folder, asked of the kernel."""
        host, folder = self.host, str(self.host.app / "releases" / release)
        self.assertTrue(wait_until(lambda: not any(alive(pid) for pid in old_pids)), old_pids)
        pids = host.pids()
        self.assertEqual(len(pids), 2)
        mark = host.ledger()["switched"]["mark"]
        for pid in pids:
            self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), folder)
            started = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[19])
            self.assertGreaterEqual(started, mark)
        self.assertEqual((host.current(), host.who()["release"]), (release, release))

    def the_old_release_comes_back(self, commit, pins):
        """A rollback needs neither git nor Parameter Store nor npm, takes seconds, and brings its parameters back."""
        host = self.host
        calls = (host.aws / "calls.jsonl").read_text()
        for tool in ("git", "npm", "aws"):
            (host.fakes / tool).unlink(missing_ok=True)
            (host.fakes / tool).write_text("#!/bin/sh\nexit 97\n")
            (host.fakes / tool).chmod(0o755)
        host.generation += 1
        back = host.run("activate", commit=commit, pins=pins)
        self.check(back, 0, "done")
        self.assertLess(back.seconds, 10)
        self.assertEqual((host.who()["version"], host.get("/COLOUR")), ("v1", b"Z3JlZW4="))
        self.assertEqual((host.aws / "calls.jsonl").read_text(), calls)
        ledger = host.ledger()
        self.assertEqual([proven["generation"] for proven in ledger["proven"]], [2, 3])
        self.assertEqual((ledger["active"], ledger["active_state"]), (host.release(commit, 1, pins), "proven"))
        seen = host.run("status")
        self.check(seen, 0, "done")
        self.assertEqual((seen.served, seen.healthy, seen.release, seen.generation), (ledger["active"], True, ledger["active"], 3))


class WhatTheAppAndTheHostSee(HostTest):
    """One deployment with awkward parameters, looked at from all sides."""

    stand_ins = ("aws",)

    def test_values_arrive_byte_for_byte_and_stay_nowhere_else(self):
        host = self.host
        host.configure(mode="cluster", instances=1, attempts=5, hooks={"build": "build", "install": "prepare-things"})
        pins = host.pin(VALUES)
        (host.aws / "throttle").write_text("1")
        commit = host.commit("v1", scripts={
            "prepare-things": "env > install-environment",
            "build": "env | sort > build-environment && mkdir -p .longshore && echo planted > .longshore/release.json",
        })
        self.check(host.deploy(commit, pins=pins), 0, "done")
        for name, value in VALUES.items():
            self.assertEqual(base64.b64decode(host.get(f"/{name}")).decode(), value, name)
        self.assertEqual(host.who()["node_env"], "production")
        self.few_calls_with_all_names()
        self.children_saw_nothing(commit, pins)
        self.secrets_are_in_one_file()
        self.the_daemon_holds_nothing_of_the_step()

    def few_calls_with_all_names(self):
        """41 parameters and the configuration are five calls; the first was throttled once."""
        lines = (self.host.aws / "calls.jsonl").read_text().splitlines()
        self.assertEqual(len(lines), 1 + 5)
        self.assertNotIn("SSM_Token", lines[-1])

    def children_saw_nothing(self, commit, pins):
        """Hooks run without the agent's credentials, without the app's parameters, without the step's variables."""
        folder = self.host.app / "releases" / self.host.release(commit, 1, pins)
        for name in ("install-environment", "build-environment"):
            text = (folder / name).read_text()
            for word in ("SSM_", "AWS_", "LS_", "canary", "LONGSHORE", SECRET, "NODE_OPTIONS"):
                self.assertNotIn(word, text)
        self.assertIn(commit, (folder / ".longshore" / "release.json").read_text())
        self.assertFalse((folder / ".git").exists())

    def secrets_are_in_one_file(self):
        """The env file of the release, for its user alone; not in logs, ledger, pm2's files or /proc."""
        host = self.host
        for needle in (SECRET, "MIIabcdef0123456789", "agent-credential-canary", "agent-environment-canary"):
            self.assertEqual(host.files_with(needle.encode(), outside=("env.json",)), [])
        files = [file for file in host.app.rglob("env.json")]
        self.assertEqual([oct(file.stat().st_mode & 0o777) for file in files], ["0o600"])
        for pid in [host.daemon(), *host.pids()]:
            environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            for word in (SECRET, "SSM_", "AWS_", "canary", "LS_TOKEN"):
                self.assertNotIn(word.encode(), environment)
        self.assertNotIn(SECRET, host.pm2("jlist"))

    def the_daemon_holds_nothing_of_the_step(self):
        """pm2 outlives the step, so it must keep neither its pipes nor the lock nor the release's folder."""
        host = self.host
        for pid in [host.daemon(), *host.pids()]:
            held = [os.readlink(entry) for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()]
            for target in held:
                self.assertFalse(target.endswith("/lock") or "-activate-" in target, held)
        self.assertEqual(os.readlink(f"/proc/{host.daemon()}/cwd"), str(host.app / "pm2"))


SLOW = """
require('http').createServer((request, response) => {
  setTimeout(() => response.end('VERSION'), request.url === '/slow' ? 800 : 0);
}).listen(Number(process.env.PORT), '127.0.0.1');
"""


class WhatPm2DoesNotDo(HostTest):
    """A reload changes neither mode nor number, may leave a process behind, and cuts requests off."""

    def test_mode_and_number_follow_the_configuration(self):
        host = self.host
        host.configure(mode="fork", instances=1)
        commit = host.commit("v1")
        self.check(host.deploy(commit), 0, "done")
        host.configure(mode="cluster", instances=2, attempts=5)
        self.check(host.deploy(commit), 0, "done")
        self.assertEqual([entry["pm2_env"]["exec_mode"] for entry in host.processes()], ["cluster_mode"] * 2)

    def test_a_process_that_pm2_leaves_behind_is_replaced(self):
        host = self.host
        host.configure(attempts=8)
        self.check(host.deploy(host.commit("v1")), 0, "done")
        old = host.pids()
        host.shim("pm2", 'case " $* " in *" startOrReload "*) exit 0 ;; esac; exec "$REAL" "$@"')
        self.check(host.deploy(host.commit("v2")), 0, "done")
        self.assertEqual(host.who()["version"], "v2")
        self.assertFalse(alive(old[0]))

    def test_no_request_is_lost_although_the_app_handles_no_signal(self):
        host = self.host
        host.configure(mode="cluster", instances=2, attempts=5)
        self.check(host.deploy(host.commit("v1", server=SLOW.replace("VERSION", "v1"))), 0, "done")
        answers, stop = [], threading.Event()

        def ask():
            while not stop.is_set():
                try:
                    answers.append(host.get("/slow"))
                except OSError as error:
                    answers.append(error)

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        activated = host.deploy(host.commit("v2", server=SLOW.replace("VERSION", "v2")))
        stop.set()
        for client in clients:
            client.join()
        self.check(activated, 0, "done")
        self.assertEqual(set(answers), {b"v1", b"v2"})


@unittest.skipUnless(os.geteuid() == 0, "only root can work for another user")
class TheUnprivilegedUser(HostTest):
    """As on a real host: the step is root's, build and app are not."""

    stand_ins = ("aws",)

    def test_build_and_app_run_as_the_host_user(self):
        host = self.host
        host.user = "nobody"
        host.configure(hooks={"build": "build", "migrate": "migrate"})
        host.folder.chmod(0o755)
        pins = host.pin({"SECRET": SECRET})
        commit = host.commit("v1", scripts={"build": "id -un > built-by", "migrate": "id -un > migrated-by; echo $SECRET"})
        host.generation += 1
        self.check(host.run("prepare", commit=commit, pins=pins), 0, "done")
        self.check(host.run("migrate", commit=commit, pins=pins), 0, "done")
        self.check(host.run("activate", commit=commit, pins=pins), 0, "done")
        folder = host.app / "releases" / host.release(commit, 1, pins)
        self.assertEqual([(folder / name).read_text() for name in ("built-by", "migrated-by")], ["nobody\n"] * 2)
        self.assertEqual({pathlib.Path(f"/proc/{pid}").owner() for pid in [host.daemon(), *host.pids()]}, {"nobody"})
        self.assertEqual((folder.owner(), (folder / ".longshore").owner()), ("root", "root"))
        self.assertEqual((folder / ".longshore" / "env.json").owner(), "nobody")
        self.assertEqual(host.files_with(SECRET.encode(), outside=("env.json",)), [])
        self.assertEqual(host.run("status").served, folder.name)


if __name__ == "__main__":
    unittest.main()
