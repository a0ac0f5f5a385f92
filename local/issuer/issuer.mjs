// The OpenID provider of the local cloud: a certified library with four people and one client, and a page on which one says who
// one is. It asks for no password, so it listens on the loopback only and knows nobody but the people of the local cloud.
//
// Arguments: the port, and the address that the console is served from (a redirect may go nowhere else).

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const CLIENT = 'longshore-console';
const [port, console_] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const environment = process.env.LONGSHORE_ENVIRONMENT ?? 'dev';

/** Who there is, and the roles that each has in the console. */
const PEOPLE = { alice: ['deployer', 'approver'], bob: ['approver'], carol: ['admin'], dave: ['reader'], erin: [] };

function account(_, id) {
  if (!Object.hasOwn(PEOPLE, id)) return undefined;
  return {
    accountId: id,
    claims: () => ({
      sub: id,
      preferred_username: id,
      email: `${id}@example.com`,
      email_verified: true,
      groups: ['everybody', ...PEOPLE[id].map((role) => `longshore-${environment}-${role}`)],
    }),
  };
}

/** Whoever has signed in has agreed: the console is the only client, and ours. */
async function grant(context) {
  const { client, session, provider } = context.oidc;
  const known = session.grantIdFor(client.clientId);
  if (known) return provider.Grant.find(known);
  const given = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  given.addOIDCScope('openid profile email groups');
  await given.save();
  return given;
}

const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: CLIENT,
      redirect_uris: [console_],
      post_logout_redirect_uris: [console_],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'none',
    },
  ],
  claims: { openid: ['sub'], profile: ['preferred_username'], email: ['email', 'email_verified'], groups: ['groups'] },
  // As most providers do, it puts the claims of the scopes into the id token.
  conformIdTokenClaims: false,
  clientBasedCORS: () => true,
  cookies: { keys: ['a key of the local cloud only'] },
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true, logoutSource } },
  findAccount: account,
  // New ones each time, so that no token of another cloud counts.
  jwks: { keys: [{ ...key, kid: randomUUID(), use: 'sig', alg: 'RS256' }] },
  interactions: { url: (_, interaction) => `/people/${interaction.uid}` },
  loadExistingGrant: grant,
  pkce: { required: () => true },
  ttl: { Interaction: 3600, Grant: 3600, Session: 3600, IdToken: 3600, AccessToken: 3600, AuthorizationCode: 60 },
});

/** Nobody has to confirm that they sign out. */
function logoutSource(context, form) {
  context.body = page('Sign out', `<p>Sign out of the local cloud?</p>${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`);
}

function page(title, content) {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<body style="font:16px system-ui;max-width:24rem;margin:4rem auto;padding:0 1rem"><h1>${title}</h1>${content}</body></html>`;
}

const people = Object.entries(PEOPLE)
  .map(([name, roles]) => `<p><button name="who" value="${name}">${name}</button> ${roles.join(', ') || 'no role'}</p>`)
  .join('');

const library = provider.callback();
const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, issuer);
  try {
    if (!pathname.startsWith('/people/')) {
      await library(request, response);
    } else if (request.method === 'POST') {
      const who = new URLSearchParams(await text(request)).get('who');
      await provider.interactionFinished(request, response, { login: { accountId: who } });
    } else {
      await provider.interactionDetails(request, response);
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(page('Who are you?', `<form method="post">${people}</form>`));
    }
  } catch (error) {
    response.statusCode = 400;
    response.end(String(error?.error_description ?? error?.message ?? error));
  }
});

async function text(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

server.listen(Number(port), '127.0.0.1', () => process.stdout.write(`ready at ${issuer}\n`));
