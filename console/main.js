// The page: who is signed in, which place is open, and looking again for as long as somebody looks.

import { apiOf, Refused, SignedOut, Unreachable } from './api.js';
import { app } from './app.js';
import { deployment } from './deployment.js';
import { announce, h, show, told } from './dom.js';
import { history } from './history.js';
import { overview } from './overview.js';
import * as signIn from './sign-in.js';
import { stats } from './stats.js';
import { ageAll } from './words.js';

/** How long until the next look, in milliseconds: while something moves, while nothing does, where hundreds of deployments are read
 * for one answer, and after failures in a row. */
const PACE = { moving: 2000, resting: 15_000, counted: 300_000 };
const BACK_OFF = [2000, 4000, 8000, 16_000, 32_000, 60_000];

const main = document.getElementById('main');
const page = { environments: [], version: '' };
let live;

/** A place of the page, by the part of its address behind the hash. What is asked for stands behind a question mark; a place that
 * does not take it is none, so that a mistyped word is not left out in silence. */
function place() {
  const [path, query = ''] = location.hash.replace(/^#\/?/u, '').split(/\?(.*)/su);
  const asked = Object.fromEntries(new URLSearchParams(query));
  const found = placeOf(path.split('/').filter(Boolean).map(decoded));
  const isTaken = found && Object.keys(asked).every((name) => found.view.takes?.includes(name));
  return isTaken ? { ...found, asked } : undefined;
}

function placeOf(parts) {
  const [environment, what, name, further] = parts;
  const found = page.environments.find((one) => one.name === environment);
  if (parts.length === 0) return { view: overview, environment: page.environments[0], names: {}, isOfAll: true };
  if (!found) return undefined;
  if (parts.length === 1) return { view: overview, environment: found, names: {}, environments: [found] };
  if (what === 'stats' && parts.length === 2) return { view: stats, environment: found, names: {} };
  if (what === 'apps' && name && parts.length === 3) return { view: app, environment: found, names: { app: name } };
  if (what === 'apps' && name && further === 'deployments' && parts.length === 4) return { view: history, environment: found, names: { app: name } };
  if (what === 'deployments' && name && parts.length === 3) return { view: deployment, environment: found, names: { id: name } };
  return undefined;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Looks again and again: quickly while something moves, slowly while nothing does, more and more slowly while nobody answers, and
 * not at all while nobody sees it. */
function looking(look) {
  let timer;
  let failures = 0;
  let ends = new AbortController();
  let stopped = false;
  async function once() {
    clearTimeout(timer);
    ends.abort();
    ends = new AbortController();
    const { signal } = ends;
    let pause;
    try {
      pause = PACE[await look(signal)];
      failures = 0;
      trouble();
    } catch (error) {
      if (signal.aborted || stopped) return;
      if (error instanceof SignedOut) {
        signedOut(error.message);
        return;
      }
      pause = BACK_OFF[Math.min(failures, BACK_OFF.length - 1)];
      failures += 1;
      if (!(error instanceof Unreachable) && !(error instanceof Refused)) console.error(error);
      trouble(error, pause);
    }
    if (!stopped && !document.hidden) timer = setTimeout(once, pause);
  }
  function seen() {
    if (document.hidden) {
      clearTimeout(timer);
    } else {
      void once();
    }
  }
  document.addEventListener('visibilitychange', seen);
  void once();
  return {
    now: once,
    stop() {
      stopped = true;
      clearTimeout(timer);
      ends.abort();
      document.removeEventListener('visibilitychange', seen);
    },
  };
}

/** Says above the page that it could not look, and when it will again; what was last seen stays. */
function trouble(error, pause) {
  const bar = document.getElementById('trouble');
  if (error === undefined) {
    if (bar.hasChildNodes()) announce('The API answers again.');
    bar.replaceChildren();
    return;
  }
  const again = h('button', { class: 'button small', type: 'button', on: { click: () => void live?.now() } }, 'Look now');
  const isUnknown = !(error instanceof Unreachable) && !(error instanceof Refused);
  const words = isUnknown ? [h('strong', {}, 'The page could not show what the API told.')] : told(error);
  const text = h('p', { role: 'alert' }, words, ` Looking again in ${Math.round(pause / 1000)} s.`);
  const isSame = bar.textContent === text.textContent + again.textContent;
  if (!isSame) bar.replaceChildren(h('div', { class: 'bar' }, text, again));
}

function open() {
  live?.stop();
  live = undefined;
  trouble();
  const where = place();
  navigation(where?.isOfAll ? undefined : where?.environment);
  if (!where) {
    title('Not found');
    main.replaceChildren(h('h1', {}, 'There is no such place'), h('p', {}, h('a', { href: '#/' }, 'All apps')));
    return;
  }
  const { view, environment, names, asked, environments = page.environments } = where;
  const root = h('div', { class: 'view', 'aria-busy': 'true' }, h('p', { class: 'loading' }, 'Looking …'));
  main.replaceChildren(root);
  title(view.title(names));
  const context = {
    environments,
    environment,
    asked,
    api: environment.api,
    may: (role, where_ = environment) => where_.me?.roles?.includes(role) ?? false,
    refresh: () => live?.now(),
  };
  const parts = view.parts(context, names);
  live = looking(async (signal) => {
    const seen = await view.look(context, names, signal);
    if (root.getAttribute('aria-busy')) {
      root.removeAttribute('aria-busy');
      root.replaceChildren(...parts.elements);
      main.querySelector('h1')?.setAttribute('tabindex', '-1');
      if (document.activeElement === document.body || document.activeElement === main) main.querySelector('h1')?.focus();
    }
    parts.show(seen);
    return view.pace(seen, context);
  });
}

function title(text) {
  document.title = `${text} · Longshore`;
}

function navigation(current) {
  const links = page.environments.length > 1 ? page.environments : [];
  show(document.getElementById('environments'), [links.map(({ name }) => name), current?.name], () =>
    h('ul', {}, links.map(({ name }) => h('li', {}, h('a', { href: `#/${name}`, 'aria-current': name === current?.name ? 'true' : undefined }, name)))),
  );
}

function header() {
  const [first] = page.environments;
  const me = first?.me;
  const roles = me?.roles?.filter((role) => role !== 'reader' || me.roles.length === 1) ?? [];
  document.getElementById('who').replaceChildren(
    h('span', { class: 'me' }, h('span', { class: 'name' }, me?.name ?? ''), roles.map((role) => h('span', { class: 'role' }, role))),
    h('button', { class: 'button small', type: 'button', on: { click: () => void signIn.end() } }, 'Sign out'),
  );
  document.getElementById('foot').replaceChildren(
    h('span', {}, `Longshore ${page.version}`),
    h('span', {}, page.environments.map(({ name }) => name).join(', ')),
    h('span', {}, 'The page looks again by itself, and not while it is hidden.'),
  );
}

/** The page without anybody signed in. */
function signedOut(why, isWrong = false) {
  live?.stop();
  live = undefined;
  trouble();
  title('Sign in');
  document.getElementById('who').replaceChildren();
  document.getElementById('environments').replaceChildren();
  document.querySelector('dialog')?.close();
  const button = h('button', { class: 'button primary', type: 'button', on: { click: () => void leave() } }, 'Sign in');
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
  async function leave() {
    button.disabled = true;
    try {
      await signIn.begin();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
      button.disabled = false;
    }
  }
  main.replaceChildren(
    h(
      'div',
      { class: 'door' },
      h('h1', { tabindex: '-1' }, 'Sign in'),
      h('p', { class: isWrong ? 'problem' : 'quiet', role: isWrong ? 'alert' : undefined }, why),
      button,
      problem,
    ),
  );
  main.querySelector('h1').focus();
}

async function start() {
  try {
    const settings = await signIn.load();
    page.version = settings.version;
    page.environments = settings.environments.map(({ name, api }) => ({ name, origin: api, api: apiOf({ name, api }) }));
    await signIn.finish();
  } catch (error) {
    signedOut(error.message, true);
    return;
  }
  if (signIn.token() === undefined) {
    signedOut('Your company’s sign-in tells Longshore who you are and what you may do here.');
    return;
  }
  await enter();
}

/** Asks each environment who the reader is there; the place opens when the first has answered. */
async function enter() {
  main.replaceChildren(h('p', { class: 'loading' }, 'Looking …'));
  const [own, ...others] = page.environments;
  try {
    own.me = await own.api.whoAmI();
  } catch (error) {
    if (error instanceof SignedOut) {
      signedOut(error.message);
      return;
    }
    outside(error);
    return;
  }
  await Promise.all(
    others.map(async (one) => {
      one.me = await one.api.whoAmI().catch((error) => ({ problem: error.message, roles: [] }));
    }),
  );
  header();
  open();
  window.addEventListener('hashchange', () => {
    open();
    window.scrollTo(0, 0);
  });
  setInterval(ageAll, 5000);
}

/** Signed in, and yet without a way in: no role, or nobody answers. */
function outside(error) {
  title('No way in');
  main.replaceChildren(
    h(
      'div',
      { class: 'door' },
      h('h1', { tabindex: '-1' }, error instanceof Refused ? 'You have no role here' : 'The API cannot be reached'),
      h('p', { class: 'problem', role: 'alert' }, told(error)),
      h(
        'div',
        { class: 'buttons' },
        h('button', { class: 'button primary', type: 'button', on: { click: () => void enter() } }, 'Try again'),
        h('button', { class: 'button', type: 'button', on: { click: () => void signIn.end() } }, 'Sign out'),
      ),
    ),
  );
  main.querySelector('h1').focus();
}

void start();
