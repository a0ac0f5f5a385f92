// What a person can do, each in a dialog that says what will happen before it does. A button is there only for whoever has the
// role; whether it counts is decided by the API, which asks again.

import { announce, ask, h } from './dom.js';
import { commit, duration, migrations } from './words.js';

const REASON = { name: 'reason', label: 'Why', required: true, hint: 'It is kept, and others see it.' };
const LOCK_TIMES = [
  ['3600', 'an hour'],
  ['14400', 'four hours'],
  ['86400', 'a day'],
  ['604800', 'a week'],
];

function button(label, tone, act, key) {
  return h('button', { class: `button ${tone}`, type: 'button', 'data-key': key ?? label, on: { click: () => void act() } }, label);
}

/** Does it, says so, and looks again. */
function done(context, work, words) {
  return async (given) => {
    const answer = await work(given);
    announce(words);
    void context.refresh();
    return answer;
  };
}

/** The buttons of a deployment, as far as it is in a state for them and the reader has the role. */
export function actsOf(context, seen) {
  const { api, may } = context;
  const names = { id: seen.id };
  const buttons = [];
  const digest = seen.plan?.digest;
  if (seen.state === 'AwaitingApproval' && digest && may('approver')) {
    buttons.push(
      button('Approve …', 'primary', () =>
        ask({
          title: 'Approve this plan?',
          text: approval(seen),
          fields: [{ name: 'comment', label: 'Comment' }],
          confirm: 'Approve',
          act: done(
            context,
            ({ comment }) => api.approve(names, { body: { plan: digest, ...(comment ? { comment } : {}) } }),
            'Approved.',
          ),
        }),
      ),
      button('Refuse …', 'danger', () =>
        ask({
          title: 'Refuse this deployment?',
          text: h('p', {}, 'It ends here, and no host moves.'),
          fields: [REASON],
          confirm: 'Refuse',
          tone: 'danger',
          act: done(context, (body) => api.reject(names, { body }), 'Refused.'),
        }),
      ),
    );
  }
  if (!seen.over && may('deployer')) {
    buttons.push(
      button('Cancel …', 'danger', () =>
        ask({
          title: 'Cancel this deployment?',
          text: h('p', {}, 'It stops in a known state. Once a host has moved it cannot be cancelled any more; then roll back.'),
          fields: [REASON],
          confirm: 'Cancel the deployment',
          tone: 'danger',
          act: done(context, (body) => api.cancel(names, { body }), 'Cancelled.'),
        }),
      ),
    );
  }
  if (seen.over && ['Failed', 'RolledBack', 'RollbackFailed', 'Succeeded'].includes(seen.state) && mayRetry(seen) && may('deployer')) {
    buttons.push(
      button('Try the failed hosts again …', '', () =>
        ask({
          title: 'Try the failed hosts again?',
          text: h('p', {}, 'A new deployment begins for the hosts that this one has failed on.'),
          fields: [REASON],
          confirm: 'Try again',
          act: async (body) => {
            const begun = await api.retry(names, { body });
            announce('Begun.');
            location.hash = `#/${context.environment.name}/deployments/${begun.deployment.id}`;
          },
        }),
      ),
    );
  }
  return buttons;
}

function mayRetry(seen) {
  return seen.run?.hosts.some(({ verdict }) => ['failed', 'unreachable', 'excused'].includes(verdict)) ?? false;
}

/** What is being said yes to, once more in short. */
function approval(seen) {
  const { plan } = seen;
  const hosts = plan.waves.reduce((count, wave) => count + wave.length, 0);
  return h(
    'div',
    {},
    h('p', {}, 'Commit ', commit(plan.release?.commit ?? seen.commit), ` goes to ${hosts} ${hosts === 1 ? 'host' : 'hosts'} in ${plan.waves.length} ${plan.waves.length === 1 ? 'wave' : 'waves'}.`),
    plan.migrations?.count > 0 ? h('p', {}, migrations(plan.migrations.verdict)) : undefined,
    h('p', { class: 'hint' }, `Your yes counts for exactly this plan (${plan.digest.slice(0, 12)}). If something changes until the start, people are asked again.`),
  );
}

/** The buttons of an app. */
export function actsOfApp(context, seen) {
  const { api, may } = context;
  const names = { app: seen.app };
  const buttons = [];
  if (may('deployer') && seen.live) {
    buttons.push(button('Roll back …', 'danger', () => rollBack(context, seen)));
  }
  if (may('admin')) {
    buttons.push(
      seen.lock
        ? button('End the lock …', '', () =>
            ask({
              title: `End the lock of ${seen.app}?`,
              text: h('p', {}, `${seen.lock.owner} holds it. Whatever waits can start then.`),
              fields: [REASON],
              confirm: 'End the lock',
              act: done(context, (body) => api.unlock(names, { body }), 'The lock has ended.'),
            }),
          )
        : button('Lock …', '', () =>
            ask({
              title: `Lock ${seen.app}?`,
              text: h('p', {}, 'Nothing new starts while it is locked. What is at work goes on. The lock ends by itself.'),
              fields: [REASON, { name: 'seconds', label: 'For', choices: LOCK_TIMES, required: true }],
              confirm: 'Lock',
              act: done(context, ({ reason, seconds }) => api.lock(names, { body: { reason, seconds: Number(seconds) } }), 'Locked.'),
            }),
          ),
    );
    if (seen.freeze && seen.waiting) {
      buttons.push(
        button('Break the glass …', 'danger', () =>
          ask({
            title: 'Let it start in spite of the freeze?',
            text: h('p', {}, 'The waiting deployment of commit ', commit(seen.waiting.commit), ` starts although ${seen.freeze.name} is in force. People are told, with your name and reason.`),
            fields: [REASON],
            confirm: 'Break the glass',
            tone: 'danger',
            act: done(
              context,
              ({ reason }) => api.breakGlass(names, { body: { deployment: seen.waiting.id, reason } }),
              'The deployment may start.',
            ),
          }),
        ),
      );
    }
  }
  return buttons;
}

/** Shows the plan of a rollback first, and begins exactly that kind of deployment. */
async function rollBack(context, seen) {
  const { api } = context;
  const names = { app: seen.app };
  // A repeat of the same click begins nothing twice.
  const key = `console:${crypto.randomUUID()}`;
  const plan = await api.plan(names, { body: { kind: 'rollback' } }).catch((error) => error);
  const text =
    plan instanceof Error
      ? h('p', { class: 'problem' }, h('strong', {}, plan.message), ' ', plan.next ?? '')
      : h(
          'div',
          {},
          h('p', {}, 'Back from ', commit(seen.live.release.commit), ' to ', commit(plan.release?.commit ?? ''), ` on ${plan.waves.flat().length} hosts. What is live now goes into quarantine.`),
          plan.approvals_wanted > 0 ? h('p', {}, `${plan.approvals_wanted} must approve first.`) : undefined,
          plan.expected_seconds ? h('p', {}, `It should take ${duration(plan.expected_seconds * 1000)}.`) : undefined,
          plan.held_by.map((held) => h('p', { class: 'problem' }, held)),
        );
  await ask({
    title: `Roll ${seen.app} back?`,
    text,
    fields: [REASON],
    confirm: 'Roll back',
    tone: 'danger',
    act: async ({ reason }) => {
      const begun = await api.begin(names, { body: { kind: 'rollback', key, reason } });
      announce('The rollback has begun.');
      location.hash = `#/${context.environment.name}/deployments/${begun.deployment.id}`;
    },
  });
}

/** The button that lets a commit back in. */
export function clearing(context, app, quarantined) {
  if (!context.may('admin')) return undefined;
  return button(
    'Clear …',
    'small',
    () =>
      ask({
        title: 'Let this commit be deployed again?',
        text: h('p', {}, 'Commit ', commit(quarantined.commit), ' was rolled back here. After this it can be deployed again.'),
        fields: [REASON],
        confirm: 'Clear the quarantine',
        act: done(
          context,
          (body) => context.api.clearQuarantine({ app, commit: quarantined.commit }, { body }),
          'The commit may be deployed again.',
        ),
      }),
    `clear ${quarantined.commit}`,
  );
}
