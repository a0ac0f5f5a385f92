// What pm2 and the kernel say of the app's processes.

function startTicks(pid) {
  const stat = fs.readFileSync('/proc/' + pid + '/stat', 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}

const bootId = () => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

function daemonRuns() {
  const pid = orElse('', () => fs.readFileSync(path.join(APP_DIR, 'pm2', 'pm2.pid'), 'utf8').trim());
  return /^\d+$/.test(pid) && fs.existsSync('/proc/' + pid);
}

function pm2List(pm2) {
  const run = child.spawnSync(pm2[0], [...pm2.slice(1), 'jlist'],
    { encoding: 'utf8', timeout: 20000, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26 });
  const json = (run.stdout || '').split('\n').reverse().find((line) => line.startsWith('['));
  if (!json) throw new Error('pm2 jlist gave no list');
  return JSON.parse(json).filter((entry) => entry.name === env.LS_APP);
}

// Asks the kernel, not pm2, when a process was started and where it runs.
function inspect(entry, switched) {
  const { status, unstable_restarts: restarts } = entry.pm2_env;
  const view = { pid: entry.pid || 0, status, online: false, fresh: false, moved: false, stale: false,
    broken: status === 'errored' || restarts >= 3 };
  try {
    view.fresh = switched.boot !== bootId() || startTicks(view.pid) >= switched.mark;
    const cwd = fs.readlinkSync('/proc/' + view.pid + '/cwd') + '/';
    const releases = fs.realpathSync(path.join(APP_DIR, 'releases')) + '/';
    view.moved = cwd.startsWith(releases + env.LS_RELEASE + '/');
    view.stale = !view.fresh || (cwd.startsWith(releases) && !view.moved);
    view.online = status === 'online';
  } catch {
    view.pid = 0; // It has ended, or ended while we looked.
  }
  return view;
}

function survey(pm2) {
  const config = readJson(own(env.LS_RELEASE, 'config.json'));
  const { switched } = loadLedger();
  const entries = pm2List(pm2);
  const views = entries.map((entry) => inspect(entry, switched));
  return { config, entries, views,
    stale: views.some((view) => view.stale),
    settled: views.length === config.process.instances && views.every((view) => view.online && view.fresh && view.moved) };
}

// What a reload cannot change makes pm2's entry unfit for this release. (One that waits for its next restart after a
// crash is not reloaded either: pm2 keeps its counters and its timer.)
function fits(entry, wanted) {
  const known = entry.pm2_env;
  return known.pm_exec_path === wanted.script && known.exec_mode === wanted.exec_mode + '_mode'
    && known.pm_cwd === wanted.cwd && JSON.stringify(known.node_args) === JSON.stringify(wanted.node_args);
}

// `start`, `settled` (an earlier attempt of this activation has done it, or a crash after the switch), `replace` or
// `reload`; then whether pm2 has counted crashes, which are those of the release before and must not be held against
// this one.
function plan(...pm2) {
  if (!daemonRuns()) return say('start', false);
  const seen = survey(pm2);
  const wanted = ecosystem(seen.config).apps[0];
  const counted = seen.entries.some((entry) => entry.pm2_env.unstable_restarts > 0);
  if (seen.entries.length === 0) return say('start', false);
  const sound = seen.entries.every((entry) => entry.pm2_env.status === 'online' && fits(entry, wanted));
  if (seen.entries.length !== wanted.instances || !sound) return say('replace', false);
  say(seen.settled ? 'settled' : 'reload', counted);
}
