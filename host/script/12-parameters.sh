# What the agent gave us: every parameter is checked here, and nothing that was not checked is used.

# Children get PATH, HOME, the proxy and the certificates of the host, nothing else: no SSM_*, no AWS_* (only the AWS
# CLI is given those back), no NODE_OPTIONS. The values stay readable here as plain shell variables.
clean_environment() {
  local name entry safe=''
  while read -r name; do
    case ${name} in
    PATH | HTTP_PROXY | HTTPS_PROXY | NO_PROXY | http_proxy | https_proxy | no_proxy) ;;
    NODE_EXTRA_CA_CERTS | SSL_CERT_FILE | SSL_CERT_DIR) ;;
    *) export -n "${name?}" ;;
    esac
  done < <(compgen -e)
  # A part of the PATH that is no absolute folder would be looked up wherever a step happens to be.
  while read -r -d: name; do [[ ${name} != /* ]] || safe+=${name}:; done <<<"${PATH:-}:"
  export PATH="${safe}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  export LANG=C.UTF-8
  entry=$(getent passwd "${EUID}") || entry=:::::/
  IFS=: read -r _ _ _ _ _ HOME _ <<<"${entry}"
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
  check Action 'prepare|migrate|unmigrate|activate|status|prune' && ACTION=${SSM_Action}
  check Token "${ulid}:${number}:[a-z]{1,10}:[0-9]{1,4}:[0-9]{1,4}[.][0-9]{1,3}" && TOKEN=${SSM_Token}
  check Generation "${number}" && GENERATION=${SSM_Generation}
  check Release '[0-9a-f]{40}-[0-9a-f]{12}' && RELEASE=${SSM_Release}
  check Previous '([0-9a-f]{40}-[0-9a-f]{12})?'
  check Deployment "${ulid}"
  check App '[a-z0-9][a-z0-9-]{0,62}' && APP=${SSM_App}
  check Environment '[a-z][a-z0-9-]{0,31}' && ENVIRONMENT=${SSM_Environment}
  check Repository '[a-z0-9][a-z0-9_.-]{0,61}/[a-z0-9_.-]{1,62}' && REPOSITORY=${SSM_Repository}
  check ConfigVersion '[1-9][0-9]{0,9}'
  check Pins "(${pin}(,${pin})*)?"
  check Artifact '([A-Za-z0-9._-]{1,128}:[0-9a-f]{64})?'
  check ArtifactBucket '([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?'
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
  [[ -z ${SSM_Artifact} || -n ${SSM_ArtifactBucket} ]] ||
    refuse bad_input 'parameter Artifact is set, and ArtifactBucket is not'
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
  entry=$(getent passwd "${HOST_USER}") || refuse user_missing "${HOST_USER} is not a user of this host"
  IFS=: read -r _ _ USER_ID GROUP_ID _ USER_HOME _ <<<"${entry}"
  if ((EUID == 0)) && [[ ${HOST_USER} != root ]]; then
    AS_USER=(runuser -u "${HOST_USER}" --)
  elif [[ ${USER_ID} != "${EUID}" ]]; then
    refuse bad_input 'parameter HostUser is another user, and this agent is not root'
  fi
  if [[ ! -d ${USER_HOME} ]]; then USER_HOME=${APP_DIR}/shared/home; fi
}

settle_paths() {
  APP_DIR=${ROOT}/${APP}
  RELEASE_DIR=${APP_DIR}/releases/${RELEASE}
  PARTIAL_DIR=${RELEASE_DIR}.partial
  COMMIT=${RELEASE%%-*}
  settle_user
  NODE=(env "LS_APP=${APP}" "LS_ENVIRONMENT=${ENVIRONMENT}" "LS_REPOSITORY=${REPOSITORY}" "LS_APP_DIR=${APP_DIR}"
    "LS_RELEASE=${RELEASE}" "LS_PREVIOUS=${SSM_Previous}" "LS_GENERATION=${GENERATION}" "LS_TOKEN=${TOKEN}"
    "LS_ACTION=${ACTION}" "LS_BEGAN_MS=${BEGAN_MS}" "LS_ARTIFACT=${SSM_Artifact}"
    "LS_DEPLOYMENT=${SSM_Deployment}" "LS_PINS=${SSM_Pins}" "LS_CONFIG_VERSION=${SSM_ConfigVersion}"
    "LS_NOT_AFTER=${SSM_NotAfter}" "LS_PORT=${LONGSHORE_PORT:-}" "LS_COMMAND=${SSM_COMMAND_ID:-}"
    "LS_UID=${USER_ID}" "LS_GID=${GROUP_ID}" node -e "${PROGRAM}" --)
  USER_ENV=(env "HOME=${USER_HOME}" "USER=${HOST_USER}" "LOGNAME=${HOST_USER}" CI=true
    "npm_config_cache=${APP_DIR}/shared/npm-cache" npm_config_update_notifier=false npm_config_fund=false
    npm_config_audit=false "${AS_USER[@]}")
  PM2=(env "HOME=${USER_HOME}" "USER=${HOST_USER}" "LOGNAME=${HOST_USER}" "PM2_HOME=${APP_DIR}/pm2"
    PM2_DISABLE_VERSION_CHECK=true "${AS_USER[@]}" pm2)
}
