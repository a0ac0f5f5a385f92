// A browser for the console: people who sign in, and what they see. It waits for what must become true, never for a time.

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import chromium from '@sparticuz/chromium';
import puppeteer from 'puppeteer-core';

const run = promisify(execFile);

export const console_ = process.env.LONGSHORE_CONSOLE;
/** The same API by another address, which needs no name to be resolved. */
const api = process.env.LONGSHORE_API;
const tree = process.env.LONGSHORE_TREE;

/** How long anything may take until it is true. */
export const LIMIT = 90_000;

const ARGUMENTS = ['--no-sandbox', '--font-render-hinting=none', '--disable-dev-shm-usage', '--force-color-profile=srgb'];

/** Starts the browser. */
export async function start() {
  return puppeteer.launch({ executablePath: await chromium.executablePath(), args: ARGUMENTS, headless: 'shell' });
}

/** A page that nobody has signed in to, in a context of its own. What it complains about is kept. */
export async function visitor(browser, { dark = false, phone = false } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT);
  await page.setViewport(
    phone ? { width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true } : { width: 1280, height: 800 },
  );
  await page.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' },
    { name: 'prefers-reduced-motion', value: 'reduce' },
  ]);
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(error.message));
  page.on('dialog', (dialog) => {
    page.complaints.push(`a dialog of foreign code: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    // A status that is not 200 is what some of the tests are about; a broken policy never is.
    if (/Content Security Policy|Trusted/u.test(message.text())) page.complaints.push(message.text());
  });
  return page;
}

/** A page of somebody who has signed in as this person. */
export async function person(browser, name, options) {
  const page = await visitor(browser, options);
  await page.goto(console_);
  await signIn(page, name);
  return page;
}

/** Signs in from the page that asks for it. */
export async function signIn(page, name) {
  await page.waitForSelector('main button.primary');
  await page.click('main button.primary');
  const choice = await page.waitForSelector(`button[value=${name}]`);
  await choice.click();
  await page.waitForSelector('#who .name, .door .problem');
}

/** Opens a place of the page, and waits until it is there. */
export async function open(page, hash) {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
  await page.waitForFunction((to) => location.hash === to && !document.querySelector('[aria-busy]'), {}, hash);
}

/** Waits until the page shows this text. */
export async function reads(page, text) {
  try {
    await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), {}, text);
  } catch {
    throw new Error(`the page never showed ${JSON.stringify(text)}:\n${await textOf(page)}`);
  }
}

export const textOf = (page) => page.evaluate(() => document.body.innerText);

/** Clicks the button with this text. */
export async function press(page, label, within = 'body') {
  const button = await page.waitForSelector(`${within} ::-p-xpath(.//button[normalize-space()='${label}'])`);
  await button.click();
}

/** The labels of every button in the main part. */
export const buttons = (page) => page.$$eval('main button', (all) => all.map((one) => one.textContent));

/** Commits and pushes these files of the app. */
export async function push(message, files = {}) {
  for (const [name, content] of Object.entries(files)) await writeFile(join(tree, name), content);
  const git = (...given) => run('git', ['-c', 'user.name=Dana', '-c', 'user.email=dana@example.com', ...given], { cwd: tree });
  await git('add', '-A');
  await git('commit', '--allow-empty', '-m', message);
  await git('push', 'origin', 'HEAD:main');
  return (await git('rev-parse', 'HEAD')).stdout.trim();
}

/** Asks the API as the page would, past the page: with this token. */
export async function ask(token, method, path, body) {
  const answer = await fetch(`${api}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

/** The token of whoever is signed in. */
export const tokenOf = (page) => page.evaluate(() => sessionStorage.getItem('longshore.token'));

/** Lets every request to the API go through `answer`, which gets the request and may answer it; what it does not answer goes on. */
export async function intercept(page, answer) {
  await page.setRequestInterception(true);
  page.on('request', (request) => {
    const isApi = new URL(request.url()).pathname.startsWith('/console/v1/');
    const given = isApi ? answer(request) : undefined;
    if (given === undefined) void request.continue();
    else void given;
  });
}

/** What the API would have answered to a request of the page. */
export async function answerTo(request) {
  const { pathname, search } = new URL(request.url());
  const { authorization } = request.headers();
  const answer = await fetch(`${api}${pathname}${search}`, { method: request.method(), headers: { authorization } });
  return { status: answer.status, body: await answer.json() };
}
