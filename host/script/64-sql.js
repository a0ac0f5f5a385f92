
// Which statements of an SQL migration the release before may not live with. What only adds is known; the rest is named.

// The language as far as it must be read: comments, texts, quoted names (kept apart by their bytes, so that no name is
// taken for a word), and whatever is left. Null where tools read it differently: nested or executable comments, a backslash
// before a quote, a quote or a comment that is never closed.
const SQL = [
  [/--[^\n]*|\/\*(?!!)(?:(?!\/\*)[^])*?\*\//y, () => ' '],
  [/'(?:[^'\\]|\\[^']|'')*'|\$([A-Za-z_]\w*)?\$[^]*?\$\1\$/y, () => "''"],
  [/"(?:[^"\\]|"")+"|`[^`]+`/y, (name) => '"' + Buffer.from(name.slice(1, -1)).toString('hex') + '"'],
  [/['"`]|\/\*|\$(?:[A-Za-z_]\w*)?\$/y, () => null],
  [/[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|\d+|[^]/y, (other) => other],
];

function bareSql(sql) {
  let bare = '';
  if (/^\s*#/m.test(sql)) return null;
  for (let at = 0; at < sql.length;) {
    for (const [form, as] of SQL) {
      form.lastIndex = at;
      const hit = form.exec(sql);
      if (!hit) continue;
      const text = as(hit[0]);
      if (text === null) return null;
      bare += text;
      at = form.lastIndex;
      break;
    }
  }
  return bare;
}

const HARMFUL = [
  [/\bDROP (?!NOT NULL)(TABLE|COLUMN|VIEW|TYPE|INDEX|SCHEMA|SEQUENCE|FUNCTION|TRIGGER|CONSTRAINT|DEFAULT)?/, 'DROP'],
  [/\bTRUNCATE\b/, 'TRUNCATE'],
  [/\bRENAME\b/, 'RENAME'],
  [/^ALTER TABLE .*\bTYPE\b/, 'ALTER COLUMN TYPE'],
  [/\bSET NOT NULL\b/, 'SET NOT NULL'],
  [/\bDELETE FROM (?!.*\bWHERE\b)/, 'DELETE without WHERE'],
  [/^UPDATE (?!.*\bWHERE\b)/, 'UPDATE without WHERE'],
];
const ADDS = /^(CREATE ((GLOBAL|LOCAL|TEMP|TEMPORARY|UNLOGGED|MATERIALIZED) )*(TABLE|INDEX|SEQUENCE|TYPE|DOMAIN|EXTENSION|SCHEMA|VIEW|FUNCTION)\b|COMMENT ON |INSERT INTO |UPDATE |DELETE FROM |ALTER TYPE \S+ ADD VALUE |GRANT |(BEGIN|COMMIT|END)\b|START TRANSACTION|(SET|RESET|ANALYZE) |SELECT (PG_CATALOG\.)?(SETVAL|SET_CONFIG) ?\()/;
const ALTERS = /^(ALTER (COLUMN )?\S+ (SET DEFAULT|DROP NOT NULL|SET STATISTICS|SET STORAGE)|VALIDATE CONSTRAINT|SET \(|OWNER TO)/;
const NAMED = /^(?:CREATE UNIQUE INDEX(?: .*?)? ON|ALTER TABLE)(?: IF EXISTS)?(?: ONLY)? ((?:"[0-9A-F]+"|[^\s(;])+)/;

function harmOfAction(action) {
  const add = /^ADD (?:COLUMN )?(?:IF NOT EXISTS )?(.*)/.exec(action);
  if (!add) return ALTERS.test(action) ? null : 'ALTER TABLE';
  if (/^(CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b/.test(add[1])) return 'ADD CONSTRAINT';
  const filled = /\bDEFAULT\b|\bGENERATED\b|SERIAL\b/.test(add[1]);
  return /\bNOT NULL\b|\bPRIMARY KEY\b/.test(add[1]) && !filled ? 'ADD COLUMN NOT NULL without DEFAULT' : null;
}

// The actions of one ALTER TABLE: what stands between commas outside of brackets.
function actionsOf(statement) {
  let depth = 0;
  const body = statement.replace(NAMED, '').trim();
  const cut = [...body].map((sign) => {
    depth += sign === '(' ? 1 : sign === ')' ? -1 : 0;
    return sign === ',' && depth === 0 ? '\n' : sign;
  });
  return cut.join('').split('\n').map((action) => action.trim());
}

// A table that the same file has made has no old readers.
function harmOf(statement, made) {
  const named = NAMED.exec(statement);
  if (named && made.has(named[1])) return [];
  const words = HARMFUL.map(([form, word]) => (form.exec(statement) ? word + (word === 'DROP' ? ' ' + (form.exec(statement)[1] ?? 'COLUMN') : '') : null));
  if (words.some(Boolean)) return words.filter(Boolean);
  if (/^ALTER TABLE /.test(statement)) return actionsOf(statement).map(harmOfAction).filter(Boolean);
  return ADDS.test(statement) ? [] : [statement.split(' ').slice(0, 2).join(' ').slice(0, 30) + ', not known to only add'];
}

function harmOfSql(sql) {
  const bare = bareSql(sql);
  if (bare === null) return ['SQL that cannot be read for sure'];
  const made = new Set();
  const statements = bare.toUpperCase().split(';').map((statement) => statement.replace(/\s+/g, ' ').trim()).filter(Boolean);
  return [...new Set(statements.flatMap((statement) => {
    const table = /^CREATE (?:UNLOGGED )?TABLE (?!IF NOT EXISTS)((?:"[0-9A-F]+"|[^\s(;])+)/.exec(statement);
    if (table) made.add(table[1]);
    return harmOf(statement, made);
  }))];
}
