// The pictures of the console in docs/pictures: drawn of a real stack on which something really happens.

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ask, LIMIT, open, person, press, push, reads, start, tokenOf } from './browser.mjs';

const folder = join(process.env.LONGSHORE_REPOSITORY, 'docs/pictures');
const browser = await start();

async function picture(page, name, more = {}) {
  await page.evaluate(() => document.activeElement?.blur());
  await page.screenshot({ path: join(folder, `console-${name}.png`), ...more });
}

/** The newest deployment, once it waits for a person: opened by this page. */
async function waiting(page) {
  await open(page, '#/');
  await reads(page, 'Waits for a person (1)');
  await page.click('.asks a');
  await reads(page, 'The plan to say yes to');
}

async function approve(page) {
  await press(page, 'Approve …');
  await press(page, 'Approve', 'dialog');
  await page.waitForFunction(() => !document.querySelector('dialog'));
}

/** Asks the API again and again, until its answer has what is looked for. */
async function until(token, path, found) {
  const end = Date.now() + LIMIT;
  for (;;) {
    const { body } = await ask(token, 'GET', path);
    const it = found(body);
    if (it) return it;
    if (Date.now() > end) throw new Error(`${path} never had what was looked for: ${JSON.stringify(body)}`);
    await new Promise((done) => setTimeout(done, 500));
  }
}

/** Lets whatever waits for a person begin, and waits for its end. */
async function goesLive(token) {
  const id = await until(token, '/console/v1/apps/orders', ({ waiting }) => waiting?.state === 'AwaitingApproval' && waiting.id);
  const { body } = await ask(token, 'GET', `/console/v1/deployments/${id}`);
  await ask(token, 'POST', `/console/v1/deployments/${id}/approve`, { plan: body.plan.digest });
  await until(token, `/console/v1/deployments/${id}`, ({ over }) => over);
}

try {
  await mkdir(folder, { recursive: true });
  const bob = await person(browser, 'bob');
  await push('Open the shop');
  await waiting(bob);
  await approve(bob);
  await reads(bob, 'Every host was proven to serve the release');

  // A release that turns sick a few seconds after it was proven.
  await push('Second edition', {
    'catalogue.json': '{ "title": "Orders, second edition", "products": [{ "name": "sail", "cents": 99900 }] }',
    'settings.json': '{ "poolSize": 4 }',
  });
  await waiting(bob);
  await approve(bob);
  await bob.waitForFunction(() => ['Verifying', 'Baking'].includes(document.querySelector('.way .at')?.textContent));
  await picture(bob, 'live');
  await reads(bob, 'Every host that had moved serves the release before again.');
  const sick = await bob.evaluate(() => location.hash);

  await push('Third edition', {
    'catalogue.json': '{ "title": "Orders, third edition", "products": [{ "name": "anchor", "cents": 45000 }] }',
    'settings.json': '{}',
  });
  await waiting(bob);
  await picture(bob, 'approval', { fullPage: true });
  await open(bob, '#/');
  await reads(bob, 'Waits for a person (1)');
  await picture(bob, 'overview', { clip: { x: 0, y: 0, width: 1280, height: 420 } });

  const carol = await person(browser, 'carol', { dark: true });
  await open(carol, '#/dev/apps/orders');
  await reads(carol, 'Quarantine');
  await picture(carol, 'app-dark', { fullPage: true });
  await open(carol, sick);
  await reads(carol, 'Why');
  await picture(carol, 'failure-dark', { clip: { x: 0, y: 0, width: 1280, height: 860 } });

  const phone = await person(browser, 'dave', { phone: true });
  await open(phone, sick);
  await picture(phone, 'phone');

  // Enough to count: the one that waits, a build that fails, and some more that go well.
  const token = await tokenOf(bob);
  await goesLive(token);
  const build = await readFile(join(process.env.LONGSHORE_TREE, 'build.js'), 'utf8');
  await push('Fourth edition', { 'build.js': "throw new Error('catalogue.json names no supplier');\n" });
  await until(token, '/console/v1/apps/orders/deployments?result=Failed', ({ deployments }) => deployments.length > 0);
  await push('Fourth edition, whole', { 'build.js': build });
  await goesLive(token);
  for (const edition of ['Fifth', 'Sixth', 'Seventh', 'Eighth', 'Ninth', 'Tenth', 'Eleventh']) {
    await push(`${edition} edition`, { 'catalogue.json': `{ "title": "Orders, ${edition.toLowerCase()} edition", "products": [{ "name": "anchor", "cents": 45000 }] }` });
    await goesLive(token);
  }
  await open(bob, '#/dev/stats?app=orders&days=28');
  await reads(bob, 'Where the time goes');
  await picture(bob, 'numbers', { fullPage: true });
} finally {
  await browser.close();
}
