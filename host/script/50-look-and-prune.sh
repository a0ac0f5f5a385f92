# status and prune: what is served here, and what may go.

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
