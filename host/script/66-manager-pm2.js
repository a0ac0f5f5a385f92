// pm2 as a manager of processes: the daemon of the app, and what it says.

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

// What a reload cannot change makes pm2's entry unfit for this release. (One that waits for its next restart after a
// crash is not reloaded either: pm2 keeps its counters and its timer.)
function pm2Fits(known, wanted) {
  return known.pm_exec_path === wanted.script && known.exec_mode === wanted.exec_mode + '_mode'
    && known.pm_cwd === wanted.cwd && JSON.stringify(known.node_args) === JSON.stringify(wanted.node_args);
}

const pm2Manager = {
  entries(command, config) {
    if (!daemonRuns()) return [];
    const [wanted] = ecosystem(config).apps;
    return pm2List(command).map(({ pid, pm2_env: known }) => ({ pid, status: known.status,
      restarts: known.unstable_restarts, fits: pm2Fits(known, wanted) }));
  },
  write: (config) => ['ecosystem.config.cjs', 'module.exports = ' + JSON.stringify(ecosystem(config), null, 1) + ';\n'],
};
