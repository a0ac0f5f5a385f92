// Tables, and lists that come in pages: what the app's place, its history and the numbers have in common.

import { h, show, told } from './dom.js';
import { commit, duration, kind, statePill, verdictPill, when } from './words.js';

/** A table that scrolls by itself where the screen is narrow; on a phone each of its rows is a card. */
export function table(head, rows, label) {
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

/** Where the reader is: the links from the outermost place on, and the place itself. */
export function trail(links, here) {
  return h('nav', { class: 'trail', 'aria-label': 'Where you are' }, links.map(([href, text]) => h('a', { href }, text)), h('span', { 'aria-current': 'page' }, here));
}

/** The address of a place with what is asked for in it; what is empty is left out. */
export function address(parts, asked = {}) {
  const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== undefined && value !== '')).toString();
  return `#/${parts.map(encodeURIComponent).join('/')}${query ? `?${query}` : ''}`;
}

/** A link to a deployment. */
export function toDeployment(context, id, content) {
  return h('a', { href: address([context.environment.name, 'deployments', id]), 'data-key': `to ${id}` }, content);
}

/** What stands above the rows of deployments. */
export const DEPLOYMENT_HEAD = ['State', 'What', 'Commit', 'By', 'When', 'Took'];

/** A deployment in a line. */
export function deploymentRow(context, one) {
  const began = one.started_at ?? one.accepted_at;
  return [
    [toDeployment(context, one.id, statePill(one.state)), one.host ? h('span', { class: 'under' }, 'the host: ', verdictPill(one.host.verdict)) : undefined],
    [kind(one.kind), one.failure ? h('span', { class: 'under' }, h('code', {}, one.failure.class)) : undefined],
    commit(one.commit),
    one.by ?? h('span', { class: 'quiet' }, 'not known'),
    when(one.accepted_at),
    one.ended_at ? duration(new Date(one.ended_at) - new Date(began)) : h('span', { class: 'quiet' }, '…'),
  ];
}

/** A list that comes in pages, the newest first. The first page follows what happens; older ones are added below it and stay.
 * `empty` says that there is nothing; `under` says something about all that was seen, each of them given the pages. */
export function pages({ title, id, empty, head, row, items, more, beside, under = () => undefined, further = 'Show older ones' }) {
  const element = h('section', { 'aria-labelledby': id });
  let first;
  let older = [];
  let next;
  let problem;
  function draw() {
    const seen = [first, ...older];
    const all = seen.flatMap(items);
    show(element, [all, next, seen.map(({ looked }) => looked), problem?.message], () => [
      beside ? h('div', { class: 'head' }, h('h2', { id }, title), beside) : h('h2', { id }, title),
      all.length > 0 ? table(head, all.map(row), title) : h('p', { class: 'empty' }, empty(next)),
      under(seen, next),
      problem ? h('p', { class: 'problem', role: 'alert' }, told(problem)) : undefined,
      next ? h('button', { class: 'button', type: 'button', 'data-key': `${id} older`, on: { click: () => void go() } }, further) : undefined,
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
