"""The one line of a long output that a person would pick, and the class that it makes: on what the tools really print.

`outputs/` holds what npm 11, node 20, tsc 5, webpack 5, vite 6 and esbuild printed for one mistake each, with their paths renamed.
"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from harness import HERE, SCRIPT

PROGRAM = re.search(r"<<'PROGRAM_END'.*?\n(.*?)\nPROGRAM_END\n", SCRIPT.read_text(), re.S)[1]

# What was printed, the class of what failed, the class it becomes, the line.
PICKED = [
    ("package-gone", "install_failed", "install_failed", "npm error 404 File not found - GET https://registry.example.com/left-pad-that-is-gone/-/left-pad-that-is-gone-1.0.0.tgz"),
    ("integrity", "install_failed", "install_failed", "npm error Integrity checksum failed when using sha512: wanted sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQEQjxU3nwXqHBEBnMD5Hg/8O+B6tTuxLWgbrGqyVcmbGjDA== but got sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoEA==."),
    ("no-package", "install_failed", "install_failed", """npm error JSON.parse Invalid package.json: JSONParseError: Expected property name or '}' in JSON at position 2 while parsing "{\\n\""""),
    ("lock-missing", "install_failed", "lockfile", "npm error The `npm ci` command can only install with an existing package-lock.json or"),
    ("lock-behind", "install_failed", "lockfile", "npm error Missing: left-pad@1.3.0 from lock file"),
    ("tsc", "build_failed", "build_failed", "src/index.ts(1,19): error TS2307: Cannot find module './missing' or its corresponding type declarations."),
    ("webpack", "build_failed", "build_failed", "Module not found: Error: Can't resolve './gone' in '/srv/app/src'"),
    ("vite", "build_failed", "build_failed", 'Could not resolve "./gone" from "src/index.js"'),
    ("esbuild", "build_failed", "build_failed", '? [ERROR] Could not resolve "./gone"'),
    ("no-such-tool", "build_failed", "build_failed", "sh: 1: no-such-tool: not found"),
    ("no-such-script", "build_failed", "build_failed", 'npm error Missing script: "nosuch"'),
    ("heap", "build_failed", "memory_low", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"),
    ("killed", "build_failed", "memory_low", "Killed"),
    ("install-killed", "install_failed", "memory_low", "Killed"),
    ("install-gyp", "install_failed", "install_failed", "gyp ERR! stack Error: Could not find any Python installation to use"),
    ("no-space", "build_failed", "disk_full", "Error: ENOSPC: no space left on device, write"),
    ("no-space", "migration_failed", "disk_full", "Error: ENOSPC: no space left on device, write"),
    ("heap", "migration_failed", "migration_failed", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"),
    ("syntax", "start_failed", "start_failed", "SyntaxError: Unexpected token ';'"),
    ("no-module", "start_failed", "start_failed", "Error: Cannot find module 'pg'"),
    ("rejection", "start_failed", "start_failed", "TypeError: Cannot read properties of undefined (reading 'url')"),
    ("address-in-use", "start_failed", "start_failed", "Error: listen EADDRINUSE: address already in use 127.0.0.1:39991"),
]


class TheLine(unittest.TestCase):
    """Read as the script reads it, from the place where the step began."""

    def picked(self, output, cls, before=b""):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "log"
            log.write_bytes(before + output)
            environment = {"PATH": os.environ["PATH"], "LS_APP_DIR": folder, "LS_RELEASE": "none"}
            said = subprocess.run(["node", "-e", PROGRAM, "--", "first-error", cls, str(log), str(len(before))], env=environment,
                                  check=True, capture_output=True, text=True).stdout
        return tuple(said.rstrip("\n").split(" ", 1))

    def test_the_line_that_a_person_would_pick(self):
        for name, cls, becomes, line in PICKED:
            with self.subTest(output=name, cls=cls):
                output = (HERE / "outputs" / f"{name}.txt").read_bytes()
                self.assertEqual(self.picked(output, cls), (becomes, line))

    def test_every_output_is_looked_at(self):
        self.assertEqual({f"{name}.txt" for name, *_ in PICKED}, {file.name for file in (HERE / "outputs").iterdir()})

    def test_what_an_earlier_command_printed_does_not_count(self):
        before = b"Error: from before\nENOSPC\n"
        self.assertEqual(self.picked(b"Error: mine\n", "build_failed", before), ("build_failed", "Error: mine"))

    def test_too_many_watched_files_are_no_full_disk(self):
        said = b"Error: ENOSPC: System limit for number of file watchers reached, watch '/srv'\n"
        self.assertEqual(self.picked(said, "build_failed")[0], "build_failed")

    def test_nothing_to_say_leads_to_the_log(self):
        self.assertEqual(self.picked(b"\n> orders@1.0.0 build\n> exit 3\n\n", "build_failed"), ("build_failed", "see the log of the host"))


if __name__ == "__main__":
    unittest.main()
