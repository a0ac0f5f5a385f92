# The answer: one JSON line, whatever happens.

exit_code() {
  case $1 in
  done) echo 0 ;; bad_input) echo 2 ;; superseded) echo 10 ;; expired) echo 11 ;; busy) echo 12 ;;
  agent_too_old) echo 13 ;; source_unavailable) echo 20 ;; commit_missing) echo 21 ;;
  parameters_unavailable) echo 22 ;; disk_full) echo 23 ;; install_failed) echo 24 ;; build_failed) echo 25 ;;
  config_refused) echo 26 ;; migration_failed) echo 30 ;;
  migration_locked) echo 31 ;; backup_failed) echo 32 ;; migration_down_failed) echo 33 ;; release_missing) echo 40 ;; start_failed) echo 41 ;;
  health_failed) echo 42 ;; wrong_release) echo 43 ;; load_balancer_failed) echo 44 ;;
  deadline_passed) echo 50 ;; host_not_ready) echo 60 ;;
  user_missing) echo 61 ;; memory_low) echo 62 ;; node_version) echo 63 ;; lockfile) echo 64 ;; git_denied) echo 65 ;;
  parameter_missing) echo 66 ;; parameters_denied) echo 67 ;; kms_denied) echo 68 ;; port_in_use) echo 69 ;;
  artifact_missing) echo 27 ;; artifact_refused) echo 29 ;; *) echo 70 ;;
  esac
}

log() {
  TZ=UTC0 printf '%(%Y-%m-%dT%H:%M:%SZ)T %s\n' -1 "$*" >&2 || true
}

# Only printable ASCII leaves the host, short enough for the 2,500 characters that the list call of SSM keeps.
printable() {
  local text=${1:0:300}
  text=${text//[^ -~]/?}
  text=${text//\\/\\\\}
  printf '%s' "${text//\"/\\\"}"
}

# The clock that nobody sets, in milliseconds since the host was started: a time between two looks at it is right, whatever the
# wall's clock does meanwhile.
uptime_ms() {
  local seconds
  read -r seconds _ </proc/uptime
  UPTIME_MS=$((10#${seconds/./}0))
}

# answer_line OUTCOME CLASS DETAIL: fields that were not validated are empty by construction (see read_parameters).
answer_line() {
  uptime_ms
  printf '{"longshore":1,"token":"%s","action":"%s","outcome":"%s","class":"%s","release":"%s","generation":%s,' \
    "${TOKEN:-}" "${ACTION:-}" "$1" "$2" "${ANSWER_RELEASE-${RELEASE:-}}" "${ANSWER_GENERATION:-${GENERATION:-0}}"
  printf '"served":"%s","healthy":%s,"took_ms":%s,%s"detail":"%s","repeated":false}' \
    "${SERVED:-}" "${HEALTHY:-false}" "${TOOK:-$((UPTIME_MS - BEGAN_MS))}" "${MIGRATIONS:+\"migrations\":${MIGRATIONS},}" "$(printable "$3")"
}

# The result is in the ledger before it is told: a step that is killed in between answers `repeated` the next time.
conclude() {
  local outcome=$1 class=$2 detail=$3 line status=0
  trap - EXIT ERR
  return_to_balancer || log 'the target group cannot be reached'
  line=$(answer_line "${outcome}" "${class}" "${detail}")
  if [[ ${RECORDING} == yes ]]; then
    [[ ${line} == "${RECORDED}" ]] || run_limited "${FINISH_SECONDS}" "${NODE[@]}" finish "${line}" || status=$?
    if ((status != 0)) && [[ ${outcome} == 'done' ]]; then
      outcome=failed class=internal
      if ((status == 28)); then class=disk_full; fi
      line=$(answer_line "${outcome}" "${class}" 'the ledger could not be written')
    fi
  fi
  log "${outcome} ${class} ${detail}"
  printf '%s\n' "${line}" >&8
  exit "$(exit_code "${class}")"
}

succeed() { conclude 'done' 'done' "${1:-}"; }
refuse() {
  RECORDING=no
  conclude refused "$1" "$2"
}

# A child that was killed at the deadline failed because of the deadline, whatever it was doing.
fail() {
  if (($(seconds_left) <= 0)); then
    conclude failed deadline_passed "the deadline passed: $2"
  fi
  conclude failed "$1" "$2"
}

on_exit() {
  conclude failed internal "the script ended unexpectedly at line ${FAILED_LINE}"
}
