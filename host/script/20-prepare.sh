# prepare: the release comes to the disk. Traffic is not touched.

prepare() {
  if [[ -f ${RELEASE_DIR}/.longshore/release.json ]]; then
    if [[ -f ${RELEASE_DIR}/.longshore/ecosystem.config.cjs ]]; then require_tools pm2; fi
    judge_migrations
    succeed 'already prepared'
  fi
  prune_releases
  require_space
  fetch_parameters
  node_says describe < <(printf '%s' "${RAW}")
  local install build scripts
  read -r install build scripts MANAGER GIT_TOKEN <<<"${REPLY}"
  require_tools "${MANAGER/systemd/systemctl}"
  if [[ -n ${SSM_Artifact} ]]; then take_artifact; else build_commit "${install}" "${build}" "${scripts}"; fi
  seal_release
  judge_migrations
  succeed
}

build_commit() {
  fetch_commit
  check_release "$3"
  install_dependencies "$3"
  run_hook "$1" install_failed
  run_hook "$2" build_failed
}

require_space() {
  local kb inodes
  read -r kb inodes < <(df --output=avail,iavail -k -- "${APP_DIR}" | tail -n 1)
  log "free: ${kb} KiB, ${inodes} inodes; needed: ${NEEDED_KB} KiB"
  ((kb >= NEEDED_KB)) || fail disk_full "only ${kb} KiB are free, ${NEEDED_KB} KiB are needed for two more releases"
  [[ ! ${inodes} =~ ^[0-9]+$ ]] || ((inodes == 0 || inodes >= FREE_INODES_MIN)) ||
    fail disk_full "only ${inodes} inodes are free"
}

# The only child that is given the AWS variables of the agent.
run_aws() {
  (
    local name
    for name in "${!AWS_@}"; do export "${name?}"; done
    export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-${AWS_REGION:-${AWS_SSM_REGION_NAME:?the SSM agent names no region}}}"
    export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=4 AWS_PAGER=''
    bounded aws "$@"
  )
}

# It prints secrets, so only a variable receives them.
aws_get() { run_aws ssm get-parameters --with-decryption --output json --names "$@"; }

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
      if ((tries >= 3)) || is_denied "${from}"; then fail_by_log parameters_unavailable "${from}"; fi
      sleep "${tries}"
    done
    RAW+=${answer}$'\x1e'
  done
}

# What was denied is denied the next second, too.
is_denied() { tail -c "+$(($1 + 1))" "${LOG}" | grep -E 'AccessDenied|InvalidKeyId|locate credentials' >/dev/null; }

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
    fail_by_log source_unavailable "${offset}"
  GIT_TOKEN=''
  [[ $(run_git rev-parse --verify --quiet 'FETCH_HEAD^{commit}') == "${COMMIT}" ]] ||
    fail commit_missing "commit ${COMMIT} is not a commit of ${REPOSITORY}"
  run_git checkout --quiet --force --detach "${COMMIT}" || fail_by_log source_unavailable "${offset}"
  bounded rm -rf -- "${PARTIAL_DIR}/.git"
  if ((EUID == 0)); then bounded chown -R -P -- "${HOST_USER}:${GROUP_ID}" "${PARTIAL_DIR}"; fi
  chmod 0750 -- "${PARTIAL_DIR}"
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

# Whether the commit can run here: asked as the app's user, as the files are the repository's. And what an operator should
# know: whether its scripts can have the host's own credentials.
check_release() {
  local status=0
  REPLY=$(as_user_in "${PARTIAL_DIR}" "${NODE[@]}" suits "$1" "${MANAGER}") || status=$?
  REPLY=${REPLY:-internal the check of the commit ended with ${status}}
  if ((status != 0)); then fail "${REPLY%% *}" "${REPLY#* }"; fi
  if ip route get 169.254.169.254 uid "${USER_ID}" >/dev/null 2>&1; then
    log "warning: ${HOST_USER} may reach the instance metadata service (see host/README.md)"
  fi
}

# Scripts of dependencies do not run, but for those that the configuration lists.
install_dependencies() {
  local offset
  offset=$(log_size)
  log 'npm ci'
  as_user_in / mkdir -p -- "${APP_DIR}/shared/npm-cache" "${APP_DIR}/shared/home"
  as_user_in "${PARTIAL_DIR}" npm ci --ignore-scripts --prefer-offline --no-progress --loglevel=warn ||
    fail_by_log install_failed "${offset}"
  if [[ $1 != - ]]; then run_scripts "$1"; fi
}

run_scripts() {
  local packages package offset
  IFS=, read -r -a packages <<<"$1"
  offset=$(log_size)
  for package in "${packages[@]}"; do
    [[ -d ${PARTIAL_DIR}/node_modules/${package} ]] ||
      fail install_failed "install.scripts names ${package}, which is not in node_modules"
  done
  log "npm rebuild ${packages[*]}"
  as_user_in "${PARTIAL_DIR}" npm rebuild --ignore-scripts=false --foreground-scripts "${packages[@]}" ||
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
  if ((EUID == 0)); then chown -- "root:${GROUP_ID}" "${PARTIAL_DIR}"; fi
  chmod 1770 -- "${PARTIAL_DIR}"
  bounded rm -rf -- "${PARTIAL_DIR}/.longshore"
  mkdir -m 0755 -- "${PARTIAL_DIR}/.longshore"
  kb=$(du -sk -- "${PARTIAL_DIR}" | cut -f1)
  node_says write-release "${PARTIAL_DIR}" "${kb}" < <(printf '%s' "${RAW}")
  mv -T -- "${PARTIAL_DIR}" "${RELEASE_DIR}"
}
