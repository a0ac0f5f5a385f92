// Unleash as its users run it: the package does all, this says where it listens and what it must leave alone.
import { start } from 'unleash-server';

await start({
  db: { disableMigration: true, ssl: false },
  server: { host: '127.0.0.1' },
  versionCheck: { enable: false },
});
