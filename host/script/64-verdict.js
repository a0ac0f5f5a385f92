
// The verdict: which migrations are new against the release before, and whether it can be gone back to after them.

const NO_MIGRATION = /(^|\/)\.|\.down\.\w+$|\.d\.[cm]?ts$|\.(map|md|txt|toml|json|ya?ml|snap)$/;
const MIGRATION_BYTES_MAX = 1024 * 1024;
const FINDINGS_MAX = 5;

const migrationsOf = (id) => readJson(own(id, 'config.json')).migrations;
const folderOf = (id) => path.join(releaseDir(id), (migrationsOf(id) ?? migrationsOf(env.LS_RELEASE)).folder);

// The names of the migrations, relative to their folder. A link is a name as any other, and is not followed.
function migrationNames(folder, at = '') {
  const entries = orElse([], () => fs.readdirSync(path.join(folder, at), { withFileTypes: true }));
  return entries.map((entry) => [path.join(at, entry.name), entry]).filter(([name]) => !NO_MIGRATION.test(name))
    .flatMap(([name, entry]) => (entry.isDirectory() ? migrationNames(folder, name) : [name])).sort();
}

// Null for what is no plain file, or too long to be judged.
function textOf(folder, name) {
  const file = path.join(folder, name);
  const seen = fs.lstatSync(file);
  return seen.isFile() && seen.size <= MIGRATION_BYTES_MAX ? fs.readFileSync(file, 'utf8') : null;
}

const canCompare = () => Boolean(env.LS_PREVIOUS) && Boolean(migrationsOf(env.LS_RELEASE)) && fs.existsSync(own(env.LS_PREVIOUS, 'release.json'));

function freshNames() {
  if (!canCompare()) return [];
  const known = new Set(migrationNames(folderOf(env.LS_PREVIOUS)));
  return migrationNames(folderOf(env.LS_RELEASE)).filter((name) => !known.has(name));
}

const hasNothingNew = () => canCompare() && freshNames().length === 0;

// For the hooks that migrate: how many, which, and against what.
function migrationEnv() {
  const names = freshNames();
  return { LONGSHORE_PREVIOUS_RELEASE: env.LS_PREVIOUS, LONGSHORE_MIGRATIONS: names.join('\n'), LONGSHORE_MIGRATION_COUNT: String(names.length) };
}

// One file may hold both ways: node-pg-migrate and dbmate divide it by a comment.
const DOWN_PART = /^\s*--[\s-]*down\s+migration|^\s*--\s*migrate:down/im;
const UP_PART = /^\s*--[\s-]*up\s+migration|^\s*--\s*migrate:up/im;

// What is wrong with a migration for the release before, and whether it is plain that nothing can take it back.
function judgeOne(folder, name) {
  const code = textOf(folder, name);
  if (code === null) return { harm: ['cannot be read'], noDown: false };
  if (!/\.sql$/i.test(name)) return { harm: ['is code, not SQL: not judged'], noDown: /\bdown\s*=\s*false\b/.test(code) };
  const twoWays = UP_PART.test(code) && DOWN_PART.test(code) && UP_PART.exec(code).index < DOWN_PART.exec(code).index;
  const up = /\.up\.sql$/i.test(name);
  return { harm: harmOfSql(twoWays ? code.slice(0, DOWN_PART.exec(code).index) : code),
    noDown: (UP_PART.test(code) && !DOWN_PART.test(code)) || (up && !fs.existsSync(path.join(folder, name.replace(/\.up\.sql$/i, '.down.sql')))) };
}

// `safe`, `needs_down` or `impossible`. Whoever promises that migrations fit is believed, but for those that he has named.
function verdictOf(judged, config) {
  const { compatible, down, irreversible } = config.migrations;
  const listed = (one) => irreversible.includes(one.name);
  const harmful = (one) => listed(one) || (!compatible && one.harm.length > 0);
  if (!judged.some(harmful)) return { verdict: 'safe', allowed: false };
  const downable = Boolean(down && config.hooks.migrate_down);
  const lost = judged.filter((one) => listed(one) || one.noDown || (harmful(one) && !downable));
  return lost.length === 0 ? { verdict: 'needs_down', allowed: false } : { verdict: 'impossible', allowed: lost.every(listed) };
}

// What old migrations have become: tools do not run a changed one again, and stumble over one that is gone.
function oldOnes(before, after) {
  const there = new Set(migrationNames(after));
  return migrationNames(before).map((name) => {
    if (!there.has(name)) return name + ': is gone from the release';
    return textOf(before, name) === textOf(after, name) ? '' : name + ': was changed after it was released';
  }).filter(Boolean);
}

const plain = (line) => line.replace(/[^ -~]|["\\]/g, '?').slice(0, 110);

function verdict() {
  const config = readJson(own(env.LS_RELEASE, 'config.json'));
  if (!config.hooks.migrate || !canCompare()) return;
  const folder = folderOf(env.LS_RELEASE);
  const judged = freshNames().map((name) => ({ name, ...judgeOne(folder, name) }));
  const said = verdictOf(judged, config);
  const wrong = judged.filter((one) => one.harm.length > 0 || config.migrations.irreversible.includes(one.name));
  const lines = [...wrong.map((one) => one.name.slice(-60) + ': ' + [...one.harm, ...(one.noDown ? ['no down'] : [])].join(', ')),
    ...oldOnes(folderOf(env.LS_PREVIOUS), folder)];
  say(JSON.stringify({ ...said, count: judged.length, findings: lines.slice(0, FINDINGS_MAX).map(plain) }));
}
