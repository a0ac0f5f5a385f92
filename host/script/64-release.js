// The release's own folder: what is written beside the app's code.

function writeRelease(folder, kb) {
  const found = answers(standardInput());
  const config = readConfig(found);
  if (!orElse(false, () => fs.statSync(path.join(folder, config.process.script)).isFile())) {
    refuse(env.LS_ARTIFACT ? 'artifact_refused' : 'build_failed', 'process.script ' + config.process.script + ' is not in the release');
  }
  if (config.migrations && !orElse(false, () => fs.lstatSync(path.join(folder, config.migrations.folder)).isDirectory())) {
    refuse('config_refused', 'migrations.folder ' + config.migrations.folder + ' is not a folder of the release');
  }
  const write = (file, content, mode) => writeDurably(path.join(folder, '.longshore', file), content, mode);
  write('config.json', JSON.stringify(config) + '\n', 0o644);
  write('env.json', JSON.stringify(parameterValues(found)) + '\n', 0o600);
  if (process.getuid() === 0) fs.chownSync(path.join(folder, '.longshore', 'env.json'), Number(env.LS_UID), Number(env.LS_GID));
  write('env.cjs', '(' + preload.toString() + ')();\n', 0o644);
  write(...managers[config.process.manager].write(config), 0o644);
  write('release.json', JSON.stringify(releaseRecord(config, kb)) + '\n', 0o644);
  say('written');
}

// What a build may hold: files, folders, and links that stay inside it. The user has unpacked it, so nothing is followed.
function checkTree(folder) {
  const at = (name) => path.relative(folder, name).replace(/[^ -~]/g, '?').slice(0, 150);
  const refused = (name, what) => refuse('artifact_refused', at(name) + ' in the build ' + what);
  const walk = (inner) => {
    for (const entry of fs.readdirSync(inner, { withFileTypes: true })) {
      const name = path.join(inner, entry.name);
      const { mode, nlink } = fs.lstatSync(name);
      if (entry.isSymbolicLink()) {
        const target = path.resolve(inner, fs.readlinkSync(name));
        if (path.isAbsolute(fs.readlinkSync(name)) || !(target + '/').startsWith(folder + '/')) refused(name, 'is a link that leaves it');
      } else if (entry.isDirectory()) walk(name);
      else if (!entry.isFile()) refused(name, 'is neither a file nor a folder');
      else if (nlink > 1) refused(name, 'is a hard link');
      if (mode & 0o6000 && !entry.isDirectory()) refused(name, 'is setuid or setgid');
    }
  };
  walk(folder);
  say('sound');
}

function releaseRecord(config, kb) {
  return { schema: 1, release: env.LS_RELEASE, commit: env.LS_RELEASE.split('-')[0], app: env.LS_APP,
    environment: env.LS_ENVIRONMENT, repository: env.LS_REPOSITORY, config_version: Number(env.LS_CONFIG_VERSION),
    pins: pins(), artifact: env.LS_ARTIFACT, port: Number(env.LS_PORT) || config.health.port, size_kb: Number(kb), prepared_at: now() };
}

// The same words for every release: all paths go through `current`, which each process resolves when it starts. So a
// reload, and a restart after a crash or a reboot, always runs what `current` names.
function ecosystem(config) {
  const { script, mode, instances } = config.process;
  const logs = path.join(APP_DIR, 'log', 'app');
  return { apps: [{
    name: env.LS_APP, cwd: path.join(APP_DIR, 'current'), script: path.join(APP_DIR, 'current', script),
    exec_mode: mode, instances, interpreter: 'node',
    node_args: ['--require', path.join(APP_DIR, 'current', '.longshore', 'env.cjs')],
    error_file: path.join(logs, 'error.log'), out_file: path.join(logs, 'out.log'), merge_logs: true,
    listen_timeout: Math.min(10, config.health.attempts * config.health.interval_seconds) * 1000,
    kill_timeout: 8000, exp_backoff_restart_delay: 100, autorestart: true, watch: false, pmx: false,
  }] };
}

// Becomes env.cjs: runs in every process of the app before its first line. pm2 writes its own variables over those of
// the process in cluster mode, from `pm2_env`; a parameter of the same name must win there too. And it loses the last words
// of a process that throws (it writes them asynchronously and exits), so they are written here before.
function preload() {
  'use strict';
  const fs = require('fs');
  const path = require('path');
  const release = JSON.parse(fs.readFileSync(path.join(__dirname, 'release.json'), 'utf8'));
  const parameters = JSON.parse(fs.readFileSync(path.join(__dirname, 'env.json'), 'utf8'));
  const values = { NODE_ENV: 'production', ...parameters, PORT: String(release.port), LONGSHORE_RELEASE: release.release };
  Object.assign(process.env, values);
  if (process.env.pm2_env) {
    const pm2 = JSON.parse(process.env.pm2_env);
    for (const name of Object.keys(values)) if (name in pm2 && typeof pm2[name] !== 'object') pm2[name] = values[name];
    process.env.pm2_env = JSON.stringify(pm2);
    process.on('uncaughtExceptionMonitor', (error) => {
      try {
        fs.appendFileSync(pm2.pm_err_log_path, String((error && error.stack) || error) + '\n');
      } catch {
        // The app ends anyway, and for a better reason.
      }
    });
  }
  const cluster = require('cluster');
  const GRACE_MS = 2000;
  const listening = new Set();
  let draining = false;
  for (const server of [require('http').Server, require('https').Server]) {
    const emit = server.prototype.emit;
    server.prototype.emit = function (event, request, response) {
      if (event === 'listening') listening.add(this);
      if (event === 'close') listening.delete(this);
      if (event === 'request' && draining) response.setHeader('connection', 'close');
      if (event === 'request' && request.headers['x-longshore-probe'] !== undefined) {
        response.setHeader('x-longshore-release', release.release);
        response.setHeader('x-longshore-process', String(process.pid));
      }
      return emit.apply(this, arguments);
    };
  }
  // The end of a process, without a request that is cut off. A worker of a cluster that closes its port and exits loses
  // the connections that are on their way to it, so it leaves the cluster first and waits until that is acknowledged.
  // Kept-alive connections are told to close with their next answer; an idle one is given a while for it.
  const signalled = process.emit;
  process.emit = function (event, ...words) {
    if (event !== 'SIGINT' || draining) return signalled.call(this, event, ...words);
    draining = true;
    if (!cluster.isWorker) return signalled.call(this, event, ...words);
    for (const server of listening) leave(server);
    const patience = setTimeout(over, GRACE_MS);
    process.once('disconnect', over);
    cluster.worker.disconnect();
    function over() {
      clearTimeout(patience);
      process.removeListener('disconnect', over);
      for (const server of listening) delete server.closeIdleConnections;
      signalled.call(process, event, ...words);
    }
    return true;
  };
  // The app may close the server that has left once more, and is told as if it had been the first to do so.
  function leave(server) {
    const close = server.close;
    server.closeIdleConnections = () => undefined;
    server.close = function (told) {
      server.close = (late) => {
        if (late) listening.has(server) ? server.once('close', () => late()) : process.nextTick(late);
        if (server.closeIdleConnections) server.closeIdleConnections();
        return server;
      };
      return close.call(server, told);
    };
  }
  process.on('SIGINT', () => {
    if (process.listenerCount('SIGINT') > 1) return; // The app ends itself in its own way.
    if (listening.size === 0) process.exit(0);
    for (const server of listening) {
      server.close(() => listening.size === 0 && process.exit(0));
      if (server.closeIdleConnections) server.closeIdleConnections();
    }
  });
}

function withEnv(...command) {
  const id = env.LS_RELEASE;
  const parameters = readJson(own(id, 'env.json'));
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('LS_')));
  const release = readJson(own(id, 'release.json'));
  const mask = masker(parameters);
  const run = require('child_process').spawn(command[0], command.slice(1), {
    env: { ...kept, NODE_ENV: 'production', ...parameters, PORT: String(release.port), LONGSHORE_RELEASE: id, ...migrationEnv() },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [run.stdout, run.stderr]) printMasked(stream, mask);
  run.on('error', (error) => { say('the hook could not be run:', error.code); process.exit(1); });
  run.on('exit', (code) => setTimeout(() => process.exit(code === 0 ? 0 : 1), 100));
}

function printMasked(stream, mask) {
  let rest = '';
  stream.setEncoding('utf8').on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) say(mask(line));
  }).on('end', () => rest && say(mask(rest)));
}
