"""Migrations: the verdict, the step, and the way back, with real tools (node-pg-migrate, knex, umzug) on a real PostgreSQL."""

import json
import os
import pathlib
import signal
import subprocess

import database
from harness import HERE, HostTest

PROGRAM = HERE.parent / "script"
DATABASE = None

SQL_HOOKS = {"migrate": "up", "migrate_down": "down", "backup": "backup"}
SQL_SCRIPTS = {
    "up": "node-pg-migrate up -m migrations",
    "down": "node-pg-migrate down ${LONGSHORE_MIGRATION_COUNT} -m migrations",
    "backup": "node -e \"require('fs').appendFileSync(process.env.HOOK_NOTES, 'backup\\n')\"",
    "broken-backup": "node -e \"console.error('Error: no room for the dump'); process.exit(1)\"",
}
KNEX_SCRIPTS = {"up": "knex migrate:latest", "down": "knex migrate:rollback", "unlock": "knex migrate:unlock"}
KNEXFILE = """module.exports = { client: 'pg', connection: process.env.DATABASE_URL, migrations: { directory: './migrations' },
  pool: { min: 0, max: 2 } };"""

# umzug is a library: the app brings the program that runs it, and where it keeps what has been run.
UMZUG_SCRIPTS = {"up": "node migrate.js up", "down": "node migrate.js down --step $LONGSHORE_MIGRATION_COUNT"}
UMZUG = """const { Umzug } = require('umzug');
const { Client } = require('pg');
const client = new Client({ connectionString: process.env.DATABASE_URL });
const storage = {
  executed: async () => {
    await client.query('CREATE TABLE IF NOT EXISTS migrations_run (name text PRIMARY KEY)');
    return (await client.query('SELECT name FROM migrations_run ORDER BY name')).rows.map((row) => row.name);
  },
  logMigration: ({ name }) => client.query('INSERT INTO migrations_run VALUES ($1)', [name]),
  unlogMigration: ({ name }) => client.query('DELETE FROM migrations_run WHERE name = $1', [name]),
};
const umzug = new Umzug({ migrations: { glob: ['migrations/*.js', { cwd: __dirname }] }, context: client, storage, logger: console });
client.connect().then(() => umzug.runAsCLI()).then((ran) => { process.exitCode = ran ? 0 : 1; }).finally(() => client.end());
"""

INIT = """-- Up Migration
CREATE TABLE orders (id int PRIMARY KEY, name text);
INSERT INTO orders VALUES (1, 'a chair');
-- Down Migration
DROP TABLE orders;
"""
ADD = """-- Up Migration
ALTER TABLE orders ADD COLUMN price int;
-- Down Migration
ALTER TABLE orders DROP COLUMN price;
"""
RENAME = """-- Up Migration
ALTER TABLE orders RENAME COLUMN name TO title;
-- Down Migration
ALTER TABLE orders RENAME COLUMN title TO name;
"""


def setUpModule():
    global DATABASE
    DATABASE = database.Database()


def tearDownModule():
    DATABASE.close()


def knex(up, down="async () => undefined"):
    return f"exports.up = {up};\nexports.down = {down};\n"


class MigrationTest(HostTest):
    """A host, an app with migrations, and a database of its own."""

    scripts = SQL_SCRIPTS
    hooks = SQL_HOOKS
    policy = {"folder": "migrations", "down": True}

    def setUp(self):
        super().setUp()
        self.name = DATABASE.create()
        self.pins = self.host.pin({"DATABASE_URL": DATABASE.url(self.name), "HOOK_NOTES": str(self.host.folder / "hooks")})
        (self.host.folder / "hooks").touch(mode=0o666)
        if "npm" not in self.stand_ins:
            return
        # `npm ci` of these apps: the tools are on this machine already. All else is npm's own.
        (self.host.fakes / "npm").unlink()
        self.host.shim("npm", f"if [ \"$1\" = ci ]; then exec ln -s {DATABASE.tools}/node_modules node_modules; fi\n"
                              "exec \"$(PATH=${PATH#*:} command -v npm)\" \"$@\"")

    def release(self, version, migrations, status=200, hooks=None, **policy):
        """Configures and commits; the keywords of a release's steps."""
        self.host.configure(hooks=self.hooks if hooks is None else hooks, migrations={**self.policy, **policy})
        files = {f"migrations/{name}": text for name, text in migrations.items()}
        for gone in (self.host.work / "migrations").glob("*"):
            gone.unlink()
        commit = self.host.commit(version, status=status, scripts=self.scripts, files={**self.files(), **files})
        return {"commit": commit, "pins": self.pins, "config_version": self.host.config_version}

    def files(self):
        return {}

    def id_of(self, release):
        return self.host.release(release["commit"], release["config_version"], self.pins)

    def prepared(self, release, before=None):
        """Prepares a release; what the answer says of its migrations."""
        self.host.generation += 1
        answer = self.host.run("prepare", Previous=self.id_of(before) if before else "", **release)
        self.check(answer, 0, "done")
        return answer.body.get("migrations")

    def step(self, action, release, before=None, code=0, cls="done", **options):
        answer = self.host.run(action, Previous=self.id_of(before) if before else "", **release, **options)
        self.check(answer, code, cls)
        return answer

    def live(self, migrations):
        """A first release, migrated; it need not run for what follows."""
        first = self.release("one", migrations)
        self.prepared(first)
        self.step("migrate", first)
        return first


class RealInstall(MigrationTest):
    stand_ins = ("aws",)

    def test_an_app_with_a_real_install_is_migrated_switched_taken_back_and_switched_back(self):
        dependencies, lock = database.app_files()
        package = {"name": "orders", "version": "1.0.0", "private": True, "scripts": self.scripts, "dependencies": dependencies}
        self.files = lambda: {"package.json": json.dumps(package), "package-lock.json": lock}
        first = self.live({"1-init.sql": INIT})
        self.step("activate", first)
        second = self.release("two", {"1-init.sql": INIT, "2-rename.sql": RENAME, "3-add.sql": ADD})
        found = self.prepared(second, first)
        self.assertEqual(found, {"verdict": "needs_down", "allowed": False, "count": 2, "findings": ["2-rename.sql: RENAME"]})
        self.step("migrate", second, first)
        self.assertEqual(DATABASE.columns(self.name, "orders"), ["id", "price", "title"])
        self.step("activate", second)
        self.host.generation += 1
        self.step("unmigrate", second, first)
        self.assertEqual(DATABASE.columns(self.name, "orders"), ["id", "name"])
        self.step("activate", first)
        self.assertEqual(self.host.who()["version"], "one")
        self.assertEqual(self.host.files_with(b"correct-horse-battery", outside=("env.json",)), [])


class NodePgMigrate(MigrationTest):
    def test_the_ledger_says_which_migrations_ran_when_and_under_which_generation(self):
        first = self.live({"1-init.sql": INIT})
        second = self.release("two", {"1-init.sql": INIT, "2-add.sql": ADD})
        self.assertEqual(self.prepared(second, first), {"verdict": "safe", "allowed": False, "count": 1, "findings": []})
        self.step("migrate", second, first)
        self.assertTrue(self.step("migrate", second, first).repeated)
        again = self.step("migrate", second, first, attempt=2)
        self.assertIn("migrated before", again.detail)
        ran = self.host.ledger()["migrated"]
        self.assertEqual([(run["release"], run["generation"], run["names"]) for run in ran],
                         [(self.id_of(first), 1, []), (self.id_of(second), 2, ["2-add.sql"])])
        self.assertRegex(ran[1]["at"], r"^20\d\d-")
        self.assertEqual(DATABASE.columns(self.name, "orders"), ["id", "name", "price"])

    def test_a_migration_is_never_begun_to_be_taken_back_twice(self):
        first = self.live({"1-init.sql": INIT})
        gated = RENAME.replace("-- Down Migration\n", "-- Down Migration\nSELECT pg_advisory_lock_shared(42);\n")
        second = self.release("two", {"1-init.sql": INIT, "2-rename.sql": gated})
        self.prepared(second, first)
        self.step("migrate", second, first)
        self.host.generation += 1
        with DATABASE.gate(self.name):
            step = self.host.spawn("unmigrate", Previous=self.id_of(first), **second)
            self.assertTrue(DATABASE.waits_at_gate(self.name))
            os.killpg(step.pid, signal.SIGKILL)
            step.communicate()
            again = self.step("unmigrate", second, first, 33, "migration_down_failed")
            self.assertIn("never begun twice", again.detail)
        self.assertTrue(DATABASE.sessions_are_gone(self.name))
        self.step("unmigrate", second, first, 33, "migration_down_failed", attempt=2)
        self.assertEqual(DATABASE.columns(self.name, "orders"), ["id", "title"])
        (down,) = self.host.ledger()["downs"]
        self.assertEqual((down["generation"], down["names"], down["class"]), (3, ["2-rename.sql"], "migration_down_failed"))

    def test_what_the_configuration_does_not_allow_is_not_taken_back(self):
        first = self.live({"1-init.sql": INIT})
        second = self.release("two", {"1-init.sql": INIT, "2-rename.sql": RENAME}, down=False, irreversible=["2-rename.sql"])
        self.assertEqual(self.prepared(second, first)["verdict"], "impossible")
        self.step("migrate", second, first)
        self.host.generation += 1
        refused = self.step("unmigrate", second, first, 33, "migration_down_failed")
        self.assertIn("does not allow", refused.detail)
        self.assertEqual(DATABASE.columns(self.name, "orders"), ["id", "title"])

    def test_a_run_that_was_killed_is_named_as_holding_the_lock_and_can_be_run_again(self):
        first = self.live({"1-init.sql": INIT})
        gated = "ALTER TABLE orders ADD COLUMN price int; SELECT pg_advisory_lock_shared(42);"
        second = self.release("two", {"1-init.sql": INIT, "2-gated.sql": gated})
        self.prepared(second, first)
        with DATABASE.gate(self.name):
            step = self.host.spawn("migrate", Previous=self.id_of(first), **second)
            self.assertTrue(DATABASE.waits_at_gate(self.name))
            os.killpg(step.pid, signal.SIGKILL)
            step.communicate()
            locked = self.step("migrate", second, first, 31, "migration_locked")
            self.assertIn("pg_terminate_backend", locked.detail)
        self.assertTrue(DATABASE.sessions_are_gone(self.name), "what the dead run had begun ends with its session")
        self.assertEqual(DATABASE.columns(self.name, "orders"), ["id", "name"])
        self.step("migrate", second, first, attempt=2)
        self.assertEqual(DATABASE.columns(self.name, "orders"), ["id", "name", "price"])

    def test_a_migration_that_fails_says_why_and_leaves_nothing(self):
        first = self.live({"1-init.sql": INIT})
        second = self.release("two", {"1-init.sql": INIT, "2-bad.sql": "ALTER TABLE orders ADD COLUMN a int; SELECT * FROM nowhere;"},
                              compatible=True)
        self.prepared(second, first)
        failed = self.step("migrate", second, first, 30, "migration_failed")
        self.assertIn('relation "nowhere" does not exist', failed.detail)
        self.assertEqual(DATABASE.columns(self.name, "orders"), ["id", "name"])
        self.assertEqual([run["generation"] for run in self.host.ledger()["migrated"]], [1])

    def test_a_backup_runs_before_what_is_new_and_without_it_nothing_is_migrated(self):
        first = self.live({"1-init.sql": INIT})
        notes = pathlib.Path(self.host.folder / "hooks")
        self.assertEqual(notes.read_text(), "backup\n", "before the first migration")
        same = self.release("same", {"1-init.sql": INIT})
        self.assertEqual(self.prepared(same, first)["count"], 0)
        self.step("migrate", same, first)
        self.assertEqual(notes.read_text(), "backup\n", "nothing is new, so nothing can be lost")
        broken = {**self.hooks, "backup": "broken-backup"}
        second = self.release("two", {"1-init.sql": INIT, "2-add.sql": ADD}, hooks=broken)
        self.prepared(second, first)
        failed = self.step("migrate", second, first, 32, "backup_failed")
        self.assertEqual(failed.detail, "Error: no room for the dump")
        self.assertEqual(DATABASE.columns(self.name, "orders"), ["id", "name"])


class Knex(MigrationTest):
    scripts = KNEX_SCRIPTS
    hooks = {"migrate": "up", "migrate_down": "down"}
    MADE = knex("(knex) => knex.schema.createTable('orders', (t) => { t.integer('id'); t.string('name'); })",
                "(knex) => knex.schema.dropTable('orders')")
    DROPS = knex("(knex) => knex.schema.table('orders', (t) => t.dropColumn('name'))",
                 "(knex) => knex.schema.table('orders', (t) => t.string('name'))")
    # Outside of a transaction knex keeps its lock in a row that is committed.
    GATED = knex("(knex) => knex.raw('SELECT pg_advisory_lock_shared(42)')") + "exports.config = { transaction: false };"

    def files(self):
        return {"knexfile.js": KNEXFILE}

    def test_the_last_batch_is_taken_back(self):
        first = self.live({"1_made.js": self.MADE})
        second = self.release("two", {"1_made.js": self.MADE, "2_drops.js": self.DROPS})
        found = self.prepared(second, first)
        self.assertEqual(found, {"verdict": "needs_down", "allowed": False, "count": 1,
                                 "findings": ["2_drops.js: is code, not SQL: not judged"]})
        self.step("migrate", second, first)
        self.assertEqual(DATABASE.columns(self.name, "orders"), ["id"])
        self.host.generation += 1
        self.step("unmigrate", second, first)
        self.assertEqual(DATABASE.columns(self.name, "orders"), ["id", "name"])

    def test_the_lock_of_a_dead_run_is_named_with_what_releases_it(self):
        first = self.live({"1_made.js": self.MADE})
        second = self.release("two", {"1_made.js": self.MADE, "2_gated.js": self.GATED})
        self.prepared(second, first)
        with DATABASE.gate(self.name):
            step = self.host.spawn("migrate", Previous=self.id_of(first), **second)
            self.assertTrue(DATABASE.waits_at_gate(self.name))
            os.killpg(step.pid, signal.SIGKILL)
            step.communicate()
            locked = self.step("migrate", second, first, 31, "migration_locked")
            self.assertIn("knex migrate:unlock", locked.detail)
        self.assertTrue(DATABASE.sessions_are_gone(self.name))
        still = self.step("migrate", second, first, 31, "migration_locked", attempt=2)
        self.assertIn("knex migrate:unlock", still.detail)
        folder = self.host.app / "releases" / self.id_of(second)
        subprocess.run(["npm", "run", "unlock"], cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL,
                       env={**os.environ, "DATABASE_URL": DATABASE.url(self.name)})
        self.step("migrate", second, first, attempt=3)

    def test_a_migration_that_fails_says_why_in_the_words_of_the_database(self):
        first = self.live({"1_made.js": self.MADE})
        bad = knex("(knex) => knex.schema.table('orders', (t) => t.dropColumn('nothing'))")
        second = self.release("two", {"1_made.js": self.MADE, "2_bad.js": bad})
        self.prepared(second, first)
        failed = self.step("migrate", second, first, 30, "migration_failed")
        self.assertIn('column "nothing" of relation "orders" does not exist', failed.detail)


def umzug(up, down="SELECT 1"):
    return "\n".join(f"exports.{way} = ({{ context }}) => context.query(`{sql}`);" for way, sql in (("up", up), ("down", down)))


class Umzug(MigrationTest):
    scripts = UMZUG_SCRIPTS
    hooks = {"migrate": "up", "migrate_down": "down"}
    MADE = umzug("CREATE TABLE orders (id int, name text)", "DROP TABLE orders")
    PRICE = umzug("ALTER TABLE orders ADD COLUMN price int", "ALTER TABLE orders DROP COLUMN price")
    DROPS = umzug("ALTER TABLE orders DROP COLUMN name", "ALTER TABLE orders ADD COLUMN name text")

    def files(self):
        return {"migrate.js": UMZUG}

    def ran(self):
        return [row["name"] for row in DATABASE.query(self.name, "SELECT name FROM migrations_run ORDER BY name")]

    def test_what_is_new_in_the_release_is_taken_back_and_nothing_else(self):
        first = self.live({"1_made.js": self.MADE})
        second = self.release("two", {"1_made.js": self.MADE, "2_price.js": self.PRICE, "3_drops.js": self.DROPS})
        found = self.prepared(second, first)
        self.assertEqual(found, {"verdict": "needs_down", "allowed": False, "count": 2,
                                 "findings": [f"{name}: is code, not SQL: not judged" for name in ("2_price.js", "3_drops.js")]})
        self.step("migrate", second, first)
        self.assertEqual(DATABASE.columns(self.name, "orders"), ["id", "price"])
        self.host.generation += 1
        self.step("unmigrate", second, first)
        self.assertEqual((DATABASE.columns(self.name, "orders"), self.ran()), (["id", "name"], ["1_made.js"]))

    def test_a_migration_that_was_killed_is_finished_when_it_is_given_again(self):
        first = self.live({"1_made.js": self.MADE})
        gated = umzug("SELECT pg_advisory_xact_lock_shared(42); ALTER TABLE orders ADD COLUMN price int")
        second = self.release("two", {"1_made.js": self.MADE, "2_gated.js": gated})
        self.prepared(second, first)
        with DATABASE.gate(self.name):
            step = self.host.spawn("migrate", Previous=self.id_of(first), **second)
            self.assertTrue(DATABASE.waits_at_gate(self.name))
            os.killpg(step.pid, signal.SIGKILL)
            step.communicate()
            # umzug holds no lock, so a session of the database that outlives its client would go on beside the next run.
            DATABASE.query(self.name, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        self.step("migrate", second, first)
        self.assertEqual((DATABASE.columns(self.name, "orders"), self.ran()), (["id", "name", "price"], ["1_made.js", "2_gated.js"]))

    def test_a_migration_that_fails_says_why_in_the_words_of_the_database(self):
        first = self.live({"1_made.js": self.MADE})
        second = self.release("two", {"1_made.js": self.MADE, "2_bad.js": umzug("ALTER TABLE orders DROP COLUMN nothing")})
        self.prepared(second, first)
        failed = self.step("migrate", second, first, 30, "migration_failed")
        self.assertIn('column "nothing" of relation "orders" does not exist', failed.detail)
        self.assertEqual(self.ran(), ["1_made.js"])


class Verdicts(MigrationTest):
    """What `prepare` says of the way back."""

    first = None

    def verdict(self, migrations, hooks=None, before=None, **policy):
        if not self.first:
            self.first = self.release("one", before or {"1.sql": INIT})
            self.prepared(self.first)
        return self.prepared(self.release("two", {"1.sql": INIT, **migrations}, hooks=hooks, **policy), self.first)

    def test_code_is_not_judged_and_needs_somebodys_word(self):
        code = {"2.js": knex("() => 1"), "3.js": "exports.down = false;"}
        found = self.verdict(code, down=False)
        self.assertEqual((found["verdict"], found["allowed"], found["count"]), ("impossible", False, 2))
        self.assertEqual(found["findings"], ["2.js: is code, not SQL: not judged", "3.js: is code, not SQL: not judged, no down"])
        self.assertEqual(self.verdict(code, compatible=True)["verdict"], "safe")
        found = self.verdict(code, irreversible=["3.js"])
        self.assertEqual((found["verdict"], found["allowed"]), ("impossible", True), "the other one could be taken back")
        found = self.verdict(code, down=False, irreversible=["3.js"])
        self.assertEqual((found["verdict"], found["allowed"]), ("impossible", False), "2.js is not named")
        found = self.verdict({"2.sql": ADD}, compatible=True, irreversible=["2.sql"])
        self.assertEqual((found["verdict"], found["allowed"]), ("impossible", True), "what is named counts more than a promise")

    def test_old_migrations_that_were_changed_or_are_gone_are_named(self):
        found = self.verdict({"2.sql": ADD}, before={"1.sql": INIT + "-- a word", "0.sql": ADD})
        self.assertEqual(found, {"verdict": "safe", "allowed": False, "count": 1,
                                 "findings": ["0.sql: is gone from the release", "1.sql: was changed after it was released"]})

    def test_without_the_release_before_or_the_section_nothing_is_judged(self):
        first = self.release("one", {"1.sql": INIT})
        self.assertIsNone(self.prepared(first))
        answer = self.host.run("prepare", attempt=9, Previous="f" * 40 + "-" + "0" * 12, **first)
        self.check(answer, 0, "done")
        self.assertNotIn("migrations", answer.body)
        self.host.configure(hooks=self.hooks)
        plain = {**first, "config_version": self.host.config_version}
        self.assertIsNone(self.prepared(plain, first))

    def test_a_folder_that_is_not_there_is_refused_and_not_taken_for_no_migrations(self):
        first = self.release("one", {"1.sql": INIT}, folder="migration")
        answer = self.host.run("prepare", **first)
        self.check(answer, 26, "config_refused")
        self.assertEqual(answer.detail, "migrations.folder migration is not a folder of the release")

    def test_a_way_down_that_is_missing_cannot_be_taken(self):
        up = {"2.up.sql": "DROP TABLE orders;"}
        self.assertEqual(self.verdict(up)["verdict"], "impossible")
        self.assertEqual(self.verdict({**up, "2.down.sql": "CREATE TABLE orders (id int);"})["verdict"], "needs_down")

    def test_hostile_migrations_change_nothing(self):
        first = self.release("one", {"1.sql": INIT})
        self.prepared(first)
        names = ['2-"; $(touch pwned) {{ssm:x}}.sql', "3-" + "x" * 150 + ".sql", "4-\u202etxt.sql", "5-a\nb.sql", "6-b\\.sql", "7.sql"]
        second = self.release("two", {"1.sql": INIT, **dict.fromkeys(names, "DROP TABLE orders; TRUNCATE a; SELECT x(); RENAME; DO 1")})
        link = self.host.work / "migrations" / "8-link.sql"
        link.symlink_to("/etc/shadow")
        (self.host.work / "migrations" / "9-big.sql").write_text("--" + "x" * 2_000_000)
        self.host.git("-C", str(self.host.work), "add", "--all")
        self.host.git("-C", str(self.host.work), "commit", "--quiet", "--message", "hostile")
        self.host.git("-C", str(self.host.work), "push", "--quiet", str(self.host.origin), "HEAD:refs/heads/main")
        second["commit"] = self.host.git("-C", str(self.host.work), "rev-parse", "HEAD")
        self.host.generation += 1
        answer = self.host.run("prepare", Previous=self.id_of(first), **second)
        self.check(answer, 0, "done")
        found = answer.body["migrations"]
        self.assertEqual((found["verdict"], found["count"], len(found["findings"])), ("needs_down", 8, 5))
        for line in found["findings"]:
            self.assertRegex(line, r"\A[ -!#-\[\]-~]{1,110}\Z")
        self.assertLess(len(answer.stdout), 2_500)


class Sql(HostTest):
    """The reader of SQL, statement by statement."""

    def test_what_may_harm_the_release_before_is_named_and_what_adds_is_not(self):
        cases = json.loads((HERE / "sql.json").read_text())
        program = (PROGRAM / "64-sql.js").read_text() + """
            const cases = JSON.parse(require('fs').readFileSync(0, 'utf8'));
            process.stdout.write(JSON.stringify(cases.map(([sql]) => harmOfSql(sql))));"""
        run = subprocess.run(["node", "-e", program], input=json.dumps(cases), check=True, capture_output=True, text=True)
        wrong = [(sql, expected, found) for (sql, expected), found in zip(cases, json.loads(run.stdout)) if expected != found]
        self.assertEqual(wrong, [])
