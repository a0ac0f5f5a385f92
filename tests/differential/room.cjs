'use strict';
// The tool room of one sandbox. It is node, pm2, npm and aws for the host script, all in one process, so that a step
// takes a tenth of what real tools take. The script's program is run as it is, in a world that this file owns: its time,
// its processes, what answers on the loopback, how much of what was written survives. Only the disk is real.
//
// Two kinds of callers connect: a stand-in, with its process id as the one line, is answered with an exit code; the test,
// with a line of JSON that names what it wants, is answered with a line of JSON.

const net = require('net');
const realFs = require('fs');
const path = require('path');
const { EventEmitter } = require('events');
const { PassThrough } = require('stream');

const TEST = process.ppid;
const HEALTHY = 200;
const SICK = 500;
const EXIT = Symbol('exit');

let step = { now: 0, stop: '' };
let elapsed = 0;
let ticks = 0;
let boots = 0;
let pids = 5000000; // Above every real process id.
let migrated = 0;
let takenBack = 0;
let starts = 0;
const pm2 = { daemon: 0, entry: null, orphan: null };

const missing = (file) => Object.assign(new Error('no such file: ' + file), { code: 'ENOENT' });

// --- processes ---

function parentOf(pid) {
  return fieldsOf(pid)[1];
}

function fieldsOf(pid) {
  const stat = realFs.readFileSync('/proc/' + pid + '/stat', 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ').map((field, index) => (index === 0 ? field : Number(field)));
}

// The machine goes down in the middle of the host program: the script, and the group of the program.
function killAll(pid) {
  let script = pid;
  while (parentOf(script) !== TEST) script = parentOf(script);
  const group = fieldsOf(pid)[2];
  process.kill(-script, 'SIGKILL');
  process.kill(-group, 'SIGKILL');
}

function answering() {
  if (pm2.orphan) return pm2.orphan;
  return pm2.entry && pm2.entry.status === 'online' ? pm2.entry.process : null;
}

function behaviourIn(folder) {
  return realFs.readFileSync(path.join(folder, 'behaviour'), 'utf8').trim();
}

function launch(app) {
  const folder = realFs.realpathSync(app.cwd);
  const behaviour = behaviourIn(folder);
  const before = answering();
  pm2.orphan = behaviour === 'old_process_answers' ? before : null;
  const fails = behaviour === 'start_fails';
  starts += 1;
  const one = { pid: ++pids, ticks: ++ticks, folder, behaviour, aged: false };
  pm2.entry = { app, status: fails ? 'errored' : 'online', restarts: 0, process: fails ? { ...one, pid: 0 } : one };
}

function processOf(pid) {
  const all = [pm2.orphan, pm2.entry && pm2.entry.process];
  const found = all.find((one) => one && one.pid === pid);
  if (!found) throw missing('/proc/' + pid);
  return found;
}

function list() {
  if (!pm2.entry) return [];
  const { app, status, restarts, process: { pid } } = pm2.entry;
  return [{ name: app.name, pid, pm2_env: { status, unstable_restarts: restarts, pm_exec_path: app.script,
    exec_mode: app.exec_mode + '_mode', pm_cwd: app.cwd, node_args: app.node_args } }];
}

function runPm2([word, file], { env }) {
  if (!pm2.daemon) {
    pm2.daemon = ++pids;
    realFs.writeFileSync(path.join(env.PM2_HOME, 'pm2.pid'), String(pm2.daemon));
  }
  const app = /^start/.test(word) && JSON.parse(realFs.readFileSync(file, 'utf8').replace(/^module\.exports = |;\s*$/g, '')).apps[0];
  const runs = pm2.entry && pm2.entry.status === 'online';
  if (word === 'startOrReload' && runs && behaviourIn(app.cwd) === 'old_process_answers') return 0;
  if (app) launch(app);
  if (word === 'delete') Object.assign(pm2, { orphan: answering(), entry: null });
  if (word === 'reset' && pm2.entry) pm2.entry.restarts = 0;
  if (word === 'save') realFs.writeFileSync(path.join(env.PM2_HOME, 'dump.pm2'), '');
  return 0;
}

// --- npm and aws ---

function npm([word, script], cwd, say) {
  const behaviour = behaviourIn(cwd);
  const fails = (word === 'ci' && behaviour === 'install_fails')
    || (script === 'build' && behaviour === 'build_fails') || (script === 'migrate' && behaviour === 'migration_fails')
    || (script === 'down' && step.down_fails);
  if (fails) say('Error: it broke\n');
  if (script === 'migrate' && !fails) migrated += 1;
  if (script === 'down' && !fails) takenBack += 1;
  return fails ? 1 : 0;
}

const CONFIG = { branch: 'main', health: { port: 3000, path: '/health', attempts: 2, interval_seconds: 1 },
  process: { script: 'server.js', mode: 'fork' }, hooks: { build: 'build', migrate: 'migrate', migrate_down: 'down' },
  migrations: { folder: 'migrations', down: true } };

function aws(words, say) {
  const names = words.slice(words.indexOf('--names') + 1);
  const found = step.parameters_missing ? [] : names.map((name) => name.split(':'));
  const value = (name) => (name.startsWith('/longshore/') ? JSON.stringify(CONFIG) : 'a value');
  say(JSON.stringify({ Parameters: found.map(([Name, version]) => ({ Name, Version: Number(version), Value: value(Name) })) }));
  return 0;
}

// --- the disk: what was not synced is gone with the power ---

const unsynced = new Set();
let renames = [];

function loseUnsynced() {
  for (const { file, before } of renames.reverse()) {
    if (before === null) realFs.rmSync(file, { force: true });
    else realFs.writeFileSync(file, before);
  }
  for (const file of unsynced) if (realFs.existsSync(file)) realFs.truncateSync(file);
  settleDisk();
}

function settleDisk() {
  unsynced.clear();
  renames = [];
}

const LEDGER_POINTS = { begin: 'beginning', switch: 'intending', unmigration: 'taking_back', finish: 'finishing', prove: 'finishing' };

function diskFor(caller) {
  const open = new Map();
  const full = step.disk_full || (step.disk_fills && caller.command !== 'begin');
  const dieAt = (point) => {
    if (step.stop !== point) return;
    killAll(caller.pid);
    caller.complain = () => undefined; // Nobody is there to hear of it.
    throw EXIT;
  };
  const fake = /^\/proc\/(\d{7,}|self)\/?(.*)$/;
  return { ...realFs,
    readFileSync(file, options) {
      if (file === 0) return realFs.readFileSync('/proc/' + caller.pid + '/fd/4', options);
      if (file === '/proc/sys/kernel/random/boot_id') return 'boot-' + boots + '\n';
      const hit = fake.exec(file);
      if (!hit) return realFs.readFileSync(file, options);
      const started = hit[1] === 'self' ? caller.ticks : processOf(Number(hit[1])).ticks;
      return '1 (node) S ' + Array(18).fill(0).join(' ') + ' ' + started + ' 0\n';
    },
    readlinkSync(file) {
      const hit = fake.exec(file);
      return hit ? processOf(Number(hit[1])).folder : realFs.readlinkSync(file);
    },
    existsSync(file) {
      const hit = fake.exec(file);
      return hit ? Number(hit[1]) === pm2.daemon : realFs.existsSync(file);
    },
    openSync(file, ...how) {
      if (caller.command === 'prove' && path.basename(file) === 'ledger.json.new') dieAt('proved'); // It is about to be recorded.
      const fd = realFs.openSync(file, ...how);
      open.set(fd, file);
      if (how[0] !== 'r') unsynced.add(file);
      return fd;
    },
    writeFileSync(file, text) {
      if (full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      realFs.writeFileSync(file, text);
    },
    fsyncSync(fd) {
      const file = open.get(fd);
      unsynced.delete(file);
      renames = renames.filter((rename) => path.dirname(rename.file) !== file);
    },
    renameSync(from, to) {
      if (path.basename(to) === 'ledger.json') dieAt(LEDGER_POINTS[caller.command]);
      renames.push({ file: to, before: realFs.existsSync(to) ? realFs.readFileSync(to) : null });
      realFs.renameSync(from, to);
      if (unsynced.delete(from)) unsynced.add(to);
    } };
}

// --- the host program ---

const http = { get(_options, answer) {
  const request = new EventEmitter();
  const one = answering();
  setImmediate(() => {
    if (!one) return request.emit('error', { code: 'ECONNREFUSED' });
    const sick = one.behaviour === 'health_fails' || (one.behaviour === 'turns_sick' && one.aged);
    return answer({ statusCode: sick ? SICK : HEALTHY, resume() {}, on() {},
      headers: { 'x-longshore-release': path.basename(one.folder), 'x-longshore-process': String(one.pid) } });
  });
  return request;
} };

function childFor(caller) {
  return {
    spawnSync: () => ({ stdout: JSON.stringify(list()) + '\n' }),
    spawn(_command, words) {
      const run = Object.assign(new EventEmitter(), { stdout: new PassThrough(), stderr: new PassThrough() });
      const code = npm(words, caller.cwd, (text) => run.stderr.write(text));
      run.stdout.end();
      run.stderr.end();
      caller.waits = true;
      setImmediate(() => run.emit('exit', code));
      return run;
    } };
}

class FakeDate extends Date {
  constructor(...words) {
    super(...(words.length > 0 ? words : [FakeDate.now()]));
  }

  static now() {
    return step.now * 1000 + elapsed;
  }
}

function later(work, ms) {
  elapsed += ms;
  return setImmediate(() => {
    try {
      work();
    } catch (error) {
      if (error !== EXIT) throw error;
    }
  });
}

// Runs the program of the script as node would: its last statement is the promise of its end.
function node(caller) {
  const [, program, , ...words] = caller.words;
  Object.assign(caller, { command: words[0], ticks: ++ticks, waits: false });
  const modules = { fs: diskFor(caller), path, http, net: { connect: () => { throw missing('rpc.sock'); } }, child_process: childFor(caller) };
  return new Promise((resolve) => {
    const fakeProcess = { argv: ['node', ...words], env: caller.env, getuid: () => process.getuid(),
      stdout: { write: (text) => caller.say(text) }, stderr: { write: (text) => caller.complain(text) },
      exit(code) { resolve(code); throw EXIT; } };
    const run = new Function('process', 'require', 'setTimeout', 'Date', 'program', 'return eval(program)');
    run(fakeProcess, (name) => modules[name], later, FakeDate, program)
      .then(() => caller.waits || resolve(0), (error) => { if (error !== EXIT) throw error; });
  });
}

// --- callers ---

function callerOf(pid) {
  const at = '/proc/' + pid;
  const read = (file) => realFs.readFileSync(at + '/' + file, 'utf8').split('\0').slice(0, -1);
  const write = (fd) => (text) => realFs.writeFileSync(at + '/fd/' + fd, text, { flag: 'a' });
  const [, tool, ...words] = read('cmdline');
  const env = Object.fromEntries(read('environ').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  return { pid, tool: path.basename(tool), words, env, cwd: realFs.readlinkSync(at + '/cwd'), say: write(5), complain: write(6) };
}

// A tool that meets what it does not expect fails, as the real ones do.
async function serve(caller) {
  try {
    return await work(caller);
  } catch (error) {
    caller.complain(caller.tool + ': ' + error.message + '\n');
    return 1;
  }
}

function work(caller) {
  switch (caller.tool) {
    case 'node': return node(caller);
    case 'pm2': return runPm2(caller.words, caller);
    case 'npm': return npm(caller.words, caller.cwd, caller.complain);
    default: return aws(caller.words, caller.say);
  }
}

function look() {
  const one = answering();
  const managed = pm2.entry && { online: pm2.entry.status === 'online', release: path.basename(pm2.entry.process.folder) };
  return { served: one ? path.basename(one.folder) : '', managed, migrated, taken_back: takenBack, starts };
}

const wishes = {
  step(wish) {
    step = wish;
    elapsed = 0;
  },
  end({ killed }) {
    if (killed) loseUnsynced();
    else settleDisk();
    if (pm2.entry) pm2.entry.process.aged = true;
  },
  crash() {
    pm2.orphan = null;
    if (!pm2.entry || pm2.entry.status !== 'online') return;
    const { app } = pm2.entry;
    pm2.entry = null;
    launch(app);
    pm2.entry.restarts = 1;
    pm2.entry.process.aged = true;
  },
  reboot() {
    Object.assign(pm2, { daemon: 0, entry: null, orphan: null });
    boots += 1;
    ticks = 0;
  },
};

async function answer(line, socket) {
  if (/^\d+$/.test(line)) return socket.end((await serve(callerOf(Number(line)))) + '\n');
  const wish = JSON.parse(line);
  wishes[wish.do](wish);
  return socket.write(JSON.stringify(look()) + '\n');
}

const server = net.createServer((socket) => {
  let text = '';
  socket.setEncoding('utf8').setNoDelay(true);
  socket.on('error', () => undefined); // A caller that was killed.
  socket.on('data', (chunk) => {
    text += chunk;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      answer(line, socket);
    }
  });
});
process.stdin.resume().on('end', () => process.exit(0)); // The test is gone.
server.listen(0, '127.0.0.1', () => process.stdout.write(server.address().port + '\n'));
