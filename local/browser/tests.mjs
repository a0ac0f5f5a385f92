// The console in a real browser, on a real stack: the files as the function serves them, tokens that the HTTP API checks, and
// deployments to hosts that run. The order tells a story: nothing is live, a push waits, bob says yes, it goes live.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { answerTo, ask, buttons, console_, intercept, open, person, press, push, reads, signIn, start, textOf, tokenOf, visitor } from './browser.mjs';

const PAYLOAD = '<img src=x onerror="window.broken=1"><script>window.broken=1</script><b id=planted>\u202e';
/** The places that need no deployment of the story. */
const PLACES = ['#/', '#/dev/apps/orders', '#/dev/apps/orders/deployments', '#/dev/apps/orders/deployments?by=alice&until=2100-01-01T00%3A00%3A00Z', '#/dev/stats', '#/dev/stats?app=orders&days=7'];
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

let browser;
let axe;
/** The deployment of the story. */
let first;

before(async () => {
  browser = await start();
  axe = await readFile(AXE, 'utf8');
});

after(() => browser?.close());

/** Nothing in the page was broken, nor foreign code run. */
async function isWhole(page) {
  assert.deepEqual(page.complaints, []);
  assert.equal(await page.evaluate(() => window.broken), undefined);
  assert.equal(await page.$('#planted'), null);
}

/** The scan of axe-core finds nothing. */
async function isAccessible(page, where) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await window.axe.run(document, { runOnly: tags });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join('; ')}`);
  });
  assert.deepEqual(found, [], where);
}

test('whoever is not signed in sees the door and nothing else', async () => {
  const page = await visitor(browser);
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(console_);
  await reads(page, 'Your company’s sign-in');
  assert.ok(!asked.some((path) => path.startsWith('/console/v1/')), asked.join(' '));
  await isAccessible(page, 'the door');
  await isWhole(page);
});

test('an answer that belongs to no question signs nobody in', async () => {
  const page = await visitor(browser);
  await page.goto(`${console_}?code=stolen&state=guessed`);
  await reads(page, 'belongs to no question');
  assert.equal(await tokenOf(page), null);
  await isWhole(page);
});

test('alice signs in by the code flow and comes back to where she was', async () => {
  const page = await visitor(browser);
  await page.goto(`${console_}#/dev/apps/orders`);
  await signIn(page, 'alice');
  await reads(page, 'nothing yet');
  assert.equal(new URL(page.url()).search, '');
  assert.equal(await page.evaluate(() => location.hash), '#/dev/apps/orders');
  const who = await page.$eval('#who', (element) => element.innerText);
  assert.match(who, /alice/u);
  assert.match(who, /deployer/u);
  assert.deepEqual(await page.cookies(), []);
  await isWhole(page);
});

test('a push waits for a person, and alice’s own yes does not count', async () => {
  const page = await person(browser, 'alice');
  await reads(page, 'at rest');
  const build = (await readFile(`${process.env.LONGSHORE_TREE}/build.js`, 'utf8')) + `console.log(${JSON.stringify(PAYLOAD)});\n`;
  await push(PAYLOAD, { 'build.js': build });
  await reads(page, 'Waits for a person (1)');
  await page.click('.asks a');
  await reads(page, 'The plan to say yes to');
  first = await page.evaluate(() => location.hash.split('/').at(-1));
  await press(page, 'Approve …');
  await press(page, 'Approve', 'dialog');
  await page.waitForSelector('dialog .problem:not([hidden])');
  assert.match(await page.$eval('dialog .problem', (element) => element.innerText), /may not say yes to it/u);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('dialog'));
  await reads(page, '0 of 1');
  await isWhole(page);
});

test('bob approves by the keyboard alone, and the page follows until every host is proven', async () => {
  const page = await person(browser, 'bob');
  await reads(page, 'Waits for a person (1)');
  const tabTo = async (wanted) => {
    for (let step = 0; step < 40; step += 1) {
      const on = await page.evaluate(() => document.activeElement.innerText);
      if (on?.trim().startsWith(wanted)) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`${wanted} is out of reach of the keyboard`);
  };
  await tabTo('Skip');
  await page.keyboard.press('Tab');
  await tabTo('◆');
  await page.keyboard.press('Enter');
  await reads(page, 'The plan to say yes to');
  await page.evaluate(() => {
    window.said = [];
    new MutationObserver(() => {
      const text = document.getElementById('said').textContent;
      if (text) window.said.push(text);
    }).observe(document.getElementById('said'), { childList: true, characterData: true, subtree: true });
  });
  await tabTo('Approve');
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]');
  await isAccessible(page, 'the dialog');
  await page.keyboard.type('looks good');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Approve');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => !document.querySelector('dialog'));
  await reads(page, 'bob said yes');
  await reads(page, 'Every host was proven to serve the release');
  const proven = await page.$$eval('.hosts .pill', (all) => all.map((one) => one.innerText));
  assert.equal(proven.filter((text) => text.includes('Proven')).length, 2, proven.join(' '));
  const said = await page.evaluate(() => window.said);
  assert.ok(said.includes('Approved.') && said.includes('orders: Succeeded.'), said.join(' '));
  assert.deepEqual(await buttons(page), []);
  const { body } = await ask(await tokenOf(page), 'GET', `/console/v1/deployments/${first}`);
  assert.equal(body.votes[0].by, 'bob');
  assert.match(body.votes[0].via, /^console/u);
  await isWhole(page);
});

test('what a host has written is shown, and does nothing else', async () => {
  const page = await person(browser, 'dave');
  await open(page, `#/dev/deployments/${first}`);
  await page.click('summary');
  await reads(page, 'window.broken=1');
  await reads(page, 'This is all of it.');
  const lines = await page.$$eval('.lines li', (all) => all.map((one) => one.textContent));
  assert.ok(lines.some((line) => line.includes('<img src=x onerror=')), lines.join('\n'));
  assert.equal(await page.$('.lines img, .lines script, .lines b'), null);
  await isWhole(page);
});

test('whatever the API says in every text, it stays a text', async () => {
  const page = await person(browser, 'bob');
  const poison = (value) => {
    if (typeof value === 'string') return PAYLOAD;
    if (Array.isArray(value)) return value.map(poison);
    if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, poison(inner)]));
    return value;
  };
  const places = [...PLACES, `#/dev/deployments/${first}`];
  let isPoisoned = false;
  await intercept(page, (request) => {
    if (!isPoisoned) return undefined;
    return answerTo(request).then(({ status, body }) =>
      request.respond({ status, contentType: 'application/json', body: JSON.stringify(poison(body)) }),
    );
  });
  for (const hash of places) {
    isPoisoned = false;
    await open(page, '#/nowhere/at/all');
    isPoisoned = true;
    await open(page, hash);
    await reads(page, '<img src=x');
    assert.equal(await page.$('main img, main script, main b'), null);
    await isWhole(page);
  }
});

test('what checks have found is shown with its numbers, the worst first, and what came with it', async () => {
  const page = await person(browser, 'dave');
  const at = '2026-01-05T10:00:00Z';
  const judgements = [
    { check: 'http:login', finding: 'passed', said: 'It answered as it should.', numbers: [{ of: 'status', value: '200' }, { of: 'latency_ms', value: '38' }, { of: 'of tomorrow', value: '7' }], at },
    { check: 'logs:web', finding: 'inconclusive', said: 'Too few lines to tell.', at },
    { check: 'metric:latency', finding: 'failed', class: 'metric_worse', said: 'It answers slower than before.', numbers: [{ of: 'now', value: '412' }, { of: 'before', value: '180.5' }, { of: 'worse_pairs', value: '97' }], at },
  ];
  const changelog = { commits: [{ commit: 'c'.repeat(40), author: 'Dana', subject: 'Sell anchors' }], more: true };
  await intercept(page, (request) =>
    answerTo(request).then(({ status, body }) =>
      request.respond({ status, contentType: 'application/json', body: JSON.stringify({ ...body, judgements, changelog, reason: 'the fair' }) }),
    ),
  );
  await open(page, `#/dev/deployments/${first}`);
  await reads(page, 'Checks (3)');
  const checks = await page.$$eval('.check', (all) => all.map((one) => one.innerText.replaceAll(/\s+/gu, ' ')));
  const wanted = [
    ['metric:latency', 'metric_worse', 'Failed', 'since the switch 412', 'before it 180.5', 'pairs that are worse 97 %'],
    ['logs:web', 'Inconclusive', 'Too few lines to tell.'],
    // A word that is not known is shown as it is.
    ['http:login', 'Passed', 'status 200', 'answered within 38 ms', 'of tomorrow 7'],
  ];
  assert.equal(checks.length, wanted.length);
  for (const [index, words] of wanted.entries()) {
    for (const word of words) assert.ok(checks[index].includes(word), `${word}: ${checks[index]}`);
  }
  const text = await textOf(page);
  for (const word of ['Commits that come with it (1 and more)', 'Sell anchors', 'Dana', '“the fair”', '“looks good”']) assert.ok(text.includes(word), word);
  await isAccessible(page, 'checks');
  await isWhole(page);
});

test('a reader has no buttons, and is refused when they are forced', async () => {
  const page = await person(browser, 'dave');
  for (const hash of [...PLACES, `#/dev/deployments/${first}`]) {
    await open(page, hash);
    const acts = (await buttons(page)).filter((label) => !['Search', 'Show', 'Show older ones', 'Look further back'].includes(label));
    assert.deepEqual(acts, [], hash);
  }
  const token = await tokenOf(page);
  for (const [method, path, body] of [
    ['POST', '/console/v1/apps/orders/lock', { reason: 'r', seconds: 600 }],
    ['POST', '/console/v1/apps/orders/deployments', { kind: 'redeploy' }],
    ['POST', `/console/v1/deployments/${first}/approve`, { plan: 'a'.repeat(32) }],
  ]) {
    const { status, body: refusal } = await ask(token, method, path, body);
    assert.equal(status, 403, path);
    assert.equal(refusal.error, 'not_allowed');
  }
  // A token is nothing on the routes that take a signature.
  assert.equal((await ask(token, 'GET', '/v1/apps')).status, 403);
  await isWhole(page);
});

test('whoever has no role is told so', async () => {
  const page = await person(browser, 'erin');
  await reads(page, 'You have no role here');
  await isAccessible(page, 'no role');
  await isWhole(page);
});

test('carol locks and unlocks, and both are on record with her reasons', async () => {
  const page = await person(browser, 'carol');
  await open(page, '#/dev/apps/orders');
  await press(page, 'Lock …');
  await page.type('dialog input', 'the fair');
  await page.select('dialog select', '14400');
  await press(page, 'Lock', 'dialog');
  await reads(page, 'carol holds it until');
  await reads(page, 'Locked the app');
  await open(page, '#/');
  await reads(page, 'Locked by carol');
  await open(page, '#/dev/apps/orders');
  await press(page, 'End the lock …');
  await page.type('dialog input', 'the fair is over');
  await press(page, 'End the lock', 'dialog');
  await reads(page, 'Ended the lock');
  await reads(page, 'the fair is over');
  await isWhole(page);
});

test('bob refuses the next push with a reason, which everybody sees', async () => {
  await push('Second edition', { 'settings.json': '{}' });
  const page = await person(browser, 'bob');
  await reads(page, 'Waits for a person (1)');
  await page.click('.asks a');
  await press(page, 'Refuse …');
  await press(page, 'Refuse', 'dialog');
  // The browser itself asks for the reason that is missing.
  assert.notEqual(await page.$('dialog input:invalid'), null);
  await page.type('dialog input', 'not on a Saturday');
  await press(page, 'Refuse', 'dialog');
  await reads(page, 'A person refused it.');
  await reads(page, 'bob: “not on a Saturday”');
  await isWhole(page);
});

test('a history is searched by what stands in its address', async () => {
  const page = await person(browser, 'dave');
  const rows = () => page.$$eval('main tbody tr', (all) => all.map((one) => one.innerText));
  await open(page, '#/dev/apps/orders');
  await page.click('::-p-xpath(//a[.="Search all of them"])');
  await reads(page, 'All, the newest first');
  assert.equal((await rows()).length, 2);
  await page.select('#asked-result', 'Rejected');
  await page.type('#asked-by', 'bob');
  await press(page, 'Search');
  await reads(page, 'Looked through 2 deployments.');
  assert.equal(await page.evaluate(() => location.hash), '#/dev/apps/orders/deployments?result=Rejected&by=bob');
  const found = await rows();
  assert.equal(found.length, 1);
  assert.match(found[0], /Refused/u);
  // Whoever opens the address finds the same, and the form as it was sent.
  const other = await person(browser, 'carol');
  await open(other, '#/dev/apps/orders/deployments?result=Rejected&by=bob');
  await reads(other, 'Looked through 2 deployments.');
  const asked = await other.$$eval('.filters select, .filters input', (all) => all.map((one) => one.value));
  assert.deepEqual(asked, ['Rejected', '', 'bob', '', '', '', '']);
  await isAccessible(other, 'a search');
  await isWhole(other);
  await page.goBack();
  await reads(page, 'All, the newest first');
  assert.equal((await rows()).length, 2);
  // By host: how it stood stands in the row.
  await page.type('#asked-host', 'i-00000000000000001');
  await page.keyboard.press('Enter');
  await reads(page, 'the host:');
  assert.match((await rows()).at(-1), /Proven/u);
  // By time: what was accepted before is in it, what was accepted later is not, and the address has the moment in UTC.
  await open(page, '#/dev/apps/orders/deployments?until=2001-01-01T00%3A00%3A30Z');
  await reads(page, 'No deployment is like that.');
  await page.select('#asked-kind', 'push');
  await press(page, 'Search');
  await page.waitForFunction(() => !document.querySelector('[aria-busy]') && document.querySelector('#asked-kind option[selected]')?.value === 'push');
  assert.match(await page.evaluate(() => location.hash), /until=2001-01-01T00%3A00%3A30Z/u);
  await page.click('.filters a.button');
  await reads(page, 'All, the newest first');
  await page.evaluate(() => {
    document.getElementById('asked-since').value = '2001-02-03T04:05';
  });
  await press(page, 'Search');
  await reads(page, 'Looked through 2 deployments.');
  const since = await page.evaluate(() => [new URLSearchParams(location.hash.split('?')[1]).get('since'), new Date('2001-02-03T04:05').toISOString()]);
  assert.equal(since[0], since[1].replace('.000', ''));
  // What is not well formed is refused in words, beside the form that can put it right.
  await open(page, '#/dev/apps/orders/deployments?commit=xyz');
  await reads(page, 'commit:');
  assert.notEqual(await page.$('#asked-commit'), null);
  assert.equal(await page.$('main tbody'), null);
  await isAccessible(page, 'a search that is refused');
  // A word that nobody knows is not left out in silence.
  await open(page, '#/dev/apps/orders/deployments?results=Failed');
  await reads(page, 'There is no such place');
  await isWhole(page);
});

test('a search that has not come to the end says so, and goes on', async () => {
  const page = await person(browser, 'dave');
  const asked = [];
  await intercept(page, (request) => {
    const { pathname, searchParams } = new URL(request.url());
    if (!pathname.endsWith('/deployments')) return undefined;
    asked.push(searchParams.get('before'));
    if (searchParams.has('before')) return undefined;
    const body = { deployments: [], before: '7ZZZZZZZZZZZZZZZZZZZZZZZZZ', looked: { at: 200, back_to: '2026-01-05T10:00:00Z' } };
    return request.respond({ contentType: 'application/json', body: JSON.stringify(body) });
  });
  await open(page, '#/dev/apps/orders/deployments?by=bob');
  await reads(page, 'None of them so far.');
  await reads(page, 'Looked through 200 deployments, back to');
  await reads(page, 'there may be more before');
  await press(page, 'Look further back');
  await reads(page, 'Looked through 202 deployments.');
  assert.deepEqual(asked, [null, '7ZZZZZZZZZZZZZZZZZZZZZZZZZ']);
  assert.equal((await page.$$('main tbody tr')).length, 2);
  await isWhole(page);
});

test('the numbers are those of the API, and say how few they are', async () => {
  const page = await person(browser, 'dave');
  await open(page, '#/');
  await page.click('::-p-xpath(//a[starts-with(., "Statistics")])');
  await reads(page, 'Statistics of every app in dev');
  await page.select('#asked-app', 'orders');
  await press(page, 'Show');
  await reads(page, 'Statistics of orders');
  assert.equal(await page.evaluate(() => location.hash), '#/dev/stats?app=orders&days=28');
  const { body } = await ask(await tokenOf(page), 'GET', '/console/v1/stats?app=orders');
  assert.deepEqual(body.ends, { Rejected: 1, Succeeded: 1 });
  const text = await textOf(page);
  for (const wanted of ['Ended (2)', '1 in 28 days', '0 of 1', 'none measured', 'too few to lean on', 'Waited for people', 'Nothing failed.']) {
    assert.ok(text.includes(wanted), `${wanted}: ${text}`);
  }
  // One refused, so nothing but the one that succeeded is a change that users were served.
  await page.click('main details summary');
  const week = await page.$$eval('main details tbody td', (all) => all.map((one) => one.innerText));
  assert.deepEqual(week.slice(1, 3), ['1', '0']);
  const bars = await page.$$eval('.bars rect', (all) => all.map((one) => [one.getAttribute('class'), Number(one.getAttribute('height'))]));
  assert.equal(bars.filter(([name, height]) => name === 'good' && height === 100).length, 1);
  assert.ok(bars.every(([name, height]) => name === 'good' || height === 0));
  await page.click('.ends a');
  await page.waitForFunction(() => location.hash.startsWith('#/dev/apps/orders/deployments?result='));
  await reads(page, 'Looked through 2 deployments.');
  await open(page, '#/dev/stats?days=9000');
  await reads(page, 'days: expected one of');
  await open(page, '#/dev/stats?app=nobody');
  await reads(page, 'nobody');
  await page.waitForSelector('main .problem');
  await isWhole(page);
});

test('numbers that are not complete say so before any other, and a year of them stays readable', async () => {
  for (const [dark, phone] of [[false, false], [true, true]]) {
    const page = await person(browser, 'dave', { dark, phone });
    const spread = (n) => ({ n, p50_ms: 1500, p90_ms: 90_000, max_ms: 7_200_000 });
    const delivery = (changes, failed) => ({
      changes,
      failed,
      succeeded: changes - failed,
      stopped: 2,
      lead_from_commit: { n: 0 },
      lead_from_push: spread(changes),
      recovery: { took: spread(failed), open: 1 },
      next_success: { took: { n: 0 }, open: 0 },
    });
    const monday = (week) => new Date(Date.UTC(2025, 10, 24) + week * 7 * 86_400_000).toISOString();
    const told = {
      environment: 'dev',
      apps: ['orders'],
      from: monday(0),
      until: monday(52),
      looked_at: 1000,
      complete_since: monday(20),
      ends: { Succeeded: 90, RolledBack: 10 },
      open: 3,
      delivery: delivery(100, 10),
      weeks: Array.from({ length: 53 }, (_, week) => ({ monday: monday(week), delivery: delivery(week % 9, week % 9 === 8 ? 2 : 0) })),
      queue: spread(100),
      approval: { n: 0 },
      work: spread(100),
      steps: [{ state: 'Preparing', took: spread(100) }, { state: 'Unmigrating', took: spread(2) }],
      host_steps: [
        {
          state: 'Activating',
          took: { n: 40, p50_ms: 1900, p90_ms: 2600, max_ms: 61_000 },
          slowest: [4, 3, 2, 1].map((host) => ({ host: `i-0000000000000000${host}`, took: { n: host, p50_ms: host * 1000, p90_ms: 61_000, max_ms: 61_000 } })),
        },
      ],
      failures: [{ what: 'health_failed', times: 8 }, { what: 'build_failed', times: 2 }],
      hosts: [{ what: 'i-00000000000000001', times: 4 }],
      drills: { took: { n: 0 }, failed: 1 },
    };
    await intercept(page, (request) =>
      request.url().includes('/v1/stats') ? request.respond({ contentType: 'application/json', body: JSON.stringify(told) }) : undefined,
    );
    await open(page, '#/dev/stats?days=365');
    await reads(page, 'Not complete');
    const text = await textOf(page);
    for (const wanted of ['1000 deployments were read', 'at least', '10.0 %', 'no commit’s time is known', 'Nine of ten within 1 min 30 s', '1 not yet', '2 more failed before any host was switched', '1 rehearsed rollback did not succeed', 'health_failed', '✕2', 'too few']) {
      assert.ok(text.includes(wanted), `${wanted}: ${text}`);
    }
    const slowest = await page.$$eval('section[aria-labelledby=slowest] tbody tr', (rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim())));
    assert.deepEqual(slowest, [
      ['Activating', 'all hosts', '1.9 s', '1 min 1 s', '40'],
      ...[4, 3, 2].map((host) => ['Activating', `i-0000000000000000${host}`, `${host}.0 s`, '1 min 1 s', String(host)]),
    ]);
    assert.equal((await page.$$('.bars > div')).length, 53);
    const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(wide <= screen, `${wide} of ${screen}`);
    await page.click('main details summary');
    await isAccessible(page, `a year of numbers ${dark ? 'dark' : 'light'}`);
    await isWhole(page);
  }
});

test('every place is accessible, in light and in dark', async () => {
  for (const dark of [false, true]) {
    const page = await person(browser, 'carol', { dark });
    for (const hash of [...PLACES, `#/dev/deployments/${first}`]) {
      await open(page, hash);
      if (hash.includes(first)) {
        await page.click('summary');
        await reads(page, 'This is all of it.');
      }
      await isAccessible(page, `${hash} ${dark ? 'dark' : 'light'}`);
    }
    await isWhole(page);
  }
});

test('several environments stand on one page, and one that is out of reach takes nothing else with it', async () => {
  const page = await visitor(browser);
  await page.setRequestInterception(true);
  page.on('request', async (request) => {
    if (!request.url().endsWith('/console/config.json')) {
      await request.continue();
      return;
    }
    const settings = await (await fetch(`${process.env.LONGSHORE_API}/console/config.json`)).json();
    // The provider answers no route of the API, so it stands for a neighbour that is down.
    settings.environments.push({ name: 'staging', api: '' }, { name: 'lost', api: settings.issuer });
    await request.respond({ contentType: 'application/json', body: JSON.stringify(settings) });
  });
  await page.goto(console_);
  await signIn(page, 'dave');
  await reads(page, 'at rest');
  const sections = await page.$$eval('main section h2', (all) => all.map((one) => one.textContent));
  assert.deepEqual(sections, ['dev', 'staging', 'lost']);
  assert.match(await page.$eval('[aria-labelledby=in-lost]', (element) => element.innerText), /cannot/u);
  assert.equal((await page.$$('table.apps')).length, 2);
  await isAccessible(page, 'several environments');
  await open(page, '#/staging');
  await reads(page, 'In staging');
  assert.equal((await page.$$('table.apps')).length, 1);
  await open(page, '#/staging/apps/orders');
  await reads(page, 'Hosts (2)');
  await isWhole(page);
});

test('on a phone nothing is wider than the screen', async () => {
  const page = await person(browser, 'alice', { phone: true });
  for (const hash of [...PLACES, `#/dev/deployments/${first}`]) {
    await open(page, hash);
    const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(wide <= screen, `${hash}: ${wide} of ${screen}`);
  }
  await isWhole(page);
});

test('a token that has ended, or was changed, leads back to the door and nowhere else', async () => {
  const page = await person(browser, 'dave');
  await reads(page, 'at rest');
  await page.evaluate(() => {
    const kept = sessionStorage.getItem('longshore.token');
    sessionStorage.setItem('longshore.token', `${kept.slice(0, -6)}AAAAAA`);
    location.hash = '#/dev/apps/orders';
  });
  await reads(page, 'Your sign-in has ended.');
  assert.equal(await tokenOf(page), null);
  // The provider still knows dave, so one click brings him back to where he was.
  await page.click('main button.primary');
  await page.waitForSelector('#who .name');
  await reads(page, 'Hosts (2)');
  assert.equal(await page.evaluate(() => location.hash), '#/dev/apps/orders');
  await page.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 3_600_000;
    location.hash = '#/';
  });
  await reads(page, 'Your sign-in has ended.');
  assert.equal(await tokenOf(page), null);
  await isWhole(page);
});

test('while the API is down the page says so, looks more and more rarely, and recovers', async () => {
  const page = await visitor(browser);
  // The page's pauses, which are then cut short.
  await page.evaluateOnNewDocument(() => {
    const wait = window.setTimeout;
    window.pauses = [];
    window.setTimeout = (work, pause = 0, ...given) => {
      if (pause >= 1000) window.pauses.push(pause);
      return wait(work, Math.min(pause, 50), ...given);
    };
  });
  await page.goto(console_);
  await signIn(page, 'dave');
  await reads(page, 'at rest');
  let isDown = false;
  await intercept(page, (request) => (isDown ? request.abort('connectionrefused') : undefined));
  isDown = true;
  await page.evaluate(() => {
    window.pauses = [];
  });
  await page.waitForFunction(() => window.pauses.includes(60_000));
  const pauses = await page.evaluate(() => window.pauses);
  const failures = pauses.slice(pauses.indexOf(2000));
  assert.deepEqual(failures.slice(0, 6), [2000, 4000, 8000, 16_000, 32_000, 60_000]);
  const text = await textOf(page);
  assert.match(text, /The API cannot be reached/u);
  assert.match(text, /orders/u);
  isDown = false;
  await page.waitForFunction(() => !document.getElementById('trouble').hasChildNodes());
  await isWhole(page);
});

test('a page that nobody sees asks nothing', async () => {
  const page = await visitor(browser);
  await page.evaluateOnNewDocument(() => {
    const wait = window.setTimeout;
    window.setTimeout = (work, pause = 0, ...given) => wait(work, Math.min(pause, 50), ...given);
  });
  await page.goto(console_);
  await signIn(page, 'dave');
  await reads(page, 'at rest');
  let asked = 0;
  page.on('request', (request) => {
    if (request.url().includes('/console/v1/')) asked += 1;
  });
  const hidden = (is) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { value, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, is);
  await hidden(true);
  await page.waitForNetworkIdle({ idleTime: 500 });
  const before_ = asked;
  // Ten of the shortened pauses later there was still no question.
  await page.evaluate(async () => {
    for (let turn = 0; turn < 10; turn += 1) await new Promise((done) => setTimeout(done, 50));
  });
  assert.equal(asked, before_);
  await hidden(false);
  await page.waitForResponse((response) => response.url().includes('/console/v1/apps'));
  await isWhole(page);
});

test('whoever signs out has to sign in again', async () => {
  const page = await person(browser, 'dave');
  await page.click('#who button');
  const confirmed = await page.waitForSelector('button[name=logout]');
  await confirmed.click();
  await reads(page, 'Your company’s sign-in');
  assert.equal(await tokenOf(page), null);
  await page.click('main button.primary');
  await page.waitForSelector('button[value=dave]');
});
