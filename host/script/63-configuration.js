// The app's configuration and its parameters, as Parameter Store gave them.

function answers(raw) {
  const pages = raw.split('\x1e').filter((page) => page.trim() !== '').map((page) => JSON.parse(page));
  const found = new Map();
  for (const parameter of pages.flatMap((page) => page.Parameters || [])) {
    found.set(parameter.Name.split(':')[0], parameter);
  }
  return found;
}

// Names that are read before the app's parameters are there, or that would change how the release is run.
const RESERVED = /^(PATH|PORT|BASH_ENV|NODE_(OPTIONS|PATH|EXTRA_CA_CERTS|CHANNEL_FD|UNIQUE_ID)|(LD|PM2|NPM_CONFIG|LONGSHORE)_\w+)$/i;

const configName = () => '/longshore/' + env.LS_ENVIRONMENT + '/apps/' + env.LS_REPOSITORY;

function pins() {
  const list = env.LS_PINS === '' ? [] : env.LS_PINS.split(',').map((pin) => pin.split(':'));
  if (new Set(list.map(([name]) => name)).size !== list.length) refuse('bad_input', 'parameter Pins names one twice');
  const steers = list.find(([name]) => RESERVED.test(name));
  if (steers) bad('parameter ' + steers[0] + ' cannot be the app\'s: it steers Node, npm, pm2 or the loader');
  return list.map(([name, version]) => ({ name, version: Number(version) }));
}

// Exactly the version that was asked for: a missing one is an error, never a fallback.
function parameterValue(found, name, version) {
  const parameter = found.get(name);
  if (!parameter || Number(parameter.Version) !== version || typeof parameter.Value !== 'string') {
    refuse('parameter_missing', 'parameter ' + name + ' has no version ' + version);
  }
  return parameter.Value;
}

function parameterValues(found) {
  const prefix = '/' + env.LS_APP + '/' + env.LS_ENVIRONMENT + '/';
  return Object.fromEntries(pins().map(({ name, version }) => [name, parameterValue(found, prefix + name, version)]));
}

const bad = (detail) => refuse('config_refused', detail);

function onlyKeys(object, where, allowed) {
  if (object === null || typeof object !== 'object' || Array.isArray(object)) bad(where + ' is not an object');
  for (const key of Object.keys(object)) if (!allowed.includes(key)) bad(where + ' has an unknown key');
  return object;
}

function whole(value, where, least, most) {
  if (!Number.isInteger(value) || value < least || value > most) bad(where + ' is not a whole number from ' + least + ' to ' + most);
  return value;
}

function text(value, where, form) {
  if (typeof value !== 'string' || !form.test(value)) bad(where + ' has a form that is not allowed');
  return value;
}

// The control plane has judged the document before; the host judges again whatever it acts on.
function parseConfig(json) {
  let document;
  try {
    document = JSON.parse(json);
  } catch {
    bad('the configuration is not JSON');
  }
  onlyKeys(document, 'the configuration', ['app', 'branch', 'source', 'hosts', 'waves', 'health', 'analysis', 'process', 'hooks', 'install', 'migrations', 'notifications', 'approval', 'approvals', 'deploy_changes', 'freeze', 'timeouts', 'load_balancer']);
  if ((document.app ?? env.LS_REPOSITORY.split('/')[1]) !== env.LS_APP) bad('the configuration is that of another app');
  return { health: parseHealth(document.health), process: parseProcess(document.process), hooks: parseHooks(document.hooks ?? {}),
    install: parseInstall(document.install ?? {}),
    migrations: document.migrations === undefined ? undefined : parseMigrations(document.migrations),
    ...(document.load_balancer === undefined ? {} : { load_balancer: parseBalancer(document.load_balancer) }) };
}

function parseHealth(value) {
  const health = onlyKeys(value, 'health', ['port', 'path', 'expected_status', 'attempts', 'interval_seconds', 'bake_seconds', 'wave_bake_seconds', 'url']);
  return {
    port: whole(health.port, 'health.port', 1, 65535),
    path: text(health.path ?? '/', 'health.path', /^\/[!-~]{0,255}$/),
    expected_status: whole(health.expected_status ?? 200, 'health.expected_status', 100, 599),
    attempts: whole(health.attempts ?? 10, 'health.attempts', 1, 1000),
    interval_seconds: whole(health.interval_seconds ?? 2, 'health.interval_seconds', 1, 300),
  };
}

function parseProcess(value) {
  const wanted = onlyKeys(value, 'process', ['manager', 'script', 'mode', 'instances']);
  const script = text(wanted.script, 'process.script', /^[A-Za-z0-9_][A-Za-z0-9_.\/-]{0,199}$/);
  if (script.split('/').includes('..')) bad('process.script leaves the release');
  const manager = text(wanted.manager ?? 'pm2', 'process.manager', /^(pm2|systemd)$/);
  if (manager === 'systemd' && (wanted.mode !== 'fork' || (wanted.instances ?? 1) !== 1)) {
    bad('process.manager systemd runs one process in mode fork');
  }
  return {
    manager,
    script: path.normalize(script),
    mode: text(wanted.mode ?? 'cluster', 'process.mode', /^(cluster|fork)$/),
    instances: whole(wanted.instances ?? 1, 'process.instances', 1, 64),
  };
}

function parseMigrations(value) {
  const { folder, compatible = false, down = false, irreversible = [] } = onlyKeys(value, 'migrations', ['folder', 'compatible', 'down', 'irreversible']);
  const inside = (file, where) => {
    if (text(file, where, /^[A-Za-z0-9_][A-Za-z0-9_.\/-]{0,199}$/).split('/').includes('..')) bad(where + ' leaves the release');
    return file;
  };
  for (const flag of [compatible, down]) if (typeof flag !== 'boolean') bad('migrations has a switch that is neither true nor false');
  if (!Array.isArray(irreversible) || irreversible.length > 50) bad('migrations.irreversible is not a list of up to 50 names');
  return { folder: inside(folder, 'migrations.folder'), compatible, down, irreversible: irreversible.map((name) => inside(name, 'migrations.irreversible')) };
}

function parseHooks(value) {
  const hooks = onlyKeys(value, 'hooks', ['install', 'build', 'migrate', 'migrate_down', 'backup']);
  for (const [name, script] of Object.entries(hooks)) text(script, 'hooks.' + name, HOOK);
  return hooks;
}

function parseInstall(value) {
  const { scripts = [], memory_mb: memory } = onlyKeys(value, 'install', ['scripts', 'memory_mb']);
  if (!Array.isArray(scripts) || scripts.length > 20) bad('install.scripts is not a list of up to 20 packages');
  for (const name of scripts) text(name, 'install.scripts', /^(@[a-z0-9][a-z0-9._-]{0,99}\/)?[a-z0-9][a-z0-9._-]{0,99}$/);
  return { scripts, memory_mb: whole(memory ?? 256, 'install.memory_mb', 0, 65536) };
}

function parseBalancer(value) {
  const balancer = onlyKeys(value, 'load_balancer', ['target_group', 'drain_seconds', 'healthy_seconds']);
  return {
    target_group: text(balancer.target_group, 'load_balancer.target_group', TARGET_GROUP),
    drain_seconds: whole(balancer.drain_seconds ?? 30, 'load_balancer.drain_seconds', 0, 3600),
    healthy_seconds: whole(balancer.healthy_seconds ?? 120, 'load_balancer.healthy_seconds', 0, 3600),
  };
}

function readConfig(found) {
  return parseConfig(parameterValue(found, configName(), Number(env.LS_CONFIG_VERSION)));
}

// An install that meets the kernel's killer takes the old release with it, so too little memory is said before.
function requireMemory(needed) {
  const kb = (name) => Number((new RegExp('^' + name + ': +(\\d+)', 'm').exec(fs.readFileSync('/proc/meminfo', 'utf8')) || [])[1] || 0);
  const free = Math.floor((kb('MemAvailable') + kb('SwapFree')) / 1024);
  if (free < needed) refuse('memory_low', 'only ' + free + ' MB of memory and swap are free, install.memory_mb asks for ' + needed);
}

// The hooks, the packages whose scripts run, the manager, then the token of git, if there is one.
function describe() {
  const found = answers(standardInput());
  parameterValues(found);
  const { hooks, install, process: { manager } } = readConfig(found);
  requireMemory(install.memory_mb);
  const token = found.get('/longshore/' + env.LS_ENVIRONMENT + '/git/token');
  say(hooks.install ?? '-', hooks.build ?? '-', install.scripts.join() || '-', manager, token ? token.Value.trim() : '');
}
