// systemd as a manager of processes: one unit with one process, which opens the port itself.

const UNIT = 'longshore-' + env.LS_APP + '.service';
const PROPERTIES = { LoadState: '', ActiveState: '', SubState: '', MainPID: '0', NRestarts: '0' };

// All paths go through `current`, as with pm2, so a restart after a crash or a reboot runs what `current` names. The
// user's own shell opens the log files: systemd would do it as root, and follow a link that the user has planted.
function unit({ process: { script } }) {
  const current = path.join(APP_DIR, 'current');
  const logs = path.join(APP_DIR, 'log', 'app');
  const node = process.execPath;
  return [
    '[Unit]',
    `Description=${env.LS_APP}, deployed by Longshore`,
    'Wants=network-online.target',
    'After=network-online.target',
    'StartLimitIntervalSec=0',
    '[Service]',
    `User=${env.LS_UID}`,
    `Group=${env.LS_GID}`,
    `WorkingDirectory=${current}`,
    `Environment=PATH=${path.dirname(node)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    `ExecStart=/bin/sh -c 'exec "$$0" "$$@" >>${logs}/out.log 2>>${logs}/error.log' ${node} --require ${current}/.longshore/env.cjs ${current}/${script}`,
    'Restart=always',
    'RestartSec=1',
    'KillSignal=SIGINT',
    'KillMode=mixed',
    'TimeoutStopSec=8',
    'UMask=0027',
    'NoNewPrivileges=yes',
    'PrivateTmp=yes',
    'ProtectSystem=full',
    'ProtectControlGroups=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'RestrictSUIDSGID=yes',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}

function systemdShow() {
  const run = require('child_process').spawnSync('systemctl', ['show', UNIT, '--property=' + Object.keys(PROPERTIES).join()],
    { encoding: 'utf8', timeout: 20000, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'ignore'] });
  if (run.status !== 0) throw new Error('systemctl show gave no answer');
  return { ...PROPERTIES, ...Object.fromEntries(run.stdout.trim().split('\n').map((line) => line.split('='))) };
}

const systemdManager = {
  entries(_command, config) {
    const seen = systemdShow();
    const [name, wanted] = this.write(config);
    if (seen.LoadState !== 'loaded' || seen.ActiveState === 'inactive') return [];
    const status = seen.ActiveState === 'failed' ? 'errored' : seen.SubState === 'running' ? 'online' : seen.SubState;
    return [{ pid: Number(seen.MainPID), status, restarts: Number(seen.NRestarts),
      fits: wanted === orElse('', () => fs.readFileSync(path.join('/etc/systemd/system', name), 'utf8')) }];
  },
  write: (config) => [UNIT, unit(config)],
};
