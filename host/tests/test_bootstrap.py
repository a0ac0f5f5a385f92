"""The bootstrap script on a disk of its own: what it makes, and that a second run makes nothing.

The package manager and systemd are stand-ins that note what they are asked; where a test is about pm2, the real npm installs it. It
has not run on Amazon Linux: that the packages have these names is AWS's documentation.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import HERE, PM2

STAND_INS = {
    "rpm": '[ -e "$DISK/var/packages" ]',
    "dnf": 'echo "dnf $*" >>"$DISK/asked"; mkdir -p "$DISK/var"; touch "$DISK/var/packages"',
    "node": 'if [ -e "$DISK/var/node" ]; then echo v22.9.0; else echo v18.0.0; fi',
    "alternatives": 'echo "alternatives $*" >>"$DISK/asked"; touch "$DISK/var/node"',
    "getent": '[ -e "$DISK/var/user" ]',
    "useradd": 'echo "useradd $*" >>"$DISK/asked"; touch "$DISK/var/user"',
    "systemctl": """case $1 in
is-enabled) [ -e "$DISK/var/enabled-$3" ] ;;
enable) shift; [ "$1" != --now ] || shift; touch "$DISK/var/enabled-$1"; echo "systemctl enable $1" >>"$DISK/asked" ;;
*) echo "systemctl $*" >>"$DISK/asked" ;;
esac""",
    "npm": 'echo "npm $*" >>"$DISK/asked"; mkdir -p node_modules/.bin; cp /bin/true node_modules/.bin/pm2',
}
REAL_NPM = 'echo "npm $*" >>"$DISK/asked"; PATH=$REAL_PATH exec npm "$@" --cache "$DISK/cache"'
VALUES = {"Environment": "staging", "HostUser": "longshore", "NodeMajor": "22", "Metadata": "denied"}


def compact(file):
    """As `cargo xtask generate` puts it into the script."""
    return json.dumps(json.loads((PM2 / file).read_text()), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class OnADisk(unittest.TestCase):
    """A plain system in a temporary folder."""

    def setUp(self):
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="longshore-bootstrap-"))
        self.addCleanup(shutil.rmtree, self.disk)
        for folder in ("etc", "run", "bin"):
            (self.disk / folder).mkdir()
        self.system("amzn", "2023.8.20250915")
        for name, body in STAND_INS.items():
            (self.disk / "bin" / name).write_text(f"#!/bin/sh\n{body}\n")
            (self.disk / "bin" / name).chmod(0o755)
        script = (HERE.parent / "bootstrap.sh").read_text()
        self.script = self.disk / "bin" / "bootstrap"
        self.script.write_text(script.replace("@PM2_LOCK@", compact("package-lock.json")).replace("@PM2_PACKAGE@", compact("package.json")))

    def system(self, name, version):
        (self.disk / "etc" / "os-release").write_text(f'NAME="x"\nID="{name}"\nVERSION_ID="{version}"\n')

    def run_it(self, code=0, **changed):
        values = {f"SSM_{name}": value for name, value in {**VALUES, **changed}.items() if value is not None}
        environment = {"PATH": f"{self.disk}/bin:{os.environ['PATH']}", "REAL_PATH": os.environ["PATH"], "DISK": str(self.disk),
                       "LONGSHORE_BOOTSTRAP_DISK": str(self.disk), "HOME": str(self.disk), **values}
        done = subprocess.run(["bash", str(self.script)], env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def files(self):
        """Every file but those of packages, with what is in it, its mode and its time."""
        found = {}
        for file in sorted(self.disk.rglob("*")):
            name = str(file.relative_to(self.disk))
            if not re.match(r"opt/longshore/pm2/node_modules/|bin/|run/", name):
                stat = file.lstat()
                found[name] = (file.read_bytes() if file.is_file() and not file.is_symlink() else b"", stat.st_mode,
                               0 if file.is_dir() else stat.st_mtime_ns)
        return found

    def asked(self):
        return (self.disk / "asked").read_text().splitlines() if (self.disk / "asked").exists() else []


class Bootstrap(OnADisk):
    def test_a_second_run_changes_nothing_and_asks_for_nothing(self):
        self.assertIn("this is a host of Longshore", self.run_it())
        first, asked = self.files(), self.asked()
        self.assertEqual(asked[0], "dnf --assumeyes --quiet --setopt=install_weak_deps=False install nodejs22 nodejs22-npm git-core "
                                   "util-linux iproute logrotate awscli-2 amazon-cloudwatch-agent")
        self.assertEqual(self.run_it(), "this is a host of Longshore\n")
        self.assertEqual(self.files(), first)
        self.assertEqual(self.asked(), asked)

    def test_pm2_is_the_one_of_the_lock_file_and_nothing_ran_while_it_was_installed(self):
        (self.disk / "bin/npm").write_text(f"#!/bin/sh\n{REAL_NPM}\n")
        self.run_it()
        home = self.disk / "opt/longshore/pm2"
        wanted = json.loads((PM2 / "package-lock.json").read_text())["packages"]["node_modules/pm2"]
        self.assertEqual(json.loads((home / "node_modules/pm2/package.json").read_text())["version"], wanted["version"])
        self.assertTrue(all(entry.get("integrity") for name, entry in json.loads((home / "package-lock.json").read_text())["packages"].items() if name))
        self.assertEqual(os.readlink(self.disk / "usr/local/bin/pm2"), "/opt/longshore/pm2/node_modules/.bin/pm2")
        self.assertEqual([line for line in self.asked() if line.startswith("npm")], ["npm ci --ignore-scripts --no-audit --no-fund --loglevel=error"])

    def test_an_installation_that_broke_off_is_made_by_the_next_run(self):
        npm = self.disk / "bin/npm"
        kept = npm.read_text()
        npm.write_text("#!/bin/sh\nexit 1\n")
        self.assertIn("pm2 could not be installed", self.run_it(1))
        npm.write_text(kept)
        self.assertIn("installed pm2", self.run_it())

    def test_what_it_writes_can_be_read_by_those_who_read_it(self):
        self.run_it()
        agent = json.loads((self.disk / "opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.d/longshore.json").read_text())
        streams = agent["logs"]["logs_collected"]["files"]["collect_list"]
        self.assertEqual({one["log_group_name"] for one in streams}, {"/longshore/staging/hosts"})
        self.assertEqual(len({one["log_stream_name"] for one in streams}), len(streams))
        for script in sorted((self.disk / "usr/local/libexec").iterdir()):
            subprocess.run(["bash", "-n", str(script)], check=True)
            self.assertTrue(os.access(script, os.X_OK))
        enabled = {line.split()[2] for line in self.asked() if line.startswith("systemctl enable")}
        self.assertEqual(enabled, {"longshore-metadata.service", "longshore-resurrect.service", "logrotate.timer", "amazon-cloudwatch-agent.service"})
        for unit in (self.disk / "etc/systemd/system").iterdir():
            for section in ("[Unit]", "[Service]", "[Install]"):
                self.assertIn(section, unit.read_text())

    def test_a_parameter_that_is_unset_or_hostile_stops_it_before_anything(self):
        before = self.files()
        for name in VALUES:
            self.assertIn("older than 3.3.2746.0", self.run_it(1, **{name: None}))
            for value in ("", "root\nid", "$(touch planted)", "a b", "{{ssm:/x}}", "../x", "\u202ex", "x" * 99):
                with self.subTest(name=name, value=value):
                    said = self.run_it(1, **{name: value})
                    self.assertIn(f"parameter {name} has a form that is not allowed", said)
        self.assertIn("must not run apps", self.run_it(1, HostUser="root"))
        self.assertEqual(self.files(), before)

    def test_another_system_is_left_alone(self):
        for name, version in (("debian", "12"), ("amzn", "2"), ("amzn2023", "2023")):
            self.system(name, version)
            before = self.files()
            self.assertIn("not Amazon Linux 2023", self.run_it(1))
            self.assertEqual(self.files(), before)

    @unittest.skipUnless(shutil.which("logrotate"), "logrotate is not on this machine")
    def test_logrotate_accepts_its_configuration(self):
        self.run_it(HostUser=subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip())
        subprocess.run(["logrotate", "--debug", str(self.disk / "etc/logrotate.d/longshore")], check=True, capture_output=True)


NAMESPACE = """
ip link set lo up
ip route add default dev lo
reach() { ip route get 169.254.169.254 uid "$1" >/dev/null 2>&1 && echo "$1 reaches" || echo "$1 does not"; }
{script}
{script}
ip -4 rule | grep -c prohibit
reach 0
reach {uid}
ip route get 169.254.169.253 uid {uid} >/dev/null && echo "{uid} reaches the resolver"
"""


class TheInstanceMetadata(OnADisk):
    """In a network namespace of its own, with the kernel's own answer to where a packet of a user would go."""

    def setUp(self):
        super().setUp()
        probe = subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False)
        if probe.returncode != 0:
            self.skipTest("no network namespaces here")

    def played(self, metadata):
        self.run_it(HostUser="nobody", Metadata=metadata)
        uid = subprocess.run(["id", "-u", "nobody"], capture_output=True, text=True, check=True).stdout.strip()
        script = f"bash {self.disk}/usr/local/libexec/longshore-metadata"
        text = NAMESPACE.replace("{script}", script).replace("{uid}", uid)
        done = subprocess.run(["unshare", "-n", "bash", "-c", text], capture_output=True, text=True, check=False)
        return done.stdout.replace(uid, "nobody").splitlines()

    def test_the_apps_user_cannot_reach_it_and_root_can(self):
        self.assertEqual(self.played("denied"), ["1", "0 reaches", "nobody does not", "nobody reaches the resolver"])

    def test_it_can_be_left_open(self):
        self.assertEqual(self.played("allowed"), ["0", "0 reaches", "nobody reaches", "nobody reaches the resolver"])


if __name__ == "__main__":
    unittest.main()
