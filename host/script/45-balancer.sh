# The load balancer in front of the host: out of its target group before the switch, back in after it.
#
# What is to be registered again stands in the ledger before it is deregistered, and every next step of the app finishes
# it. A release that was proven here before (a rollback) is never held up by an API that does not answer.

readonly ELB_SECONDS=8
TARGETS=()

# elb CALL WORDS...: an answer within seconds, or none.
elb() {
  (
    local name region=${TARGET_GROUP#arn:*:elasticloadbalancing:}
    for name in "${!AWS_@}"; do export "${name?}"; done
    run_limited "${ELB_SECONDS}" env "AWS_DEFAULT_REGION=${region%%:*}" AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=2 AWS_PAGER= \
      aws elbv2 "$1" --target-group-arn "${TARGET_GROUP}" --output text \
      --cli-connect-timeout 3 --cli-read-timeout 5 "${@:2}"
  )
}

# The targets of this host, `<port> <state>` a line. One that is on its way out counts as gone.
targets_here() {
  elb describe-target-health \
    --query "TargetHealthDescriptions[?Target.Id=='${AWS_SSM_INSTANCE_ID:-}'].[Target.Port,TargetHealth.State]"
}

leave_balancer() {
  local drain pending='' seen port state
  grep --quiet load_balancer -- "${RELEASE_DIR}/.longshore/config.json" || return 0
  node_says balancer
  [[ ${REPLY} != - ]] || return 0
  read -r TARGET_GROUP drain HEALTHY_SECONDS KNOWN pending <<<"${REPLY}"
  seen=$(targets_here) || { balancer_away 'the target group could not be asked' && return 0; }
  read -r -a TARGETS <<<"${pending}"
  while read -r port state; do
    [[ ${port} =~ ^[0-9]+$ && ${state} != draining ]] || continue
    [[ " ${TARGETS[*]} " == *"Port=${port} "* ]] || TARGETS+=("Id=${AWS_SSM_INSTANCE_ID},Port=${port}")
  done <<<"${seen}"
  if ((${#TARGETS[@]} == 0)); then log 'this host is not in the target group' && return 0; fi
  node_says balancer-intent "${TARGET_GROUP}" "${TARGETS[@]}"
  log "out of the target group: ${TARGETS[*]}"
  elb deregister-targets --targets "${TARGETS[@]}" || { balancer_away 'the host could not be deregistered' && return 0; }
  wait_for_targets "${drain}" drained || log "not drained after ${drain} s"
}

# Before the switch the old release serves, so a deployment stops here, and a rollback goes on.
balancer_away() {
  log "$1"
  [[ ${KNOWN} == true ]] || fail load_balancer_failed "$1"
}

# wait_for_targets SECONDS drained|healthy
wait_for_targets() {
  local end=$((SECONDS + $1)) seen
  while ((SECONDS < end && $(seconds_left) > FINISH_SECONDS)); do
    if seen=$(targets_here); then
      case $2 in
      drained) [[ -n ${seen} ]] || return 0 ;;
      *) if [[ -n ${seen} && ! ${seen} =~ initial|unhealthy|unavailable|draining ]]; then return 0; fi ;;
      esac
    fi
    sleep 1
  done
  return 1
}

# Also when the switch failed: the target group's own check judges what then answers.
return_to_balancer() {
  ((${#TARGETS[@]} > 0)) || return 0
  log "back into the target group: ${TARGETS[*]}"
  elb register-targets --targets "${TARGETS[@]}" || return 1
  run_limited "${FINISH_SECONDS}" "${NODE[@]}" balancer-done || return 1
}

# After the proof. The host serves and is proven: only a release that is new here fails by what the balancer says.
enter_balancer() {
  local problem=''
  ((${#TARGETS[@]} > 0)) || return 0
  if ! return_to_balancer; then
    problem='the host could not be registered with the target group again'
  elif ((HEALTHY_SECONDS > 0)) && ! wait_for_targets "${HEALTHY_SECONDS}" healthy; then
    problem="the target group does not find the host healthy after ${HEALTHY_SECONDS} s"
  fi
  TARGETS=()
  [[ -z ${problem} || ${KNOWN} == true ]] || fail load_balancer_failed "${problem}"
  NOTE=${problem}
}

# finish_balancer TARGET_GROUP TARGETS...: what a step that was killed has left.
finish_balancer() {
  [[ -n ${1:-} ]] || return 0
  TARGET_GROUP=$1 TARGETS=("${@:2}")
  return_to_balancer || log 'the target group cannot be reached'
  TARGETS=()
}
