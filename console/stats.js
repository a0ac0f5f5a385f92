// What the history tells in numbers: of one app, or of all of an environment. docs/INSIGHT.md says how each is counted.

import { Refused } from './api.js';
import { drawing, h, show, told } from './dom.js';
import { address, table, trail } from './lists.js';
import { clock, date, duration, pill, statePill, stateWord } from './words.js';

const DAY_MS = 86_400_000;
/** The windows: days, and what they are called. An answer takes 366 days at most. */
const WINDOWS = [
  ['7', 'seven days'],
  ['28', 'four weeks'],
  ['91', 'thirteen weeks'],
  ['365', 'a year'],
];
const WINDOW = '28';
/** Below this many a percentage would say more than is known, and the ninetieth percentile is simply the longest. */
const FEW = 10;
/** The height of a bar's drawing, and the length of one beside a number. */
const HIGH = 100;
const LONG = 100;
/** As many hosts of a step as are named. */
const SLOWEST = 3;

export const stats = {
  title: () => 'Statistics',
  takes: ['app', 'days'],
  async look({ api, asked }, _, signal) {
    const days = asked.days ?? WINDOW;
    if (!WINDOWS.some(([known]) => known === days)) return { apps: [], problem: new Error(`days: expected one of ${WINDOWS.map(([known]) => known).join(', ')}.`) };
    const since = new Date(Date.now() - Number(days) * DAY_MS).toISOString();
    const query = { app: asked.app, since };
    // What can be chosen among is no reason to show nothing.
    const apps = api.apps({}, { signal }).then(({ apps: all }) => all.map(({ app }) => app), () => []);
    try {
      const told_ = await api.stats({}, { query, signal });
      return { apps: await apps, told: told_ };
    } catch (error) {
      if (error instanceof Refused && error.word !== 'not_allowed') return { apps: await apps, problem: error };
      throw error;
    }
  },
  // One answer may read a thousand deployments.
  pace: () => 'counted',
  parts(context) {
    const { asked, environment } = context;
    const choice = h('div');
    const all = h('div', { class: 'view' });
    const own = asked.app === undefined ? [] : [[address([environment.name, 'apps', asked.app]), asked.app]];
    return {
      elements: [
        trail([['#/', 'Apps'], [address([environment.name]), environment.name], ...own], 'Statistics'),
        h('h1', {}, `Statistics of ${asked.app ?? `every app in ${environment.name}`}`),
        choice,
        all,
      ],
      show({ apps, told: seen, problem }) {
        show(choice, apps, () => form(environment.name, asked, apps));
        show(all, [seen, problem?.message], () => (problem ? h('p', { class: 'problem', role: 'alert' }, told(problem)) : numbers(context, seen)));
      },
    };
  },
};

function form(environment, asked, apps) {
  const names = asked.app === undefined || apps.includes(asked.app) ? apps : [asked.app, ...apps];
  const select = (name, label, choices, chosen) => {
    const input = h('select', { id: `asked-${name}`, name, 'data-key': name }, choices.map(([value, word]) => h('option', { value, selected: value === chosen }, word)));
    return { input, row: h('div', { class: 'field' }, h('label', { for: `asked-${name}` }, label), input) };
  };
  const app = select('app', 'App', [['', 'every app'], ...names.map((name) => [name, name])], asked.app ?? '');
  const days = select('days', 'The last', WINDOWS, asked.days ?? WINDOW);
  function go(event) {
    event.preventDefault();
    location.hash = address([environment, 'stats'], { app: app.input.value, days: days.input.value });
  }
  return h(
    'form',
    { class: 'filters', 'aria-label': 'What is counted', on: { submit: go } },
    app.row,
    days.row,
    h('div', { class: 'buttons' }, h('button', { class: 'button primary', type: 'submit' }, 'Show')),
  );
}

function numbers(context, seen) {
  const ended = Object.values(seen.ends).reduce((sum, times) => sum + times, 0);
  const window = h('p', { class: 'quiet' }, `${clock(seen.from)} to ${clock(seen.until)}`);
  if (ended === 0) return [incomplete(seen), window, h('p', { class: 'empty' }, 'No deployment ended in this time.', seen.open > 0 ? ` ${seen.open} had not ended by its end.` : '')];
  return [incomplete(seen), window, endsOf(context, seen, ended), deliveryOf(seen), weeksOf(seen.weeks), timesOf(seen), slowestOf(context, seen), troubles(context, seen)];
}

/** What is not counted is said before any number. */
function incomplete(seen) {
  if (!seen.complete_since) return undefined;
  return h(
    'p',
    { class: 'notice' },
    pill(['wait', 'Not complete']),
    ` ${seen.looked_at} deployments were read, and there are more: what is older than ${clock(seen.complete_since)} is not all counted. Choose one app or a shorter time.`,
  );
}

function endsOf(context, seen, ended) {
  const [app] = seen.apps;
  const isOne = context.asked.app !== undefined;
  const one = ([state, times]) => {
    const text = [statePill(state), h('span', {}, times)];
    const place = [context.environment.name, 'apps', app, 'deployments'];
    return h('li', {}, isOne ? h('a', { href: address(place, { result: state }) }, text, h('span', { class: 'unseen' }, ' of them, in the history')) : text);
  };
  return h(
    'section',
    { 'aria-labelledby': 'ends' },
    h('h2', { id: 'ends' }, `Ended (${ended})`),
    h('ul', { class: 'ends' }, Object.entries(seen.ends).sort(([, one_], [, other]) => other - one_).map(one)),
    seen.open > 0 ? h('p', { class: 'quiet' }, `${seen.open} more had not ended by the end of this time.`) : undefined,
  );
}

/** DORA's four measures, each with what it means and what it is made of. */
function deliveryOf(seen) {
  const { delivery } = seen;
  return h(
    'section',
    { 'aria-labelledby': 'delivery' },
    h('h2', { id: 'delivery' }, 'How changes reach users'),
    h('p', { class: 'quiet' }, 'DORA’s four measures. A change is a push, a redeploy, a promotion or a new configuration.'),
    h('ul', { class: 'measures' }, [frequency(seen), lead(delivery), failureRate(delivery), recovery(delivery)].map(card)),
  );
}

function card({ name, value, n, meaning, more }) {
  return h(
    'li',
    {},
    h('h3', {}, name),
    h('p', { class: 'value' }, value),
    h('p', {}, meaning),
    more.filter(Boolean).map((line) => h('p', { class: 'quiet' }, line)),
    h('p', { class: 'n' }, `n = ${n}`, n > 0 && n < FEW ? [' ', pill(['idle', 'too few to lean on'])] : undefined),
  );
}

function frequency(seen) {
  const { succeeded, changes } = seen.delivery;
  const days = Math.max(1, Math.round((new Date(seen.until) - new Date(seen.from)) / DAY_MS));
  const often = succeeded < FEW ? `${succeeded} in ${days} days` : `${((succeeded * 7) / days).toFixed(1)} a week`;
  return {
    name: 'Deployment frequency',
    // Of a time that is not complete, what was counted is the least that there were.
    value: seen.complete_since ? `at least ${often}` : often,
    n: succeeded,
    meaning: 'How often a change goes live and stays.',
    more: [`${succeeded} of ${changes} that users were served succeeded.`],
  };
}

function lead({ lead_from_commit: commit, lead_from_push: push }) {
  const isKnown = commit.n > 0;
  const shown = isKnown ? commit : push;
  return {
    name: 'Lead time for changes',
    value: half(shown),
    n: shown.n,
    meaning: isKnown ? 'Half of the changes were live this soon after their commit was made.' : 'Half of the changes were live this soon after their push; no commit’s time is known.',
    more: [rest(shown), isKnown ? `From the push: ${half(push)} (n = ${push.n}).` : undefined],
  };
}

function failureRate({ changes, failed, stopped }) {
  const share = changes >= FEW ? `${((failed * 100) / changes).toFixed(1)} %` : `${failed} of ${changes}`;
  return {
    name: 'Change failure rate',
    value: changes === 0 ? 'none measured' : share,
    n: changes,
    meaning: 'Changes that were rolled back, could not be, or were undone by a person, of all that users were served.',
    more: [changes >= FEW ? `${failed} of ${changes}.` : undefined, stopped > 0 ? `${stopped} more failed before any host was switched. Users saw nothing of that, so it does not count.` : undefined],
  };
}

function recovery({ recovery: back, next_success: next }) {
  return {
    name: 'Recovery time',
    value: half(back.took),
    n: back.took.n,
    meaning: 'From the moment at which a failure was seen until users were served well again, for half of the failures.',
    more: [
      rest(back.took),
      back.open > 0 ? `${back.open} not yet: in no number here.` : undefined,
      next.took.n > 0 ? `Until the next change that succeeded: ${half(next.took)} (n = ${next.took.n}).` : undefined,
    ],
  };
}

const half = (spread) => (spread.n > 0 ? time(spread.p50_ms) : 'none measured');

function rest({ n, p90_ms: most, max_ms: longest }) {
  if (n === 0) return undefined;
  return n < FEW ? `The longest: ${time(longest)}.` : `Nine of ten within ${time(most)}, the longest ${time(longest)}.`;
}

/** A time in two units; below ten seconds with a tenth. */
function time(ms) {
  return ms < 10_000 ? `${(Math.floor(ms / 100) / 10).toFixed(1)} s` : duration(ms);
}

/** The weeks as bars for the eye, and as a table for everybody. */
function weeksOf(weeks) {
  const most = Math.max(...weeks.map(({ delivery }) => delivery.changes), 0);
  if (most === 0) return undefined;
  // Every week has its bar; only so many have room for their date.
  const each = Math.ceil(weeks.length / 14);
  return h(
    'section',
    { 'aria-labelledby': 'weeks' },
    h('h2', { id: 'weeks' }, 'Changes by week'),
    h(
      'figure',
      {},
      h('div', { class: 'scroll', role: 'group', 'aria-label': 'Bars by week; the table below says the same', tabindex: '0' }, h('div', { class: 'bars', 'aria-hidden': 'true' }, weeks.map((week, index) => column(week, most, index % each === 0)))),
      h(
        'figcaption',
        {},
        h('span', { class: 'key good' }, 'succeeded and stayed'),
        h('span', { class: 'key bad' }, 'rolled back, could not be, or undone'),
        h('span', {}, 'Weeks begin on Monday, 0:00 UTC; the first and the last are cut to the window.'),
      ),
    ),
    h(
      'details',
      { 'data-key': 'weeks' },
      h('summary', {}, 'The weeks as a table'),
      table(
        ['Week of', 'Changes', 'Failed', 'Lead time from the push', 'Recovery time'],
        [...weeks].reverse().map(({ monday, delivery }) => [
          date(monday),
          delivery.changes,
          delivery.failed,
          ofWeek(delivery.lead_from_push),
          [ofWeek(delivery.recovery.took), delivery.recovery.open > 0 ? `, ${delivery.recovery.open} not yet` : ''],
        ]),
        'Changes by week',
      ),
    ),
  );
}

function ofWeek(spread) {
  return spread.n > 0 ? [time(spread.p50_ms), h('span', { class: 'quiet' }, ` (n = ${spread.n})`)] : h('span', { class: 'quiet' }, 'none');
}

function column({ monday, delivery }, most, isNamed) {
  const part = (count) => (count * HIGH) / most;
  const [all, bad] = [part(delivery.changes), part(delivery.failed)];
  const bars = [
    ['rect', { class: 'good', x: 0, width: 10, y: HIGH - all + bad, height: all - bad }],
    ['rect', { class: 'bad', x: 0, width: 10, y: HIGH - all, height: bad }],
  ];
  return h(
    'div',
    {},
    h('span', { class: 'failed' }, delivery.failed > 0 ? `✕${delivery.failed}` : ''),
    h('span', {}, delivery.changes > 0 ? delivery.changes : ''),
    drawing(10, HIGH, bars, { preserveAspectRatio: 'none' }),
    h('span', { class: 'quiet' }, isNamed ? date(monday, true) : ''),
  );
}

/** How long deployments waited and worked, in the order in which it happens to them. */
function timesOf(seen) {
  const rows = [
    ['Waited for their turn', seen.queue],
    ['Waited for people', seen.approval],
    ...seen.steps.map(({ state, took }) => [stateWord(state), took]),
    ['All work on hosts', seen.work],
    ['Rehearsed rollbacks', seen.drills.took],
  ].filter(([, took]) => took.n > 0);
  if (rows.length === 0) return undefined;
  const longest = Math.max(...rows.map(([, took]) => took.p50_ms));
  return h(
    'section',
    { 'aria-labelledby': 'times' },
    h('h2', { id: 'times' }, 'Where the time goes'),
    table(
      ['Step', 'Half within', 'Nine of ten within', 'Longest', 'n'],
      rows.map(([name, took]) => [
        name,
        [time(took.p50_ms), meter(took.p50_ms, longest)],
        took.n < FEW ? h('span', { class: 'quiet' }, 'too few') : time(took.p90_ms),
        time(took.max_ms),
        took.n,
      ]),
      'Where the time goes',
    ),
    seen.drills.failed > 0 ? h('p', {}, pill(['bad', `${seen.drills.failed} rehearsed ${seen.drills.failed === 1 ? 'rollback' : 'rollbacks'} did not succeed`])) : undefined,
  );
}

/** A bar as long beside the longest one as the number is. */
function meter(value, most) {
  const width = most > 0 ? Math.max((value * LONG) / most, 1) : 1;
  return drawing(LONG, 4, [['rect', { x: 0, y: 0, width, height: 4 }]], { class: 'meter', preserveAspectRatio: 'none' });
}

/** Who takes longest for what hosts are asked to do. */
function slowestOf(context, seen) {
  const steps = seen.host_steps ?? [];
  if (steps.length === 0) return undefined;
  const rows = steps.flatMap(({ state, took, slowest }) => {
    const most = Math.max(took.p50_ms, ...slowest.map((one) => one.took.p50_ms));
    const row = (step, who, of) => [step, who, [time(of.p50_ms), meter(of.p50_ms, most)], time(of.max_ms), of.n];
    return [row(stateWord(state), 'all hosts', took), ...slowest.slice(0, SLOWEST).map((one) => row(stateWord(state), hostName(context, one.host), one.took))];
  });
  return h(
    'section',
    { 'aria-labelledby': 'slowest' },
    h('h2', { id: 'slowest' }, 'Slowest hosts'),
    h('p', { class: 'quiet' }, 'How long hosts were at it by their own clocks, in each deployment all runs of a step together.'),
    table(['Step', 'Host', 'Half within', 'Longest', 'n'], rows, 'Slowest hosts'),
  );
}

/** A host, with a way to the deployments that it was in where an app is asked about. */
function hostName(context, name) {
  const { app } = context.asked;
  const place = [context.environment.name, 'apps', app ?? '', 'deployments'];
  return app === undefined ? h('code', {}, name) : h('a', { href: address(place, { host: name }) }, h('code', {}, name));
}

function troubles(context, seen) {
  const host = (name) => hostName(context, name);
  return h(
    'div',
    { class: 'halves' },
    counted('failures', 'Why they did not succeed', ['Class', 'Times'], seen.failures, (what) => h('code', {}, what), 'Nothing failed.'),
    counted('troubled', 'Hosts in trouble', ['Host', 'Times'], seen.hosts, host, 'No host failed or was out of reach.'),
  );
}

function counted(id, title, head, all, name, nothing) {
  const most = Math.max(...all.map(({ times }) => times), 0);
  return h(
    'section',
    { 'aria-labelledby': id },
    h('h2', { id }, title),
    all.length > 0 ? table(head, all.map(({ what, times }) => [name(what), [times, meter(times, most)]]), title) : h('p', { class: 'empty' }, nothing),
  );
}
