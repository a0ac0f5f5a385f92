// The pictures of the console in docs/pictures: drawn of a real stack on which something really happens.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { open, person, press, push, reads, start } from './browser.mjs';

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
    'settings.json': '{ "poolLastsMs": 5000 }',
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
} finally {
  await browser.close();
}
