// The ledger: what was done here, under which generation. It makes a repeated command harmless.

function begin() {
  const ledger = loadLedger();
  const known = ledger.entries.find((entry) => entry.token === env.LS_TOKEN);
  if (known && known.answer) return say('repeat', known.answer.class, JSON.stringify({ ...known.answer, repeated: true }));
  if (Number(env.LS_GENERATION) < ledger.generation) return say('superseded generation', ledger.generation, 'has been seen');
  if (Date.now() / 1000 >= Number(env.LS_NOT_AFTER)) return say('expired the command came after its not-after time');
  ledger.generation = Number(env.LS_GENERATION);
  if (!known) {
    const command = /^[0-9a-f-]{36}$/.test(env.LS_COMMAND) ? env.LS_COMMAND : '';
    ledger.entries.push({ token: env.LS_TOKEN, action: env.LS_ACTION, release: env.LS_RELEASE,
      generation: ledger.generation, deployment: env.LS_DEPLOYMENT, command, started_at: now() });
  }
  saveLedger(ledger);
  say('go', ...(ledger.balancer ? [ledger.balancer.target_group, ...ledger.balancer.targets] : []));
}

function finish(line) {
  const ledger = loadLedger();
  const answer = JSON.parse(line);
  const entry = ledger.entries.find((known) => known.token === env.LS_TOKEN);
  Object.assign(entry, { finished_at: now(), answer });
  if (answer.action === 'migrate' && answer.class === 'done') ledger.migrations.push(migrationKey());
  if (answer.action === 'activate' && ledger.switched && ledger.switched.release === answer.release) {
    ledger.active_state = answer.class === 'done' ? 'proven' : 'failed';
    if (answer.class === 'done') recordProven(ledger, answer);
  }
  saveLedger(ledger);
}

function recordProven(ledger, answer) {
  ledger.proven = ledger.proven.filter((proven) => proven.release !== answer.release);
  ledger.proven.push({ release: answer.release, generation: answer.generation, at: now() });
  ledger.activated_at = now();
}

const migrationKey = () => env.LS_RELEASE + ':' + env.LS_GENERATION;

// `-` no hook, `=` done before, else the hook.
function migration() {
  const hook = readJson(own(env.LS_RELEASE, 'config.json')).hooks.migrate;
  const done = loadLedger().migrations.includes(migrationKey());
  say(hook ? (done ? '=' : hook) : '-');
}

// The mark of an activation is the start time of this very process, in the kernel's own unit: whatever starts after the
// link is renamed has the same or a later one. A second attempt of one activation keeps the mark of the first, so it
// finds the processes that the first has moved and does not move them again.
function intendSwitch() {
  const ledger = loadLedger();
  const generation = Number(env.LS_GENERATION);
  const before = ledger.switched;
  if (!before || before.generation !== generation || before.release !== env.LS_RELEASE) {
    ledger.switched = { release: env.LS_RELEASE, generation, mark: startTicks('self'), boot: bootId(), at: now(),
      from: ledger.active };
  }
  Object.assign(ledger, { active: env.LS_RELEASE, active_state: 'switching' });
  saveLedger(ledger);
  say('go');
}
