// One app: what is live, what holds it, its hosts, its deployments, and what people did to it.

import { actsOfApp, clearing } from './acts.js';
import { h, show } from './dom.js';
import { address, DEPLOYMENT_HEAD, deploymentRow, pages, table, toDeployment, trail } from './lists.js';
import { clock, commit, deed, driftPill, pill, ping, statePill, when } from './words.js';

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
  pace: ({ status }) => (status.running || status.waiting ? 'moving' : 'resting'),
  parts(context, names) {
    const environment = context.environment.name;
    const place = [environment, 'apps', names.app];
    const top = h('div');
    const notes = h('div');
    const hosts = h('section', { 'aria-labelledby': 'hosts' });
    const history = pages({
      title: 'Deployments',
      id: 'history',
      beside: h('a', { href: address([...place, 'deployments']) }, 'Search all of them'),
      empty: () => 'Nothing was ever deployed here.',
      head: DEPLOYMENT_HEAD,
      row: (one) => deploymentRow(context, one),
      items: (page) => page.deployments,
      more: (before) => context.api.history(names, { query: { limit: PAGE, before } }),
    });
    const audit = pages({
      title: 'What people did',
      id: 'audit',
      empty: () => 'Nobody has locked it, broken a glass or cleared a quarantine.',
      head: ['What', 'Who', 'Why', 'When', 'From'],
      row: deedRow,
      items: (page) => page.entries,
      more: (before) => context.api.audit(names, { query: { limit: PAGE, before } }),
    });
    return {
      elements: [trail([['#/', 'Apps'], [address([environment]), environment]], names.app), top, notes, hosts, history.element, audit.element],
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

function head(context, status) {
  const live = status.live;
  return [
    h('div', { class: 'head' }, h('h1', { tabindex: '-1' }, status.app), h('div', { class: 'buttons' }, actsOfApp(context, status))),
    h(
      'dl',
      { class: 'facts' },
      fact('Live', live ? [commit(live.release.commit), ' ', toDeployment(context, live.deployment, [when(live.at)])] : 'nothing yet'),
      live ? fact('Configuration', `version ${live.release.config_version}`) : undefined,
      fact('Repository', status.repository),
      status.branch ? fact('Branch', status.branch) : undefined,
      fact('Numbers', h('a', { href: address([context.environment.name, 'stats'], { app: status.app }) }, 'Statistics')),
      status.running ? fact('At work', toDeployment(context, status.running.id, statePill(status.running.state))) : undefined,
      status.waiting ? fact('Waits', toDeployment(context, status.waiting.id, statePill(status.waiting.state))) : undefined,
    ),
  ];
}

function fact(name, value) {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value));
}

/** What keeps the app from being as it should be, each with what it means. */
function notesOf(context, status) {
  const notes = [];
  const note = (tone, title, ...text) => notes.push(h('li', { class: tone }, pill([tone, title]), h('span', {}, text)));
  if (status.problem) note('bad', 'Configuration', 'It is not valid, so nothing can be deployed: ', h('code', {}, status.problem));
  if (status.stranded) note('bad', 'Database', 'Migrations of ', toDeployment(context, status.stranded, 'a deployment'), ' could not be taken back: what is live may not fit the database.');
  if (status.lock) note('wait', 'Locked', `${status.lock.owner} holds it until ${clock(status.lock.expires_at)}.`, status.lock.reason ? ` “${status.lock.reason}”` : '');
  if (status.freeze) note('wait', 'Freeze', `${status.freeze.name} is in force`, status.freeze.until ? ` until ${clock(status.freeze.until)}.` : '.');
  for (const one of status.quarantine) {
    note('undone', 'Quarantine', commit(one.commit), ' was ', toDeployment(context, one.deployment, 'rolled back'), ' and stays out. ', clearing(context, status.app, one));
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

function deedRow(one) {
  return [
    [deed(one.action), one.commit ? [' ', commit(one.commit)] : undefined],
    one.by,
    one.reason ?? h('span', { class: 'quiet' }, 'no reason'),
    [when(one.at), one.until ? h('span', { class: 'under' }, `until ${clock(one.until)}`) : undefined],
    one.via,
  ];
}
