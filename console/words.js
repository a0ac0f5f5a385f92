// Words for what the API says: states, verdicts, times. Each tone has a sign of its own, so that nothing is said by colour alone.

import { h } from './dom.js';

/** State: its tone, its words, and what it means in a sentence. */
const STATES = {
  AwaitingApproval: ['wait', 'Waits for approval', 'Every host is prepared and none has moved. People must say yes to the plan.'],
  Queued: ['idle', 'Queued', 'Waits for its turn; a newer push takes its place.'],
  Preparing: ['busy', 'Preparing', 'Every host puts the release on its disk. Traffic is not touched.'],
  Migrating: ['busy', 'Migrating', 'One host runs the migrations.'],
  Activating: ['busy', 'Activating', 'The hosts of a wave switch, and each proves what it serves.'],
  Verifying: ['busy', 'Verifying', 'The hosts that have switched are asked again and again what they serve.'],
  Baking: ['busy', 'Baking', 'Every host is watched for a while.'],
  Unmigrating: ['undo', 'Taking migrations back', 'The host that ran the migrations takes them back.'],
  RollingBack: ['undo', 'Rolling back', 'Every host that was asked to switch goes back to the release before.'],
  VerifyingRollback: ['undo', 'Verifying the rollback', 'The restored hosts are asked what they serve.'],
  Succeeded: ['good', 'Succeeded', 'Every host was proven to serve the release, or was excused by policy.'],
  Failed: ['bad', 'Failed', 'It failed before any host moved.'],
  RolledBack: ['undone', 'Rolled back', 'Every host that had moved serves the release before again.'],
  RollbackFailed: ['bad', 'Rollback failed', 'Some host or the database could not be restored. Somebody has to act now.'],
  Rejected: ['idle', 'Refused', 'A person refused it.'],
  Expired: ['idle', 'Expired', 'It waited too long.'],
  Superseded: ['idle', 'Superseded', 'A newer deployment took its place.'],
  Cancelled: ['idle', 'Cancelled', 'A person stopped it before any host moved.'],
};

const VERDICTS = {
  untouched: ['idle', 'Untouched'],
  prepared: ['busy', 'Prepared'],
  proven: ['good', 'Proven'],
  failed: ['bad', 'Failed'],
  unreachable: ['bad', 'Unreachable'],
  excused: ['wait', 'Excused'],
  restored: ['undone', 'Restored'],
};

const FINDINGS = {
  passed: ['good', 'Passed'],
  failed: ['bad', 'Failed'],
  inconclusive: ['wait', 'Inconclusive'],
};

const DRIFTS = {
  serves: ['good', 'Serves what is live'],
  behind: ['wait', 'Was not proven to serve what is live'],
  offline: ['bad', 'Not online'],
  unknown: ['idle', 'Unknown, or being moved'],
};

const PINGS = { online: 'Online', connection_lost: 'Connection lost', inactive: 'Inactive' };

const KIND_WORDS = {
  push: 'Push',
  redeploy: 'Redeploy',
  rollback: 'Rollback',
  drill: 'Drill',
  config: 'New configuration',
  promote: 'Promotion',
  join: 'Late hosts join',
};

/** How a deployment can end, and what it can be for: the words that a history can be asked for. */
export const RESULTS = ['Succeeded', 'Failed', 'RolledBack', 'RollbackFailed', 'Rejected', 'Expired', 'Superseded', 'Cancelled'];

/** What a number of a check is of, and its unit. */
const MEASURES = {
  now: ['since the switch', ''],
  before: ['before it', ''],
  others: ['on the other hosts', ''],
  limit: ['may not pass', ''],
  now_samples: ['samples since', ''],
  before_samples: ['samples before', ''],
  others_samples: ['samples of others', ''],
  worse_pairs: ['pairs that are worse', '%'],
  new_errors: ['lines of new errors', ''],
  status: ['status', ''],
  latency_ms: ['answered within', 'ms'],
  passes: ['passed in a row', ''],
};

export const KINDS = Object.keys(KIND_WORDS);

const DEEDS = {
  lock: 'Locked the app',
  unlock: 'Ended the lock',
  clear_quarantine: 'Cleared a quarantine',
  break_glass: 'Broke the glass of a freeze',
};

const CAUSES = {
  push: 'a push',
  poll: 'the poll of the branch',
  event: 'an event',
  tick: 'the minute tick',
  look_again: 'a planned look',
  operator: 'a person',
};

const MIGRATIONS = {
  safe: 'The release before can live with them.',
  needs_down: 'To go back they must be taken back first, which the app can do.',
  impossible: 'They cannot be taken back: there is no way back by itself.',
};

const SIGNS = { good: '✓', bad: '✕', busy: '●', wait: '◆', idle: '○', undo: '↺', undone: '↺' };

/** A word that is not known is shown as it is, as an API may be newer than its page. */
function known(table, word) {
  return Object.hasOwn(table, word) ? table[word] : ['idle', String(word), ''];
}

export const kind = (word) => (Object.hasOwn(KIND_WORDS, word) ? KIND_WORDS[word] : String(word));
export const measure = (word) => (Object.hasOwn(MEASURES, word) ? MEASURES[word][0] : String(word));
export const deed = (word) => (Object.hasOwn(DEEDS, word) ? DEEDS[word] : String(word));
export const ping = (word) => (Object.hasOwn(PINGS, word) ? PINGS[word] : 'Not listed');
export const cause = (word) => (Object.hasOwn(CAUSES, word) ? CAUSES[word] : String(word));
export const migrations = (word) => (Object.hasOwn(MIGRATIONS, word) ? MIGRATIONS[word] : String(word));
export const stateWord = (word) => known(STATES, word)[1];
export const stateSentence = (word) => known(STATES, word)[2];
export const isAtWork = (deployment) => !deployment.over && !['Queued', 'AwaitingApproval'].includes(deployment.state);

export function pill([tone, word], more = {}) {
  return h('span', { class: `pill ${tone}`, ...more }, h('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[tone] ?? '○'), word);
}

export const statePill = (word) => pill(known(STATES, word));
export const verdictPill = (word) => pill(known(VERDICTS, word));
export const findingPill = (word) => pill(known(FINDINGS, word));
export const driftPill = (word) => pill(known(DRIFTS, word));

/** A number of a check with its unit. */
export function measured(of, value) {
  const unit = Object.hasOwn(MEASURES, of) ? MEASURES[of][1] : '';
  return [h('code', {}, value), unit ? ` ${unit}` : ''];
}

/** A commit, short to read and whole to hear and to copy. */
export function commit(full) {
  const text = String(full);
  return h('code', { class: 'commit', title: text }, text.slice(0, 8));
}

/** How long something takes, in two units at most. */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts = [
    [Math.floor(seconds / 86400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

const CLOCK = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** A moment as the reader's clock shows it. */
export function clock(text) {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? String(text) : CLOCK.format(at);
}

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' });
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** A day of the calendar in UTC, which is what weeks are counted by. */
export function date(text, isShort = false) {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? String(text) : (isShort ? DAY : DATE).format(at);
}

/** A moment as a distance from now, which ages by itself. */
export function when(text) {
  const element = h('time', { datetime: text, title: clock(text) });
  age(element);
  return element;
}

function age(element) {
  const at = new Date(element.getAttribute('datetime')).getTime();
  if (Number.isNaN(at)) {
    element.textContent = element.getAttribute('datetime');
    return;
  }
  const away = Date.now() - at;
  const near = Math.abs(away) < 5000;
  element.textContent = near ? 'just now' : away > 0 ? `${coarse(away)} ago` : `in ${coarse(-away)}`;
}

function coarse(ms) {
  const minute = 60_000;
  return duration(ms < minute ? ms : Math.floor(ms / minute) * minute).replace(/( d) .*/u, '$1');
}

/** Lets every moment of the page age. */
export function ageAll() {
  for (const element of document.querySelectorAll('time[datetime]:not([data-fixed])')) age(element);
}
