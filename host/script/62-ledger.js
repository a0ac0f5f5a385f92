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

// How long this step has run: the kernel's clock, as the shell reads it.
const tookMs = () => Math.round(parseFloat(fs.readFileSync('/proc/uptime', 'utf8')) * 1000) - Number(env.LS_BEGAN_MS);

function finish(line, changed = {}) {
  const ledger = loadLedger();
  const answer = { ...JSON.parse(line), ...changed };
  const entry = ledger.entries.find((known) => known.token === env.LS_TOKEN);
  Object.assign(entry, { finished_at: now(), answer });
  if (answer.action === 'migrate' && answer.class === 'done') recordMigration(ledger);
  if (answer.action === 'unmigrate') Object.assign(ledger.downs.find(isThisDown) ?? {}, { ended_at: now(), class: answer.class });
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

// Once for the next attempt, and once, with the names, for people.
function recordMigration(ledger) {
  if (ledger.migrations.includes(migrationKey())) return;
  ledger.migrations.push(migrationKey());
  ledger.migrated.push({ release: env.LS_RELEASE, generation: Number(env.LS_GENERATION), at: now(), names: freshNames() });
}

// `-` no hook, `=` done before, else the hook; then the hook before it, where something is migrated.
function migration() {
  const { hooks } = readJson(own(env.LS_RELEASE, 'config.json'));
  const done = loadLedger().migrations.includes(migrationKey());
  say(hooks.migrate ? (done ? '=' : hooks.migrate) : '-', (hasNothingNew() ? '' : hooks.backup) || '-');
}

const isThisDown = (down) => down.release === env.LS_RELEASE && down.generation === Number(env.LS_GENERATION);

// The hook that takes the migration back, once that is on record: an attempt whose end is not known is the last one.
function unmigration() {
  const { hooks, migrations } = readJson(own(env.LS_RELEASE, 'config.json'));
  const ledger = loadLedger();
  if (ledger.downs.some(isThisDown)) refuse('migration_down_failed', 'it was begun before in this generation and is never begun twice; how it ended is not known');
  if (!hooks.migrate_down || !migrations || !migrations.down) refuse('migration_down_failed', 'the configuration does not allow it');
  ledger.downs.push({ release: env.LS_RELEASE, generation: Number(env.LS_GENERATION), began_at: now(), names: freshNames() });
  saveLedger(ledger);
  say(hooks.migrate_down);
}

// The mark of an activation is the start time of this very process, in the kernel's own unit: whatever starts after the
// link is renamed has the same or a later one. A second attempt of one activation keeps the mark of the first, so it
// finds the processes that the first has moved and does not move them again.
async function intendSwitch(...command) {
  const ledger = loadLedger();
  const generation = Number(env.LS_GENERATION);
  const before = ledger.switched;
  if (!before || before.generation !== generation || before.release !== env.LS_RELEASE) {
    ledger.switched = { release: env.LS_RELEASE, generation, mark: startTicks('self'), boot: bootId(), at: now(),
      from: ledger.active };
  }
  Object.assign(ledger, { active: env.LS_RELEASE, active_state: 'switching' });
  saveLedger(ledger);
  await plan(...command);
}
