// Signing in by OpenID Connect: the authorization code flow with PKCE, in the page itself. There is no secret, no cookie and no
// token that outlives the tab: what the provider gives is kept in this tab's session storage, and is asked for again when it ends.
//
// The page checks what is its own to check (state, nonce, issuer, audience, times). The signature is checked where the token
// counts: by the API, on every request.

const STORE = 'longshore.token';
const PENDING = 'longshore.sign-in';
/** A token that ends this soon is not used any more. */
const MARGIN_MS = 10_000;

let settings;
let endpoints;

/** What the page is told of its environment. */
export async function load() {
  settings = await json('console/config.json', {});
  return settings;
}

/** The token in use, as long as it holds. */
export function token() {
  const kept = sessionStorage.getItem(STORE);
  if (kept === null) return undefined;
  const claims = claimsOf(kept);
  if (!claims || claims.exp * 1000 - MARGIN_MS <= Date.now()) {
    forget();
    return undefined;
  }
  return kept;
}

/** Lets go of the token. */
export function forget() {
  sessionStorage.removeItem(STORE);
}

/** Sends the reader to the provider, who sends them back to where they are. */
export async function begin() {
  const { authorization_endpoint: authorize } = await discovered();
  const pending = { verifier: random(), state: random(), nonce: random(), back: location.hash };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(pending.verifier));
  const address = new URL(authorize);
  const asked = {
    response_type: 'code',
    client_id: settings.client,
    redirect_uri: here(),
    scope: settings.scopes,
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(asked)) address.searchParams.set(name, value);
  location.assign(address);
}

/** Takes what the provider has sent the reader back with, if that is how they come. */
export async function finish() {
  const given = new URLSearchParams(location.search);
  if (!given.has('code') && !given.has('error')) return;
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? 'null');
  sessionStorage.removeItem(PENDING);
  history.replaceState(null, '', here() + (pending?.back ?? ''));
  if (given.has('error')) {
    throw new Error(`The provider did not sign you in: ${given.get('error_description') ?? given.get('error')}.`);
  }
  if (!pending || given.get('state') !== pending.state || (given.has('iss') && given.get('iss') !== settings.issuer)) {
    throw new Error('The answer of the provider belongs to no question of this page.');
  }
  const { token_endpoint: place } = await discovered();
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code: given.get('code'),
    redirect_uri: here(),
    client_id: settings.client,
    code_verifier: pending.verifier,
  });
  const { id_token: issued } = await json(place, { method: 'POST', body: form });
  check(claimsOf(issued), pending.nonce);
  sessionStorage.setItem(STORE, issued);
}

/** Ends the sign-in here, and at the provider where it lets us. */
export async function end() {
  const hint = sessionStorage.getItem(STORE);
  forget();
  const { end_session_endpoint: place } = await discovered().catch(() => ({}));
  if (!place || hint === null) {
    location.reload();
    return;
  }
  const address = new URL(place);
  address.searchParams.set('id_token_hint', hint);
  address.searchParams.set('post_logout_redirect_uri', here());
  location.assign(address);
}

function check(claims, nonce) {
  const audience = [claims?.aud].flat();
  const good =
    claims?.iss === settings.issuer &&
    audience.includes(settings.client) &&
    claims.nonce === nonce &&
    claims.exp * 1000 > Date.now();
  if (!good) throw new Error('The provider sent a token that is not for this page.');
}

async function discovered() {
  endpoints ??= await json(`${settings.issuer.replace(/\/$/u, '')}/.well-known/openid-configuration`, {});
  if (endpoints.issuer !== settings.issuer) throw new Error('The provider calls itself by another name than the page knows.');
  return endpoints;
}

async function json(address, options) {
  const asked = { credentials: 'omit', redirect: 'error', signal: AbortSignal.timeout(20_000), ...options };
  const answer = await fetch(address, asked).catch(() => undefined);
  if (!answer) throw new Error(`${new URL(address, location.href).host} cannot be reached.`);
  if (!answer.ok) throw new Error(`${new URL(address, location.href).host} answered ${answer.status}.`);
  return answer.json();
}

/** The claims of a token, unchecked. */
function claimsOf(text) {
  try {
    const [, body] = text.split('.');
    const bytes = Uint8Array.from(atob(body.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.codePointAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function here() {
  return location.origin + location.pathname;
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes) {
  return btoa(String.fromCodePoint(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/[=]+$/u, '');
}
