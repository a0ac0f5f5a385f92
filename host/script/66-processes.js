// What the manager of the app's processes and the kernel say of them.

// A manager has `entries`, which lists what it keeps for the app, and `write`, the file by which it knows a release. The
// shell has the rest of it (41-pm2.sh, 42-systemd.sh).
const managers = { pm2: pm2Manager, systemd: systemdManager };

function startTicks(pid) {
  const stat = fs.readFileSync('/proc/' + pid + '/stat', 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}

const bootId = () => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

// Asks the kernel, not the manager, when a process was started and where it runs.
function inspect({ pid, status, restarts, starts = restarts }, switched) {
  const view = { pid: pid || 0, status, starts, online: false, fresh: false, moved: false, stale: false,
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

// What of the app was started before the switch and still runs in a release although no manager keeps it: an orphan of a
// manager that was killed, a child that was left behind. A shell of a person has a terminal and is left alone.
function strays() {
  const { switched } = loadLedger();
  const releases = fs.realpathSync(path.join(APP_DIR, 'releases')) + '/';
  const boot = bootId();
  return fs.readdirSync('/proc').filter((pid) => {
    try {
      if (!/^\d+$/.test(pid) || !fs.readlinkSync('/proc/' + pid + '/cwd').startsWith(releases)) return false;
      const stat = fs.readFileSync('/proc/' + pid + '/stat', 'utf8');
      const terminal = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4]);
      return switched.boot === boot && startTicks(pid) < switched.mark && terminal === 0
        && fs.statSync('/proc/' + pid).uid === Number(env.LS_UID);
    } catch {
      return false; // It has ended, or is not ours to look at.
    }
  }).map(Number);
}

async function endStrays() {
  for (const signal of ['SIGINT', 'SIGKILL']) {
    for (const pid of strays()) killIfThere(pid, signal);
    for (let tries = 0; tries < 50 && strays().length > 0; tries += 1) await sleep(100);
  }
}

function killIfThere(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

async function survey(command) {
  const config = readJson(own(env.LS_RELEASE, 'config.json'));
  const { switched } = loadLedger();
  const entries = await managers[config.process.manager].entries(command, config);
  const views = entries.map((entry) => inspect(entry, switched));
  return { config, entries, views,
    stale: views.some((view) => view.stale),
    settled: views.length === config.process.instances && views.every((view) => view.online && view.fresh && view.moved) };
}

// What is to be done with the processes: the manager; then `start`, `settled` (an earlier attempt of this activation has
// done it, or a crash after the switch), `replace` or `reload`; then whether crashes were counted, which are those of the
// release before and must not be held against this one.
async function plan(...command) {
  const { config, entries, settled } = await survey(command);
  const counted = entries.some((entry) => entry.restarts > 0);
  const sound = entries.length === config.process.instances
    && entries.every((entry) => entry.status === 'online' && entry.fits);
  const way = entries.length === 0 ? 'start' : !sound ? 'replace' : settled ? 'settled' : 'reload';
  say(config.process.manager, way, way !== 'replace' && counted);
}
