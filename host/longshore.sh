#!/bin/bash
# The host script of Longshore: prepare, migrate, activate, status or prune one app on this host.
#
# The SSM document of the same folder carries this file and passes every parameter as $SSM_<Name>. The script prints
# exactly one JSON line, the answer; everything else goes to a log file of the run. SIGKILL may come at any line (the
# agent sends no SIGTERM, so no trap helps): what was begun is on disk, and every action can be run again from its
# start. The ledger of the app makes a repeated command harmless.
#
# It must never: put a secret into argv, the answer, a log or pm2; use a parameter that it has not checked; let a child
# keep the lock or the step's output; touch another app.
#
# The functions report by ending the step (`fail`, `refuse`, `succeed`), so the places that disable `set -e` by calling
# a function in a condition have been chosen with care (SC2310, SC2312). The agent sets the SSM_* variables (SC2154).
# shellcheck disable=SC2154,SC2310,SC2312

set -Eeuo pipefail
umask 027
LC_ALL=C

readonly NAMES=(Action App Environment Repository Deployment Generation Token Release ConfigVersion Pins NotAfter
  DeadlineSeconds GitBase HostUser)
readonly FREE_KB_MIN=262144 # A release is rarely larger; two of the app's own size are asked for where that is more.
readonly FREE_INODES_MIN=20000
readonly FINISH_SECONDS=15 # What recording a result may take, also when the deadline has passed.

LOG=/dev/null
CHILD_FILE=''
APP_DIR=''
RECORDING=no
FAILED_LINE=0
AS_USER=()
RAW=''

# --- the answer ------------------------------------------------------------------------------------------------------

exit_code() {
  case $1 in
  done) echo 0 ;; bad_input) echo 2 ;; superseded) echo 10 ;; expired) echo 11 ;; busy) echo 12 ;;
  agent_too_old) echo 13 ;; source_unavailable) echo 20 ;; commit_missing) echo 21 ;;
  parameters_unavailable) echo 22 ;; disk_full) echo 23 ;; install_failed) echo 24 ;; build_failed) echo 25 ;;
  config_refused) echo 26 ;; migration_failed) echo 30 ;; release_missing) echo 40 ;; start_failed) echo 41 ;;
  health_failed) echo 42 ;; wrong_release) echo 43 ;; deadline_passed) echo 50 ;; *) echo 70 ;;
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

# answer_line OUTCOME CLASS DETAIL: fields that were not validated are empty by construction (see read_parameters).
answer_line() {
  printf '{"longshore":1,"token":"%s","action":"%s","outcome":"%s","class":"%s","release":"%s","generation":%s,' \
    "${TOKEN:-}" "${ACTION:-}" "$1" "$2" "${ANSWER_RELEASE-${RELEASE:-}}" "${ANSWER_GENERATION:-${GENERATION:-0}}"
  printf '"served":"%s","healthy":%s,"detail":"%s","repeated":false}' \
    "${SERVED:-}" "${HEALTHY:-false}" "$(printable "$3")"
}

# The result is in the ledger before it is told: a step that is killed in between answers `repeated` the next time.
conclude() {
  local outcome=$1 class=$2 detail=$3 line status=0
  trap - EXIT ERR
  line=$(answer_line "${outcome}" "${class}" "${detail}")
  if [[ ${RECORDING} == yes ]]; then
    run_limited "${FINISH_SECONDS}" "${NODE[@]}" finish "${line}" || status=$?
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

# --- parameters and environment --------------------------------------------------------------------------------------

# Children get PATH, HOME, the proxy and the certificates of the host, nothing else: no SSM_*, no AWS_* (only the AWS
# CLI is given those back), no NODE_OPTIONS. The values stay readable here as plain shell variables.
clean_environment() {
  local name
  while read -r name; do
    case ${name} in
    PATH | HTTP_PROXY | HTTPS_PROXY | NO_PROXY | http_proxy | https_proxy | no_proxy) ;;
    NODE_EXTRA_CA_CERTS | SSL_CERT_FILE | SSL_CERT_DIR) ;;
    *) export -n "${name?}" ;;
    esac
  done < <(compgen -e)
  export PATH="${PATH:+${PATH}:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  export LANG=C.UTF-8
  HOME=$(getent passwd "${EUID}" | cut -d: -f6) || HOME=/
  export HOME
  cd /
}

# An agent that does not know ENV_VAR leaves the variables unset. Never fall back to anything: stop.
require_parameters() {
  local name
  for name in "${NAMES[@]}"; do
    if [[ ! -v "SSM_${name}" ]]; then
      refuse agent_too_old "SSM_${name} is not set: the agent of this host is older than 3.3.2746.0"
    fi
  done
}

# check NAME PATTERN: the agent's own check is not relied on. A refused value is named, never repeated.
check() {
  local variable=SSM_$1
  [[ ${!variable} =~ ^($2)$ ]] || refuse bad_input "parameter $1 has a form that is not allowed"
}

read_parameters() {
  local ulid='[0-9A-HJKMNP-TV-Z]{26}' number='[1-9][0-9]{0,14}' pin='[A-Za-z_][A-Za-z0-9_]{0,63}:[1-9][0-9]{0,9}'
  require_parameters
  check Action 'prepare|migrate|activate|status|prune' && ACTION=${SSM_Action}
  check Token "${ulid}:${number}:[a-z]{1,10}:[0-9]{1,4}:[0-9]{1,4}[.][0-9]{1,3}" && TOKEN=${SSM_Token}
  check Generation "${number}" && GENERATION=${SSM_Generation}
  check Release '[0-9a-f]{40}-[0-9a-f]{12}' && RELEASE=${SSM_Release}
  check Deployment "${ulid}"
  check App '[a-z0-9][a-z0-9-]{0,62}' && APP=${SSM_App}
  check Environment '[a-z][a-z0-9-]{0,31}' && ENVIRONMENT=${SSM_Environment}
  check Repository '[a-z0-9][a-z0-9_.-]{0,61}/[a-z0-9_.-]{1,62}' && REPOSITORY=${SSM_Repository}
  check ConfigVersion '[1-9][0-9]{0,9}'
  check Pins "(${pin}(,${pin})*)?"
  check NotAfter '[1-9][0-9]{9}'
  check DeadlineSeconds '[1-9][0-9]{0,4}'
  check GitBase 'https://[a-z0-9.-]+|file:///[A-Za-z0-9_./-]+'
  check HostUser '[a-z_][a-z0-9_-]{0,31}' && HOST_USER=${SSM_HostUser}
  check_together
}

# What no pattern can say.
check_together() {
  local name=${REPOSITORY#*/}
  [[ ${name} != . && ${name} != .. ]] || refuse bad_input 'parameter Repository names no repository'
  ((${#SSM_Pins} <= 4096)) || refuse bad_input 'parameter Pins is too long'
  [[ ${TOKEN} == "${SSM_Deployment}:${GENERATION}:"* ]] ||
    refuse bad_input 'parameter Token is not of this deployment and generation'
  ROOT=${LONGSHORE_ROOT:-/srv/longshore}
  [[ ${ROOT} =~ ^(/[A-Za-z0-9_.-]+)+$ && ! ${ROOT} =~ (^|/)\.\.?(/|$) ]] ||
    refuse bad_input 'LONGSHORE_ROOT of this host is not a plain absolute path'
  [[ ${LONGSHORE_PORT:-1} =~ ^[1-9][0-9]{0,4}$ ]] || refuse bad_input 'LONGSHORE_PORT of this host is not a port'
}

# Root works for the unprivileged user; anybody else can only work for himself.
settle_user() {
  local entry
  if ((EUID == 0)) && [[ ${HOST_USER} != root ]]; then
    AS_USER=(runuser -u "${HOST_USER}" --)
  elif [[ ${HOST_USER} != "$(id -un)" ]]; then
    refuse bad_input 'parameter HostUser is another user, and this agent is not root'
  fi
  entry=$(getent passwd "${HOST_USER}") || refuse bad_input 'parameter HostUser is not a user of this host'
  HOST_GROUP=$(id -gn "${HOST_USER}")
  USER_HOME=$(cut -d: -f6 <<<"${entry}")
  if [[ ! -d ${USER_HOME} ]]; then USER_HOME=${APP_DIR}/shared/home; fi
}

settle_paths() {
  APP_DIR=${ROOT}/${APP}
  RELEASE_DIR=${APP_DIR}/releases/${RELEASE}
  PARTIAL_DIR=${RELEASE_DIR}.partial
  COMMIT=${RELEASE%%-*}
  settle_user
  NODE=(env "LS_APP=${APP}" "LS_ENVIRONMENT=${ENVIRONMENT}" "LS_REPOSITORY=${REPOSITORY}" "LS_APP_DIR=${APP_DIR}"
    "LS_RELEASE=${RELEASE}" "LS_GENERATION=${GENERATION}" "LS_TOKEN=${TOKEN}" "LS_ACTION=${ACTION}"
    "LS_DEPLOYMENT=${SSM_Deployment}" "LS_PINS=${SSM_Pins}" "LS_CONFIG_VERSION=${SSM_ConfigVersion}"
    "LS_NOT_AFTER=${SSM_NotAfter}" "LS_PORT=${LONGSHORE_PORT:-}" "LS_COMMAND=${SSM_COMMAND_ID:-}"
    "LS_UID=$(id -u "${HOST_USER}")" "LS_GID=$(id -g "${HOST_USER}")" node -e "${PROGRAM}" --)
  USER_ENV=(env "HOME=${USER_HOME}" "USER=${HOST_USER}" "LOGNAME=${HOST_USER}" CI=true
    "npm_config_cache=${APP_DIR}/shared/npm-cache" npm_config_update_notifier=false npm_config_fund=false
    npm_config_audit=false "${AS_USER[@]}")
  PM2=(env "HOME=${USER_HOME}" "USER=${HOST_USER}" "LOGNAME=${HOST_USER}" "PM2_HOME=${APP_DIR}/pm2"
    PM2_DISABLE_VERSION_CHECK=true "${AS_USER[@]}" pm2)
}

# --- children --------------------------------------------------------------------------------------------------------

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

# fail_by_log CLASS OFFSET: the first real error line that a child wrote to the log since OFFSET becomes the detail.
fail_by_log() {
  local class=$1 offset=$2 line
  if tail -c "+$((offset + 1))" "${LOG}" | grep -E 'ENOSPC|No space left on device|EDQUOT|Disk quota exceeded' >/dev/null; then
    class=disk_full
  fi
  line=$(run_limited "${FINISH_SECONDS}" "${NODE[@]}" first-error "${LOG}" "${offset}") || line='see the log of the host'
  fail "${class}" "${line}"
}

# --- entering a step -------------------------------------------------------------------------------------------------

# Folders that root follows are root's own; the app's user owns only leaves, so it cannot plant a link in the way.
make_layout() {
  local own=() user=()
  if ((EUID == 0)); then own=(-o root -g "${HOST_GROUP}") user=(-o "${HOST_USER}" -g "${HOST_GROUP}"); fi
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
  reap_survivors
  begin
  local tool
  for tool in git npm pm2 aws; do
    command -v "${tool}" >/dev/null || fail internal "${tool} is not on the PATH of this host"
  done
}

# Asks the ledger: a finished token is answered from the record, an older generation and a late command are refused.
begin() {
  node_says begin
  case ${REPLY%% *} in
  go) RECORDING=yes ;;
  repeat)
    trap - EXIT ERR
    local rest=${REPLY#repeat }
    printf '%s\n' "${rest#* }" >&8
    exit "$(exit_code "${rest%% *}")"
    ;;
  *) refuse "${REPLY%% *}" "${REPLY#* }" ;;
  esac
}

# --- prepare ---------------------------------------------------------------------------------------------------------

prepare() {
  if [[ -f ${RELEASE_DIR}/.longshore/release.json ]]; then succeed 'already prepared'; fi
  prune_releases
  require_space
  fetch_parameters
  node_says describe < <(printf '%s' "${RAW}")
  local install build
  read -r install build GIT_TOKEN <<<"${REPLY}"
  fetch_commit
  install_dependencies
  run_hook "${install}" install_failed
  run_hook "${build}" build_failed
  seal_release
  succeed
}

require_space() {
  local kb inodes
  read -r kb inodes < <(df --output=avail,iavail -k -- "${APP_DIR}" | tail -n 1)
  log "free: ${kb} KiB, ${inodes} inodes; needed: ${NEEDED_KB} KiB"
  ((kb >= NEEDED_KB)) || fail disk_full "only ${kb} KiB are free, ${NEEDED_KB} KiB are needed for two more releases"
  [[ ! ${inodes} =~ ^[0-9]+$ ]] || ((inodes == 0 || inodes >= FREE_INODES_MIN)) ||
    fail disk_full "only ${inodes} inodes are free"
}

# The only child that is given the AWS variables of the agent. It prints secrets, so only a variable receives them.
aws_get() {
  (
    local name
    for name in "${!AWS_@}"; do export "${name?}"; done
    export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-${AWS_REGION:-${AWS_SSM_REGION_NAME:?the SSM agent names no region}}}"
    export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=4 AWS_PAGER=''
    bounded aws ssm get-parameters --with-decryption --output json --names "$@"
  )
}

# All names in as few calls as possible, ten names a call: the configuration, the token of git and the pinned
# parameters. The answers are kept apart by a record separator, which JSON never contains unescaped.
fetch_parameters() {
  local names=() offset answer tries status
  names+=("/longshore/${ENVIRONMENT}/apps/${REPOSITORY}:${SSM_ConfigVersion}")
  if [[ ${SSM_GitBase} == https://* ]]; then names+=("/longshore/${ENVIRONMENT}/git/token"); fi
  if [[ -n ${SSM_Pins} ]]; then
    mapfile -t -O "${#names[@]}" names < <(tr ',' '\n' <<<"${SSM_Pins}" | sed "s|^|/${APP}/${ENVIRONMENT}/|")
  fi
  for ((offset = 0; offset < ${#names[@]}; offset += 10)); do
    for ((tries = 1; ; tries++)); do
      local from status=0
      from=$(log_size)
      answer=$(aws_get "${names[@]:offset:10}") || status=$?
      if ((status == 0)); then break; fi
      if ((tries >= 3)); then fail_by_log parameters_unavailable "${from}"; fi
      sleep "${tries}"
    done
    RAW+=${answer}$'\x1e'
  done
}

# run_git ARGS...: no hooks, no configuration of the host, no transport but the one of GitBase, no redirect. The token
# travels in the environment of git alone; the quotes keep the variable for the shell that git starts.
run_git() {
  # shellcheck disable=SC2016 # expanded by the shell that git starts, not here
  local credential='!f() { test "$1" != get || test -z "$LONGSHORE_GIT_TOKEN" || printf "username=x-token-auth\npassword=%s\n" "$LONGSHORE_GIT_TOKEN"; }; f'
  (
    export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0 LONGSHORE_GIT_TOKEN=${GIT_TOKEN:-}
    bounded git -c protocol.allow=never -c "protocol.${SSM_GitBase%%:*}.allow=always" -c core.hooksPath=/dev/null \
      -c credential.helper= -c "credential.helper=${credential}" -c http.followRedirects=false -c submodule.recurse=false \
      -c gc.auto=0 -c maintenance.auto=false -c core.fsmonitor=false -C "${PARTIAL_DIR}" "$@"
  )
}

# Root fetches into a folder of its own, so the token never comes near the app's user; then the tree is handed over.
fetch_commit() {
  local offset
  offset=$(log_size)
  bounded rm -rf -- "${PARTIAL_DIR}"
  mkdir -m 0700 -- "${PARTIAL_DIR}"
  run_git init --quiet --template=
  run_git fetch --quiet --depth 1 --no-tags --no-recurse-submodules "${SSM_GitBase}/${REPOSITORY}.git" "${COMMIT}" ||
    fail_fetch "${offset}"
  GIT_TOKEN=''
  [[ $(run_git rev-parse --verify --quiet 'FETCH_HEAD^{commit}') == "${COMMIT}" ]] ||
    fail commit_missing "commit ${COMMIT} is not a commit of ${REPOSITORY}"
  run_git checkout --quiet --force --detach "${COMMIT}" || fail_by_log source_unavailable "${offset}"
  bounded rm -rf -- "${PARTIAL_DIR}/.git"
  if ((EUID == 0)); then bounded chown -R -P -- "${HOST_USER}:${HOST_GROUP}" "${PARTIAL_DIR}"; fi
  chmod 0750 -- "${PARTIAL_DIR}"
}

fail_fetch() {
  if tail -c "+$(($1 + 1))" "${LOG}" | grep -E 'not our ref|unadvertised object|find remote ref' >/dev/null; then
    fail commit_missing "commit ${COMMIT} is not in ${REPOSITORY}"
  fi
  fail_by_log source_unavailable "$1"
}

# as_user_in FOLDER COMMAND...: as the app's user, without credentials and without the app's secrets.
as_user_in() {
  local folder=$1
  shift
  (
    cd -- "${folder}"
    bounded "${USER_ENV[@]}" "$@"
  )
}

# Scripts of dependencies never run: what has to be built is named by the app's own install hook.
install_dependencies() {
  local offset
  offset=$(log_size)
  log 'npm ci'
  as_user_in / mkdir -p -- "${APP_DIR}/shared/npm-cache" "${APP_DIR}/shared/home"
  as_user_in "${PARTIAL_DIR}" npm ci --ignore-scripts --prefer-offline --no-progress --loglevel=warn ||
    fail_by_log install_failed "${offset}"
}

run_hook() {
  local hook=$1 class=$2 offset
  [[ ${hook} != - ]] || return 0
  offset=$(log_size)
  log "npm run ${hook}"
  as_user_in "${PARTIAL_DIR}" npm run "${hook}" || fail_by_log "${class}" "${offset}"
}

# What the build left is not trusted: the top folder becomes root's (sticky, so the user cannot replace what is not his)
# before our own folder is written into it. The rename makes the release exist.
seal_release() {
  local kb
  if ((EUID == 0)); then chown -- "root:${HOST_GROUP}" "${PARTIAL_DIR}"; fi
  chmod 1770 -- "${PARTIAL_DIR}"
  bounded rm -rf -- "${PARTIAL_DIR}/.longshore"
  mkdir -m 0755 -- "${PARTIAL_DIR}/.longshore"
  kb=$(du -sk -- "${PARTIAL_DIR}" | cut -f1)
  node_says write-release "${PARTIAL_DIR}" "${kb}" < <(printf '%s' "${RAW}")
  mv -T -- "${PARTIAL_DIR}" "${RELEASE_DIR}"
}

# --- migrate ---------------------------------------------------------------------------------------------------------

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

# --- activate --------------------------------------------------------------------------------------------------------

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

# --- status and prune ------------------------------------------------------------------------------------------------

# Reads only, without the lock: it must be able to look while a long step runs.
status() {
  local now detail=''
  printf -v now '%(%s)T' -1
  ((now < SSM_NotAfter)) || refuse expired 'the command came after its not-after time'
  node_says status
  read -r ANSWER_RELEASE ANSWER_GENERATION SERVED HEALTHY detail <<<"${REPLY}"
  ANSWER_RELEASE=${ANSWER_RELEASE#-}
  SERVED=${SERVED#-}
  succeed "${detail}"
}

prune() {
  prune_releases
  succeed
}

prune_releases() {
  local name
  node_says room "${FREE_KB_MIN}"
  while read -r name; do
    log "removing ${name}"
    bounded rm -rf -- "${APP_DIR:?}/${name}"
  done < <(tail -n +2 <<<"${REPLY}")
  NEEDED_KB=${REPLY%%$'\n'*}
}

# --- the host program ------------------------------------------------------------------------------------------------
# What needs JSON, fsync, HTTP or /proc. Node is on every host. Facts come in LS_* variables, secrets only by standard
# input and in env.json. Exit codes: 3 = a refusal, `<class> <detail>` on standard output; 28 = no space; 70 = a fault.

IFS= read -r -d '' PROGRAM <<'PROGRAM_END' || true
'use strict';
const fs = require('fs');
const path = require('path');
const http = require('http');
const child = require('child_process');

const env = process.env;
const APP_DIR = env.LS_APP_DIR;
const LEDGER = path.join(APP_DIR, 'ledger.json');
const ENTRIES_MAX = 64;
const PROVEN_MAX = 10;
const RELEASES_KEPT = 5;
const PROVEN_KEPT = 3;
const LOGS_KEPT = 50;
const APP_LOG_BYTES_MAX = 64 * 1024 * 1024;
const HOOK = /^[a-z0-9][a-z0-9:_-]{0,63}$/;

class Refusal extends Error {}
const refuse = (what, detail) => { throw new Refusal(what + ' ' + detail); };
const say = (...words) => process.stdout.write(words.join(' ') + '\n');
const now = () => new Date().toISOString();
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const readJson = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
const releaseDir = (id) => path.join(APP_DIR, 'releases', id);
const own = (id, file) => path.join(releaseDir(id), '.longshore', file);
const standardInput = () => fs.readFileSync(0, 'utf8');

// --- the disk ---

function orElse(fallback, read) {
  try {
    return read();
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return fallback;
  }
}

function syncFolder(folder) {
  const fd = fs.openSync(folder, 'r');
  fs.fsyncSync(fd);
  fs.closeSync(fd);
}

function writeDurably(file, text, mode) {
  const fresh = file + '.new';
  fs.rmSync(fresh, { force: true });
  const fd = fs.openSync(fresh, 'wx', mode);
  try {
    fs.writeFileSync(fd, text);
    fs.fchmodSync(fd, mode);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
  fs.renameSync(fresh, file);
  syncFolder(path.dirname(file));
}

function loadLedger() {
  const empty = { schema: 1, app: env.LS_APP, environment: env.LS_ENVIRONMENT, generation: 0, active: '',
    active_state: 'none', activated_at: '', switched: null, proven: [], migrations: [], entries: [] };
  return orElse(empty, () => readJson(LEDGER));
}

// An unreadable ledger stops the step: guessing here could run an older generation over a newer one.
function saveLedger(ledger) {
  ledger.entries = ledger.entries.slice(-ENTRIES_MAX);
  ledger.migrations = ledger.migrations.slice(-ENTRIES_MAX);
  ledger.proven = ledger.proven.slice(-PROVEN_MAX);
  writeDurably(LEDGER, JSON.stringify(ledger, null, 1) + '\n', 0o640);
}

// --- the ledger ---

function begin() {
  const ledger = loadLedger();
  const known = ledger.entries.find((entry) => entry.token === env.LS_TOKEN);
  if (known && known.answer) return say('repeat', known.answer.class, JSON.stringify({ ...known.answer, repeated: true }));
  if (Number(env.LS_GENERATION) < ledger.generation) return say('superseded generation', ledger.generation, 'has been seen');
  if (Date.now() / 1000 >= Number(env.LS_NOT_AFTER)) return say('expired the command came after its not-after time');
  ledger.generation = Number(env.LS_GENERATION);
  if (!known) {
    const command = /^[0-9a-f-]{36}$/.test(env.LS_COMMAND) ? env.LS_COMMAND : '';
    ledger.entries.push({ token: env.LS_TOKEN, action: env.LS_ACTION, release: env.LS_RELEASE,
      generation: ledger.generation, deployment: env.LS_DEPLOYMENT, command, started_at: now() });
  }
  saveLedger(ledger);
  say('go');
}

function finish(line) {
  const ledger = loadLedger();
  const answer = JSON.parse(line);
  const entry = ledger.entries.find((known) => known.token === env.LS_TOKEN);
  Object.assign(entry, { finished_at: now(), answer });
  if (answer.action === 'migrate' && answer.class === 'done') ledger.migrations.push(migrationKey());
  if (answer.action === 'activate' && ledger.switched && ledger.switched.release === answer.release) {
    ledger.active_state = answer.class === 'done' ? 'proven' : 'failed';
    if (answer.class === 'done') recordProven(ledger, answer);
  }
  saveLedger(ledger);
}

function recordProven(ledger, answer) {
  ledger.proven = ledger.proven.filter((proven) => proven.release !== answer.release);
  ledger.proven.push({ release: answer.release, generation: answer.generation, at: now() });
  ledger.activated_at = now();
}

const migrationKey = () => env.LS_RELEASE + ':' + env.LS_GENERATION;

// `-` no hook, `=` done before, else the hook.
function migration() {
  const hook = readJson(own(env.LS_RELEASE, 'config.json')).hooks.migrate;
  const done = loadLedger().migrations.includes(migrationKey());
  say(hook ? (done ? '=' : hook) : '-');
}

// The mark of an activation is the start time of this very process, in the kernel's own unit: whatever starts after the
// link is renamed has the same or a later one. A second attempt of one activation keeps the mark of the first, so it
// finds the processes that the first has moved and does not move them again.
function intendSwitch() {
  const ledger = loadLedger();
  const generation = Number(env.LS_GENERATION);
  const before = ledger.switched;
  if (!before || before.generation !== generation || before.release !== env.LS_RELEASE) {
    ledger.switched = { release: env.LS_RELEASE, generation, mark: startTicks('self'), boot: bootId(), at: now(),
      from: ledger.active };
  }
  Object.assign(ledger, { active: env.LS_RELEASE, active_state: 'switching' });
  saveLedger(ledger);
  say('go');
}

// --- configuration and parameters ---

function answers(raw) {
  const pages = raw.split('\x1e').filter((page) => page.trim() !== '').map((page) => JSON.parse(page));
  const found = new Map();
  for (const parameter of pages.flatMap((page) => page.Parameters || [])) {
    found.set(parameter.Name.split(':')[0], parameter);
  }
  return found;
}

const configName = () => '/longshore/' + env.LS_ENVIRONMENT + '/apps/' + env.LS_REPOSITORY;

function pins() {
  const list = env.LS_PINS === '' ? [] : env.LS_PINS.split(',').map((pin) => pin.split(':'));
  if (new Set(list.map(([name]) => name)).size !== list.length) refuse('bad_input', 'parameter Pins names one twice');
  return list.map(([name, version]) => ({ name, version: Number(version) }));
}

// Exactly the version that was asked for: a missing one is an error, never a fallback.
function parameterValue(found, name, version) {
  const parameter = found.get(name);
  if (!parameter || Number(parameter.Version) !== version || typeof parameter.Value !== 'string') {
    refuse('parameters_unavailable', 'parameter ' + name + ' has no version ' + version);
  }
  return parameter.Value;
}

function parameterValues(found) {
  const prefix = '/' + env.LS_APP + '/' + env.LS_ENVIRONMENT + '/';
  return Object.fromEntries(pins().map(({ name, version }) => [name, parameterValue(found, prefix + name, version)]));
}

const bad = (detail) => refuse('config_refused', detail);

function onlyKeys(object, where, allowed) {
  if (object === null || typeof object !== 'object' || Array.isArray(object)) bad(where + ' is not an object');
  for (const key of Object.keys(object)) if (!allowed.includes(key)) bad(where + ' has an unknown key');
  return object;
}

function whole(value, where, least, most) {
  if (!Number.isInteger(value) || value < least || value > most) bad(where + ' is not a whole number from ' + least + ' to ' + most);
  return value;
}

function text(value, where, form) {
  if (typeof value !== 'string' || !form.test(value)) bad(where + ' has a form that is not allowed');
  return value;
}

// The control plane has judged the document before; the host judges again whatever it acts on.
function parseConfig(json) {
  let document;
  try {
    document = JSON.parse(json);
  } catch {
    bad('the configuration is not JSON');
  }
  onlyKeys(document, 'the configuration', ['app', 'branch', 'hosts', 'waves', 'health', 'process', 'hooks', 'notifications', 'approval', 'timeouts']);
  if ((document.app ?? env.LS_REPOSITORY.split('/')[1]) !== env.LS_APP) bad('the configuration is that of another app');
  return { health: parseHealth(document.health), process: parseProcess(document.process), hooks: parseHooks(document.hooks ?? {}) };
}

function parseHealth(value) {
  const health = onlyKeys(value, 'health', ['port', 'path', 'expected_status', 'attempts', 'interval_seconds', 'bake_seconds', 'url']);
  return {
    port: whole(health.port, 'health.port', 1, 65535),
    path: text(health.path ?? '/', 'health.path', /^\/[!-~]{0,255}$/),
    expected_status: whole(health.expected_status ?? 200, 'health.expected_status', 100, 599),
    attempts: whole(health.attempts ?? 10, 'health.attempts', 1, 1000),
    interval_seconds: whole(health.interval_seconds ?? 2, 'health.interval_seconds', 1, 300),
  };
}

function parseProcess(value) {
  const wanted = onlyKeys(value, 'process', ['manager', 'script', 'mode', 'instances']);
  const script = text(wanted.script, 'process.script', /^[A-Za-z0-9_][A-Za-z0-9_.\/-]{0,199}$/);
  if (script.split('/').includes('..')) bad('process.script leaves the release');
  return {
    manager: text(wanted.manager ?? 'pm2', 'process.manager', /^pm2$/),
    script: path.normalize(script),
    mode: text(wanted.mode ?? 'cluster', 'process.mode', /^(cluster|fork)$/),
    instances: whole(wanted.instances ?? 1, 'process.instances', 1, 64),
  };
}

function parseHooks(value) {
  const hooks = onlyKeys(value, 'hooks', ['install', 'build', 'migrate', 'migrate_down']);
  for (const [name, script] of Object.entries(hooks)) text(script, 'hooks.' + name, HOOK);
  return hooks;
}

function readConfig(found) {
  return parseConfig(parameterValue(found, configName(), Number(env.LS_CONFIG_VERSION)));
}

// The hooks, then the token of git, if there is one.
function describe() {
  const found = answers(standardInput());
  parameterValues(found);
  const { hooks } = readConfig(found);
  const token = found.get('/longshore/' + env.LS_ENVIRONMENT + '/git/token');
  say(hooks.install ?? '-', hooks.build ?? '-', token ? token.Value.trim() : '');
}

// --- the release's own folder ---

function writeRelease(folder, kb) {
  const found = answers(standardInput());
  const config = readConfig(found);
  if (!orElse(false, () => fs.statSync(path.join(folder, config.process.script)).isFile())) {
    refuse('build_failed', 'process.script ' + config.process.script + ' is not in the release');
  }
  const write = (file, content, mode) => writeDurably(path.join(folder, '.longshore', file), content, mode);
  write('config.json', JSON.stringify(config) + '\n', 0o644);
  write('env.json', JSON.stringify(parameterValues(found)) + '\n', 0o600);
  if (process.getuid() === 0) fs.chownSync(path.join(folder, '.longshore', 'env.json'), Number(env.LS_UID), Number(env.LS_GID));
  write('env.cjs', '(' + preload.toString() + ')();\n', 0o644);
  write('ecosystem.config.cjs', 'module.exports = ' + JSON.stringify(ecosystem(config), null, 1) + ';\n', 0o644);
  write('release.json', JSON.stringify(releaseRecord(config, kb)) + '\n', 0o644);
  say('written');
}

function releaseRecord(config, kb) {
  return { schema: 1, release: env.LS_RELEASE, commit: env.LS_RELEASE.split('-')[0], app: env.LS_APP,
    environment: env.LS_ENVIRONMENT, repository: env.LS_REPOSITORY, config_version: Number(env.LS_CONFIG_VERSION),
    pins: pins(), port: Number(env.LS_PORT) || config.health.port, size_kb: Number(kb), prepared_at: now() };
}

// The same words for every release: all paths go through `current`, which each process resolves when it starts. So a
// reload, and a restart after a crash or a reboot, always runs what `current` names.
function ecosystem(config) {
  const { script, mode, instances } = config.process;
  const logs = path.join(APP_DIR, 'log', 'app');
  return { apps: [{
    name: env.LS_APP, cwd: path.join(APP_DIR, 'current'), script: path.join(APP_DIR, 'current', script),
    exec_mode: mode, instances, interpreter: 'node',
    node_args: ['--require', path.join(APP_DIR, 'current', '.longshore', 'env.cjs')],
    error_file: path.join(logs, 'error.log'), out_file: path.join(logs, 'out.log'), merge_logs: true,
    listen_timeout: Math.min(10, config.health.attempts * config.health.interval_seconds) * 1000,
    kill_timeout: 5000, exp_backoff_restart_delay: 100, autorestart: true, watch: false, pmx: false,
  }] };
}

// Becomes env.cjs: runs in every process of the app before its first line. pm2 writes its own variables over those of
// the process in cluster mode, from `pm2_env`; a parameter of the same name must win there too. And it loses the last words
// of a process that throws (it writes them asynchronously and exits), so they are written here before. The SIGINT by which
// pm2 ends a process would cut off its open requests; without a handler of the app they are answered first.
function preload() {
  'use strict';
  const fs = require('fs');
  const path = require('path');
  const release = JSON.parse(fs.readFileSync(path.join(__dirname, 'release.json'), 'utf8'));
  const parameters = JSON.parse(fs.readFileSync(path.join(__dirname, 'env.json'), 'utf8'));
  const values = { NODE_ENV: 'production', ...parameters, PORT: String(release.port), LONGSHORE_RELEASE: release.release };
  Object.assign(process.env, values);
  if (process.env.pm2_env) {
    const pm2 = JSON.parse(process.env.pm2_env);
    for (const name of Object.keys(values)) if (name in pm2 && typeof pm2[name] !== 'object') pm2[name] = values[name];
    process.env.pm2_env = JSON.stringify(pm2);
    process.on('uncaughtExceptionMonitor', (error) => {
      try {
        fs.appendFileSync(pm2.pm_err_log_path, String((error && error.stack) || error) + '\n');
      } catch {
        // The app ends anyway, and for a better reason.
      }
    });
  }
  const listening = new Set();
  let draining = false;
  for (const server of [require('http').Server, require('https').Server]) {
    const emit = server.prototype.emit;
    server.prototype.emit = function (event, request, response) {
      if (event === 'listening') listening.add(this);
      if (event === 'request' && draining) response.setHeader('connection', 'close');
      if (event === 'request' && request.headers['x-longshore-probe'] !== undefined) {
        response.setHeader('x-longshore-release', release.release);
        response.setHeader('x-longshore-process', String(process.pid));
      }
      return emit.apply(this, arguments);
    };
  }
  process.on('SIGINT', () => {
    if (process.listenerCount('SIGINT') > 1) return; // The app ends itself in its own way.
    if (listening.size === 0) process.exit(0);
    draining = true;
    for (const server of listening) {
      server.close(() => listening.delete(server) && listening.size === 0 && process.exit(0));
      server.closeIdleConnections();
    }
  });
}

function withEnv(...command) {
  const id = env.LS_RELEASE;
  const parameters = readJson(own(id, 'env.json'));
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('LS_')));
  const release = readJson(own(id, 'release.json'));
  const mask = masker(parameters);
  const run = child.spawn(command[0], command.slice(1), {
    env: { ...kept, NODE_ENV: 'production', ...parameters, PORT: String(release.port), LONGSHORE_RELEASE: id },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [run.stdout, run.stderr]) printMasked(stream, mask);
  run.on('error', (error) => { say('the hook could not be run:', error.code); process.exit(1); });
  run.on('exit', (code) => setTimeout(() => process.exit(code === 0 ? 0 : 1), 100));
}

function printMasked(stream, mask) {
  let rest = '';
  stream.setEncoding('utf8').on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) say(mask(line));
  }).on('end', () => rest && say(mask(rest)));
}

// --- what may leave the host ---

// Every value of four characters or more, each of its lines, and their JSON form, longest first.
function masker(parameters) {
  const parts = Object.values(parameters).flatMap((value) => [value, ...value.split(/\r?\n/)]);
  const forms = parts.flatMap((part) => [part, part.trim(), JSON.stringify(part).slice(1, -1)]);
  const hidden = [...new Set(forms)].filter((form) => form.length >= 4).sort((a, b) => b.length - a.length);
  return (line) => hidden.reduce((masked, form) => masked.split(form).join('***'), line);
}

const ERROR_FORMS = [
  /^(uncaught )?[A-Za-z.]*(Error|Exception)\b.*:/i,
  /^(?!npm )(?!>).*(\b(error|fatal|failed|cannot|denied)\b|Error:|ENOSPC|EADDRINUSE)/i,
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

function firstError(file, offset) {
  const parameters = orElse({}, () => readJson(own(env.LS_RELEASE, 'env.json')));
  say(firstErrorLine(readFrom(file, offset), masker(parameters)) || 'see the log of the host');
}

// Standard error first: what an app prints on standard output is rarely why it died.
function appError(errorOffset, outOffset) {
  const mask = masker(readJson(own(env.LS_RELEASE, 'env.json')));
  const logs = path.join(APP_DIR, 'log', 'app');
  const line = firstErrorLine(readFrom(path.join(logs, 'error.log'), errorOffset), mask)
    || firstErrorLine(readFrom(path.join(logs, 'out.log'), outOffset), (text) => (/error/i.test(text) ? mask(text) : ''));
  say(line);
}

// --- processes ---

function startTicks(pid) {
  const stat = fs.readFileSync('/proc/' + pid + '/stat', 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}

const bootId = () => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

function daemonRuns() {
  const pid = orElse('', () => fs.readFileSync(path.join(APP_DIR, 'pm2', 'pm2.pid'), 'utf8').trim());
  return /^\d+$/.test(pid) && fs.existsSync('/proc/' + pid);
}

function pm2List(pm2) {
  const run = child.spawnSync(pm2[0], [...pm2.slice(1), 'jlist'],
    { encoding: 'utf8', timeout: 20000, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26 });
  const json = (run.stdout || '').split('\n').reverse().find((line) => line.startsWith('['));
  if (!json) throw new Error('pm2 jlist gave no list');
  return JSON.parse(json).filter((entry) => entry.name === env.LS_APP);
}

// Asks the kernel, not pm2, when a process was started and where it runs.
function inspect(entry, switched) {
  const { status, unstable_restarts: restarts } = entry.pm2_env;
  const view = { pid: entry.pid || 0, status, online: false, fresh: false, moved: false, stale: false,
    broken: status === 'errored' || restarts >= 3 };
  try {
    view.fresh = switched.boot !== bootId() || startTicks(view.pid) >= switched.mark;
    const cwd = fs.readlinkSync('/proc/' + view.pid + '/cwd') + '/';
    const releases = fs.realpathSync(path.join(APP_DIR, 'releases')) + '/';
    view.moved = cwd.startsWith(releases + env.LS_RELEASE + '/');
    view.stale = !view.fresh || (cwd.startsWith(releases) && !view.moved);
    view.online = status === 'online';
  } catch {
    view.pid = 0; // It has ended, or ended while we looked.
  }
  return view;
}

function survey(pm2) {
  const config = readJson(own(env.LS_RELEASE, 'config.json'));
  const { switched } = loadLedger();
  const entries = pm2List(pm2);
  const views = entries.map((entry) => inspect(entry, switched));
  return { config, entries, views,
    stale: views.some((view) => view.stale),
    settled: views.length === config.process.instances && views.every((view) => view.online && view.fresh && view.moved) };
}

// What a reload cannot change makes pm2's entry unfit for this release. (One that waits for its next restart after a
// crash is not reloaded either: pm2 keeps its counters and its timer.)
function fits(entry, wanted) {
  const known = entry.pm2_env;
  return known.pm_exec_path === wanted.script && known.exec_mode === wanted.exec_mode + '_mode'
    && known.pm_cwd === wanted.cwd && JSON.stringify(known.node_args) === JSON.stringify(wanted.node_args);
}

// `start`, `settled` (an earlier attempt of this activation has done it, or a crash after the switch), `replace` or
// `reload`; then whether pm2 has counted crashes, which are those of the release before and must not be held against
// this one.
function plan(...pm2) {
  if (!daemonRuns()) return say('start', false);
  const seen = survey(pm2);
  const wanted = ecosystem(seen.config).apps[0];
  const counted = seen.entries.some((entry) => entry.pm2_env.unstable_restarts > 0);
  if (seen.entries.length === 0) return say('start', false);
  const sound = seen.entries.every((entry) => entry.pm2_env.status === 'online' && fits(entry, wanted));
  if (seen.entries.length !== wanted.instances || !sound) return say('replace', false);
  say(seen.settled ? 'settled' : 'reload', counted);
}

// --- proof ---

function ask(health, port) {
  return new Promise((resolve) => {
    const request = http.get({ host: '127.0.0.1', port, path: health.path, agent: false, timeout: 5000,
      headers: { 'x-longshore-probe': '1', 'user-agent': 'longshore' } }, (response) => {
      response.resume();
      response.on('error', () => undefined);
      resolve({ status: response.statusCode, release: response.headers['x-longshore-release'] || '',
        pid: response.headers['x-longshore-process'] || '' });
    });
    request.on('timeout', () => request.destroy(Object.assign(new Error('timeout'), { code: 'no answer in 5 s' })));
    request.on('error', (error) => resolve({ error: error.code || 'no answer' }));
  });
}

function judge(reply, release, health, port) {
  if (reply.error) return { class: 'health_failed', detail: 'nothing answers on 127.0.0.1:' + port + ' (' + reply.error + ')' };
  if (reply.release !== release) {
    const other = /^[0-9a-f]{40}-[0-9a-f]{12}$/.test(reply.release) ? 'release ' + reply.release : 'something without a release id';
    return { class: 'wrong_release', detail: 'port ' + port + ' is served by ' + other };
  }
  if (reply.status === health.expected_status) return null;
  return { class: 'health_failed', detail: health.path + ' answered ' + reply.status + ', not ' + health.expected_status };
}

// One round asks until every process of a cluster has answered for itself; each answer must be right.
async function round(release, config, port) {
  const { health, process: wanted } = config;
  const needed = wanted.mode === 'cluster' ? wanted.instances : 1;
  const pids = new Set();
  let served = '';
  for (let turn = 0; turn < needed * 4 && pids.size < needed; turn += 1) {
    const reply = await ask(health, port);
    served = /^[0-9a-f]{40}-[0-9a-f]{12}$/.test(reply.release) ? reply.release : '';
    const wrong = judge(reply, release, health, port);
    if (wrong) return { ...wrong, ok: false, served, pids };
    pids.add(Number(reply.pid));
  }
  const ok = pids.size >= needed;
  return { ok, served, pids, class: 'health_failed', detail: ok ? '' : 'only ' + pids.size + ' of ' + needed + ' processes answer' };
}

// Proven: two clean rounds in a row, answered by exactly the processes that pm2 keeps, all of them started after the
// switch and running in the release's folder.
async function prove(seconds, ...pm2) {
  const { health } = readJson(own(env.LS_RELEASE, 'config.json'));
  const began = Date.now();
  const hardStop = began + (Number(seconds) - 3) * 1000;
  const stop = Math.min(hardStop, began + health.attempts * health.interval_seconds * 1000);
  const state = { clean: 0, last: null, wrong: null, nextLook: began + 1000 };
  for (;;) {
    const verdict = await attempt(state, pm2);
    if (verdict) return verdictLine(verdict, state.last);
    if (Date.now() >= stop) break;
    const early = state.clean > 0 || Date.now() - began < health.interval_seconds * 1000;
    await sleep(early ? 250 : health.interval_seconds * 1000);
  }
  if (Date.now() >= hardStop) return verdictLine({ class: 'deadline_passed', detail: (state.wrong || state.last).detail }, state.last);
  verdictLine(lastVerdict(state, survey(pm2)), state.last);
}

async function attempt(state, pm2) {
  const id = env.LS_RELEASE;
  state.last = await round(id, readJson(own(id, 'config.json')), readJson(own(id, 'release.json')).port);
  state.clean = state.last.ok ? state.clean + 1 : 0;
  if (!state.last.ok) state.wrong = state.last;
  if (!(state.clean >= 2 || (state.clean === 0 && Date.now() >= state.nextLook))) return null;
  state.nextLook = Date.now() + 2000;
  const seen = survey(pm2);
  if (seen.stale) return { class: 'stale', detail: 'a process of before is still running' };
  if (seen.views.some((view) => view.broken)) return { class: 'start_failed', detail: 'a process ends as soon as it starts' };
  if (state.clean < 2) return null;
  if (seen.settled && answeredByOwn(state.last.pids, seen.views)) return { class: 'proven', detail: '' };
  const wrong = { class: 'wrong_release', detail: 'the answers do not come from the new processes' };
  Object.assign(state, { clean: 0, wrong });
  return null;
}

const answeredByOwn = (pids, views) => [...pids].every((pid) => views.some((view) => view.pid === pid));

// What was wrong when something last was: the last round may be a clean one of a process that is not ours.
function lastVerdict(state, seen) {
  const dead = seen.views.find((view) => !view.online);
  if (dead || seen.views.length === 0) return { class: 'start_failed', detail: 'a process is ' + (dead ? dead.status : 'missing') };
  return seen.stale ? { class: 'stale', detail: 'a process of before is still running' } : state.wrong || state.last;
}

function verdictLine(verdict, last) {
  say(verdict.class, last.served || '-', verdict.class === 'proven', verdict.detail);
}

// What is served now, judged by the release that the ledger calls active.
async function status() {
  const ledger = loadLedger();
  const id = ledger.active;
  const head = [id || '-', ledger.generation];
  if (!id || !fs.existsSync(own(id, 'release.json'))) return say(...head, '-', false, id ? 'the active release is not on the disk' : 'nothing is active');
  const seen = await round(id, readJson(own(id, 'config.json')), readJson(own(id, 'release.json')).port);
  const link = orElse('', () => path.basename(fs.readlinkSync(path.join(APP_DIR, 'current'))));
  const drift = link === id ? '' : 'current does not name the active release';
  const said = seen.ok || drift ? '' : recentError(id);
  say(...head, seen.served || '-', seen.ok && !drift, drift || (said ? seen.detail + ': ' + said : seen.detail));
}

// What the app itself says of its sickness, if it said anything in the last minute.
function recentError(id) {
  return orElse('', () => {
    const file = path.join(APP_DIR, 'log', 'app', 'error.log');
    const { mtimeMs, size } = fs.statSync(file);
    if (Date.now() - mtimeMs > 60000) return '';
    return firstErrorLine(readFrom(file, Math.max(0, size - 2048)), masker(readJson(own(id, 'env.json'))));
  });
}

// --- room ---

function folders() {
  const names = orElse([], () => fs.readdirSync(path.join(APP_DIR, 'releases')));
  const preparedAt = (name) => (name.endsWith('.partial') ? '' : orElse('', () => readJson(own(name, 'release.json')).prepared_at));
  return names.map((name) => ({ name, at: preparedAt(name) }));
}

// First the KiB that two more releases of the size of the last one need, then what may go. Kept: what runs, what this
// step is about, the last proven ones, the newest.
function room(least) {
  const ledger = loadLedger();
  const link = orElse('', () => path.basename(fs.readlinkSync(path.join(APP_DIR, 'current'))));
  const all = folders().filter((folder) => folder.name !== env.LS_RELEASE + '.partial');
  const newest = all.filter((folder) => folder.at).sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, RELEASES_KEPT);
  const kept = new Set([link, ledger.active, env.LS_RELEASE, ledger.switched ? ledger.switched.from : '',
    ...ledger.proven.slice(-PROVEN_KEPT).map((proven) => proven.release), ...newest.map((folder) => folder.name)]);
  const gone = all.filter((folder) => !kept.has(folder.name)).map((folder) => 'releases/' + folder.name);
  const logs = orElse([], () => fs.readdirSync(path.join(APP_DIR, 'log'))).filter((name) => name.endsWith('.log')).sort();
  const size = orElse(0, () => readJson(own(ledger.active || '-', 'release.json')).size_kb);
  say([Math.max(Number(least), 2 * size), ...gone, ...logs.slice(0, -LOGS_KEPT).map((name) => 'log/' + name)].join('\n'));
}

const commands = { begin, finish, migration, switch: intendSwitch, describe, room,
  'write-release': writeRelease, 'with-env': withEnv, 'first-error': firstError, 'app-error': appError, plan, prove,
  status };

function end(error) {
  if (error instanceof Refusal) {
    say(error.message);
    process.exit(3);
  }
  process.stderr.write('host program: ' + String(error && error.message).slice(0, 300) + '\n');
  process.exit(error.code === 'ENOSPC' || error.code === 'EDQUOT' ? 28 : 70);
}

Promise.resolve().then(() => commands[process.argv[1]](...process.argv.slice(2))).catch(end);
PROGRAM_END
readonly PROGRAM

# --- the step --------------------------------------------------------------------------------------------------------

main() {
  exec 8>&1 1>&2 </dev/null
  trap 'FAILED_LINE=${LINENO}' ERR
  trap on_exit EXIT
  clean_environment
  read_parameters
  settle_paths
  if [[ ${ACTION} != status ]]; then enter; fi
  "${ACTION}"
}

main
