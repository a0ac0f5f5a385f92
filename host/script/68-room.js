// Room on the disk: what is needed, and what may go.

function folders() {
  const names = orElse([], () => fs.readdirSync(path.join(APP_DIR, 'releases')));
  const preparedAt = (name) => (name.endsWith('.partial') ? '' : orElse('', () => readJson(own(name, 'release.json')).prepared_at));
  return names.map((name) => ({ name, at: preparedAt(name) }));
}

// First the KiB that two more releases of the size of the last one need, then what may go. Kept: what runs, what this
// step is about, the last proven ones, the newest.
function room(least) {
  const ledger = loadLedger();
  const link = orElse('', () => path.basename(fs.readlinkSync(path.join(APP_DIR, 'current'))));
  const all = folders().filter((folder) => folder.name !== env.LS_RELEASE + '.partial');
  const newest = all.filter((folder) => folder.at).sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, RELEASES_KEPT);
  const kept = new Set([link, ledger.active, env.LS_RELEASE, ledger.switched ? ledger.switched.from : '',
    ...ledger.proven.slice(-PROVEN_KEPT).map((proven) => proven.release), ...newest.map((folder) => folder.name)]);
  const gone = all.filter((folder) => !kept.has(folder.name)).map((folder) => 'releases/' + folder.name);
  const logs = orElse([], () => fs.readdirSync(path.join(APP_DIR, 'log'))).filter((name) => name.endsWith('.log')).sort();
  const size = orElse(0, () => readJson(own(ledger.active || '-', 'release.json')).size_kb);
  say([Math.max(Number(least), 2 * size), ...gone, ...logs.slice(0, -LOGS_KEPT).map((name) => 'log/' + name)].join('\n'));
}
