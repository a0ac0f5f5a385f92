// The deployments of an app that are asked for. What is asked for stands in the address, so that a search can be sent to somebody.

import { Refused } from './api.js';
import { announce, h, show, told } from './dom.js';
import { address, DEPLOYMENT_HEAD, deploymentRow, pages, trail } from './lists.js';
import { clock, KINDS, kind, RESULTS, stateWord } from './words.js';

const PAGE = 25;
const ANY = ['', 'any'];

/** What can be asked for, in the words of the API: all of it must hold. */
const FIELDS = [
  { name: 'result', label: 'Ended as', choices: [ANY, ...RESULTS.map((word) => [word, stateWord(word)])] },
  { name: 'kind', label: 'What', choices: [ANY, ...KINDS.map((word) => [word, kind(word)])] },
  { name: 'by', label: 'Person', hint: 'who asked, approved, stopped or refused' },
  { name: 'commit', label: 'Commit', hint: 'seven digits or more' },
  { name: 'host', label: 'Host', hint: 'an instance id' },
  { name: 'since', label: 'Accepted from', isTime: true, hint: 'by your clock' },
  { name: 'until', label: 'and before', isTime: true, hint: 'by your clock' },
];

export const history = {
  title: (names) => `Deployments of ${names.app}`,
  takes: FIELDS.map(({ name }) => name),
  async look({ api, asked }, names, signal) {
    try {
      return { page: await api.history(names, { query: { ...asked, limit: PAGE }, signal }) };
    } catch (error) {
      // What was asked for is not well formed; the form is where that can be put right.
      if (error instanceof Refused && error.word === 'bad_request') return { problem: error };
      throw error;
    }
  },
  // A search reads up to two hundred deployments each time, a plain page only what it shows.
  pace: ({ page }, { asked }) => (Object.keys(asked).length > 0 || !page ? 'counted' : 'resting'),
  parts(context, names) {
    const { asked, environment } = context;
    const place = [environment.name, 'apps', names.app, 'deployments'];
    const isSearch = Object.keys(asked).length > 0;
    const problem = h('div');
    const list = pages({
      title: isSearch ? 'Found' : 'All, the newest first',
      id: 'found',
      empty: (next) => (isSearch ? (next ? 'None of them so far.' : 'No deployment is like that.') : 'Nothing was ever deployed here.'),
      head: DEPLOYMENT_HEAD,
      row: (one) => deploymentRow(context, one),
      items: (page) => page.deployments,
      more: (before) => context.api.history(names, { query: { ...asked, limit: PAGE, before } }),
      under: lookedThrough,
      further: isSearch ? 'Look further back' : 'Show older ones',
    });
    let isFirst = true;
    return {
      elements: [
        trail([['#/', 'Apps'], [address([environment.name]), environment.name], [address(place.slice(0, 3)), names.app]], 'Deployments'),
        h('h1', {}, `Deployments of ${names.app}`),
        form(place, asked),
        problem,
        list.element,
      ],
      show({ page, problem: refused }) {
        show(problem, refused?.message, () => (refused ? h('p', { class: 'problem', role: 'alert' }, told(refused)) : undefined));
        list.element.hidden = page === undefined;
        if (page === undefined) return;
        list.show(page);
        if (isFirst && isSearch) announce(`${page.deployments.length} found.`);
        isFirst = false;
      },
    };
  },
};

/** How far a search has come: it looks through so many at once, and what is older may hold more. */
function lookedThrough(seen, next) {
  const looked = seen.map((page) => page.looked).filter(Boolean);
  if (looked.length === 0) return undefined;
  const count = looked.reduce((sum, { at }) => sum + at, 0);
  const back = looked.map(({ back_to: to }) => to).filter(Boolean).at(-1);
  const words = `Looked through ${count} ${count === 1 ? 'deployment' : 'deployments'}${next && back ? `, back to ${clock(back)}; there may be more before` : ''}.`;
  return h('p', { class: 'quiet' }, words);
}

function form(place, asked) {
  const inputs = FIELDS.map((one) => fieldOf(one, asked[one.name]));
  function search(event) {
    event.preventDefault();
    const wanted = Object.fromEntries(inputs.map(({ name, value }) => [name, value()]));
    location.hash = address(place, wanted);
  }
  return h(
    'form',
    { class: 'filters', role: 'search', 'aria-label': 'Deployments', on: { submit: search } },
    inputs.map(({ row }) => row),
    h(
      'div',
      { class: 'buttons' },
      h('button', { class: 'button primary', type: 'submit' }, 'Search'),
      Object.keys(asked).length > 0 ? h('a', { class: 'button', href: address(place) }, 'Show all') : undefined,
    ),
  );
}

function fieldOf({ name, label, hint, choices, isTime }, given = '') {
  const id = `asked-${name}`;
  const common = { id, name, 'aria-describedby': hint ? `${id}-hint` : undefined };
  const shown = isTime ? localOf(given) : given;
  const input = choices
    ? h('select', common, choices.map(([value, word]) => h('option', { value, selected: value === shown }, word)))
    : h('input', { ...common, type: isTime ? 'datetime-local' : 'text', maxlength: '200', autocomplete: 'off', spellcheck: 'false', value: shown });
  const row = h(
    'div',
    { class: 'field' },
    h('label', { for: id }, label),
    input,
    hint ? h('p', { id: `${id}-hint`, class: 'hint' }, hint) : undefined,
  );
  // A time that nobody touched stays as it is in the address, to the second.
  const value = () => (isTime ? (input.value === shown ? given : momentOf(input.value)) : input.value.trim());
  return { name, row, value };
}

/** A moment as the field for times wants it: the reader's own clock, to the minute. */
function localOf(text) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return '';
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function momentOf(local) {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? '' : at.toISOString().replace(/\.\d+Z$/u, 'Z');
}
