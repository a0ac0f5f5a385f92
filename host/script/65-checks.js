// Whether this host suits the commit.

// What the package of a program on the PATH holds: npm brings `semver`, pm2 its version.
function fromPackageOf(program, name) {
  for (const folder of env.PATH.split(':')) {
    try {
      return require('module').createRequire(fs.realpathSync(path.join(folder, program)))(name);
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

function readForNpm(file, see) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'), see) || {};
  } catch {
    return {}; // npm ci says it better.
  }
}

// npm 10 runs the `prepare` of what it fetches from git, and installs for it what no lockfile names, whatever it is told.
function fromGit() {
  const npa = fromPackageOf('npm', 'npm-package-arg');
  const found = [];
  const see = (key, value) => {
    try {
      if (npa.resolve('x', value.resolved || value.version).type === 'git') found.push(key.split('node_modules/').pop());
    } catch {
      // Neither a package nor a place.
    }
    return value;
  };
  for (const file of ['package-lock.json', 'npm-shrinkwrap.json']) readForNpm(file, see);
  return found;
}

function suits(scripts, manager) {
  const pm2 = manager === 'pm2' && fromPackageOf('pm2', '../package.json');
  if (pm2 && Number.parseInt(pm2.version, 10) < PM2_MIN) refuse('host_not_ready', 'pm2 is ' + pm2.version + ', older than ' + PM2_MIN);
  const git = !env.LS_ARTIFACT && fromGit().find((name) => !scripts.split(',').includes(name));
  if (git) refuse('install_failed', git + ' is fetched from git, and npm runs its scripts: install.scripts does not list it');
  const wanted = (readForNpm('package.json').engines || {}).node;
  if (typeof wanted !== 'string') return;
  const semver = fromPackageOf('npm', 'semver');
  if (!semver) refuse('host_not_ready', 'npm of this host brings no semver, and package.json names engines.node');
  if (!semver.satisfies(process.version, wanted, { includePrerelease: true })) {
    refuse('node_version', 'Node.js here is ' + process.version + ', engines.node of package.json is ' + wanted.slice(0, 99));
  }
}

// Who listens on the release's port, when it is neither this release nor the process manager; `-` when nobody else does.
// A process that dies leaves its port without a name for a moment, so what cannot be ours is looked at three times.
function portOwner() {
  let holder = '-';
  for (let look = 0; look < 3; look += 1) {
    if (look > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    holder = portHolder();
    if (holder === '-') break;
  }
  say(holder);
}

function portHolder() {
  const { port } = readJson(own(env.LS_RELEASE, 'release.json'));
  const { stdout } = require('child_process').spawnSync('ss', ['-Hltnp', 'sport = :' + port], { encoding: 'utf8', timeout: 5000 });
  const [, name, pid] = /"([^"]*)",pid=(\d+)/.exec(stdout || '') || [];
  const where = pid && orElse(null, () => fs.readlinkSync('/proc/' + pid + '/cwd')); // Null: it has ended meanwhile, and holds nothing.
  const ours = pid && (where === null || orElse('', () => fs.readFileSync(path.join(APP_DIR, 'pm2', 'pm2.pid'), 'utf8')).trim() === pid
    || (where + '/').startsWith(releaseDir(env.LS_RELEASE) + '/'));
  if (!stdout || ours) return '-';
  return pid ? 'held by ' + name + ', process ' + pid : 'held by a process of another user';
}
