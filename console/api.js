// The operators' API, by the console's routes: the same ones under a prefix, with a token in the place of a signature.
//
// A token is sent because this page puts it into a header, never because a browser adds it by itself; so no other page can make
// a reader's browser act here, and nothing has to be done against that.

import { forget, token } from './sign-in.js';

/** How long an answer may take. */
const LIMIT_MS = 29_000;

/** The API has refused: a stable word, what was wrong, what to do. */
export class Refused extends Error {
  constructor(status, refusal) {
    super(refusal.message);
    this.status = status;
    this.word = refusal.error;
    this.next = refusal.next;
  }
}

/** The sign-in has ended, or was never there. */
export class SignedOut extends Error {}

/** Nothing answers. */
export class Unreachable extends Error {}

const routes = {
  whoAmI: route('GET', '/console/v1/whoami'),
  apps: route('GET', '/console/v1/apps'),
  status: route('GET', '/console/v1/apps/{app}'),
  stats: route('GET', '/console/v1/stats'),
  history: route('GET', '/console/v1/apps/{app}/deployments'),
  audit: route('GET', '/console/v1/apps/{app}/audit'),
  show: route('GET', '/console/v1/deployments/{id}'),
  logs: route('GET', '/console/v1/deployments/{id}/logs'),
  plan: route('POST', '/console/v1/apps/{app}/plan'),
  begin: route('POST', '/console/v1/apps/{app}/deployments'),
  cancel: route('POST', '/console/v1/deployments/{id}/cancel'),
  retry: route('POST', '/console/v1/deployments/{id}/retry'),
  approve: route('POST', '/console/v1/deployments/{id}/approve'),
  reject: route('POST', '/console/v1/deployments/{id}/reject'),
  lock: route('POST', '/console/v1/apps/{app}/lock'),
  unlock: route('DELETE', '/console/v1/apps/{app}/lock'),
  breakGlass: route('POST', '/console/v1/apps/{app}/break-glass'),
  clearQuarantine: route('DELETE', '/console/v1/apps/{app}/quarantine/{commit}'),
};

/** The API of an environment: every route as a function of the path's names, and of a query, a body and a signal. */
export function apiOf(environment) {
  return Object.fromEntries(Object.entries(routes).map(([name, call]) => [name, (...given) => call(environment, ...given)]));
}

function route(method, path) {
  return async (environment, names = {}, { query = {}, body, signal } = {}) => {
    const filled = path.replaceAll(/\{([a-z]+)\}/gu, (_, name) => encodeURIComponent(names[name]));
    const address = new URL(filled, environment.api || location.origin);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) address.searchParams.set(name, value);
    }
    return send(address, method, body, signal);
  };
}

async function send(address, method, body, signal) {
  const held = token();
  if (held === undefined) throw new SignedOut('Your sign-in has ended.');
  const headers = { authorization: `Bearer ${held}` };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const limit = AbortSignal.timeout(LIMIT_MS);
  let answer;
  let told;
  try {
    answer = await fetch(address, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'error',
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    told = await answer.json().catch(() => ({}));
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unreachable('The API cannot be reached.');
  }
  if (answer.ok) return told;
  if (answer.status === 401) {
    forget();
    throw new SignedOut('Your sign-in has ended.');
  }
  // Without a word of its own it was no answer of the API, but of what stands before it.
  if (typeof told.error === 'string' && told.error !== 'unavailable') throw new Refused(answer.status, told);
  if (answer.status === 403) throw new Refused(403, { error: 'not_allowed', message: 'You may not do this here.', next: '' });
  throw new Unreachable(`The API answers, but cannot do it now (${answer.status}).`);
}
