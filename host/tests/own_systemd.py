"""A real systemd for a host: the machine's, as process 1 of a process namespace of its own.

It has its own /run, /proc and units, and the machine's loopback.
"""

import os
import pathlib
import subprocess

from harness import APP, alive, wait_until

SYSTEMD = "/lib/systemd/systemd"
APP_DIR = f"/srv/longshore/{APP}"
SPACES = ("--mount", "--pid", "--cgroup", "--ipc", "--uts")
BOOT = f"""
mount -t tmpfs tmpfs /run
mount --bind "$0" /etc/systemd/system
mount -t tmpfs tmpfs /srv
mkdir /srv/longshore
mount --bind "$1" /srv/longshore
exec env -i container=other SYSTEMD_UNIT_PATH=/etc/systemd/system PATH="$PATH" {SYSTEMD} --system --unit=quiet.target
"""


def can_have_namespaces():
    tried = subprocess.run(["unshare", "--fork", "--mount-proc", *SPACES, "true"], check=False,
                           capture_output=True)
    return os.geteuid() == 0 and os.path.exists(SYSTEMD) and tried.returncode == 0


class Systemd:
    """A systemd that has nothing to do but what a test gives it."""

    def __init__(self, folder):
        self.units = folder / "units"
        self.units.mkdir()
        self.root = folder / "root"
        self.root.mkdir()
        for name in ("sysinit", "basic", "shutdown", "network-online", "multi-user", "quiet"):
            (self.units / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")
        self.outer = subprocess.Popen(
            ["unshare", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", *SPACES, "bash", "-c", BOOT,
             str(self.units), str(self.root)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        assert wait_until(self.is_up), "systemd does not come up"

    def is_up(self):
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()
        self.pid = int(children[0]) if children else 0
        return bool(children) and self.run("systemctl", "is-system-running", check=False).stdout.strip() == "running"

    @property
    def inside(self):
        return ["nsenter", "--target", str(self.pid), *SPACES]

    def run(self, *command, check=True):
        return subprocess.run([*self.inside, *command], check=check, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def take(self, host):
        """The commands of the host run in here from now on."""
        host.inside = [*self.inside, "env", "--unset=LONGSHORE_ROOT"]
        host.proc = pathlib.Path("/proc", str(self.pid), "root", "proc")

    def show(self, unit, name):
        return self.run("systemctl", "show", unit, "--value", "--property", name).stdout.strip()

    def close(self):
        """Process 1 takes all processes of its namespace with it. Their numbers mean other processes out here, so what is
        noted of them goes too."""
        self.outer.kill()
        self.outer.wait()
        assert wait_until(lambda: not alive(self.pid)), "systemd does not end"
        for file in (*self.root.glob("*/pm2/pm2.pid"), *self.root.glob("*/child")):
            file.unlink()
