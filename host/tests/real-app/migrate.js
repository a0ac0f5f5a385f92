// The package's own migrations, by the package's own function.
import { migrateDb } from 'unleash-server';

const url = new URL(process.env.DATABASE_URL);
await migrateDb({
  db: {
    driver: 'postgres',
    host: url.hostname,
    port: Number(url.port),
    user: url.username,
    password: url.password,
    database: url.pathname.slice(1),
    schema: 'public',
    ssl: false,
  },
});
