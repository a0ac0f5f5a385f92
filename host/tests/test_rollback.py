"""What a host may rely on: rollbacks from the disk alone, room that is made safely, and other apps that notice nothing."""

import json
import os
import pathlib
import shutil
import signal
import unittest

from harness import ENVIRONMENT, HostTest, alive, free_port, wait_until

LEAVES_A_CHILD_BEHIND = """
const { execFileSync } = require('child_process');
if (process.env.LEAVE !== 'no') execFileSync('/bin/sh', ['-c', 'setsid sleep 300 </dev/null >/dev/null 2>&1 & echo $! >' + process.env.HOME_OF_TEST + '/left']);
require('http').createServer((request, response) => response.end('v1')).listen(process.env.PORT, '127.0.0.1');
"""


class FromTheDisk(HostTest):
    """A rollback."""

    def test_a_rollback_needs_neither_network_nor_git_nor_npm_nor_aws(self):
        host = self.host
        host.configure(mode="cluster", attempts=8)
        first, second = host.commit("v1"), host.commit("v2")
        for commit in (first, second):
            self.check(host.deploy(commit), 0, "done")
        for tool in ("git", "npm", "aws"):
            host.shim(tool, f'echo {tool} >>"$NOTES/called"; exit 97')
        shutil.rmtree(host.origin)
        host.generation += 1
        self.check(host.run("activate", commit=first), 0, "done")
        self.assertEqual((host.who()["version"], (host.folder / "notes" / "called").exists()), ("v1", False))

    def test_what_a_killed_manager_left_running_is_ended_and_holds_no_port(self):
        host = self.host
        host.configure(mode="fork", attempts=8)
        self.check(host.deploy(host.commit("v1")), 0, "done")
        orphan, daemon = host.pids()[0], host.daemon()
        os.kill(daemon, signal.SIGKILL)
        self.assertTrue(wait_until(lambda: not alive(daemon)))
        self.assertTrue(alive(orphan), "an app in fork mode outlives its daemon")
        self.check(host.deploy(host.commit("v2")), 0, "done")
        self.assertEqual((host.who()["version"], alive(orphan)), ("v2", False))

    def test_a_child_that_the_old_release_left_behind_is_ended(self):
        host = self.host
        host.configure(mode="cluster", attempts=8)
        pins = host.pin({"HOME_OF_TEST": str(host.folder)})
        self.check(host.deploy(host.commit("v1", server=LEAVES_A_CHILD_BEHIND), pins=pins), 0, "done")
        left = int((host.folder / "left").read_text())
        self.assertTrue(alive(left))
        self.check(host.deploy(host.commit("v2"), pins=pins), 0, "done")
        self.assertFalse(alive(left))


class OtherApps(HostTest):
    """A host with two apps."""

    def test_the_processes_of_another_app_are_the_same_after_every_action(self):
        host = self.host
        host.configure(mode="cluster", attempts=8)
        first, second = host.commit("v1"), host.commit("v2")
        other = self.another_app(first)
        host.generation += 1
        self.check(host.deploy(first), 0, "done")
        self.check(host.deploy(second), 0, "done")
        host.generation += 1
        self.check(host.run("activate", commit=first), 0, "done")
        self.check(host.run("prune", commit=first), 0, "done")
        self.assertEqual(self.pid_of(other), other["pid"])

    def another_app(self, commit):
        """The same code as another app, which the script has deployed, too."""
        host, mine = self.host, self.host.port
        (host.origin.parent / "billing.git").symlink_to(host.origin)
        document = json.loads((host.aws / "values" / f"%2Flongshore%2F{ENVIRONMENT}%2Fapps%2Facme%2Forders" / "1").read_text())
        host.parameter(f"/longshore/{ENVIRONMENT}/apps/acme/billing", json.dumps(document))
        host.port = free_port()
        host.generation += 1
        for action in ("prepare", "activate"):
            self.check(host.run(action, commit=commit, App="billing", Repository="acme/billing"), 0, "done")
        other = {"port": host.port, **host.who()}
        host.port = mine
        self.addCleanup(self.end, host.root / "billing")
        return other

    def pid_of(self, other):
        return json.loads(self.host.get("/who", other["port"]))["pid"]

    def end(self, folder):
        """Ends the other app's daemon; it takes its workers along."""
        daemon = int((folder / "pm2" / "pm2.pid").read_text())
        os.kill(daemon, signal.SIGKILL)
        wait_until(lambda: not alive(daemon))


class Room(HostTest):
    """What is removed, and when."""

    def copies(self, count, whole):
        """Releases that were prepared one after another and never activated."""
        releases = self.host.app / "releases"
        names = [f"{number:040x}-{number:012x}" for number in range(count)]
        for number, name in enumerate(names):
            shutil.copytree(releases / whole, releases / name)
            record = releases / name / ".longshore" / "release.json"
            record.write_text(json.dumps({**json.loads(record.read_text()), "prepared_at": f"2100-01-{number + 1:02}"}))
        return names

    def test_the_last_three_proven_releases_stay_and_the_one_that_serves(self):
        host = self.host
        host.configure(attempts=8)
        commits = [host.commit(f"v{number}") for number in range(5)]
        for commit in commits:
            self.check(host.deploy(commit), 0, "done")
        proven = [host.release(commit, 1) for commit in commits]
        newer = self.copies(5, proven[0])
        host.generation += 1
        self.check(host.deploy(commits[2]), 0, "done")
        self.check(host.run("prune", release=newer[-1]), 0, "done")
        self.assertEqual(set(os.listdir(host.app / "releases")), {proven[2], proven[3], proven[4], *newer})
        self.assertEqual(host.who()["version"], "v2")

    def test_the_release_that_serves_stays_when_nothing_of_it_was_ever_proven(self):
        host = self.host
        host.configure(attempts=1)
        good, sick = host.commit("v1"), host.commit("v2", status=500)
        self.check(host.deploy(good), 0, "done")
        self.check(host.deploy(sick), 42, "health_failed")
        newer = self.copies(6, host.release(good, 1))
        self.check(host.run("prune", release=newer[-1]), 0, "done")
        self.assertEqual(set(os.listdir(host.app / "releases")), {host.release(good, 1), host.release(sick, 1), *newer[1:]})

    def test_nothing_is_pruned_while_an_activation_runs(self):
        host = self.host
        host.configure(attempts=8)
        commit = host.commit("v1")
        self.check(host.deploy(commit), 0, "done")
        old = self.copies(7, host.release(commit, 1))
        notes = host.shim("pm2", 'touch "$NOTES/reached"; until [ -e "$NOTES/go" ]; do sleep 0.05; done; exec "$REAL" "$@"')
        host.generation += 1
        activation = host.spawn("activate", commit=commit)
        self.addCleanup(activation.communicate)
        self.assertTrue(wait_until((notes / "reached").exists))
        self.check(host.run("prune", release=old[-1]), 12, "busy")
        self.assertLessEqual(set(old), set(os.listdir(host.app / "releases")))
        (pathlib.Path(notes) / "go").touch()
        self.assertEqual(activation.wait(timeout=60), 0)
        self.check(host.run("prune", release=old[-1], attempt=2), 0, "done")
        self.assertNotIn(old[0], os.listdir(host.app / "releases"))


if __name__ == "__main__":
    unittest.main()
