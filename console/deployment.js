// One deployment, live: where it is, what it waits for, every host, its first real error, its history, and what the hosts wrote.

import { actsOf } from './acts.js';
import { announce, h, show, told } from './dom.js';
import { cause, clock, commit, duration, findingPill, kind, measure, measured, migrations, stateSentence, statePill, stateWord, verdictPill, when } from './words.js';

/** How many lines of a log the page keeps. */
const LINES_MAX = 5000;

/** The way of a deployment that goes well. */
const WAY = ['Preparing', 'Migrating', 'Activating', 'Verifying', 'Baking', 'Succeeded'];

export const deployment = {
  title: () => 'Deployment',
  look: ({ api }, names, signal) => api.show(names, { signal }),
  pace: (seen) => (seen.over ? 'resting' : 'moving'),
  parts(context, names) {
    const where = h('nav', { class: 'trail', 'aria-label': 'Where you are' });
    const top = h('div');
    const failure = h('div');
    const plan = h('section', { 'aria-labelledby': 'plan' });
    const commits = h('section', { 'aria-labelledby': 'commits' });
    const checks = h('section', { 'aria-labelledby': 'checks' });
    const hosts = h('section', { 'aria-labelledby': 'hosts' });
    const timeline = h('section', { 'aria-labelledby': 'timeline' });
    const log = logOf(context, names);
    let before;
    return {
      elements: [where, top, failure, plan, commits, checks, h('div', { class: 'columns' }, hosts, timeline), log.element],
      show(seen) {
        document.title = `${stateWord(seen.state)}: ${seen.app} · Longshore`;
        if (before !== undefined && before !== seen.state) announce(`${seen.app}: ${stateWord(seen.state)}.`);
        before = seen.state;
        show(where, seen.app, () => [
          h('a', { href: '#/' }, 'Apps'),
          h('a', { href: `#/${context.environment.name}` }, context.environment.name),
          h('a', { href: `#/${context.environment.name}/apps/${encodeURIComponent(seen.app)}` }, seen.app),
          h('span', { 'aria-current': 'page' }, 'Deployment'),
        ]);
        show(top, { ...seen, timeline: seen.timeline.length }, () => head(context, seen));
        show(failure, [seen.failure, seen.rounds, seen.ended], () => failureOf(context, seen));
        show(plan, [seen.plan, seen.votes, seen.approvals_wanted, seen.state], () => planOf(seen));
        show(commits, seen.changelog, () => commitsOf(seen));
        show(checks, seen.judgements, () => checksOf(seen.judgements ?? []));
        show(hosts, seen.run, () => hostsOf(seen));
        show(timeline, [seen.timeline, seen.over], () => timelineOf(seen));
        log.show(seen);
      },
    };
  },
};

function head(context, seen) {
  return [
    h(
      'div',
      { class: 'head' },
      h('h1', { tabindex: '-1' }, `${seen.app} `, commit(seen.commit)),
      h('div', { class: 'buttons' }, actsOf(context, seen)),
    ),
    h('p', { class: 'stands' }, statePill(seen.state), h('span', {}, stateSentence(seen.state))),
    seen.reason ? h('p', {}, `“${seen.reason}”`) : undefined,
    way(seen),
    h(
      'dl',
      { class: 'facts' },
      fact('What', kind(seen.kind)),
      fact('By', seen.by ?? 'not known'),
      fact('Accepted', when(seen.accepted_at)),
      seen.started_at ? fact('Started', when(seen.started_at)) : undefined,
      seen.ended_at ? fact('Took', duration(new Date(seen.ended_at) - new Date(seen.started_at ?? seen.accepted_at))) : undefined,
      seen.deadline ? fact('This state ends at the latest', when(seen.deadline)) : undefined,
      seen.run?.previous ? fact('Release before', commit(seen.run.previous.commit)) : undefined,
      fact('Id', h('code', { class: 'id' }, seen.id)),
    ),
  ];
}

/** The steps of the way, with the one that it is at. */
function way(seen) {
  const at = WAY.indexOf(seen.state);
  if (at < 0) return undefined;
  const passed = new Set(seen.timeline.map(({ state }) => state));
  return h(
    'ol',
    { class: 'way', 'aria-label': 'Steps' },
    WAY.filter((step, index) => step !== 'Migrating' || passed.has(step) || index > at).map((step) =>
      h(
        'li',
        { class: step === seen.state ? 'at' : WAY.indexOf(step) < at ? 'past' : '', 'aria-current': step === seen.state ? 'step' : undefined },
        stateWord(step),
      ),
    ),
  );
}

function fact(name, value) {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value));
}

function failureOf(context, seen) {
  const boxes = [];
  if (seen.failure) boxes.push(failureBox('Why', seen.failure));
  else if (seen.rounds?.last_failure) boxes.push(failureBox(`The last failed round of ${seen.rounds.begun}`, seen.rounds.last_failure));
  const ended = seen.ended;
  if (ended?.by) boxes.push(h('p', { class: 'box' }, h('strong', {}, ended.by), ended.reason ? `: “${ended.reason}”` : ''));
  if (ended?.superseded_by) {
    boxes.push(h('p', { class: 'box' }, h('a', { href: `#/${context.environment.name}/deployments/${ended.superseded_by}` }, 'The newer deployment')));
  }
  return boxes;
}

/** A failure: its class, the first real error line, and what to do next. */
function failureBox(title, failure) {
  return h(
    'div',
    { class: 'failure' },
    h('h2', {}, title, ' ', h('code', {}, failure.class)),
    failure.detail ? h('pre', { tabindex: '0' }, failure.detail) : undefined,
    h('p', {}, h('strong', {}, 'Next: '), failure.next),
  );
}

function planOf(seen) {
  const plan = seen.plan;
  if (!plan) return undefined;
  const votes = seen.votes.filter((vote) => vote.plan === plan.digest);
  return [
    h('h2', { id: 'plan' }, seen.state === 'AwaitingApproval' ? 'The plan to say yes to' : 'The plan'),
    h(
      'dl',
      { class: 'facts plan' },
      fact('From', plan.live ? commit(plan.live.commit) : 'nothing live'),
      fact('To', commit(plan.release?.commit ?? seen.commit)),
      fact('Parameters', plan.parameters.length === 0 ? 'no change' : h('ul', {}, plan.parameters.map((one) => h('li', {}, h('code', {}, one.name), ` ${versions(one)}`)))),
      fact('Migrations', plan.migrations ? [`${plan.migrations.count} new. `, plan.migrations.count > 0 ? migrations(plan.migrations.verdict) : ''] : 'none found'),
      fact('Waves', plan.waves.map((wave) => wave.length).join(', then ')),
      plan.expected_seconds ? fact('Should take', duration(plan.expected_seconds * 1000)) : undefined,
      fact('Approvals', `${votes.length} of ${seen.approvals_wanted ?? plan.approvals_wanted}`),
    ),
    plan.migrations?.findings.length > 0 ? h('ul', { class: 'findings' }, plan.migrations.findings.map((one) => h('li', {}, one))) : undefined,
    votes.length > 0 ? h('ul', { class: 'votes' }, votes.map((vote) => h('li', {}, '✓ ', h('strong', {}, vote.by), ' said yes ', when(vote.at), h('span', { class: 'quiet' }, ` (${vote.via.split(' ')[0]})`), vote.comment ? `: “${vote.comment}”` : ''))) : undefined,
    plan.held_by?.length > 0 ? h('ul', { class: 'findings' }, plan.held_by.map((one) => h('li', {}, one))) : undefined,
  ];
}

/** The commits that come with it, or that it takes away, the newest first. */
function commitsOf({ changelog, kind: what }) {
  if (!changelog || changelog.commits.length === 0) return undefined;
  const count = `${changelog.commits.length}${changelog.more ? ' and more' : ''}`;
  return [
    h('h2', { id: 'commits' }, `${['rollback', 'drill'].includes(what) ? 'Commits that it takes away' : 'Commits that come with it'} (${count})`),
    h('ul', { class: 'hosts' }, changelog.commits.map((one) => h('li', { class: 'line' }, commit(one.commit), h('span', {}, one.subject), h('span', { class: 'quiet' }, one.author)))),
  ];
}

/** What each check has found last, with the numbers that it came from: what went wrong before what could not tell, and both before
 * what is well. */
function checksOf(judgements) {
  if (judgements.length === 0) return undefined;
  const rank = ({ finding }) => ['failed', 'inconclusive'].indexOf(finding) + 1 || 3;
  const sorted = [...judgements].sort((one, other) => rank(one) - rank(other));
  return [h('h2', { id: 'checks' }, `Checks (${judgements.length})`), h('ul', { class: 'hosts' }, sorted.map(checkOf))];
}

function checkOf(one) {
  return h(
    'li',
    { class: one.finding === 'failed' ? 'check worse' : 'check' },
    h('div', { class: 'host' }, h('span', {}, h('code', {}, one.check), one.class ? [' ', h('code', { class: 'class' }, one.class)] : undefined), findingPill(one.finding)),
    h('p', {}, one.said, ' ', h('span', { class: 'quiet' }, when(one.at))),
    one.numbers?.length > 0 ? h('dl', { class: 'numbers' }, one.numbers.map(({ of, value }) => fact(measure(of), measured(of, value)))) : undefined,
  );
}

function versions({ before, after }) {
  if (before === undefined) return `is new (version ${after})`;
  if (after === undefined) return `goes (was version ${before})`;
  return `version ${before} → ${after}`;
}

function hostsOf(seen) {
  const run = seen.run;
  if (!run) return undefined;
  const waves = Map.groupBy ? Map.groupBy(run.hosts, (host) => host.wave) : grouped(run.hosts);
  return [
    h('h2', { id: 'hosts' }, `Hosts (${run.hosts.length})`),
    [...waves].map(([wave, hosts]) => [
      run.waves > 1 ? h('h3', {}, `Wave ${wave + 1} of ${run.waves}`) : undefined,
      h('ul', { class: 'hosts' }, hosts.map(hostOf)),
    ]),
  ];
}

function grouped(hosts) {
  const waves = new Map();
  for (const host of hosts) waves.set(host.wave, [...(waves.get(host.wave) ?? []), host]);
  return waves;
}

/** How long a host took, in the order of a deployment. */
function tookOf({ took_ms: took = {} }) {
  const states = ['Preparing', 'Migrating', 'Activating', 'Unmigrating', 'RollingBack'].filter((state) => state in took);
  if (states.length === 0) return undefined;
  const parts = states.map((state) => `${stateWord(state)} ${(took[state] / 1000).toFixed(1)} s`);
  return h('p', { class: 'quiet' }, `By its own clock: ${parts.join(', ')}`);
}

function hostOf(host) {
  const failure = host.failure;
  return h(
    'li',
    {},
    h('div', { class: 'host' }, h('span', {}, h('code', {}, host.host), isHalfway(host) ? h('span', { class: 'quiet' }, ' was asked to switch') : undefined), verdictPill(host.verdict)),
    tookOf(host),
    failure
      ? h('div', { class: 'why' }, h('code', {}, failure.class), failure.detail ? h('pre', { tabindex: '0' }, failure.detail) : undefined, h('p', {}, failure.next))
      : undefined,
  );
}

/** Whether a host was asked to switch and its verdict does not say so by itself. */
function isHalfway({ moved, verdict }) {
  return moved && !['proven', 'restored'].includes(verdict);
}

function timelineOf(seen) {
  const entries = seen.timeline;
  return [
    h('h2', { id: 'timeline' }, 'History'),
    h(
      'ol',
      { class: 'timeline' },
      entries.map((entry, index) => {
        const next = entries[index + 1];
        const ms = next ? new Date(next.at) - new Date(entry.at) : 0;
        return h(
          'li',
          { class: next || seen.over ? '' : 'current' },
          h('span', { class: 'state' }, stateWord(entry.state), entry.wave === undefined ? '' : `, wave ${entry.wave + 1}`),
          h('span', { class: 'quiet side' }, ms >= 500 ? `for ${duration(ms)}` : ''),
          h('time', { datetime: entry.at, 'data-fixed': true, class: 'quiet' }, clock(entry.at)),
          entry.cause ? h('span', { class: 'quiet side cause' }, `after ${cause(entry.cause)}`) : undefined,
        );
      }),
    ),
  ];
}

/** What the hosts have written. It is asked for only while it is open, and followed for as long as there is more to come. */
function logOf(context, names) {
  const lines = h('ol', { class: 'lines' });
  const note = h('p', { class: 'quiet' });
  const hosts = h('select', { id: 'log-host', on: { change: () => void again() } }, h('option', { value: '' }, 'every host'));
  const frame = h('div', { class: 'log', tabindex: '0', role: 'region', 'aria-label': 'Log of the hosts' }, lines);
  const details = h(
    'details',
    { on: { toggle: () => void (details.open && again()) } },
    h('summary', {}, h('h2', {}, 'Log of the hosts')),
    h('div', { class: 'field inline' }, h('label', { for: 'log-host' }, 'Of '), hosts),
    frame,
    note,
  );
  const element = h('section', {}, details);
  let after;
  let isComplete = false;
  let isBusy = false;
  let turn = 0;

  async function again() {
    turn += 1;
    after = undefined;
    isComplete = false;
    isBusy = false;
    lines.replaceChildren();
    await more();
  }

  async function more() {
    if (isBusy || isComplete || !details.open) return;
    isBusy = true;
    const mine = turn;
    try {
      let page;
      do {
        page = await context.api.logs(names, { query: { host: hosts.value || undefined, after } });
        if (mine !== turn || !element.isConnected) return;
        append(page.lines);
        const isSame = page.after === after;
        after = page.after ?? after;
        isComplete = page.complete;
        if (isSame) break;
      } while (!isComplete && page.lines.length > 0);
      note.textContent = isComplete ? (lines.childElementCount > 0 ? 'This is all of it.' : 'The hosts have written nothing.') : 'Following …';
    } catch (error) {
      if (mine === turn) note.replaceChildren(...told(error));
    } finally {
      if (mine === turn) isBusy = false;
    }
  }

  function append(page) {
    const isAtEnd = frame.scrollTop + frame.clientHeight >= frame.scrollHeight - 8;
    lines.append(...page.map((line) => h('li', {}, h('span', { class: 'quiet' }, line.host.slice(-4), ' '), line.text)));
    while (lines.childElementCount > LINES_MAX) lines.firstElementChild.remove();
    if (isAtEnd) frame.scrollTop = frame.scrollHeight;
  }

  return {
    element,
    show(seen) {
      const known = seen.run?.hosts.map(({ host }) => host) ?? [];
      element.hidden = known.length === 0;
      if (hosts.options.length !== known.length + 1) {
        hosts.replaceChildren(h('option', { value: '' }, 'every host'), ...known.map((host) => h('option', { value: host }, host)));
      }
      void more();
    },
  };
}
