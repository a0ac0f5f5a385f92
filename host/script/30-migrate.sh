# migrate: the app's migrations, on the one host that was chosen for them.

require_release() {
  [[ -f ${RELEASE_DIR}/.longshore/release.json ]] ||
    fail release_missing "release ${RELEASE} is not prepared on this host"
}

# The only hook that is given the app's parameters; the program masks them in what the hook prints.
migrate() {
  local hook offset
  require_release
  node_says migration
  hook=${REPLY}
  case ${hook} in
  -) succeed 'the app has no migration' ;;
  =) succeed 'migrated before in this generation' ;;
  *) ;;
  esac
  offset=$(log_size)
  log "npm run ${hook}"
  as_user_in "${RELEASE_DIR}" "${NODE[@]}" with-env npm run "${hook}" || fail_by_log migration_failed "${offset}"
  succeed
}
