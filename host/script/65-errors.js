// What may leave the host: masked, and the line that a person would look for.

// Every value of four characters or more, each of its lines, and their JSON form, longest first.
function masker(parameters) {
  const parts = Object.values(parameters).flatMap((value) => [value, ...value.split(/\r?\n/)]);
  const forms = parts.flatMap((part) => [part, part.trim(), JSON.stringify(part).slice(1, -1)]);
  const hidden = [...new Set(forms)].filter((form) => form.length >= 4).sort((a, b) => b.length - a.length);
  return (line) => hidden.reduce((masked, form) => masked.split(form).join('***'), line);
}

// What the words of a tool make of a class: the first that matches counts.
const MEANINGS = [
  [/./, 'disk_full', /ENOSPC(?!: System limit)|No space left on device|EDQUOT|Disk quota exceeded/],
  [/install|build/, 'memory_low', /heap out of memory|ENOMEM|Cannot allocate memory|^Killed\b/m],
  [/install/, 'lockfile', /^npm error code EUSAGE/m],
  [/source/, 'commit_missing', /not our ref|unadvertised object|find remote ref/],
  [/source/, 'git_denied', /Authentication failed|could not read (Username|Password)|returned error: 40[13]|repository '.*' not found|may not have access/],
  [/parameters/, 'parameters_unavailable', /Throttl|Rate exceeded|InternalServerError|Could not connect/],
  [/parameters/, 'kms_denied', /kms:|KMS|InvalidKeyId|ciphertext/],
  [/parameters/, 'parameters_denied', /AccessDenied|locate credentials|ExpiredToken|UnrecognizedClient/],
];

const classOf = (first, said) => (MEANINGS.find(([of, , form]) => of.test(first) && form.test(said)) || ['', first])[1];

const ERROR_FORMS = [
  /^FATAL ERROR: |^npm error (Missing|Invalid): |^Module not found: |^Could not resolve /,
  /^(?!ERROR in |.*error during build:)(uncaught )?[A-Za-z.]*(Error|Exception)\b.*: *\S/i,
  /^(?!npm |>|.*: line \d+: +\d+ ).*(\b(error|fatal|failed|cannot|denied|not found|killed)\b|Error:|ENOSPC|EADDRINUSE)/i,
  /^npm error (?!code|errno|path|command|signal|A complete log|Lifecycle|workspace|location)\S/i,
  /^(?!npm |>|\d{4}-\d\d-\d\dT)./,
];

// The line that a person would look for: the error itself, not npm's frame around it.
function firstErrorLine(log, mask) {
  const lines = log.split('\n').map((line) => line.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').trim()).filter(Boolean);
  for (const form of ERROR_FORMS) {
    const hit = lines.find((line) => form.test(line));
    if (hit) return mask(hit).replace(/[^ -~]/g, '?').slice(0, 300);
  }
  return '';
}

function readFrom(file, offset) {
  const bytes = orElse(Buffer.alloc(0), () => fs.readFileSync(file));
  return bytes.subarray(Math.min(Number(offset), bytes.length)).toString('utf8');
}

function firstError(first, file, offset) {
  const parameters = orElse({}, () => readJson(own(env.LS_RELEASE, 'env.json')));
  const said = readFrom(file, offset);
  say(classOf(first, said), firstErrorLine(said, masker(parameters)) || 'see the log of the host');
}

// In cluster mode pm2 imports an ES module, catches what it throws, and keeps the process, in which then nothing is.
const SWALLOWED = /^You have triggered an unhandledRejection/m;

// Standard error first: what an app prints on standard output is rarely why it died.
function appError(errorOffset, outOffset) {
  const mask = masker(readJson(own(env.LS_RELEASE, 'env.json')));
  const logs = path.join(APP_DIR, 'log', 'app');
  const said = readFrom(path.join(logs, 'error.log'), errorOffset);
  const line = firstErrorLine(said, mask)
    || firstErrorLine(readFrom(path.join(logs, 'out.log'), outOffset), (text) => (/error/i.test(text) ? mask(text) : ''));
  say(SWALLOWED.test(said) ? 'swallowed' : '-', line);
}
