# migrate and unmigrate: the app's migrations, on the one host that was chosen for them, and what they mean for the way back.

require_release() {
  [[ -f ${RELEASE_DIR}/.longshore/release.json ]] ||
    fail release_missing "release ${RELEASE} is not prepared on this host"
}

# What the migrations mean for the way back to the release before, for the answer. The files are the app's, so they are read
# as its user; where the release before is not on this disk there is nothing to say.
judge_migrations() {
  [[ -n ${SSM_Previous} ]] || return 0
  MIGRATIONS=$(bounded "${AS_USER[@]}" "${NODE[@]}" verdict) || fail internal 'the migrations could not be judged'
}

migrate() {
  local hook backup
  require_release
  node_says migration
  read -r hook backup <<<"${REPLY}"
  case ${hook} in
  -) succeed 'the app has no migration' ;;
  =) succeed 'migrated before in this generation' ;;
  *) ;;
  esac
  if [[ ${backup} != - ]]; then run_migration_hook "${backup}" backup_failed; fi
  run_migration_hook "${hook}" migration_failed
  succeed
}

# As `migrate`, but never begun twice in a generation: a tool that takes back the last migrations would take back more.
unmigrate() {
  local hook
  require_release
  node_says unmigration
  hook=${REPLY}
  run_migration_hook "${hook}" migration_down_failed
  succeed
}

# The only hooks that are given the app's parameters; the program masks them in what the hook prints.
run_migration_hook() {
  local hook=$1 class=$2 offset
  offset=$(log_size)
  log "npm run ${hook}"
  as_user_in "${RELEASE_DIR}" "${NODE[@]}" with-env npm run "${hook}" && return 0
  if [[ ${class} == migration_failed ]]; then fail_by_lock "${offset}"; fi
  fail_by_log "${class}" "${offset}"
}

# A lock that somebody holds is named with what releases it. knex keeps its lock in a table, where a dead run leaves it;
# node-pg-migrate and Prisma keep theirs with a session of the database, which ends soon after its run.
fail_by_lock() {
  local said session="its session holds it: SELECT pid FROM pg_locks WHERE locktype = 'advisory'; end it by pg_terminate_backend(pid)"
  said=$(tail -c "+$(($1 + 1))" "${LOG}")
  case ${said} in
  *'Migration table is already locked'* | *MigrationLocked*)
    fail migration_locked "the lock of knex is held or was left by a dead run: when no migration runs, release it by knex migrate:unlock"
    ;;
  *'Another migration is already running'*) fail migration_locked "the lock of node-pg-migrate is held; ${session}" ;;
  *P1002*advisory*) fail migration_locked "the lock of Prisma is held; ${session}" ;;
  *) ;;
  esac
}
