# Running other programs: each in a group of its own, bounded in time, known to the next step if this one is killed.

seconds_left() { echo "$((SSM_DeadlineSeconds - SECONDS))"; }

# run_limited SECONDS COMMAND...: the command in a process group of its own, killed as a whole when its time is over,
# also when this script has been killed meanwhile. It keeps neither the lock nor the answer's descriptor.
run_limited() {
  local limit=$1
  shift
  ((limit > 0)) || return 137
  (
    exec 8>&- 9>&-
    remember_child
    exec timeout --signal=KILL "${limit}" "$@"
  )
}

bounded() { run_limited "$(seconds_left)" "$@"; }

# Written before the exec that makes the process the leader of its group, so a kill leaves no unknown child behind.
remember_child() {
  local stat fields
  [[ -n ${CHILD_FILE} ]] || return 0
  read -r stat <"/proc/${BASHPID}/stat"
  read -r -a fields <<<"${stat##*) }"
  printf '%s %s\n' "${BASHPID}" "${fields[19]}" >"${CHILD_FILE}" || true
}

# The agent's SIGKILL reaches the script, not its children. The next step, which holds the lock, ends what is left.
reap_survivors() {
  local pid start stat fields tries=50
  [[ -s ${CHILD_FILE} ]] || return 0
  read -r pid start <"${CHILD_FILE}" || return 0
  [[ ${pid} =~ ^[0-9]+$ && -r /proc/${pid}/stat ]] || return 0
  read -r stat <"/proc/${pid}/stat" || return 0
  read -r -a fields <<<"${stat##*) }"
  [[ ${fields[19]} == "${start}" ]] || return 0
  log "ending process group ${pid}, left by a step that was killed"
  kill -KILL -- "-${pid}" || true
  while ((tries-- > 0)) && kill -0 -- "-${pid}"; do sleep 0.1; done
}

# node_says COMMAND...: runs a command of the program below; what it says is in REPLY. A refusal of the program is
# `<class> <detail>` with exit code 3 and ends the step.
node_says() {
  local status=0
  REPLY=$(bounded "${NODE[@]}" "$@") || status=$?
  case ${status} in
  0) ;;
  3) fail "${REPLY%% *}" "${REPLY#* }" ;;
  28) fail disk_full 'no space left on device' ;;
  *) fail internal "the command $1 of the host program ended with ${status}" ;;
  esac
}

log_size() { stat -c %s -- "${LOG}"; }

# fail_by_log CLASS OFFSET: the first real error line that a child wrote to the log since OFFSET becomes the detail, and
# what it wrote may make the class a closer one.
fail_by_log() {
  local status=$? line
  if ((status == 137)); then echo 'Killed by the system' >&2; fi
  line=$(run_limited "${FINISH_SECONDS}" "${NODE[@]}" first-error "$1" "${LOG}" "$2") || line="$1 see the log of the host"
  fail "${line%% *}" "${line#* }"
}
