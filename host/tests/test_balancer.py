"""The target group in front of the host: nothing is switched while it sends requests, and nobody is left outside."""

import json
import os
import signal
import unittest

from harness import INSTANCE, HostTest

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/orders/0123456789abcdef"
ME = f"{INSTANCE}:3000"
OTHER = "i-0fedcba9876543210:3000"

# Kills the step's group before the call of the AWS CLI or the command of pm2 that the plan names.
KILL = """
read -r word <"$NOTES/plan" 2>/dev/null
for argument; do
  if [ -n "$word" ] && [ "$argument" = "$word" ]; then
    rm "$NOTES/plan"
    until [ -s "$NOTES/group" ]; do sleep 0.02; done
    kill -KILL -- "-$(cat "$NOTES/group")"
  fi
done
exec "$REAL" "$@"
"""


class TheTargetGroup(HostTest):
    """A host in a target group, and one that is not."""

    def setUp(self):
        super().setUp()
        self.host.configure(mode="cluster", attempts=8, load_balancer={"target_group": GROUP, "drain_seconds": 20,
                                                                       "healthy_seconds": 20})
        self.targets({ME: ["healthy", 0], OTHER: ["healthy", 0]})

    def targets(self, group):
        (self.host.aws / "targets.json").write_text(json.dumps({GROUP: group}))

    def states(self):
        found = json.loads((self.host.aws / "targets.json").read_text())[GROUP]
        return {name: state for name, (state, _) in found.items()}

    def calls(self):
        lines = (self.host.aws / "calls.jsonl").read_text().splitlines()
        words = [json.loads(line)["arguments"] for line in lines]
        return [word[1] for word in words if word[0] == "elbv2"]

    def away(self, call):
        (self.host.aws / "elb-away").write_text(call)

    def pending(self):
        return (self.host.ledger().get("balancer") or {}).get("targets", [])

    def test_the_host_leaves_before_the_switch_and_comes_back_healthy(self):
        host = self.host
        notes = host.shim("pm2", 'cp "$AWS_FAKE_TARGETS" "$NOTES/at-the-switch" 2>/dev/null; exec "$REAL" "$@"'
                          .replace("$AWS_FAKE_TARGETS", str(host.aws / "targets.json")))
        self.check(host.deploy(host.commit("v1")), 0, "done")
        self.assertEqual(list(json.loads((notes / "at-the-switch").read_text())[GROUP]), [OTHER])
        self.assertEqual(self.states(), {ME: "healthy", OTHER: "healthy"})
        self.assertEqual([call for call in self.calls() if call != "describe-target-health"],
                         ["deregister-targets", "register-targets"])
        self.assertEqual(self.pending(), [])

    def test_a_host_that_is_not_in_the_group_stays_outside(self):
        self.targets({OTHER: ["healthy", 0]})
        self.check(self.host.deploy(self.host.commit("v1")), 0, "done")
        self.assertEqual((self.calls(), self.states()), (["describe-target-health"], {OTHER: "healthy"}))

    def test_a_release_that_fails_leaves_the_host_in_the_group(self):
        host = self.host
        host.configure(mode="cluster", attempts=2, load_balancer={"target_group": GROUP, "drain_seconds": 5})
        self.check(host.deploy(host.commit("v1", status=500)), 42, "health_failed")
        self.assertIn(ME, self.states())
        self.assertEqual(self.pending(), [])

    def test_an_api_that_is_away_stops_a_new_release_before_the_switch_and_never_a_rollback(self):
        host = self.host
        first = host.commit("v1")
        self.check(host.deploy(first), 0, "done")
        for call in ("*", "deregister-targets"):
            self.away(call)
            stopped = host.deploy(host.commit(f"v2 {call}"))
            self.check(stopped, 44, "load_balancer_failed")
            self.assertEqual((host.who()["version"], host.current()), ("v1", host.release(first, 1)))
            host.generation += 1
            self.check(host.run("activate", commit=first), 0, "done")
        (host.aws / "elb-away").unlink()
        self.check(host.run("prune", commit=first), 0, "done")
        self.assertEqual((ME in self.states(), self.pending()), (True, []))

    def test_a_registration_that_fails_is_told_and_made_up_by_the_next_step(self):
        host = self.host
        self.away("register-targets")
        failed = host.deploy(host.commit("v1"))
        self.check(failed, 44, "load_balancer_failed")
        self.assertEqual((host.who()["version"], self.pending()), ("v1", [f"Id={INSTANCE},Port=3000"]))
        self.assertNotIn(ME, self.states())
        (host.aws / "elb-away").unlink()
        host.generation += 1
        self.check(host.run("prune"), 0, "done")
        self.assertEqual((ME in self.states(), self.pending()), (True, []))

    def test_a_target_that_does_not_become_healthy_fails_a_new_release(self):
        host = self.host
        host.configure(mode="cluster", attempts=8, load_balancer={"target_group": GROUP, "drain_seconds": 5,
                                                                  "healthy_seconds": 2})
        host.shim("aws", 'case "$*" in *register-targets*) "$REAL" "$@"; code=$?; sed -i s/initial/unhealthy/ '
                  + str(host.aws / "targets.json") + '; exit $code ;; esac; exec "$REAL" "$@"')
        failed = host.deploy(host.commit("v1"))
        self.check(failed, 44, "load_balancer_failed")
        self.assertIn("healthy", failed.detail)

    def test_a_step_that_is_killed_outside_brings_the_host_back_when_it_is_given_again(self):
        host = self.host
        commit = host.commit("v1")
        self.check(host.deploy(commit), 0, "done")
        for tool, word in (("aws", "deregister-targets"), ("pm2", "startOrReload"), ("aws", "register-targets")):
            with self.subTest(word=word):
                notes = host.shim(tool, KILL)
                host.generation += 1
                (notes / "group").unlink(missing_ok=True)
                (notes / "plan").write_text(f"{word}\n")
                step = host.spawn("activate", commit=commit)
                (notes / "group").write_text(f"{os.getpgid(step.pid)}\n")
                self.assertEqual((step.wait(timeout=60), step.communicate()[0]), (-signal.SIGKILL, ""))
                self.assertEqual(self.pending(), [f"Id={INSTANCE},Port=3000"])
                host.unshim(tool)
                self.check(host.run("activate", commit=commit), 0, "done")
                self.assertEqual((self.states().get(ME), self.pending()), ("healthy", []))


if __name__ == "__main__":
    unittest.main()
