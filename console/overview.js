// Every app of every environment: what is live, what moves, what waits for a person, what is out of order.

import { h, show, told } from './dom.js';
import { address } from './lists.js';
import { commit, isAtWork, kind, pill, statePill, when } from './words.js';

/** How long what was seen of hosts counts, in milliseconds: it is asked for each app by itself. */
const HOSTS_HOLD_MS = 60_000;

const hostsSeen = new Map();

export const overview = {
  title: () => 'Apps',
  async look(context, _, signal) {
    const seen = await Promise.all(context.environments.map((environment) => lookAt(environment, signal)));
    const [own] = seen;
    // What is wrong with the page's own environment is wrong with the page; another one is shown as out of reach.
    if (own.error) throw own.error;
    return seen;
  },
  pace: (seen) => (seen.some(({ apps }) => apps?.some((app) => app.running || app.waiting)) ? 'moving' : 'resting'),
  parts(context) {
    const waiting = h('section', { 'aria-labelledby': 'waits' });
    const all = h('div');
    return {
      elements: [h('h1', {}, 'Apps'), waiting, all],
      show(seen) {
        const asks = seen.flatMap(({ environment, apps = [] }) =>
          apps.filter((app) => app.waiting?.state === 'AwaitingApproval').map((app) => ({ environment: environment.name, app: app.app, ...app.waiting })),
        );
        show(waiting, asks, () => asksForPeople(asks));
        const told_ = seen.map(({ environment, apps, hosts, error }) => ({ name: environment.name, apps, hosts, error: error?.message }));
        show(all, told_, () => seen.map((one) => environmentOf(one, context.environments.length > 1)));
      },
    };
  },
};

async function lookAt(environment, signal) {
  try {
    const { apps } = await environment.api.apps({}, { signal });
    const hosts = Object.fromEntries(await Promise.all(apps.map(async (app) => [app.app, await hostsOf(environment, app, signal)])));
    return { environment, apps, hosts };
  } catch (error) {
    if (signal.aborted) throw error;
    return { environment, error };
  }
}

/** How many hosts an app has, and how many of them are not what they should be; looked at again when what is live has changed. */
async function hostsOf(environment, app, signal) {
  const key = `${environment.name} ${app.app} ${app.live?.deployment ?? ''} ${app.running?.state ?? ''}`;
  const held = hostsSeen.get(key);
  if (held && Date.now() - held.at < HOSTS_HOLD_MS) return held.counts;
  const status = await environment.api.status({ app: app.app }, { signal }).catch(() => undefined);
  if (!status) return undefined;
  const count = (drift) => status.hosts.filter((host) => host.drift === drift).length;
  const releases = new Set(status.hosts.map((host) => host.release).filter(Boolean));
  const counts = { all: status.hosts.length, serves: count('serves'), behind: count('behind'), offline: count('offline'), releases: releases.size };
  hostsSeen.set(key, { at: Date.now(), counts });
  return counts;
}

function asksForPeople(asks) {
  if (asks.length === 0) return undefined;
  return [
    h('h2', { id: 'waits' }, `Waits for a person (${asks.length})`),
    h(
      'ul',
      { class: 'asks' },
      asks.map((one) =>
        h(
          'li',
          {},
          h(
            'a',
            { href: `#/${one.environment}/deployments/${one.id}`, 'data-key': one.id },
            statePill(one.state),
            h('strong', {}, one.app),
            h('span', { class: 'in' }, one.environment),
            commit(one.commit),
            h('span', { class: 'quiet' }, one.by ? `by ${one.by}, ` : '', when(one.accepted_at)),
          ),
        ),
      ),
    ),
  ];
}

function environmentOf({ environment, apps, hosts, error }, isOneOfSeveral) {
  const name = h('h2', { id: `in-${environment.name}` }, isOneOfSeveral ? environment.name : `In ${environment.name}`);
  const heading = apps?.length > 0 ? h('div', { class: 'head' }, name, numbersOf(environment.name)) : name;
  if (error) return h('section', { 'aria-labelledby': `in-${environment.name}` }, heading, h('p', { class: 'problem' }, told(error)));
  if (apps.length === 0) {
    return h(
      'section',
      {},
      heading,
      h('div', { class: 'empty' }, h('p', {}, h('strong', {}, 'No app yet.')), h('p', {}, 'An app is there once it has a configuration: a parameter below ', h('code', {}, `/longshore/${environment.name}/apps/`), '.')),
    );
  }
  return h(
    'section',
    { 'aria-labelledby': `in-${environment.name}` },
    heading,
    h(
      'div',
      { class: 'scroll' },
      h(
        'table',
        { class: 'apps' },
        h('thead', {}, h('tr', {}, ['App', 'Live', 'Now', 'Hosts', 'Out of order'].map((word) => h('th', { scope: 'col' }, word)))),
        h('tbody', {}, apps.map((app) => row(environment.name, app, hosts[app.app]))),
      ),
    ),
  );
}

function numbersOf(environment) {
  return h('a', { href: address([environment, 'stats']), 'data-key': `numbers of ${environment}` }, 'Statistics', h('span', { class: 'unseen' }, ` of ${environment}`));
}

function row(environment, app, hosts) {
  return h(
    'tr',
    {},
    h(
      'th',
      { scope: 'row' },
      h('a', { href: `#/${environment}/apps/${encodeURIComponent(app.app)}`, 'data-key': `${environment} ${app.app}` }, app.app),
      h('span', { class: 'under' }, app.repository, app.branch ? ` · ${app.branch}` : ''),
    ),
    cell('Live', app.live ? [commit(app.live.release.commit), h('span', { class: 'under' }, when(app.live.at))] : h('span', { class: 'quiet' }, 'nothing yet')),
    cell('Now', [now(environment, app.running), now(environment, app.waiting), app.running || app.waiting ? undefined : h('span', { class: 'quiet' }, 'at rest')]),
    cell('Hosts', hostWords(hosts)),
    cell('Out of order', flags(app)),
  );
}

function cell(label, content) {
  return h('td', { 'data-label': label }, h('div', {}, content));
}

function now(environment, deployment) {
  if (!deployment) return undefined;
  return h(
    'a',
    { class: 'now', href: `#/${environment}/deployments/${deployment.id}`, 'data-key': deployment.id },
    statePill(deployment.state),
    h('span', { class: 'under' }, `${kind(deployment.kind)} `, commit(deployment.commit), isAtWork(deployment) && deployment.started_at ? [' ', when(deployment.started_at)] : undefined),
  );
}

function hostWords(hosts) {
  if (!hosts) return h('span', { class: 'quiet' }, 'not known');
  const wrong = [];
  if (hosts.behind > 0) wrong.push(pill(['wait', `${hosts.behind} behind`]));
  if (hosts.offline > 0) wrong.push(pill(['bad', `${hosts.offline} not online`]));
  if (hosts.releases > 1) wrong.push(pill(['wait', `${hosts.releases} releases at once`]));
  return [h('span', {}, `${hosts.serves} of ${hosts.all}`, h('span', { class: 'unseen' }, ' serve what is live')), wrong];
}

/** What keeps an app from being as it should be; each says what it is. */
function flags(app) {
  const found = [];
  if (app.problem) found.push(pill(['bad', 'Configuration'], { title: app.problem }));
  if (app.stranded) found.push(pill(['bad', 'Database may not fit']));
  if (app.lock) found.push(pill(['wait', `Locked by ${app.lock.owner}`]));
  if (app.freeze) found.push(pill(['wait', `Freeze: ${app.freeze.name}`]));
  if (app.quarantined > 0) found.push(pill(['undone', `${app.quarantined} in quarantine`]));
  return found.length > 0 ? h('span', { class: 'flags' }, found) : h('span', { class: 'quiet' }, 'nothing');
}
