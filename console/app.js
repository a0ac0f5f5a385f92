// One app: what is live, what holds it, its hosts, its deployments, and what people did to it.

import { actsOfApp, clearing } from './acts.js';
import { h, show, told } from './dom.js';
import { clock, commit, deed, driftPill, duration, kind, pill, ping, statePill, when } from './words.js';

const PAGE = 15;

export const app = {
  title: (names) => names.app,
  async look({ api }, names, signal) {
    const [status, history, audit] = await Promise.all([
      api.status(names, { signal }),
      api.history(names, { query: { limit: PAGE }, signal }),
      api.audit(names, { query: { limit: PAGE }, signal }),
    ]);
    return { status, history, audit };
  },
  moves: ({ status }) => Boolean(status.running || status.waiting),
  parts(context, names) {
    const top = h('div');
    const notes = h('div');
    const hosts = h('section', { 'aria-labelledby': 'hosts' });
    const history = pages({
      title: 'Deployments',
      id: 'history',
      empty: 'Nothing was ever deployed here.',
      head: ['State', 'What', 'Commit', 'By', 'When', 'Took'],
      row: (one) => deploymentRow(context, one),
      items: (page) => page.deployments,
      more: (before) => context.api.history(names, { query: { limit: PAGE, before } }),
    });
    const audit = pages({
      title: 'What people did',
      id: 'audit',
      empty: 'Nobody has locked it, broken a glass or cleared a quarantine.',
      head: ['What', 'Who', 'Why', 'When', 'From'],
      row: deedRow,
      items: (page) => page.entries,
      more: (before) => context.api.audit(names, { query: { limit: PAGE, before } }),
    });
    return {
      elements: [trail(context.environment.name, names.app), top, notes, hosts, history.element, audit.element],
      show(seen) {
        show(top, { ...seen.status, hosts: undefined }, () => head(context, seen.status));
        show(notes, seen.status, () => notesOf(context, seen.status));
        show(hosts, [seen.status.hosts, seen.status.live?.release.id], () => hostsOf(seen.status));
        history.show(seen.history);
        audit.show(seen.audit);
      },
    };
  },
};

function trail(environment, name) {
  return h('nav', { class: 'trail', 'aria-label': 'Where you are' }, h('a', { href: '#/' }, 'Apps'), h('a', { href: `#/${environment}` }, environment), h('span', { 'aria-current': 'page' }, name));
}

function head(context, status) {
  const live = status.live;
  return [
    h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, status.app), h('div', { class: 'buttons' }, actsOfApp(context, status))),
    h(
      'dl',
      { class: 'facts' },
      fact('Live', live ? [commit(live.release.commit), ' ', link(context, live.deployment, [when(live.at)])] : 'nothing yet'),
      live ? fact('Configuration', `version ${live.release.config_version}`) : undefined,
      fact('Repository', status.repository),
      status.branch ? fact('Branch', status.branch) : undefined,
      status.running ? fact('At work', link(context, status.running.id, statePill(status.running.state))) : undefined,
      status.waiting ? fact('Waits', link(context, status.waiting.id, statePill(status.waiting.state))) : undefined,
    ),
  ];
}

function fact(name, value) {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value));
}

function link(context, id, content) {
  return h('a', { href: `#/${context.environment.name}/deployments/${id}`, 'data-key': `to ${id}` }, content);
}

/** What keeps the app from being as it should be, each with what it means. */
function notesOf(context, status) {
  const notes = [];
  const note = (tone, title, ...text) => notes.push(h('li', { class: tone }, pill([tone, title]), h('span', {}, text)));
  if (status.problem) note('bad', 'Configuration', 'It is not valid, so nothing can be deployed: ', h('code', {}, status.problem));
  if (status.stranded) note('bad', 'Database', 'Migrations of ', link(context, status.stranded, 'a deployment'), ' could not be taken back: what is live may not fit the database.');
  if (status.lock) note('wait', 'Locked', `${status.lock.owner} holds it until ${clock(status.lock.expires_at)}.`, status.lock.reason ? ` “${status.lock.reason}”` : '');
  if (status.freeze) note('wait', 'Freeze', `${status.freeze.name} is in force`, status.freeze.until ? ` until ${clock(status.freeze.until)}.` : '.');
  for (const one of status.quarantine) {
    note('undone', 'Quarantine', commit(one.commit), ' was ', link(context, one.deployment, 'rolled back'), ' and stays out. ', clearing(context, status.app, one));
  }
  return notes.length > 0 ? h('ul', { class: 'notes' }, notes) : undefined;
}

function hostsOf(status) {
  const heading = h('h2', { id: 'hosts' }, `Hosts (${status.hosts.length})`);
  if (status.hosts.length === 0) return [heading, h('p', { class: 'empty' }, 'No host carries this app’s tags.')];
  return [
    heading,
    table(['Host', 'Agent', 'Serves', 'As it should be'], status.hosts.map((host) => [
      h('code', {}, host.host),
      [ping(host.ping), host.agent ? h('span', { class: 'quiet' }, ` ${host.agent}`) : undefined],
      host.release ? h('code', { title: host.release }, host.release.slice(0, 8), '…', host.release.slice(-12)) : h('span', { class: 'quiet' }, 'not known'),
      driftPill(host.drift),
    ]), 'Hosts'),
  ];
}

function table(head, rows, label) {
  return h(
    'div',
    { class: 'scroll', role: 'group', 'aria-label': label, tabindex: '0' },
    h(
      'table',
      { class: 'list' },
      h('thead', {}, h('tr', {}, head.map((word) => h('th', { scope: 'col' }, word)))),
      h('tbody', {}, rows.map((cells) => h('tr', {}, cells.map((content, index) => h('td', { 'data-label': head[index] }, h('div', {}, content)))))),
    ),
  );
}

function deploymentRow(context, one) {
  const began = one.started_at ?? one.accepted_at;
  return [
    link(context, one.id, statePill(one.state)),
    [kind(one.kind), one.failure ? h('span', { class: 'under' }, h('code', {}, one.failure.class)) : undefined],
    commit(one.commit),
    one.by ?? h('span', { class: 'quiet' }, 'not known'),
    when(one.accepted_at),
    one.ended_at ? duration(new Date(one.ended_at) - new Date(began)) : h('span', { class: 'quiet' }, '…'),
  ];
}

function deedRow(one) {
  return [
    [deed(one.action), one.commit ? [' ', commit(one.commit)] : undefined],
    one.by,
    one.reason ?? h('span', { class: 'quiet' }, 'no reason'),
    [when(one.at), one.until ? h('span', { class: 'under' }, `until ${clock(one.until)}`) : undefined],
    one.via,
  ];
}

/** A list that comes in pages, the newest first. The first page follows what happens; older ones are added below it and stay. */
function pages({ title, id, empty, head, row, items, more }) {
  const element = h('section', { 'aria-labelledby': id });
  let first;
  let older = [];
  let next;
  let problem;
  function draw() {
    const all = [...items(first), ...older.flatMap(items)];
    show(element, [all, next, problem?.message], () => [
      h('h2', { id }, title),
      all.length > 0 ? table(head, all.map(row), title) : h('p', { class: 'empty' }, empty),
      problem ? h('p', { class: 'problem', role: 'alert' }, told(problem)) : undefined,
      next ? h('button', { class: 'button', type: 'button', 'data-key': `${id} older`, on: { click: () => void go() } }, 'Show older ones') : undefined,
    ]);
  }
  async function go() {
    try {
      const page = await more(next);
      older.push(page);
      next = page.before;
      problem = undefined;
    } catch (error) {
      problem = error;
    }
    draw();
  }
  return {
    element,
    show(page) {
      // Once older ones are shown, what pushes in at the top must not open a gap: everything between is on one of the pages
      // only as long as the first still reaches the second. Then the older ones begin anew.
      const moved = first && older.length > 0 && page.before !== first.before;
      if (moved) older = [];
      first = page;
      if (older.length === 0) next = page.before;
      draw();
    },
  };
}
