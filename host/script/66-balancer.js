// The load balancer: what is to be registered again is known before it is deregistered.

const TARGET = /^Id=i-[0-9a-f]{8,17},Port=\d{1,5}$/;

// `-` without one, else `<target group> <drain> <healthy> <proven here before> <targets that are to come back>`.
function balancer() {
  const { load_balancer: wanted } = readJson(own(env.LS_RELEASE, 'config.json'));
  const { balancer: left, proven } = loadLedger();
  if (!wanted || (left && left.target_group !== wanted.target_group)) return say('-'); // One group at a time.
  const known = proven.some(({ release }) => release === env.LS_RELEASE);
  say(wanted.target_group, wanted.drain_seconds, wanted.healthy_seconds, known, ...(left ? left.targets : []));
}

function balancerIntent(group, ...targets) {
  if (!targets.every((target) => TARGET.test(target))) throw new Error('a target has a form that is not known');
  saveLedger({ ...loadLedger(), balancer: { target_group: group, targets } });
  say('go');
}

function balancerDone() {
  saveLedger({ ...loadLedger(), balancer: null });
}
