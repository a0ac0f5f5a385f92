// pm2 as a manager of processes: the daemon of the app, and what it says.

function daemonRuns() {
  const pid = orElse('', () => fs.readFileSync(path.join(APP_DIR, 'pm2', 'pm2.pid'), 'utf8').trim());
  return /^\d+$/.test(pid) && fs.existsSync('/proc/' + pid);
}

// The daemon's own words, over its socket: pm2's command needs ten times as long to say the same. A message is a byte
// with the number of its parts, then each part with its length before it; the last part of an answer is the question's.
function askDaemon() {
  const question = ['j:{"type":"call","method":"getMonitorData","args":[{}]}', 's:longshore:1'].map((part) => Buffer.from(part));
  const size = ({ length }) => Buffer.from([length >>> 24, length >>> 16, length >>> 8, length]);
  return new Promise((resolve, reject) => {
    const socket = require('net').connect(path.join(APP_DIR, 'pm2', 'rpc.sock'));
    socket.setTimeout(5000, () => socket.destroy(new Error('the daemon does not answer')));
    socket.on('error', reject).on('close', () => reject(new Error('the daemon gave no answer')));
    socket.write(Buffer.concat([Buffer.from([0x12]), ...question.flatMap((part) => [size(part), part])]));
    let said = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      said = Buffer.concat([said, chunk]);
      const length = said.length > 5 ? said.readUInt32BE(1) : Infinity;
      if (said.length < 5 + length) return;
      socket.destroy();
      resolve(said.toString('utf8', 7, 5 + length));
    });
  }).then((text) => JSON.parse(text).args[0]);
}

function askCommand(pm2) {
  const run = require('child_process').spawnSync(pm2[0], [...pm2.slice(1), 'jlist'],
    { encoding: 'utf8', timeout: 20000, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26 });
  const json = (run.stdout || '').split('\n').reverse().find((line) => line.startsWith('['));
  if (!json) throw new Error('pm2 jlist gave no list');
  return JSON.parse(json);
}

async function pm2List(pm2) {
  const list = await askDaemon().catch(() => askCommand(pm2));
  return list.filter((entry) => entry.name === env.LS_APP);
}

// What a reload cannot change makes pm2's entry unfit for this release. (One that waits for its next restart after a
// crash is not reloaded either: pm2 keeps its counters and its timer.)
function pm2Fits(known, wanted) {
  return known.pm_exec_path === wanted.script && known.exec_mode === wanted.exec_mode + '_mode'
    && known.pm_cwd === wanted.cwd && JSON.stringify(known.node_args) === JSON.stringify(wanted.node_args);
}

const pm2Manager = {
  async entries(command, config) {
    if (!daemonRuns()) return [];
    const [wanted] = ecosystem(config).apps;
    return (await pm2List(command)).map(({ pid, pm2_env: known }) => ({ pid, status: known.status,
      restarts: known.unstable_restarts, starts: known.restart_time, fits: pm2Fits(known, wanted) }));
  },
  write: (config) => ['ecosystem.config.cjs', 'module.exports = ' + JSON.stringify(ecosystem(config), null, 1) + ';\n'],
};
