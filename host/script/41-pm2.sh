# pm2 as the manager of the app's processes: a daemon of the app's own, so no other app is ever touched.

pm2_reload() { run_pm2 startOrReload; }

# For what a reload cannot change (script, mode, number). What a release that ends again and again has said until it was
# deleted is not this one's error.
pm2_replace() {
  rm -f -- "${APP_DIR}/pm2/dump.pm2"
  if [[ ${WAY} != start ]]; then
    bounded "${PM2[@]}" delete "${APP}" || true
    log_offsets
  fi
  run_pm2 start
}

# The exit code of pm2 says little (0 for an app that crashed); only its deadline matters here.
run_pm2() {
  command -v pm2 >/dev/null || fail start_failed 'pm2 is not on the PATH of this host'
  bounded "${PM2[@]}" "$1" "${RELEASE_DIR}/.longshore/ecosystem.config.cjs" || log "pm2 $1 ended with $?"
  if (($(seconds_left) <= 0)); then fail deadline_passed "pm2 $1"; fi
}

pm2_forgive() { bounded "${PM2[@]}" reset "${APP}" || true; }

# For `pm2 resurrect` after a reboot. The saved words name `current`, so they stay true until the processes are replaced.
pm2_is_kept() { [[ -f ${APP_DIR}/pm2/dump.pm2 ]]; }
pm2_keep() {
  bounded "${PM2[@]}" save --force || log 'pm2 save failed: a reboot would not start the app'
}

# Another manager takes over: the daemon goes with the app's processes.
pm2_leave() {
  local pid
  rm -f -- "${APP_DIR}/pm2/dump.pm2"
  [[ -f ${APP_DIR}/pm2/pm2.pid ]] || return 0
  pid=$(<"${APP_DIR}/pm2/pm2.pid")
  [[ ${pid} =~ ^[0-9]+$ && -d /proc/${pid} ]] || return 0
  log 'pm2 gives the app up'
  bounded "${PM2[@]}" kill || log "pm2 kill ended with $?"
}
