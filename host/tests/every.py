"""Runs every test of this folder, a few files at a time: `python3 host/tests/every.py`.

Most of a test is waiting for a process manager, so that three files at once take half the time of one after the other. What counts
requests runs alone, after all others. The output of a file is printed when the file is done.
"""

import concurrent.futures
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
AT_ONCE = 3
ALONE = {"test_load.py"}
# The longest first, or the last of them would run alone for minutes.
FIRST = ["test_kill_anywhere.py", "test_failures.py", "test_migrations.py", "test_systemd.py", "test_artifacts.py"]


def run(file):
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "unittest", "discover", "-s", str(HERE), "-p", file], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(f"--- {file}, {time.monotonic() - began:.0f} s\n{done.stdout}", flush=True)
    return done.returncode == 0


def main():
    files = sorted(file.name for file in HERE.glob("test_*.py"))
    together = [*FIRST, *(file for file in files if file not in FIRST)]
    together = [file for file in together if file in files and file not in ALONE]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        passed = list(pool.map(run, together))
    passed += [run(file) for file in files if file in ALONE]
    print(f"{sum(passed)} of {len(files)} files passed")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
