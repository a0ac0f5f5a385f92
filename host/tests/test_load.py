"""Load from outside while a release is switched: autocannon counts, and nothing may be missing."""

import json
import os
import subprocess
import unittest

from harness import HERE, SERVER, HostTest, installed

# An app that handles no signal, and one whose answers take longer than the reload of a process.
PLAIN = "require('http').createServer((request, response) => response.end('%s')).listen(process.env.PORT, '127.0.0.1');"
SLOW = PLAIN.replace("response.end('%s')", "setTimeout(() => response.end('%s'), 300)")


class Load:
    """autocannon on a host's app, until the block ends."""

    def __init__(self, host, connections, connection):
        self.arguments = ["node", str(HERE / "load.cjs"), f"http://127.0.0.1:{host.port}/health", str(connections), connection]

    def __enter__(self):
        environment = {**os.environ, "AUTOCANNON": str(installed(HERE / "npm") / "autocannon")}
        self.run = subprocess.Popen(self.arguments, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_):
        stdout, _ = self.run.communicate(timeout=60)
        self.counted = json.loads(stdout)


class UnderLoad(HostTest):
    """There and back while requests come in, over kept connections and over new ones."""

    def there_and_back(self, app, mode="cluster", instances=2, connections=10):
        host = self.host
        host.configure(mode=mode, instances=instances, attempts=8)
        first, second = host.commit("v1", server=app("v1")), host.commit("v2", server=app("v2"))
        self.check(host.deploy(first), 0, "done")
        host.generation += 1
        self.check(host.run("prepare", commit=second), 0, "done")
        with Load(host, connections, "keep-alive") as kept, Load(host, connections, "close") as fresh:
            for commit, version in ((second, b"v2"), (first, b"v1")):
                self.check(host.run("activate", commit=commit), 0, "done")
                self.assertEqual(host.get("/health"), version)
                host.generation += 1
        print(f"\n{self.id().rsplit('.', 1)[1]}: kept connections {kept.counted}, new ones {fresh.counted}")
        self.assertGreater(min(kept.counted["requests"], fresh.counted["requests"]), 100)
        return kept.counted, fresh.counted

    def nothing_is_missing(self, *words, **options):
        for counted in self.there_and_back(*words, **options):
            self.assertEqual([counted[word] for word in ("errors", "timeouts", "non2xx", "resets")], [0, 0, 0, 0], counted)

    def test_no_request_is_lost_over_a_switch_and_back(self):
        self.nothing_is_missing(lambda version: PLAIN % version)

    def test_no_slow_answer_is_cut_off_by_a_switch(self):
        self.nothing_is_missing(lambda version: SLOW % version, connections=50)

    def test_no_request_is_lost_by_one_process_that_ends_itself_in_its_own_way(self):
        self.nothing_is_missing(lambda version: SERVER % {"version": version, "status": 200}, instances=1)

    def test_fork_mode_has_a_gap_in_which_connections_are_not_taken_and_no_answer_is_wrong_or_missing(self):
        for counted in self.there_and_back(lambda version: PLAIN % version, mode="fork", instances=1):
            self.assertEqual([counted["non2xx"], counted["timeouts"]], [0, 0], counted)
            self.assertLessEqual(set(counted["told"]), {"ECONNREFUSED", "ECONNRESET"}, counted)


if __name__ == "__main__":
    unittest.main()
