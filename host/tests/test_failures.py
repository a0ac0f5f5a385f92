"""What goes wrong, told by its class and its first real error line, and what keeps running meanwhile."""

import json
import os
import subprocess
import unittest

from harness import APP, ENVIRONMENT, REPOSITORY, HostTest, alive, wait_until

SECRET = "correct-horse-battery-staple"

# Plays the server of https://git.example.com with a folder, and asks for the credential as git would.
GIT_OF_A_SERVER = r"""
echo "$*" >>"$NOTES/argv"
arguments=()
for word; do
  case $word in credential.helper=!*) command=${word#credential.helper=!} ;; esac
  word=${word/#https:\/\/git.example.com/file:\/\/FOLDER}
  arguments+=("${word/#protocol.https./protocol.file.}")
done
case " $* " in *" fetch "*)
  [ -z "$LONGSHORE_GIT_TOKEN" ] || touch "$NOTES/given"
  sh -c "$command get" >"$NOTES/credential" ;;
esac
exec "$REAL" "${arguments[@]}"
"""


class Preparation(HostTest):
    """Nothing is switched, and the next attempt starts clean."""

    stand_ins = ("aws",)

    def failed(self, code, cls, words="", **options):
        self.host.generation += 1
        answer = self.host.run("prepare", **options)
        self.check(answer, code, cls)
        self.assertEqual(answer.outcome, "failed")
        self.assertIn(words, answer.detail)
        self.assertEqual(self.host.current(), "")
        return answer

    def test_the_source(self):
        host = self.host
        host.configure()
        self.failed(21, "commit_missing", commit="f" * 40)
        commit = host.commit("v1")
        self.failed(20, "source_unavailable", commit=commit, GitBase=f"file://{host.folder}/nowhere")
        tree = host.git("-C", str(host.work), "rev-parse", "HEAD^{tree}")
        self.failed(21, "commit_missing", commit=tree)

    def test_parameters(self):
        host = self.host
        host.configure()
        commit = host.commit("v1")
        host.pin({"A": "1"})
        self.failed(66, "parameter_missing", "/orders/staging/A has no version 2", commit=commit, pins="A:2")
        self.failed(66, "parameter_missing", "/orders/staging/B", commit=commit, pins="A:1,B:1")
        self.failed(66, "parameter_missing", REPOSITORY, commit=commit, config_version=9)
        (host.aws / "throttle").write_text("3")
        self.failed(22, "parameters_unavailable", "ThrottlingException", commit=commit)

    def test_the_configuration(self):
        host = self.host
        commit = host.commit("v1")
        health, process = {"port": 1}, {"script": "server.js"}
        documents = [
            "no json", {"health": health}, {"health": health, "process": process, "unknown": 1},
            {"health": {"port": 70000}, "process": process}, {"health": health, "process": {"script": "../x.js"}},
            {"health": health, "process": process, "hooks": {"build": "x; id"}},
            {"health": health, "process": process, "app": "billing"},
        ]
        for document in documents:
            with self.subTest(document=document):
                host.config_version += 1
                host.parameter(f"/longshore/{ENVIRONMENT}/apps/{REPOSITORY}", json.dumps(document) if document != "no json"
                               else document, host.config_version)
                self.failed(26, "config_refused", commit=commit)

    def test_install_build_and_script(self):
        host = self.host
        host.configure(hooks={"build": "build"})
        no_lock = host.commit("v1", files={"package-lock.json": "{"}, scripts={"build": "true", "postinstall": "touch planted"})
        self.failed(64, "lockfile", commit=no_lock)
        noise = "i=0; while [ $i -lt 30000 ]; do echo line $i of noise, no trouble here; i=$((i+1)); done"
        broken = host.commit("v2", scripts={"build": f"{noise}; echo 'src/a.ts(1,2): error TS2304: Cannot find name x'; exit 194",
                                            "postinstall": "touch planted"})
        self.failed(25, "build_failed", "error TS2304", commit=broken)
        self.assertEqual(list(host.app.rglob("planted")), [])
        no_script = host.commit("v3", scripts={"build": "rm server.js"})
        self.failed(25, "build_failed", "server.js", commit=no_script)
        good = host.commit("v4", scripts={"build": "true"})
        host.generation += 1
        self.check(host.run("prepare", commit=good), 0, "done")
        self.assertEqual(os.listdir(host.app / "releases"), [host.release(good, 1)])

    def test_a_full_disk(self):
        host = self.host
        host.configure()
        commit = host.commit("v1")
        host.shim("df", 'echo "Avail IFree"; echo "1000 999999"')
        self.failed(23, "disk_full", "1000 KiB", commit=commit)
        host.shim("df", 'echo "Avail IFree"; echo "99999999 100"')
        self.failed(23, "disk_full", "inodes", commit=commit)
        host.unshim("df")
        host.shim("npm", 'echo "npm error code ENOSPC"; echo "npm error nospc ENOSPC: no space left on device, write"; exit 228')
        self.failed(23, "disk_full", "ENOSPC", commit=commit)

    def test_the_inner_deadline_ends_the_whole_tree(self):
        host = self.host
        host.configure()
        commit = host.commit("v1")
        notes = host.shim("npm", 'sleep 300 & echo $! >"$NOTES/grandchild"; echo $$ >"$NOTES/child"; wait')
        answer = self.failed(50, "deadline_passed", commit=commit, DeadlineSeconds="5")
        self.assertLess(answer.seconds, 30)
        for name in ("child", "grandchild"):
            if (notes / name).exists():
                pid = int((notes / name).read_text())
                self.assertTrue(wait_until(lambda pid=pid: not alive(pid), 5))

    def test_the_token_of_git_is_given_to_https_only_and_never_in_argv(self):
        host = self.host
        host.configure()
        host.parameter(f"/longshore/{ENVIRONMENT}/git/token", "ATCTT3-token-canary")
        commit = host.commit("v1")
        notes = host.shim("git", GIT_OF_A_SERVER.replace("FOLDER", str(host.folder / "git")))
        self.check(host.run("prepare", commit=commit, GitBase="https://git.example.com"), 0, "done")
        self.assertEqual((notes / "credential").read_text(), "username=x-token-auth\npassword=ATCTT3-token-canary\n")
        self.assertNotIn("canary", (notes / "argv").read_text())
        self.assertEqual(host.files_with(b"ATCTT3-token-canary"), [])
        (notes / "given").unlink()
        other = host.commit("v2")
        host.generation = 2
        self.check(host.run("prepare", commit=other), 0, "done")
        self.assertFalse((notes / "given").exists())


class Migration(HostTest):
    """Once per release and generation, with the app's parameters, which never reach a log."""

    def test_the_hook_runs_once_and_is_told_masked(self):
        host = self.host
        host.configure(hooks={"migrate": "migrate"})
        pins = host.pin({"SECRET": SECRET, "STATE": str(host.folder / "state")})
        scripts = {"migrate": 'echo "$SECRET $LONGSHORE_RELEASE" >> "$STATE"; echo "using $SECRET"; test ! -e "$STATE.broken" || '
                              '{ echo "Error: cannot log in with $SECRET" >&2; exit 3; }'}
        commit = host.commit("v1", scripts=scripts)
        self.check(host.run("migrate", commit=commit, pins=pins), 40, "release_missing")
        self.check(host.run("prepare", commit=commit, pins=pins), 0, "done")
        self.check(host.run("migrate", commit=commit, pins=pins, attempt=2), 0, "done")
        self.check(host.run("migrate", commit=commit, pins=pins, attempt=3), 0, "done")
        self.assertEqual((host.folder / "state").read_text(), f"{SECRET} {host.release(commit, 1, pins)}\n")
        (host.folder / "state.broken").touch()
        failed = host.run("migrate", commit=commit, pins=pins, generation=2)
        self.check(failed, 30, "migration_failed")
        self.assertEqual(failed.detail, "Error: cannot log in with ***")
        self.assertEqual(host.files_with(SECRET.encode(), outside=("env.json",)), [])

    def test_no_hook_is_done(self):
        self.host.configure()
        commit = self.host.commit("v1")
        self.check(self.host.run("prepare", commit=commit), 0, "done")
        self.check(self.host.run("migrate", commit=commit), 0, "done")


class Activation(HostTest):
    """Switched but not proven is failed; the way back is another activation."""

    def test_an_app_that_ends_at_start_and_the_way_back(self):
        host = self.host
        host.configure(mode="cluster", instances=1, attempts=3)
        pins = host.pin({"SECRET": SECRET})
        good = host.commit("v1")
        self.check(host.deploy(good, pins=pins), 0, "done")
        broken = host.commit("v2", server="console.log('starting');\nthrow new Error('no database at ' + process.env.SECRET);\n")
        answer = host.deploy(broken, pins=pins)
        self.check(answer, 41, "start_failed")
        self.assertEqual((answer.detail, answer.healthy, answer.served), ("Error: no database at ***", False, ""))
        ledger = host.ledger()
        self.assertEqual((ledger["active"], ledger["active_state"]), (host.release(broken, 1, pins), "failed"))
        self.assertEqual([proven["release"] for proven in ledger["proven"]], [host.release(good, 1, pins)])
        self.assertFalse(host.run("status").healthy)
        host.generation += 1
        self.check(host.run("activate", commit=good, pins=pins), 0, "done")
        self.assertEqual(host.who()["version"], "v1")

    def test_what_node_says_of_an_app_that_cannot_start_is_the_first_line(self):
        host = self.host
        cases = {"const a = ;\n": "SyntaxError: Unexpected token ';'",
                 "require('pg');\n": "Error: Cannot find module 'pg'",
                 "setImmediate(() => { throw new TypeError('no url'); });\n": "TypeError: no url"}
        for mode in ("fork", "cluster"):
            host.configure(mode=mode, attempts=4)
            for server, line in cases.items():
                with self.subTest(mode=mode, line=line):
                    answer = host.deploy(host.commit(mode, server=server))
                    self.check(answer, 41, "start_failed")
                    self.assertEqual(answer.detail, line)

    def test_an_es_module_that_cannot_be_imported_does_not_start_though_pm2_keeps_its_process(self):
        host = self.host
        host.configure(mode="cluster", attempts=3)
        module = {"package.json": json.dumps({"name": APP, "version": "1.0.0", "private": True, "type": "module"})}
        cases = {"import pg from 'pg';\n": "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'pg' imported from ",
                 "import { nope } from 'http';\n": "SyntaxError: The requested module 'http' does not provide an export named 'nope'",
                 "throw new TypeError('no url');\n": "TypeError: no url"}
        for server, line in cases.items():
            with self.subTest(line=line):
                answer = host.deploy(host.commit("v1", server=server, files=module))
                self.check(answer, 41, "start_failed")
                self.assertTrue(answer.detail.startswith(line), answer)
        sick = """import http from 'http';
            http.createServer((request, response) => response.writeHead(500).end()).listen(process.env.PORT);
            Promise.reject(new Error('no cache'));"""
        answer = host.deploy(host.commit("v1", server=sick, files=module))
        self.check(answer, 42, "health_failed")
        self.assertEqual(answer.detail, "Error: no cache")

    def test_an_app_that_needs_seconds_until_it_ends_does_not_start_whenever_it_is_looked_at(self):
        """pm2 calls no process unstable that lived for a second, and between two ends such a process is online."""
        host = self.host
        for mode in ("fork", "cluster"):
            with self.subTest(mode=mode):
                host.configure(mode=mode, attempts=40)
                answer = host.deploy(host.commit(mode, server="setTimeout(() => process.exit(1), 1500);\n"))
                self.check(answer, 41, "start_failed")
                self.assertEqual(answer.detail, "a process ends soon after it starts")

    def test_an_unhealthy_app(self):
        host = self.host
        host.configure(attempts=2)
        answer = host.deploy(host.commit("v1", status=500))
        self.check(answer, 42, "health_failed")
        self.assertIn("/health answered 500, not 200", answer.detail)
        self.assertEqual(answer.served, answer.release)

    def test_an_old_process_that_answers_for_the_new_one(self):
        host = self.host
        host.configure(attempts=3)
        old = host.commit("v1")
        self.check(host.deploy(old), 0, "done")
        host.pm2("delete", APP)
        orphan = self.a_process_by_hand(host.app / "releases" / host.release(old, 1))
        answer = host.deploy(host.commit("v2", server="setInterval(() => undefined, 1000);\n"))
        self.check(answer, 43, "wrong_release")
        self.assertEqual((answer.served, answer.healthy), (host.release(old, 1), False))
        self.assertIn(f"is served by release {host.release(old, 1)}", answer.detail)
        taken = host.deploy(host.commit("v3"))
        self.check(taken, 69, "port_in_use")
        self.assertRegex(taken.detail, rf"EADDRINUSE.* \(held by (node|MainThread), process {orphan.pid}\)$")
        self.assertTrue(alive(orphan.pid))
        seen = host.run("status")
        self.assertEqual((seen.served, seen.healthy), (host.release(old, 1), False))

    def a_process_by_hand(self, release):
        """It runs in no release's folder, so it is not ended as an orphan."""
        orphan = subprocess.Popen(["node", "--require", release / ".longshore" / "env.cjs", release / "server.js"], cwd="/",
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(orphan.wait)
        self.addCleanup(orphan.kill)
        self.assertTrue(wait_until(self.answers))
        return orphan

    def answers(self):
        try:
            return self.host.who()
        except OSError:
            return None

    def test_something_else_on_the_port(self):
        host = self.host
        host.configure(attempts=2)
        stranger = subprocess.Popen(
            ["node", "-e", f"require('http').createServer((q, r) => r.end('ok')).listen({host.port}, '127.0.0.1')"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        answer = host.deploy(host.commit("v1", server="setInterval(() => undefined, 1000);\n"))
        self.check(answer, 43, "wrong_release")
        self.assertIn("something without a release id", answer.detail)

    def test_a_port_that_a_stranger_holds_is_named_with_its_process(self):
        host = self.host
        stranger = subprocess.Popen(
            ["node", "-e", f"require('http').createServer((q, r) => r.end('ok')).listen({host.port}, '127.0.0.1')"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        for mode in ("fork", "cluster"):
            with self.subTest(mode=mode):
                host.configure(mode=mode, attempts=3)
                answer = host.deploy(host.commit(mode))
                self.check(answer, 69, "port_in_use")
                self.assertRegex(answer.detail, rf"EADDRINUSE.*process {stranger.pid}\)$")

    TWICE = ("const http = require('http');\nhttp.createServer().listen(Number(process.env.PORT), '127.0.0.1', () => "
             "http.createServer().listen(Number(process.env.PORT), '127.0.0.1'));\n")

    def test_an_app_that_takes_its_port_twice_is_no_port_in_use(self):
        self.takes_its_port_twice()

    def test_a_process_that_has_ended_meanwhile_holds_no_port(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        said = f'LISTEN 0 511 127.0.0.1:{self.host.port} 0.0.0.0:* users:(("node /tmp/longs",pid={gone.pid},fd=18))'
        (self.host.fakes / "ss").write_text(f"#!/bin/sh\necho '{said}'\n")
        (self.host.fakes / "ss").chmod(0o755)
        self.takes_its_port_twice()

    def test_a_port_whose_process_has_just_ended_is_looked_at_again(self):
        """Then `ss` shows the port and nobody who has it, as it does for a process of another user."""
        said = f"LISTEN 0 511 127.0.0.1:{self.host.port} 0.0.0.0:*"
        looked = self.host.fakes / "looked"
        (self.host.fakes / "ss").write_text(f"#!/bin/sh\n[ -e {looked} ] || echo '{said}'\n: >{looked}\n")
        (self.host.fakes / "ss").chmod(0o755)
        self.takes_its_port_twice()

    def takes_its_port_twice(self):
        host = self.host
        host.configure(attempts=3)
        answer = host.deploy(host.commit("v1", server=self.TWICE))
        self.check(answer, 41, "start_failed")
        self.assertIn("EADDRINUSE", answer.detail)

    def test_drift_is_seen_and_not_mended(self):
        host = self.host
        host.configure()
        first, second = host.commit("v1"), host.commit("v2")
        self.check(host.deploy(first), 0, "done")
        self.check(host.deploy(second), 0, "done")
        (host.app / "current").unlink()
        (host.app / "current").symlink_to(f"releases/{host.release(first, 1)}")
        host.pm2("restart", APP)
        self.assertTrue(wait_until(lambda: self.answers() and self.answers()["version"] == "v1"))
        seen = host.run("status")
        self.check(seen, 0, "done")
        self.assertEqual((seen.release, seen.served, seen.healthy), (host.release(second, 1), host.release(first, 1), False))
        self.assertIn("current does not name the active release", seen.detail)
        self.assertEqual(host.current(), host.release(first, 1))


if __name__ == "__main__":
    unittest.main()
