"""systemd as the manager, and the real one (`own_systemd`). Where no namespace can be made or no systemd is installed, these
tests are skipped and say so.
"""

import shutil
import unittest

from harness import APP, HostTest, tools, wait_until
from own_systemd import APP_DIR, Systemd, can_have_namespaces


@unittest.skipUnless(can_have_namespaces(), "needs root, namespaces and an installed systemd")
class UnderSystemd(HostTest):
    """The way of a push and of a rollback, with units."""

    unit = f"longshore-{APP}.service"

    def setUp(self):
        super().setUp()
        self.systemd = Systemd(self.host.folder)
        self.addCleanup(self.systemd.close)
        self.systemd.take(self.host)

    def main_pid(self):
        return int(self.systemd.show(self.unit, "MainPID"))

    def running(self):
        """Everything that runs in the app's folder, by the numbers of the namespace."""
        found = self.systemd.run("sh", "-c", f"readlink /proc/[0-9]*/cwd | grep {APP_DIR}/", check=False).stdout
        return sorted(line.removeprefix(f"{APP_DIR}/") for line in found.split())

    def test_two_releases_and_the_way_back(self):
        host = self.host
        host.user = "nobody"
        host.configure(manager="systemd", attempts=8)
        pins = host.pin({"SECRET": "correct-horse-battery-staple"})
        first, second = host.commit("v1"), host.commit("v2")
        self.check(host.deploy(first, pins=pins), 0, "done")
        before = self.main_pid()
        self.check(host.deploy(second, pins=pins), 0, "done")
        seen = host.who()
        self.assertEqual((seen["version"], seen["pid"]), ("v2", self.main_pid()))
        self.assertNotEqual(seen["pid"], before)
        self.assertEqual(self.running(), [f"releases/{host.release(second, 1, pins)}"])
        self.assertEqual(self.systemd.run("stat", "-c", "%U", f"/proc/{seen['pid']}").stdout, "nobody\n")
        self.assertEqual(self.systemd.run("grep", "NoNewPrivs", f"/proc/{seen['pid']}/status").stdout, "NoNewPrivs:\t1\n")
        self.assertEqual(self.systemd.show(self.unit, "UnitFileState"), "enabled")
        self.assertNotIn("correct-horse", (self.systemd.units / self.unit).read_text())
        self.assertEqual(host.get("/SECRET"), b"Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZQ==")
        host.generation += 1
        back = host.run("activate", commit=first, pins=pins)
        self.check(back, 0, "done")
        self.assertEqual((host.who()["version"], back.healthy), ("v1", True))
        self.assertEqual(host.run("status").served, host.release(first, 1, pins))

    def test_a_host_without_pm2_is_not_asked_for_it(self):
        host = self.host
        environment = host.environment
        host.environment = lambda variables: {**environment(variables), "PATH": environment({})["PATH"].replace(f"{tools()}:", "")}
        self.assertIsNone(shutil.which("pm2", path=host.environment({})["PATH"]))
        host.configure(manager="systemd", attempts=8)
        for version in ("v1", "v2"):
            self.check(host.deploy(host.commit(version)), 0, "done")
            self.assertEqual(host.who()["version"], version)
        host.configure(manager="pm2")
        host.generation += 1
        self.check(host.run("prepare", commit=host.commit("v3")), 60, "host_not_ready")

    def test_a_second_attempt_of_one_generation_restarts_nothing(self):
        host = self.host
        host.configure(manager="systemd", attempts=8)
        commit = host.commit("v1")
        self.check(host.deploy(commit), 0, "done")
        before = self.main_pid()
        self.check(host.run("activate", commit=commit, attempt=2), 0, "done")
        self.assertEqual(self.main_pid(), before)

    def test_a_crash_starts_the_app_again_and_a_release_that_cannot_start_is_told(self):
        host = self.host
        host.configure(manager="systemd", attempts=4)
        self.check(host.deploy(host.commit("v1")), 0, "done")
        before = self.main_pid()
        self.systemd.run("kill", "-KILL", str(before))
        self.assertTrue(wait_until(lambda: self.main_pid() not in (0, before)))
        failed = host.deploy(host.commit("v2", server="throw new Error('no database');"))
        self.check(failed, 41, "start_failed")
        self.assertIn("no database", failed.detail)

    def test_an_app_changes_its_manager_and_back_and_leaves_nothing_behind(self):
        host = self.host
        commit = host.commit("v1")
        host.configure(manager="pm2", attempts=8)
        self.check(host.deploy(commit), 0, "done")
        with_pm2 = host.release(commit, 1)
        host.configure(manager="systemd", attempts=8)
        self.check(host.deploy(commit), 0, "done")
        with_systemd = host.release(commit, 2)
        self.assertEqual(self.running(), [f"releases/{with_systemd}"])
        self.assertFalse((host.app / "pm2" / "dump.pm2").exists())
        host.generation += 1
        self.check(host.run("activate", release=with_pm2), 0, "done")
        self.assertEqual(self.running(), ["pm2", f"releases/{with_pm2}"])
        self.assertEqual((self.systemd.units / self.unit).exists(), False)
        self.assertEqual(self.systemd.show(self.unit, "LoadState"), "not-found")

    def test_the_unit_of_another_app_is_left_alone(self):
        host = self.host
        (self.systemd.units / "longshore-billing.service").write_text("[Service]\nExecStart=/bin/sleep 600\n")
        self.systemd.run("systemctl", "start", "longshore-billing.service")
        other = self.systemd.show("longshore-billing.service", "MainPID")
        host.configure(manager="systemd", attempts=8)
        self.check(host.deploy(host.commit("v1")), 0, "done")
        self.check(host.deploy(host.commit("v2")), 0, "done")
        self.assertEqual(self.systemd.show("longshore-billing.service", "MainPID"), other)


if __name__ == "__main__":
    unittest.main()
