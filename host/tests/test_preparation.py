"""What a host must have before a release is put on it, each with a class of its own; nothing of it touches what serves."""

import http.server
import json
import os
import pathlib
import shutil
import subprocess
import threading
import unittest

from harness import APP, ENVIRONMENT, HostTest, tools

# What the AWS CLI prints for what Parameter Store says; the words after the colon are those of the services.
ERROR = 'echo "An error occurred (%s) when calling the GetParameters operation: %s" >&2; exit 254'
ROLE = "User: arn:aws:sts::111122223333:assumed-role/hosts/i-0abc is not authorized to perform: "
KMS_POLICY = ROLE + "kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/1 because no identity-based policy allows the kms:Decrypt action"
KMS_HIDDEN = ("The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not "
              "allowed to access.")
SSM_POLICY = ROLE + "ssm:GetParameters on resource: arn:aws:ssm:eu-west-1:111122223333:parameter/orders/staging/A"
# The folders that the script adds behind the agent's PATH.
USUAL = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


class Prepared(HostTest):
    """A host that was prepared once, so that a refusal has something to leave alone."""

    def setUp(self):
        super().setUp()
        self.host.configure()
        self.commit = self.host.commit("v1")

    def failed(self, code, cls, words="", commit=None, **options):
        self.host.generation += 1
        answer = self.host.run("prepare", commit=commit or self.commit, **options)
        self.check(answer, code, cls)
        self.assertIn(words, answer.detail)
        self.assertEqual(self.host.current(), "")
        return answer


class TheHost(Prepared):
    """Said before anything is fetched."""

    def without(self, tool):
        """A PATH on which everything is, but for one tool."""
        folder = self.host.folder / f"without-{tool}"
        folder.mkdir()
        environment = self.host.environment
        for place in [*environment({})["PATH"].split(":"), *USUAL]:
            for file in sorted(pathlib.Path(place).glob("*")):
                link = folder / file.name
                if file.name != tool and not link.is_symlink():
                    link.symlink_to(file)
        self.host.environment = lambda variables: {**environment(variables), "PATH": str(folder)}
        return folder

    def test_a_tool_that_is_missing_is_named(self):
        for tool in ("pm2", "aws"):
            with self.subTest(tool=tool):
                if any(os.path.exists(f"{place}/{tool}") for place in USUAL):
                    self.skipTest(f"{tool} is in a folder that the script adds")
                original = self.host.environment
                self.without(tool)
                self.failed(60, "host_not_ready", f"{tool} is not on the PATH of this host")
                self.host.environment = original

    def test_a_pm2_that_is_too_old_is_named_with_its_version(self):
        old = self.host.folder / "old" / "node_modules" / "pm2"
        (old / "bin").mkdir(parents=True)
        (old / "package.json").write_text(json.dumps({"name": "pm2", "version": "4.5.6"}))
        (old / "bin" / "pm2").write_text("#!/bin/sh\nexit 1\n")
        (old / "bin" / "pm2").chmod(0o755)
        (self.host.fakes / "pm2").symlink_to(old / "bin" / "pm2")
        self.failed(60, "host_not_ready", "pm2 is 4.5.6, older than 5")
        (self.host.fakes / "systemctl").symlink_to("/bin/true")
        self.host.configure(manager="systemd")
        self.failed(0, "done")

    def test_a_release_that_is_there_already_still_needs_its_manager(self):
        if any(os.path.exists(f"{place}/pm2") for place in USUAL):
            self.skipTest("pm2 is in a folder that the script adds")
        self.failed(0, "done")
        self.without("pm2")
        self.failed(60, "host_not_ready", "pm2 is not on the PATH of this host")

    def test_less_memory_than_the_configuration_asks_for(self):
        self.host.configure(install={"memory_mb": 0})
        self.failed(0, "done")
        self.host.configure(install={"memory_mb": 65536})
        free = sum(int(line.split()[1]) for line in pathlib.Path("/proc/meminfo").read_text().splitlines()
                   if line.startswith(("MemAvailable:", "SwapFree:"))) // 1024
        if free >= 65536:
            self.skipTest("this machine has more memory than can be asked for")
        notes = self.host.shim("git", 'touch "$NOTES/fetched"; exec "$REAL" "$@"')
        self.failed(62, "memory_low", "install.memory_mb asks for 65536")
        self.assertFalse((notes / "fetched").exists())

    def test_a_user_who_can_reach_the_instance_metadata_is_warned_about(self):
        for code, warned in ((0, True), (2, False)):
            with self.subTest(code=code):
                notes = self.host.shim("ip", f'echo "$*" >"$NOTES/asked"; exit {code}')
                self.failed(0, "done", commit=self.host.commit(f"v{code}"))
                self.assertEqual((notes / "asked").read_text(), f"route get 169.254.169.254 uid {os.getuid()}\n")
                log = max((self.host.app / "log").glob("*-prepare-*.log"), key=lambda file: file.stat().st_mtime_ns)
                self.assertEqual("may reach the instance metadata service" in log.read_text(), warned)

    def test_the_first_of_several_troubles_is_said_in_a_fixed_order(self):
        self.host.shim("df", 'echo "Avail IFree"; echo "1000 999999"')
        self.host.shim("aws", ERROR % ("AccessDeniedException", SSM_POLICY))
        self.failed(23, "disk_full")
        self.host.unshim("df")
        self.failed(67, "parameters_denied")


class TheParameters(Prepared):
    """Denied, missing and throttled are three different things to do."""

    def calls(self):
        return (self.host.folder / "notes" / "calls").read_text().count("x")

    def aws(self, code, words):
        return self.host.shim("aws", 'printf x >>"$NOTES/calls"\n' + ERROR % (code, words))

    def test_a_denial_by_the_key_is_told_apart_and_asked_once(self):
        for words in (KMS_POLICY, KMS_HIDDEN):
            with self.subTest(words=words):
                notes = self.aws("AccessDeniedException", words)
                (notes / "calls").unlink(missing_ok=True)
                answer = self.failed(68, "kms_denied", "AccessDeniedException")
                self.assertEqual(self.calls(), 1)
                self.assertNotIn("canary", answer.stdout)

    def test_a_disabled_key_is_a_denial_by_the_key(self):
        self.aws("InvalidKeyId", "arn:aws:kms:eu-west-1:111122223333:key/1 is disabled.")
        self.failed(68, "kms_denied", "is disabled")

    def test_a_denial_by_parameter_store_is_asked_once(self):
        self.aws("AccessDeniedException", SSM_POLICY)
        self.failed(67, "parameters_denied", "ssm:GetParameters")
        self.assertEqual(self.calls(), 1)

    def test_a_host_without_a_role_is_a_denial(self):
        self.host.shim("aws", 'echo "Unable to locate credentials. You can configure credentials by running \\"aws configure\\"." >&2; exit 253')
        self.failed(67, "parameters_denied", "Unable to locate credentials")

    def test_throttling_is_asked_again_and_passes(self):
        (self.host.aws / "throttle").write_text("2")
        self.failed(0, "done")

    def test_throttling_that_does_not_end_is_no_denial(self):
        self.aws("ThrottlingException", "Rate exceeded (KMS)")
        self.failed(22, "parameters_unavailable", "ThrottlingException")
        self.assertEqual(self.calls(), 3)

    def test_a_parameter_that_steers_the_process_and_not_the_app_is_refused(self):
        for name in ("NODE_OPTIONS", "PATH", "LD_PRELOAD", "npm_config_script_shell", "PM2_HOME", "PORT"):
            with self.subTest(name=name):
                self.failed(26, "config_refused", f"parameter {name} ", pins=self.host.pin({name: "/tmp/evil"}))


class TheCommit(Prepared):
    """Said after the fetch and before the install."""

    def package(self, **fields):
        return {"package.json": json.dumps({"name": APP, "version": "1.0.0", "private": True, **fields})}

    def test_node_outside_of_engines(self):
        notes = self.host.shim("npm", 'touch "$NOTES/npm"; exit 1')
        real = shutil.which("npm", path=f"{tools()}:{os.environ['PATH']}")
        self.assertIsNotNone(real)
        version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
        for wanted in (">=97.1", "^2 || ~3.4", "1.x - 2", "not a range"):
            with self.subTest(wanted=wanted):
                commit = self.host.commit("v2", files=self.package(engines={"node": wanted}))
                self.failed(63, "node_version", f"Node.js here is {version}, engines.node of package.json is {wanted}", commit=commit)
        self.assertFalse((notes / "npm").exists())

    def test_node_within_engines_or_no_engines(self):
        for fields in ({"engines": {"node": ">=18.0.0 <97 || ^99"}}, {"engines": {"npm": ">=99"}}, {"engines": 7}, {"engines": None}):
            with self.subTest(fields=fields):
                self.failed(0, "done", commit=self.host.commit("v2", files=self.package(**fields)))


class Refusals(http.server.BaseHTTPRequestHandler):
    """A git server that answers everything with the status in the path."""

    def do_GET(self):
        status = int(self.path.split("/")[1])
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.end_headers()

    def log_message(self, *_):
        pass


class TheGitServer(Prepared):
    """With the real git over HTTP on loopback; only the address is bent, as no server here has a certificate."""

    def setUp(self):
        super().setUp()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusals)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.port = server.server_port
        self.host.parameter(f"/longshore/{ENVIRONMENT}/git/token", "ATCTT3-token-canary")

    def answering(self, status):
        self.host.shim("git", f"""
arguments=()
for word; do
  word=${{word/#https:\\/\\/git.example.com/http://127.0.0.1:{self.port}/{status}}}
  arguments+=("${{word/#protocol.https./protocol.http.}}")
done
exec "$REAL" "${{arguments[@]}}"
""")

    def test_a_refused_token_and_a_hidden_repository_are_denials(self):
        for status in (401, 403, 404):
            with self.subTest(status=status):
                self.answering(status)
                answer = self.failed(65, "git_denied", "fatal: ", GitBase="https://git.example.com")
                self.assertNotIn("canary", answer.stdout)

    def test_a_server_in_trouble_is_no_denial(self):
        self.answering(503)
        self.failed(20, "source_unavailable", "503", GitBase="https://git.example.com")


if __name__ == "__main__":
    unittest.main()
