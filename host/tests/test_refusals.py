"""What a host refuses before it does anything: hostile parameters, an old agent, a late or an overtaken command."""

import json
import os
import time
import unittest

from harness import HostTest

HOSTILE = ["", " ", "x y", "a;id", "$(touch planted)", "`touch planted`", "a\nid", "{{ssm:/other}}", "'", '"', "../..",
           "a[$(touch planted)]", "-rf", "--upload-pack=id", "é", "x" * 5000, "ext::sh -c id", "%s%n", "\u202eabc", "a\x7fb", "--"]
GOOD_MIDDLE = {"Generation": "1;id", "Release": f"{'0' * 40}-{'0' * 12};id", "NotAfter": "1900000000\n",
               "DeadlineSeconds": "60 ", "GitBase": "https://bitbucket.org/../x", "HostUser": "root\n",
               "Pins": "A:1,", "App": "orders/..", "Repository": "acme/..", "Environment": "staging\n",
               "Deployment": "01JD000000000000000000000U", "ConfigVersion": "0", "Action": "prepare\n"}
PATTERNED = ["Action", "App", "Environment", "Repository", "Deployment", "Generation", "Token", "Release", "Previous", "ConfigVersion",
             "Pins", "Artifact", "NotAfter", "DeadlineSeconds", "GitBase", "ArtifactBucket", "HostUser"]
MAY_BE_EMPTY = ("Pins", "Previous", "Artifact", "ArtifactBucket")


class BeforeAnything(HostTest):
    """None of these may leave a trace on the disk."""

    def refused(self, code, cls, **changed):
        answer = self.host.run("prepare", **changed)
        self.check(answer, code, cls)
        self.assertEqual(answer.outcome, "refused")
        self.assertEqual(list(self.host.folder.rglob("planted")), [])
        self.assertFalse(self.host.root.exists())
        return answer

    def test_hostile_values_are_bad_input_and_are_not_repeated(self):
        cases = [(name, value) for name in PATTERNED for value in HOSTILE if value or name not in MAY_BE_EMPTY]
        for name, value in [*cases[::3], *GOOD_MIDDLE.items()]:
            with self.subTest(name=name, value=value[:30]):
                answer = self.refused(2, "bad_input", **{name: value})
                self.assertNotIn("touch", answer.stdout)

    def test_an_unset_variable_means_an_old_agent(self):
        for name in PATTERNED:
            with self.subTest(name=name):
                self.refused(13, "agent_too_old", **{name: None})

    def test_a_token_of_another_deployment_or_generation_is_bad_input(self):
        token = self.host.variables("prepare")["SSM_Token"]
        for other in (token.replace("01JD", "01JE"), token.replace(":1:prepare", ":2:prepare")):
            self.refused(2, "bad_input", Token=other)

    def test_a_user_that_does_not_exist_is_said_before_anything(self):
        self.refused(61, "user_missing", HostUser="nobody-of-this-name")

    @unittest.skipIf(os.geteuid() == 0, "root works for anybody")
    def test_another_user_cannot_be_had_without_root(self):
        self.refused(2, "bad_input", HostUser="root")


class ByTheLedger(HostTest):
    """What has been seen decides; nothing of this needs a process of the app."""

    def setUp(self):
        super().setUp()
        self.host.configure()
        self.commit = self.host.commit("v1")

    def test_order_time_and_repetition(self):
        host, commit = self.host, self.commit
        late = host.run("prepare", commit=commit, NotAfter=str(int(time.time()) - 1))
        self.check(late, 11, "expired")
        self.assertFalse((host.app / "ledger.json").exists())

        first = host.run("prepare", commit=commit, generation=7)
        self.check(first, 0, "done")
        again = host.run("prepare", commit=commit, generation=7, NotAfter="1000000000")
        self.check(again, 0, "done")
        self.assertEqual((first.repeated, again.repeated), (False, True))
        self.assertEqual({**again.body, "repeated": False}, first.body)

        older = host.run("activate", commit=commit, generation=6)
        self.check(older, 10, "superseded")
        self.assertIn("7", older.detail)
        self.assertEqual(host.ledger()["generation"], 7)
        same = host.run("prepare", commit=commit, generation=7, attempt=2)
        self.check(same, 0, "done")
        self.assertEqual((same.repeated, same.detail), (False, "already prepared"))

    def test_a_failure_is_repeated_as_the_same_failure(self):
        missing = self.host.run("activate", commit="f" * 40)
        self.check(missing, 40, "release_missing")
        again = self.host.run("activate", commit="f" * 40)
        self.check(again, 40, "release_missing")
        self.assertTrue(again.repeated)

    def test_of_five_at_once_one_works_and_four_are_busy(self):
        host = self.host
        notes = host.shim("npm", 'touch "$NOTES/reached"; until [ -e "$NOTES/gate" ]; do sleep 0.05; done; exec "$REAL" "$@"')
        steps = [host.spawn("prepare", commit=self.commit, attempt=attempt) for attempt in range(1, 6)]
        self.addCleanup(lambda: [step.kill() for step in steps if step.poll() is None])
        end = time.monotonic() + 30
        while sum(step.poll() is not None for step in steps) < 4 and time.monotonic() < end:
            time.sleep(0.05)
        (notes / "gate").touch()
        texts = [step.communicate(timeout=60)[0] for step in steps]
        results = sorted((step.returncode, json.loads(text)["class"]) for step, text in zip(steps, texts))
        self.assertEqual(results, [(0, "done"), *[(12, "busy")] * 4], host.logs())
        self.assertEqual(len(host.ledger()["entries"]), 1)

    def test_status_of_an_untouched_host_is_told_and_leaves_nothing(self):
        seen = self.host.run("status")
        self.check(seen, 0, "done")
        self.assertEqual((seen.release, seen.served, seen.healthy, seen.generation), ("", "", False, 0))
        self.assertFalse(self.host.root.exists())

    def test_a_ledger_that_cannot_be_read_stops_every_step(self):
        self.host.app.mkdir(parents=True)
        (self.host.app / "ledger.json").write_text('{"generation": 9')
        self.check(self.host.run("prepare", commit=self.commit), 70, "internal")
        self.assertEqual((self.host.app / "ledger.json").read_text(), '{"generation": 9')


if __name__ == "__main__":
    unittest.main()
