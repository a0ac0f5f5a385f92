"""A repository, an agent's environment and a dependency that try to be more than an app: nothing of it happens."""

import base64
import io
import json
import os
import pathlib
import tarfile
import unittest

from harness import APP, HostTest, alive
from test_deploy import VALUES

LOCK = {"name": APP, "version": "1.0.0", "lockfileVersion": 3, "requires": True}


def tarball(name, scripts):
    """A package as npm packs it, whose scripts leave traces."""
    package = json.dumps({"name": name, "version": "1.0.0", "scripts": scripts}).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        info = tarfile.TarInfo("package/package.json")
        info.size = len(package)
        archive.addfile(info, io.BytesIO(package))
    return packed.getvalue()


class Hostile(HostTest):
    """With the real npm."""

    stand_ins = ("aws",)

    def with_packages(self, packages, package=None, **files):
        """A commit that depends on packages that lie in the repository; the fields of its own package.json."""
        wanted = {}
        locked = {}
        for name, scripts in packages.items():
            file = f"vendor/{name.replace('/', '-').lstrip('@')}-1.0.0.tgz"
            (self.host.work / "vendor").mkdir(exist_ok=True)
            (self.host.work / file).write_bytes(tarball(name, scripts))
            wanted[name] = f"file:{file}"
            locked[f"node_modules/{name}"] = {"version": "1.0.0", "resolved": f"file:{file}", "hasInstallScript": True}
        own = {"name": APP, "version": "1.0.0", "dependencies": wanted}
        return self.host.commit("v1", files={
            "package.json": json.dumps({**own, "private": True, **(package or {})}),
            "package-lock.json": json.dumps({**LOCK, "packages": {"": own, **locked}}), **files})

    def with_git_dependency(self, **files):
        """A commit that depends on a package from git, whose scripts leave traces."""
        host = self.host
        other = host.folder / "git" / "acme" / "dependency"
        host.git("init", "--quiet", "--initial-branch=main", str(other))
        scripts = {name: f"touch {host.folder}/planted-{name}" for name in ("preinstall", "install", "postinstall", "prepare", "prepack")}
        (other / "package.json").write_text(json.dumps({"name": "dependency", "version": "1.0.0", "scripts": scripts}))
        host.git("-C", str(other), "add", "--all")
        host.git("-C", str(other), "commit", "--quiet", "--message", "dependency")
        self.dependency = url, head = f"git+file://{other}", host.git("-C", str(other), "rev-parse", "HEAD")
        own = {"name": APP, "version": "1.0.0", "dependencies": {"dependency": url}}
        locked = {"version": "1.0.0", "resolved": f"{url}#{head}", "hasInstallScript": True}
        return host.commit("v1", files={
            "package.json": json.dumps({**own, "private": True}),
            "package-lock.json": json.dumps({**LOCK, "packages": {"": own, "node_modules/dependency": locked}}), **files})

    def traces(self, name="planted*"):
        return sorted(file.name for file in self.host.folder.rglob(name))

    def prepared(self, commit, code=0, cls="done", **options):
        self.host.generation += 1
        answer = self.host.run("prepare", commit=commit, **options)
        self.check(answer, code, cls)
        return answer


class TheRepository(Hostile):
    def test_no_script_of_npm_runs_whatever_the_npmrc_says(self):
        host = self.host
        host.configure(hooks={"build": "build"})
        plant = {name: f"touch planted-{name}" for name in ("preinstall", "install", "postinstall")}
        npmrc = ["ignore-scripts=false", "foreground-scripts=true", "dangerously-allow-all-scripts=true",
                 "registry=http://127.0.0.1:1/", "cache=/proc/planted", "userconfig=./planted", "prefix=./planted-prefix"]
        commit = self.with_packages(
            {"native-thing": plant, "@scope/other": plant},
            {"scripts": {**plant, "prepare": "touch planted-prepare", "preprepare": "touch planted-preprepare", "build": "true"}},
            **{".npmrc": "\n".join(npmrc) + "\n"})
        self.prepared(commit)
        self.assertEqual(self.traces(), [])

    def test_an_npmrc_that_names_programs_and_a_dependency_by_git_run_nothing(self):
        host = self.host
        host.configure()
        (host.work / "evil.sh").write_text(f"#!/bin/sh\ntouch {host.folder}/planted-evil\nexit 1\n")
        (host.work / "evil.sh").chmod(0o755)
        npmrc = ["script-shell=./evil.sh", "shell=./evil.sh", "node-options=--require ../evil.cjs", "editor=./evil.sh"]
        commit = self.with_git_dependency(**{
            ".npmrc": "\n".join(npmrc) + "\n", "evil.cjs": f"require('fs').writeFileSync('{host.folder}/planted-options', '');\n"})
        url, head = self.dependency
        answer = self.prepared(commit, 24, "install_failed")
        self.assertIn("dependency is fetched from git, and npm runs its scripts", answer.detail)
        for version in (f"{url}#{head}", "acme/dependency", "github:acme/dependency", "bitbucket:acme/dependency"):
            old = {**LOCK, "lockfileVersion": 1, "dependencies": {"dependency": {"version": version}}}
            commit = host.commit("v2", files={"npm-shrinkwrap.json": json.dumps(old)})
            self.prepared(commit, 24, "install_failed")
        self.assertEqual(self.traces(), [])

    def test_a_dependency_by_git_that_the_configuration_lists_is_installed(self):
        host = self.host
        host.configure(install={"scripts": ["dependency"]})
        commit = self.with_git_dependency()
        self.prepared(commit)
        self.assertTrue((host.app / "releases" / host.release(commit, 1) / "node_modules" / "dependency" / "package.json").is_file())

    def test_scripts_run_of_the_packages_that_the_configuration_lists_and_of_no_other(self):
        host = self.host
        names = ("native-thing", "@scope/other", "third")
        packages = {name: {"install": f"touch \"$PWD/../{'../' * name.count('/')}planted-{name.split('/')[-1]}\""} for name in names}
        host.configure(install={"scripts": ["native-thing", "@scope/other"]})
        commit = self.with_packages(packages, {"scripts": {"install": "touch planted-root", "postinstall": "touch planted-root"}})
        self.prepared(commit)
        self.assertEqual(self.traces(), ["planted-native-thing", "planted-other"])
        host.configure(install={"scripts": ["native-thing", "gone"]})
        answer = self.prepared(commit, 24, "install_failed")
        self.assertIn("install.scripts names gone, which is not in node_modules", answer.detail)

    def test_a_listed_package_that_does_not_build_says_why(self):
        self.host.configure(install={"scripts": ["native-thing"]})
        commit = self.with_packages({"native-thing": {"install": "echo 'gyp ERR! stack Error: no compiler here'; exit 1"}})
        self.assertIn("Error: no compiler here", self.prepared(commit, 24, "install_failed").detail)
        commit = self.with_packages({"native-thing": {"install": "kill -9 $$"}})
        self.assertEqual(self.prepared(commit, 62, "memory_low").detail, "Killed by the system")

    def test_git_runs_nothing_of_the_repository(self):
        host = self.host
        host.configure()
        files = {".gitattributes": "* filter=evil diff=evil merge=evil\n",
                 ".gitmodules": '[submodule "evil"]\n\tpath = evil\n\turl = ext::sh -c "touch planted"\n\tupdate = !touch planted\n',
                 ".gitconfig": '[filter "evil"]\n\tsmudge = touch planted\n[core]\n\tfsmonitor = touch planted\n',
                 ".githooks/post-checkout": "#!/bin/sh\ntouch planted\n", "note.txt": "x"}
        for name, text in files.items():
            (host.work / name).parent.mkdir(exist_ok=True)
            (host.work / name).write_text(text)
        (host.work / ".githooks/post-checkout").chmod(0o755)
        head = host.commit("v0")
        host.git("-C", str(host.work), "update-index", "--add", "--cacheinfo", f"160000,{head},evil")
        host.git("-C", str(host.work), "commit", "--quiet", "--message", "submodule")
        host.git("-C", str(host.work), "push", "--quiet", str(host.origin), "HEAD:refs/heads/main")
        commit = host.git("-C", str(host.work), "rev-parse", "HEAD")
        (host.origin / "hooks").mkdir(exist_ok=True)
        with (host.origin / "config").open("a") as config:
            config.write('[filter "evil"]\n\tsmudge = touch planted\n')
        self.prepared(commit)
        self.assertEqual(self.traces("planted"), [])
        self.assertEqual(list((host.app / "releases" / host.release(commit, 1) / "evil").iterdir()), [])

    def test_links_out_of_the_tree_are_not_followed_by_root(self):
        host = self.host
        host.configure()
        host.user = "nobody" if os.geteuid() == 0 else host.user
        secret = host.folder / "secret"
        secret.mkdir(mode=0o700)
        (secret / "kept").write_text("mine")
        before = os.stat(secret / "kept")
        for link in (".longshore", "escape", "node_modules"):
            (host.work / link).symlink_to(secret)
        commit = host.commit("v1")
        answer = self.host.run("prepare", commit=commit)
        self.assertIn((answer.code, answer.cls), [(0, "done"), (24, "install_failed")])
        self.assertEqual(os.listdir(secret), ["kept"])
        self.assertEqual((secret / "kept").read_text(), "mine")
        after = os.stat(secret / "kept")  # Not even the time of its last change of owner or mode.
        self.assertEqual((before.st_uid, before.st_mode, before.st_ctime_ns), (after.st_uid, after.st_mode, after.st_ctime_ns))

    def test_a_start_script_or_a_package_file_that_is_a_link_gives_nothing_away(self):
        host = self.host
        host.configure()
        (host.folder / "outside.json").write_text('{"engines": {"node": "canary-of-a-file-outside"}}')
        (host.folder / "outside.json").chmod(0o600)
        host.user = "nobody"
        if os.geteuid() != 0:
            self.skipTest("only root reads what the user may not")
        commit = host.commit("v1")
        (host.work / "package.json").unlink()
        (host.work / "package.json").symlink_to(host.folder / "outside.json")
        host.git("-C", str(host.work), "add", "--all")
        host.git("-C", str(host.work), "commit", "--quiet", "--message", "link")
        host.git("-C", str(host.work), "push", "--quiet", str(host.origin), "HEAD:refs/heads/main")
        commit = host.git("-C", str(host.work), "rev-parse", "HEAD")
        answer = host.run("prepare", commit=commit)
        self.assertEqual(answer.outcome, "failed")
        self.assertNotIn("canary-of-a-file-outside", answer.stdout + host.logs())


class TheAgent(Hostile):
    stand_ins = ("aws", "npm")

    def test_what_the_environment_of_the_agent_says_reaches_no_child(self):
        host = self.host
        host.configure(hooks={"build": "build"})
        commit = host.commit("v1", scripts={"build": "env > seen"}, files={"git": "#!/bin/sh\ntouch planted\n", "node": "#!/bin/sh\ntouch planted\n",
                                                                         "npm": "#!/bin/sh\ntouch planted\n"})
        for name in ("git", "node", "npm"):
            host.git("-C", str(host.work), "update-index", "--chmod=+x", name)
        host.git("-C", str(host.work), "commit", "--quiet", "--message", "mode")
        host.git("-C", str(host.work), "push", "--quiet", str(host.origin), "HEAD:refs/heads/main")
        commit = host.git("-C", str(host.work), "rev-parse", "HEAD")
        environment = host.environment
        evil = host.folder / "evil.so"
        host.environment = lambda variables: {
            **environment(variables), "PATH": f".::node_modules/.bin:{environment({})['PATH']}:.", "NODE_OPTIONS": "--require /evil.cjs",
            "npm_config_ignore_scripts": "false", "npm_config_script_shell": "/evil", "GIT_DIR": "/evil", "GIT_SSH_COMMAND": "touch planted",
            "GIT_EXEC_PATH": str(evil), "IFS": "/", "CDPATH": "/tmp", "GLOBIGNORE": "*", "PS4": "$(touch planted)", "PM2_HOME": "/evil"}
        self.check(host.deploy(commit), 0, "done")
        self.assertEqual(self.traces("planted"), [])
        seen = (host.app / "current" / "seen").read_text()
        for word in ("evil", "canary", "SSM_", "AWS_", "=.:", "::", ":.\n"):
            self.assertNotIn(word, seen)
        self.assertFalse(pathlib.Path("/evil").exists())
        self.assertTrue(all(alive(pid) for pid in host.pids()))


class Transport(Hostile):
    stand_ins = ("aws", "npm")

    def test_values_arrive_byte_for_byte_in_a_migration(self):
        host = self.host
        host.configure(hooks={"migrate": "migrate"})
        target = host.folder / "seen.json"
        pins = host.pin({**VALUES, "TARGET": str(target)})
        code = "const seen = {}; for (const name of Object.keys(process.env)) seen[name] = Buffer.from(process.env[name]).toString('base64');" \
               "require('fs').writeFileSync(process.env.TARGET, JSON.stringify(seen)); console.log(Object.values(process.env).join('\\n'));"
        commit = host.commit("v1", scripts={"migrate": "node migrate.js"}, files={"migrate.js": code})
        self.prepared(commit, pins=pins)
        self.check(host.run("migrate", commit=commit, pins=pins), 0, "done")
        seen = {name: base64.b64decode(value).decode() for name, value in json.loads(target.read_text()).items()}
        for name, value in VALUES.items():
            with self.subTest(name=name):
                self.assertEqual(seen[name], value)
        self.assertEqual(host.files_with(VALUES["SECRET"].encode(), outside=("env.json",)), [])


if __name__ == "__main__":
    unittest.main()
