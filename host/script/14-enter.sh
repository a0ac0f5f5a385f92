# Entering a step: the folders, the log, the lock, and what the ledger says of this token.

# Folders that root follows are root's own; the app's user owns only leaves, so it cannot plant a link in the way.
make_layout() {
  local own=() user=()
  if ((EUID == 0)); then own=(-o root -g "${GROUP_ID}") user=(-o "${HOST_USER}" -g "${GROUP_ID}"); fi
  [[ -d ${ROOT} ]] || install -d -m 0755 "${ROOT}"
  install -d -m 0751 "${own[@]}" "${APP_DIR}" "${APP_DIR}/releases" "${APP_DIR}/log"
  install -d -m 0750 "${user[@]}" "${APP_DIR}/shared" "${APP_DIR}/log/app" "${APP_DIR}/pm2"
}

enter() {
  make_layout
  LOG=$(TZ=UTC0 printf '%s/log/%(%Y%m%dT%H%M%SZ)T-%s-%s.log' "${APP_DIR}" -1 "${ACTION}" "$$")
  : >"${LOG}"
  exec 1>>"${LOG}" 2>&1
  log "${ACTION} ${RELEASE} generation ${GENERATION} token ${TOKEN}"
  exec 9>"${APP_DIR}/lock"
  flock --nonblock 9 || refuse busy 'another step of this app is running on this host'
  CHILD_FILE=${APP_DIR}/child
  command -v node >/dev/null || refuse host_not_ready 'node is not on the PATH of this host'
  reap_survivors
  begin
  if [[ ${ACTION} == prepare ]]; then require_tools git npm aws; fi # A rollback needs none of them but its manager.
}

require_tools() {
  local tool
  for tool; do
    command -v "${tool}" >/dev/null || fail host_not_ready "${tool} is not on the PATH of this host"
  done
}

# Asks the ledger: a finished token is answered from the record, an older generation and a late command are refused.
begin() {
  node_says begin
  case ${REPLY%% *} in
  go)
    RECORDING=yes
    # shellcheck disable=SC2086 # words of the program, one by one
    finish_balancer ${REPLY#go}
    ;;
  repeat)
    trap - EXIT ERR
    local rest=${REPLY#repeat }
    printf '%s\n' "${rest#* }" >&8
    exit "$(exit_code "${rest%% *}")"
    ;;
  *) refuse "${REPLY%% *}" "${REPLY#* }" ;;
  esac
}
