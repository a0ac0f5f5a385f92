# activate: the switch to a release on the disk, and the proof of it.

# From the disk alone, so a rollback takes seconds. A failed activation is left as it is: the control plane decides
# what is activated instead.
activate() {
  require_release
  node_says switch
  log_offsets
  switch_current
  cd -- "${APP_DIR}/pm2"
  move_processes
  prove
}

log_offsets() {
  ERROR_OFFSET=$(stat -c %s -- "${APP_DIR}/log/app/error.log" 2>/dev/null) || ERROR_OFFSET=0
  OUT_OFFSET=$(stat -c %s -- "${APP_DIR}/log/app/out.log" 2>/dev/null) || OUT_OFFSET=0
}

switch_current() {
  rm -f -- "${APP_DIR}/current.new"
  ln -s -- "releases/${RELEASE}" "${APP_DIR}/current.new"
  mv -T -- "${APP_DIR}/current.new" "${APP_DIR}/current"
}

# pm2 is told to reload; whether it did is asked of the processes. What it cannot change by a reload (script, mode,
# number) is deleted and started.
move_processes() {
  local way counted
  node_says plan "${PM2[@]}"
  log "pm2: ${REPLY}"
  read -r way counted <<<"${REPLY}"
  if [[ ${counted} == true ]]; then bounded "${PM2[@]}" reset "${APP}" || true; fi
  case ${way} in
  settled) return 0 ;;
  reload) run_pm2 startOrReload ;;
  *) replace_processes ;;
  esac
}

replace_processes() {
  rm -f -- "${APP_DIR}/pm2/dump.pm2"
  if [[ ${REPLY} != start* ]]; then bounded "${PM2[@]}" delete "${APP}" || true; fi
  run_pm2 start
}

# The exit code of pm2 says little (0 for an app that crashed); only its deadline matters here.
run_pm2() {
  bounded "${PM2[@]}" "$1" "${RELEASE_DIR}/.longshore/ecosystem.config.cjs" || log "pm2 $1 ended with $?"
  if (($(seconds_left) <= 0)); then fail deadline_passed "pm2 $1"; fi
}

prove() {
  local class detail=''
  ask_for_proof
  if [[ ${class} == stale ]]; then
    log "${detail}"
    replace_processes
    ask_for_proof
  fi
  if [[ ${class} == proven ]]; then
    save_processes
    succeed
  fi
  if [[ ${class} == stale ]]; then class=wrong_release; fi
  if [[ ${class} != deadline_passed ]]; then detail=$(app_error "${detail}"); fi
  if [[ ${class}${detail} == @(start_failed|wrong_release)*EADDRINUSE* ]]; then
    node_says port-owner
    if [[ ${REPLY} != - ]]; then class=port_in_use detail="${detail} (${REPLY})"; fi
  fi
  fail "${class}" "${detail}"
}

ask_for_proof() {
  node_says prove "$(seconds_left)" "${PM2[@]}"
  read -r class SERVED HEALTHY detail <<<"${REPLY}"
  SERVED=${SERVED#-}
}

# For `pm2 resurrect` after a reboot. The saved words name `current`, so they stay true until the processes are replaced.
save_processes() {
  [[ ! -f ${APP_DIR}/pm2/dump.pm2 ]] || return 0
  bounded "${PM2[@]}" save --force || log 'pm2 save failed: a reboot would not start the app'
}

# The app's log belongs to the app's user, so it is read as that user; a link planted there opens nothing more.
app_error() {
  local line
  line=$(run_limited "${FINISH_SECONDS}" "${AS_USER[@]}" "${NODE[@]}" app-error "${ERROR_OFFSET}" "${OUT_OFFSET}") ||
    line=''
  printf '%s' "${line:-$1}"
}
