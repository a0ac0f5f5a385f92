// The pictures of messages in docs/pictures, each drawn of what the notifier's tests hold it to: functions/notifier/tests/cards.

import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import UPNG from 'upng-js';
import { start } from './browser.mjs';
import { escaped, message } from './slack.mjs';
import { draw } from './teams.mjs';

const repository = process.env.LONGSHORE_REPOSITORY;
const cards = join(repository, 'functions/notifier/tests/cards');
const folder = join(repository, 'docs/pictures');

/** The messages that are drawn. `functions/notifier/tests/cards.rs` has the same list, shows them on its page, and holds this one to it. */
const DRAWN = ['plan_with_changes', 'succeeded', 'failed_preparing', 'rolled_back', 'rolled_back_by_numbers', 'rollback_failed', 'digest_mixed'];
/** The one that is shown as a mail, too. */
const AS_MAIL = 'rollback_failed';

/** How many colours a picture may have: enough for the edges of letters, and a third of the bytes of all of them. */
const COLOURS = 96;

/** Type that is there on every machine, so that a picture does not depend on who draws it. */
const FONTS = [
  '@fontsource/lato/latin-400.css',
  '@fontsource/lato/latin-700.css',
  '@fontsource/lato/latin-900.css',
  '@fontsource/open-sans/400.css',
  '@fontsource/open-sans/600.css',
  '@fontsource/source-code-pro/latin-400.css',
  'twemoji-colr-font/twemoji.css',
];

const place = (name) => fileURLToPath(import.meta.resolve(name));

/** The declarations of a font, with each file as an address that the page may read. */
async function font(name) {
  const file = place(name);
  const text = await readFile(file, 'utf8');
  return text.replaceAll(/url\(["']?(?<path>[^)"']+)["']?\)/gu, (...found) => `url("${new URL(found.at(-1).path, pathToFileURL(file))}")`);
}

function inSlack({ post, update, details, call_for_a_person: call }) {
  const thread = details === null ? '' : `<div class="thread"><div>In its thread</div>${message(details)}</div>`;
  const called = call === null ? '' : message(call, 'replied to a thread, so that the channel sees it');
  return `<div class="channel slack"><h2>Slack</h2>${message(update ?? post)}${called}${thread}</div>`;
}

const IN_TEAMS = '<div class="channel teams"><h2>Teams</h2><div class="card" id="card"></div></div>';

function asMail({ subject, body }) {
  const words = `<div class="subject">${escaped(subject)}</div><pre>${escaped(body)}</pre>`;
  return `<div class="channel"><h2>Mail, by SNS</h2><div class="letter">${words}</div></div>`;
}

/** Shows a message in its channels. */
async function show(page, name, { slack_app: slack, teams, sns }) {
  const mail = name === AS_MAIL ? asMail(sns) : '';
  const html = `<div>${inSlack(slack)}</div><div>${IN_TEAMS}${mail}</div>`;
  await page.evaluate((content) => {
    document.getElementById('picture').innerHTML = content;
  }, html);
  await draw(page, 'card', teams);
  // Type is read when something is written in it; a picture before that would have holes.
  await page.evaluate(async () => {
    const words = document.body.innerText;
    const faces = ['400 15px Twemoji', ...[400, 700, 900].map((weight) => `${weight} 15px Lato`)];
    faces.push("400 14px 'Open Sans'", "600 14px 'Open Sans'", "400 13px 'Source Code Pro'");
    await Promise.all(faces.map((face) => document.fonts.load(face, words)));
    await document.fonts.ready;
  });
}

/** The picture of what the page shows, in few colours. */
async function picture(page, name) {
  const file = `message-${name.replaceAll('_', '-')}.png`;
  const drawn = await page.$('#picture');
  const full = UPNG.decode(await drawn.screenshot());
  const small = UPNG.encode(UPNG.toRGBA8(full), full.width, full.height, COLOURS);
  await writeFile(join(folder, file), Buffer.from(small));
  return file;
}

/** What a picture was drawn of, so that a test finds one that is of older words. */
const line = (card, file) => `${createHash('sha256').update(card).digest('hex')}  ${file}\n`;

const browser = await start();
try {
  await mkdir(folder, { recursive: true });
  const page = await browser.newPage();
  await page.setViewport({ width: 1000, height: 800 });
  // A page from a file, because only such a one may read the files of the type.
  await page.goto(new URL('messages.html', import.meta.url).href);
  for (const name of FONTS) await page.addStyleTag({ content: await font(name) });
  await page.addScriptTag({ path: place('adaptivecards/dist/adaptivecards.min.js') });
  let drawn = '';
  for (const name of DRAWN) {
    const card = await readFile(join(cards, `${name}.json`), 'utf8');
    await show(page, name, JSON.parse(card));
    drawn += line(card, await picture(page, name));
  }
  await writeFile(join(folder, 'messages.sha256'), drawn);
} finally {
  await browser.close();
}
