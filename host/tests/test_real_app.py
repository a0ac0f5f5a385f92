"""A real application that nobody here wrote: Unleash (`unleash-server`, from npm) with its PostgreSQL and its migrations.

Two of its published versions are installed by `npm ci` from the registry, migrated, run by pm2, broken, rolled back and deployed
again. What is ours of the app is in `real-app/`, as a user would write it: two short programs, and a lock file for each version.
It takes minutes, so it is asked for: `REAL_APP=1 python3 -m unittest discover -s host/tests -p test_real_app.py`.
"""

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import signal
import tempfile
import unittest

import database
from harness import HERE, HostTest, alive, wait_until

APP = HERE / "real-app"
MIGRATIONS = "node_modules/unleash-server/dist/migrations"
NEW = ["20260204150900-add-edge-hmac-verification-tables.js", "20260213095258-users-company-role-and-email-consent.js",
       "20260303132225-add-milestone-strategies-disabled.js"]
SECRET = "correct-horse-battery"  # Also in the address of the database.
TOKEN = f"*:*.{SECRET}-of-the-first-admin"
# What npm has fetched once is kept in the temporary folder of the machine, for all runs of this test.
CACHE = pathlib.Path(tempfile.gettempdir()) / "longshore-host-npm-cache"
FLAGS = "/api/admin/projects/default/features"

GOOD = (APP / "server.js").read_text()
# It looks for its database where none is, and ends.
BROKEN = GOOD.replace("disableMigration: true", "port: 1")
FIXED = GOOD + "// The database is where it was.\n"
assert BROKEN != GOOD


def tree(folder):
    """One digest of all that is in a folder: names, links, modes and bytes."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        content = os.readlink(file).encode() if file.is_symlink() else file.read_bytes() if file.is_file() else b""
        digest.update(f"{file.relative_to(folder)} {file.lstat().st_mode} {len(content)} ".encode() + content)
    return digest.hexdigest()


@unittest.skipUnless(os.environ.get("REAL_APP"), "installs a real application from npm five times, which takes minutes: set REAL_APP=1")
class RealApp(HostTest):
    stand_ins = ("aws",)

    def setUp(self):
        super().setUp()
        server = database.Database()
        self.addCleanup(server.close)
        self.database, self.name = server, server.create()
        self.pins = self.host.pin({"DATABASE_URL": server.url(self.name), "INIT_ADMIN_API_TOKENS": TOKEN, "SEND_TELEMETRY": "false"})
        CACHE.mkdir(exist_ok=True)
        (self.host.app / "shared").mkdir(parents=True)
        (self.host.app / "shared" / "npm-cache").symlink_to(CACHE)

    # --- the app ---

    def release(self, version, server=GOOD, compatible=False):
        """Configures and commits the app with a version of the package; the keywords of a release's steps."""
        self.host.configure(mode="cluster", instances=2, attempts=20, hooks={"migrate": "db:migrate"},
                            migrations={"folder": MIGRATIONS, "compatible": compatible})
        files = {name: (APP / version / name).read_text() for name in ("package.json", "package-lock.json")}
        commit = self.host.commit(version, server=server, files={**files, "migrate.js": (APP / "migrate.js").read_text()})
        return {"commit": commit, "pins": self.pins, "config_version": self.host.config_version}

    def id_of(self, release):
        return self.host.release(release["commit"], release["config_version"], self.pins)

    def folder_of(self, release):
        return self.host.app / "releases" / self.id_of(release)

    def ask(self, method, path, body=None):
        """The document that the app's own API answers with."""
        connection = http.client.HTTPConnection("127.0.0.1", self.host.port, timeout=10)
        with contextlib.closing(connection):
            headers = {"authorization": TOKEN, "content-type": "application/json"}
            connection.request(method, path, body and json.dumps(body), headers)
            response = connection.getresponse()
            answer = response.read()
        self.assertIn(response.status, (200, 201), answer)
        return json.loads(answer)

    def is_served(self, version, flags):
        """That this version answers, is healthy, and still knows what was written through its API."""
        self.assertEqual(self.ask("GET", "/health"), {"health": "GOOD"})
        self.assertEqual(self.ask("GET", "/api/admin/ui-config")["version"], version)
        self.assertEqual(sorted(flag["name"] for flag in self.ask("GET", FLAGS)["features"]), flags)

    def write(self, flag):
        self.ask("POST", FLAGS, {"name": flag, "type": "release"})

    def applied(self):
        return [row["name"].lstrip("/") + ".js" for row in self.database.query(self.name, "SELECT name FROM migrations ORDER BY id")]

    # --- the steps ---

    def step(self, action, release, before=None, code=0, cls="done"):
        answer = self.host.run(action, Previous=self.id_of(before) if before else "", **release)
        self.check(answer, code, cls)
        found = answer.body.get("migrations")
        said = f"{found['verdict']}, {found['count']} new" if found else answer.detail
        print(f"{answer.seconds:6.1f} s  {action:8} {cls:12} {said}", flush=True)
        return answer

    def deployed(self, release, before=None):
        """All steps of a deployment; the verdict of its preparation."""
        self.host.generation += 1
        verdict = self.step("prepare", release, before).body.get("migrations")
        self.step("migrate", release, before)
        self.step("activate", release)
        return verdict

    def switched_back(self, release):
        """The rollback: from the disk, under a generation of its own."""
        self.host.generation += 1
        self.step("activate", release)

    def kill_in_the_install(self, release, before):
        """SIGKILL for the script while npm writes packages to the disk. npm itself goes on, until the next step ends it."""
        step = self.host.spawn("prepare", Previous=self.id_of(before), **release)
        folder = self.host.app / "releases" / f"{self.id_of(release)}.partial" / "node_modules"
        self.assertTrue(wait_until(lambda: folder.exists() and len(os.listdir(folder)) > 50, 100), self.host.logs())
        npm = int((self.host.app / "child").read_text().split()[0])
        os.killpg(step.pid, signal.SIGKILL)
        step.communicate()
        self.assertTrue(alive(npm))
        self.assertFalse(self.folder_of(release).exists())
        return npm

    def test_unleash_is_deployed_broken_rolled_back_and_deployed_again(self):
        first = self.release("first")
        self.assertIsNone(self.deployed(first))
        old = self.applied()
        self.write("written-by-first")
        self.is_served("7.4.1", ["written-by-first"])

        # The second version has new migrations, which are code: without somebody's promise there is no way back from them.
        unpromised = self.release("second")
        self.host.generation += 1
        npm = self.kill_in_the_install(unpromised, first)
        verdict = self.step("prepare", unpromised, first).body["migrations"]
        self.assertFalse(alive(npm))
        self.assertEqual((verdict["verdict"], verdict["allowed"], verdict["count"]), ("impossible", False, 3))
        self.assertEqual(verdict["findings"], [f"{name[-60:]}: is code, not SQL: not judged" for name in NEW])
        self.is_served("7.4.1", ["written-by-first"])

        # Who has read them sees that they only add, and promises it.
        second = self.release("second", compatible=True)
        verdict = self.deployed(second, first)
        self.assertEqual((verdict["verdict"], verdict["count"]), ("safe", 3))
        self.assertEqual(self.applied(), [*old, *NEW])
        print(f"          {len(old)} migrations, then {len(NEW)} more")
        self.write("written-by-second")
        self.is_served("7.5.1", ["written-by-first", "written-by-second"])
        self.assertEqual(tree(self.folder_of(unpromised) / "node_modules"), tree(self.folder_of(second) / "node_modules"),
                         "the install that was killed and run again is the same as the one that was not")

        broken = self.release("second", server=BROKEN, compatible=True)
        self.host.generation += 1
        self.assertEqual(self.step("prepare", broken, second).body["migrations"]["count"], 0)
        self.step("migrate", broken, second)
        failed = self.step("activate", broken, code=41, cls="start_failed")
        self.assertRegex(failed.detail, r"connect ECONNREFUSED 127\.0\.0\.1:1\b")
        self.switched_back(second)
        self.is_served("7.5.1", ["written-by-first", "written-by-second"])

        # What `safe` says: the first version runs on the database of the second.
        self.switched_back(first)
        self.is_served("7.4.1", ["written-by-first", "written-by-second"])

        fixed = self.release("second", server=FIXED, compatible=True)
        self.assertEqual(self.deployed(fixed, first)["verdict"], "safe")
        self.assertEqual(self.applied(), [*old, *NEW])
        self.write("written-by-fixed")
        self.is_served("7.5.1", ["written-by-first", "written-by-fixed", "written-by-second"])
        written = [file for name in ("log", "pm2") for file in (self.host.app / name).rglob("*") if file.is_file()]
        self.assertEqual([file for file in written if SECRET.encode() in file.read_bytes()], [])


if __name__ == "__main__":
    unittest.main()
