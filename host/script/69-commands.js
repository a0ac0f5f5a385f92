// The words that the shell may say to this program.

const commands = { begin, finish, verdict, migration, unmigration, switch: intendSwitch, describe, room,
  'check-tree': checkTree,
  'write-release': writeRelease, 'with-env': withEnv, 'first-error': firstError, 'app-error': appError, prove,
  suits, 'port-owner': portOwner,
  status, 'end-strays': endStrays, balancer, 'balancer-intent': balancerIntent, 'balancer-done': balancerDone };

function end(error) {
  if (error instanceof Refusal) {
    say(error.message);
    process.exit(3);
  }
  process.stderr.write('host program: ' + String(error && error.message).slice(0, 300) + '\n');
  process.exit(error.code === 'ENOSPC' || error.code === 'EDQUOT' ? 28 : 70);
}

Promise.resolve().then(() => commands[process.argv[1]](...process.argv.slice(2))).catch(end);
