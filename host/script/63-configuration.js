// The app's configuration and its parameters, as Parameter Store gave them.

function answers(raw) {
  const pages = raw.split('\x1e').filter((page) => page.trim() !== '').map((page) => JSON.parse(page));
  const found = new Map();
  for (const parameter of pages.flatMap((page) => page.Parameters || [])) {
    found.set(parameter.Name.split(':')[0], parameter);
  }
  return found;
}

const configName = () => '/longshore/' + env.LS_ENVIRONMENT + '/apps/' + env.LS_REPOSITORY;

function pins() {
  const list = env.LS_PINS === '' ? [] : env.LS_PINS.split(',').map((pin) => pin.split(':'));
  if (new Set(list.map(([name]) => name)).size !== list.length) refuse('bad_input', 'parameter Pins names one twice');
  return list.map(([name, version]) => ({ name, version: Number(version) }));
}

// Exactly the version that was asked for: a missing one is an error, never a fallback.
function parameterValue(found, name, version) {
  const parameter = found.get(name);
  if (!parameter || Number(parameter.Version) !== version || typeof parameter.Value !== 'string') {
    refuse('parameters_unavailable', 'parameter ' + name + ' has no version ' + version);
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
  onlyKeys(document, 'the configuration', ['app', 'branch', 'hosts', 'waves', 'health', 'process', 'hooks', 'notifications', 'approval', 'timeouts', 'load_balancer']);
  if ((document.app ?? env.LS_REPOSITORY.split('/')[1]) !== env.LS_APP) bad('the configuration is that of another app');
  return { health: parseHealth(document.health), process: parseProcess(document.process), hooks: parseHooks(document.hooks ?? {}),
    ...(document.load_balancer === undefined ? {} : { load_balancer: parseBalancer(document.load_balancer) }) };
}

function parseHealth(value) {
  const health = onlyKeys(value, 'health', ['port', 'path', 'expected_status', 'attempts', 'interval_seconds', 'bake_seconds', 'url']);
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

function parseHooks(value) {
  const hooks = onlyKeys(value, 'hooks', ['install', 'build', 'migrate', 'migrate_down']);
  for (const [name, script] of Object.entries(hooks)) text(script, 'hooks.' + name, HOOK);
  return hooks;
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

// The hooks, then the token of git, if there is one.
function describe() {
  const found = answers(standardInput());
  parameterValues(found);
  const { hooks } = readConfig(found);
  const token = found.get('/longshore/' + env.LS_ENVIRONMENT + '/git/token');
  say(hooks.install ?? '-', hooks.build ?? '-', token ? token.Value.trim() : '');
}
