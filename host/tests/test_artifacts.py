"""A build that was made elsewhere: it is the recorded one, nothing in it leaves its folder, and nothing is built here."""

import hashlib
import io
import json
import os
import tarfile

from harness import APP, SERVER, HostTest, wait_until


def member(tar, name, text="", kind=tarfile.REGTYPE, target="", mode=0o644):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, mode
    data = text.encode("utf-8")
    info.size = len(data) if kind == tarfile.REGTYPE else 0
    tar.addfile(info, io.BytesIO(data) if kind == tarfile.REGTYPE else None)


def app(version, *more):
    """Packs the app as a pipeline does: built, with its dependencies, and a link inside of them."""

    def pack(tar):
        member(tar, "./package.json", json.dumps({"name": APP, "version": "1.0.0"}))
        member(tar, "./server.js", SERVER % {"version": version, "status": 200})
        member(tar, "./node_modules/.bin/", kind=tarfile.DIRTYPE, mode=0o755)
        member(tar, "./node_modules/tool/cli.js", "// a tool", mode=0o755)
        member(tar, "./node_modules/.bin/tool", kind=tarfile.SYMTYPE, target="../tool/cli.js")
        for arguments in more:
            member(tar, **arguments)

    return pack


class Artifacts(HostTest):
    """The pipeline has built; the host takes what it stored."""

    commit = "c" * 40

    def refused(self, code, cls, artifact, words, **options):
        self.host.generation += 1
        answer = self.host.run("prepare", Artifact=artifact, release=f"{self.commit}-{'0' * 12}", **options)
        self.check(answer, code, cls)
        self.assertIn(words, answer.detail)
        self.assertFalse((self.host.app / "releases" / f"{self.commit}-{'0' * 12}").exists())
        return answer

    def test_a_build_is_deployed_without_git_and_npm_and_rolled_back_from_the_disk(self):
        host = self.host
        host.configure(source="artifact")
        for tool in ("git", "npm"):
            host.shim(tool, "touch $NOTES/used; exit 1")
        first, second = host.store(self.commit, app("one")), host.store("d" * 40, app("two"))
        old, new = f"{self.commit}-{'1' * 12}", f"{'d' * 40}-{'2' * 12}"
        self.check(host.deploy(self.commit, release=old, Artifact=first), 0, "done")
        self.assertEqual(host.who()["version"], "one")
        self.check(host.deploy("d" * 40, release=new, Artifact=second), 0, "done")
        self.assertEqual(host.who()["version"], "two")
        host.shim("aws", "touch $NOTES/used; exit 1")
        host.generation += 1
        self.check(host.run("activate", release=old, Artifact=first), 0, "done")
        self.assertEqual(host.who()["version"], "one")
        self.assertFalse((host.folder / "notes" / "used").exists())
        tool = host.app / "releases" / old / "node_modules" / ".bin" / "tool"
        self.assertEqual(tool.resolve().read_text(), "// a tool")
        record = json.loads((host.app / "releases" / old / ".longshore" / "release.json").read_text())
        self.assertEqual(record["artifact"], first)
        self.assertEqual([name for name in os.listdir(host.app / "releases") if "partial" in name], [])

    def test_only_the_recorded_bytes_of_the_recorded_version_are_taken(self):
        host = self.host
        host.configure(source="artifact")
        artifact = host.store(self.commit, app("one"))
        host.store(self.commit, app("stored again"), version="v2")
        other = artifact.replace("v1:", "v2:")
        self.refused(29, "artifact_refused", other, "SHA-256")
        self.refused(27, "artifact_missing", artifact.replace("v1:", "v3:"), f"s3://builds/acme/orders/{self.commit}.tar.gz")
        stored = host.aws / "bucket" / "acme" / "orders" / f"{self.commit}.tar.gz" / "v1"
        stored.write_bytes(stored.read_bytes()[:-20])
        self.refused(29, "artifact_refused", artifact, "SHA-256")
        self.refused(29, "artifact_refused", "v1:" + "0" * 64, "SHA-256")
        self.refused(20, "source_unavailable", artifact, "NoSuchBucket", ArtifactBucket="elsewhere")

    def test_a_build_that_holds_what_no_build_may_hold_is_refused_and_leaves_nothing(self):
        host = self.host
        host.configure(source="artifact")
        outside = host.folder / "outside"
        outside.mkdir()
        hostile = {
            "a name that leaves": [{"name": "../../../../outside/a", "text": "x"}],
            "an absolute name": [{"name": f"{outside}/b", "text": "x"}],
            "a link that leaves": [{"name": "out", "kind": tarfile.SYMTYPE, "target": "../../.."}],
            "an absolute link": [{"name": "out", "kind": tarfile.SYMTYPE, "target": "/etc/passwd"}],
            "through a link": [
                {"name": "out", "kind": tarfile.SYMTYPE, "target": str(outside)},
                {"name": "out/c", "text": "x"},
            ],
            "a hard link": [{"name": "twin.js", "kind": tarfile.LNKTYPE, "target": "./server.js"}],
            "a hard link that leaves": [{"name": "pw", "kind": tarfile.LNKTYPE, "target": "/etc/passwd"}],
            "a pipe": [{"name": "pipe", "kind": tarfile.FIFOTYPE}],
            "a device": [{"name": "zero", "kind": tarfile.CHRTYPE}],
        }
        for version, (what, members) in enumerate(hostile.items(), 1):
            with self.subTest(what):
                artifact = host.store(self.commit, app("bad", *members), version=f"h{version}")
                self.refused(29, "artifact_refused", artifact, "")
        self.assertEqual(list(outside.iterdir()), [])
        self.assertEqual(host.current(), "")

    def test_no_file_of_a_build_keeps_a_bit_that_would_make_it_more_than_its_user(self):
        host = self.host
        host.configure(source="artifact")
        bits = ({"name": "suid", "text": "x", "mode": 0o4755}, {"name": "sgid", "text": "x", "mode": 0o2755})
        artifact = host.store(self.commit, app("one", *bits))
        release = f"{self.commit}-{'1' * 12}"
        host.generation += 1
        self.check(host.run("prepare", release=release, Artifact=artifact), 0, "done")
        for name in ("suid", "sgid"):
            mode = (host.app / "releases" / release / name).stat().st_mode
            self.assertEqual(mode & 0o7777, 0o750, oct(mode))

    def test_a_build_without_the_start_script_or_that_is_no_archive_is_refused(self):
        host = self.host
        host.configure(source="artifact")
        empty = host.store(self.commit, lambda tar: member(tar, "readme", "hello"))
        self.refused(29, "artifact_refused", empty, "server.js is not in the release")
        file = host.aws / "bucket" / "acme" / "orders" / f"{self.commit}.tar.gz" / "text"
        file.write_text("not an archive")
        self.refused(29, "artifact_refused", f"text:{hashlib.sha256(b'not an archive').hexdigest()}", "not in gzip format")

    def test_a_bomb_ends_at_its_bounds(self):
        host = self.host
        host.configure(source="artifact")
        host.change_script("BYTES_MAX=4294967296", "BYTES_MAX=4194304")
        host.change_script("ENTRIES_MAX=500000", "ENTRIES_MAX=200")
        large = host.store(self.commit, app("big", {"name": "zeros", "text": "0" * 8_000_000}))
        self.refused(29, "artifact_refused", large, "")
        many = host.store(self.commit, app("many", *({"name": f"f{n}", "text": ""} for n in range(300))), version="v2")
        self.refused(29, "artifact_refused", many, "more than 200 entries")

    def test_a_step_that_was_killed_while_unpacking_is_taken_up_again(self):
        host = self.host
        host.configure(source="artifact")
        artifact = host.store(self.commit, app("one"))
        release = f"{self.commit}-{'1' * 12}"
        host.generation += 1
        notes = host.shim("tar", 'case " $* " in *" --extract "*) touch $NOTES/unpacking; sleep 60 ;; esac; exec "$REAL" "$@"')
        step = host.spawn("prepare", commit=self.commit, release=release, Artifact=artifact)
        self.assertTrue(wait_until((notes / "unpacking").exists))
        os.killpg(step.pid, 9)
        step.communicate()
        host.unshim("tar")
        again = host.run("prepare", commit=self.commit, release=release, Artifact=artifact)
        self.check(again, 0, "done")
        self.check(host.run("activate", release=release, Artifact=artifact), 0, "done")
        self.assertEqual(host.who()["version"], "one")
        self.assertEqual([name for name in os.listdir(host.app / "releases") if "partial" in name], [])
