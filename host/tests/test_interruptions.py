"""SIGKILL, as the agent sends it: to the process group of the step, at any line, without a word before.

A shim before each tool kills the step's group when a planned call is made; the call itself then goes on without its
step, like anything that has a process group of its own. The same command is then given again, as an agent does after a
restart, until it ends by itself.
"""

import json
import os
import shutil
import signal
import unittest

from harness import HostTest, alive, wait_until

PLANNED = """
read -r word <"$NOTES/plan-%(tool)s" 2>/dev/null
for argument; do
  if [ -n "$word" ] && [ "$argument" = "$word" ]; then
    rm "$NOTES/plan-%(tool)s"
    until [ -s "$NOTES/group" ]; do sleep 0.02; done
    read -r group <"$NOTES/group"
    kill -KILL -- "-$group"
  fi
done
"""
KILL = PLANNED + 'exec "$REAL" "$@"'
KILL_AFTER = '"$REAL" "$@"\ncode=$?\n' + PLANNED + "exit $code"


class Interrupted(HostTest):
    """Steps that are killed and given again."""

    def setUp(self):
        super().setUp()
        for tool in ("aws", "git", "npm", "pm2", "node", "mv", "ln"):
            self.notes = self.host.shim(tool, KILL % {"tool": tool})

    def killed_at(self, tool, word, action, **options):
        """Runs the step, which is killed when it calls `tool` with the argument `word`."""
        (self.notes / "group").unlink(missing_ok=True)
        plan = self.notes / f"plan-{tool}"
        plan.write_text(f"{word}\n")
        step = self.host.spawn(action, **options)
        (self.notes / "group").write_text(f"{step.pid}\n")
        code, stdout = step.wait(timeout=120), step.stdout.read()
        step.stdout.close()
        step.stderr.close()
        self.assertFalse(plan.exists(), f"{action} never called {tool} {word}: {stdout}\n{self.host.logs()}")
        self.assertEqual((code, stdout), (-signal.SIGKILL, ""), f"{tool} {word}")

    def test_preparation_converges_wherever_it_was_killed(self):
        host = self.host
        host.configure(hooks={"build": "build"})
        pins = host.pin({"SECRET": "correct-horse-battery-staple"})
        commit = host.commit("v1", scripts={"build": "echo built >>built"})
        points = [("node", "begin"), ("node", "room"), ("aws", "get-parameters"), ("git", "init"), ("git", "fetch"),
                  ("git", "checkout"), ("npm", "ci"), ("npm", "run"), ("node", "write-release"), ("mv", "-T"),
                  ("node", "finish")]
        for tool, word in points:
            self.killed_at(tool, word, "prepare", commit=commit, pins=pins)
            if (tool, word) != ("node", "finish"):
                self.assertEqual([name for name in self.releases() if not name.endswith(".partial")], [])
        answer = host.run("prepare", commit=commit, pins=pins)
        self.check(answer, 0, "done")
        folder = host.app / "releases" / host.release(commit, 1, pins)
        self.assertEqual(self.releases(), [folder.name])
        self.assertEqual((folder / "built").read_text(), "built\n")
        self.assertEqual(len(host.ledger()["entries"]), 1)
        self.assertTrue(host.run("prepare", commit=commit, pins=pins).repeated)

    def releases(self):
        folder = self.host.app / "releases"
        return os.listdir(folder) if folder.exists() else []

    def test_a_child_that_survives_is_ended_by_the_next_step(self):
        host = self.host
        host.configure()
        commit = host.commit("v1")
        notes = host.shim("npm", '[ -e "$NOTES/pids" ] && exec "$REAL" "$@"; sleep 300 & echo "$$ $!" >"$NOTES/pids"; wait')
        step = host.spawn("prepare", commit=commit)
        self.assertTrue(wait_until((notes / "pids").exists, 30))
        os.killpg(step.pid, signal.SIGKILL)
        step.communicate()
        survivors = [int(pid) for pid in (notes / "pids").read_text().split()]
        self.assertTrue(all(alive(pid) for pid in survivors))
        self.check(host.run("prepare", commit=commit), 0, "done")
        self.assertFalse(any(alive(pid) for pid in survivors))

    def test_activation_converges_wherever_it_was_killed(self):
        host = self.host
        host.configure(mode="cluster", instances=1, attempts=8)
        old, new = host.commit("v1"), host.commit("v2")
        self.check(host.deploy(old), 0, "done")
        old_pids = host.pids()
        host.generation += 1
        self.check(host.run("prepare", commit=new), 0, "done")
        for tool, word in [("node", "switch"), ("ln", "-s"), ("mv", "-T")]:
            self.killed_at(tool, word, "activate", commit=new)
            self.assertTrue(alive(old_pids[0]))
        self.killed_at("pm2", "startOrReload", "activate", commit=new)
        (host.app / "pm2" / "dump.pm2").unlink()  # So there is something left to do between the proof and the record.
        self.killed_at("node", "prove", "activate", commit=new)
        moved = host.pids()
        self.killed_at("node", "finish", "activate", commit=new)
        answer = host.run("activate", commit=new)
        self.check(answer, 0, "done")
        self.assertEqual(host.pids(), moved, "an activation takes effect once per generation")
        self.assertEqual((host.who()["version"], host.current()), ("v2", host.release(new, 1)))
        self.assertFalse(alive(old_pids[0]))
        again = host.run("activate", commit=new)
        self.assertEqual((again.repeated, again.code), (True, 0))
        self.assertEqual(host.pids(), moved)

    def test_an_answer_that_the_proof_has_put_on_record_is_told_by_the_next_step(self):
        host = self.host
        host.configure(mode="cluster", instances=1, attempts=8)
        old, new = host.commit("v1"), host.commit("v2")
        self.check(host.deploy(old), 0, "done")
        host.generation += 1
        self.check(host.run("prepare", commit=new), 0, "done")
        host.shim("node", KILL_AFTER % {"tool": "node"})
        self.killed_at("node", "prove", "activate", commit=new)
        moved = host.pids()
        answer = host.run("activate", commit=new)
        self.check(answer, 0, "done")
        self.assertEqual((answer.repeated, answer.served, answer.healthy), (True, host.release(new, 1), True))
        self.assertEqual((host.pids(), host.ledger()["active_state"]), (moved, "proven"))

    def test_a_second_attempt_of_one_generation_moves_nothing_and_a_new_generation_does(self):
        host = self.host
        host.configure()
        commit = host.commit("v1")
        self.check(host.deploy(commit), 0, "done")
        pids = host.pids()
        second = host.run("activate", commit=commit, attempt=2)
        self.check(second, 0, "done")
        self.assertFalse(second.repeated)
        self.assertEqual(host.pids(), pids)
        self.check(host.deploy(commit), 0, "done")
        self.assertNotEqual(host.pids(), pids)


class Room(HostTest):
    """Old releases go, those that matter stay."""

    def test_prune_keeps_what_runs_what_was_proven_and_the_newest(self):
        host = self.host
        host.configure()
        proven = host.commit("v0")
        self.check(host.deploy(proven), 0, "done")
        releases = host.app / "releases"
        names = [f"{number:040x}-{number:012x}" for number in range(7)]
        for number, name in enumerate(names):
            shutil.copytree(releases / host.release(proven, 1), releases / name)
            record = releases / name / ".longshore" / "release.json"
            record.write_text(json.dumps({**json.loads(record.read_text()), "prepared_at": f"2100-01-0{number + 1}"}))
        (releases / f"{'a' * 40}-{'b' * 12}.partial").mkdir()
        self.check(host.run("prune", release=names[-1]), 0, "done")
        self.assertEqual(set(os.listdir(releases)), {host.release(proven, 1), *names[-5:]})
        self.assertEqual(host.who()["version"], "v0")


if __name__ == "__main__":
    unittest.main()
