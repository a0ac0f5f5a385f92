// The proof that a release is served, and by its own processes.

function ask(health, port) {
  return new Promise((resolve) => {
    const request = require('http').get({ host: '127.0.0.1', port, path: health.path, agent: false, timeout: 5000,
      headers: { 'x-longshore-probe': '1', 'user-agent': 'longshore' } }, (response) => {
      response.resume();
      response.on('error', () => undefined);
      resolve({ status: response.statusCode, release: response.headers['x-longshore-release'] || '',
        pid: response.headers['x-longshore-process'] || '' });
    });
    request.on('timeout', () => request.destroy(Object.assign(new Error('timeout'), { code: 'no answer in 5 s' })));
    request.on('error', (error) => resolve({ error: error.code || 'no answer' }));
  });
}

function judge(reply, release, health, port) {
  if (reply.error) return { class: 'health_failed', detail: 'nothing answers on 127.0.0.1:' + port + ' (' + reply.error + ')' };
  if (reply.release !== release) {
    const other = /^[0-9a-f]{40}-[0-9a-f]{12}$/.test(reply.release) ? 'release ' + reply.release : 'something without a release id';
    return { class: 'wrong_release', detail: 'port ' + port + ' is served by ' + other };
  }
  if (reply.status === health.expected_status) return null;
  return { class: 'health_failed', detail: health.path + ' answered ' + reply.status + ', not ' + health.expected_status };
}

// One round asks until every process of a cluster has answered for itself; each answer must be right.
async function round(release, config, port) {
  const { health, process: wanted } = config;
  const needed = wanted.mode === 'cluster' ? wanted.instances : 1;
  const pids = new Set();
  let served = '';
  for (let turn = 0; turn < needed * 4 && pids.size < needed; turn += 1) {
    const reply = await ask(health, port);
    served = /^[0-9a-f]{40}-[0-9a-f]{12}$/.test(reply.release) ? reply.release : '';
    const wrong = judge(reply, release, health, port);
    if (wrong) return { ...wrong, ok: false, served, pids };
    pids.add(Number(reply.pid));
  }
  const ok = pids.size >= needed;
  return { ok, served, pids, class: 'health_failed', detail: ok ? '' : 'only ' + pids.size + ' of ' + needed + ' processes answer' };
}

// Proven: two clean rounds in a row, answered by exactly the processes that the manager keeps, all of them started after the
// switch and running in the release's folder. The answer that then is to be told is put on record here, if there is one.
async function prove(seconds, line, ...command) {
  const { health } = readJson(own(env.LS_RELEASE, 'config.json'));
  const began = Date.now();
  const hardStop = began + (Number(seconds) - 3) * 1000;
  const stop = Math.min(hardStop, began + health.attempts * health.interval_seconds * 1000);
  const state = { clean: 0, last: null, wrong: null, nextLook: began + 1000 };
  for (;;) {
    const verdict = await attempt(state, command);
    if (verdict && verdict.class === 'proven') {
      await endStrays();
      if (line) finish(line, { took_ms: state.took = tookMs() });
    }
    if (verdict) return verdictLine(verdict, state);
    if (Date.now() >= stop) break;
    const early = state.clean > 0 || Date.now() - began < health.interval_seconds * 1000;
    await sleep(state.clean > 0 ? 100 : early ? 250 : health.interval_seconds * 1000);
  }
  if (Date.now() >= hardStop) return verdictLine({ class: 'deadline_passed', detail: (state.wrong || state.last).detail }, state);
  verdictLine(lastVerdict(state, await survey(command)), state);
}

async function attempt(state, command) {
  const id = env.LS_RELEASE;
  state.last = await round(id, readJson(own(id, 'config.json')), readJson(own(id, 'release.json')).port);
  state.clean = state.last.ok ? state.clean + 1 : 0;
  if (!state.last.ok) state.wrong = state.last;
  if (!(state.clean >= 2 || (state.clean === 0 && Date.now() >= state.nextLook))) return null;
  state.nextLook = Date.now() + 2000;
  const seen = await survey(command);
  if (seen.stale) return { class: 'stale', detail: 'a process of before is still running' };
  state.starts ??= seen.views.map((view) => view.starts);
  if (seen.views.some((view) => view.broken) || ended(state, seen) >= 3) return { class: 'start_failed', detail: 'a process ends soon after it starts' };
  if (state.clean < 2) return null;
  if (seen.settled && answeredByOwn(state.last.pids, seen.views)) return { class: 'proven', detail: '' };
  const wrong = { class: 'wrong_release', detail: 'the answers do not come from the new processes' };
  Object.assign(state, { clean: 0, wrong });
  return null;
}

// How often a process has ended since the first look. pm2 counts only those that lived for less than a second as crashes.
const ended = ({ starts }, { views }) => Math.max(0, ...views.map((view, at) => view.starts - (starts?.[at] ?? view.starts)));

const answeredByOwn = (pids, views) => [...pids].every((pid) => views.some((view) => view.pid === pid));

// What was wrong when something last was: the last round may be a clean one of a process that is not ours.
function lastVerdict(state, seen) {
  const dead = seen.views.find((view) => !view.online);
  if (dead || seen.views.length === 0) return { class: 'start_failed', detail: 'a process is ' + (dead ? dead.status : 'missing') };
  if (ended(state, seen) > 0) return { class: 'start_failed', detail: 'a process ends again and again' };
  return seen.stale ? { class: 'stale', detail: 'a process of before is still running' } : state.wrong || state.last;
}

function verdictLine(verdict, { last, took = 0 }) {
  say(verdict.class, last.served || '-', verdict.class === 'proven', took, verdict.detail);
}

// What is served now, judged by the release that the ledger calls active.
async function status() {
  const ledger = loadLedger();
  const id = ledger.active;
  const head = [id || '-', ledger.generation];
  if (!id || !fs.existsSync(own(id, 'release.json'))) return say(...head, '-', false, id ? 'the active release is not on the disk' : 'nothing is active');
  const seen = await round(id, readJson(own(id, 'config.json')), readJson(own(id, 'release.json')).port);
  const link = orElse('', () => path.basename(fs.readlinkSync(path.join(APP_DIR, 'current'))));
  const drift = link === id ? '' : 'current does not name the active release';
  const said = seen.ok || drift ? '' : recentError(id);
  say(...head, seen.served || '-', seen.ok && !drift, drift || (said ? seen.detail + ': ' + said : seen.detail));
}

// What the app itself says of its sickness, if it said anything in the last minute.
function recentError(id) {
  return orElse('', () => {
    const file = path.join(APP_DIR, 'log', 'app', 'error.log');
    const { mtimeMs, size } = fs.statSync(file);
    if (Date.now() - mtimeMs > 60000) return '';
    return firstErrorLine(readFrom(file, Math.max(0, size - 2048)), masker(readJson(own(id, 'env.json'))));
  });
}
