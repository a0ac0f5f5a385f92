# activate: the switch to a release on the disk, and the proof of it.

# From the disk alone, so a rollback takes seconds. A failed activation is left as it is: the control plane decides
# what is activated instead.
activate() {
  require_release
  leave_balancer
  intend
  log_offsets
  switch_current
  cd -- "${APP_DIR}/pm2"
  move_processes
  prove
}

# The intent is on the disk before the link is renamed; what is to be done with the processes is asked in the same breath, as
# each start of node is a part of the time that a rollback takes.
intend() {
  node_says switch "${PM2[@]}"
  log "processes: ${REPLY}"
  read -r MANAGER WAY COUNTED <<<"${REPLY}"
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

# The manager is told to reload; whether it did is asked of the processes. What it cannot change by a reload is replaced.
# Whatever other manager had the app before (the release before may have named it) gives it up first.
move_processes() {
  if [[ ${MANAGER} == pm2 ]]; then systemd_leave; else pm2_leave; fi
  if [[ ${WAY} == start ]]; then node_says end-strays; fi
  if [[ ${COUNTED} == true ]]; then "${MANAGER}_forgive"; fi
  case ${WAY} in
  settled) ;;
  reload) "${MANAGER}_reload" ;;
  *) "${MANAGER}_replace" ;;
  esac
}

prove() {
  local class detail=''
  ask_for_proof
  if [[ ${class} == stale ]]; then
    log "${detail}"
    WAY=replace
    "${MANAGER}_replace"
    ask_for_proof
  fi
  if [[ ${class} == proven ]]; then
    "${MANAGER}_is_kept" || "${MANAGER}_keep"
    enter_balancer
    succeed "${NOTE}"
  fi
  if [[ ${class} == stale ]]; then class=wrong_release; fi
  if [[ ${class} != deadline_passed ]]; then app_error; fi
  if [[ ${class}${detail} == @(start_failed|wrong_release)*EADDRINUSE* ]]; then
    node_says port-owner
    if [[ ${REPLY} != - ]]; then class=port_in_use detail="${detail} (${REPLY})"; fi
  fi
  fail "${class}" "${detail}"
}

# Where nothing is left to do after the proof, the program that proves records the answer, too.
ask_for_proof() {
  local line=''
  if "${MANAGER}_is_kept" && ((${#TARGETS[@]} == 0)); then
    line=$(SERVED=${RELEASE} HEALTHY=true answer_line 'done' 'done' '')
  fi
  node_says prove "$(seconds_left)" "${line}" "${PM2[@]}"
  read -r class SERVED HEALTHY TOOK detail <<<"${REPLY}"
  SERVED=${SERVED#-}
  if [[ ${class} == proven && -n ${line} ]]; then
    RECORDED=$(answer_line 'done' 'done' '')
  else
    TOOK='' # The step goes on, and with it the time.
  fi
}

# What the app itself says of it, and whether it has started at all. The app's log belongs to the app's user, so it is read
# as that user; a link planted there opens nothing more.
app_error() {
  local came='' line=''
  read -r came line < <(run_limited "${FINISH_SECONDS}" "${AS_USER[@]}" "${NODE[@]}" app-error "${ERROR_OFFSET}" "${OUT_OFFSET}") || true
  if [[ ${class}${detail} == 'health_failednothing answers'* && ${came} == swallowed ]]; then class=start_failed; fi
  detail=${line:-${detail}}
}
