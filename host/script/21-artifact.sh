# A build that was made elsewhere: fetched, proven to be the recorded one, and unpacked as the app's user.

readonly ARTIFACT_BYTES_MAX=4294967296 # Unpacked; a bomb ends here, and not where the disk does.
readonly ARTIFACT_ENTRIES_MAX=500000

# Root fetches, as only root may have the credentials; the user unpacks, so that nothing in the archive can be more than he
# is. The recorded version is fetched, so a build that was stored again meanwhile changes nothing.
take_artifact() {
  local offset packed=${RELEASE_DIR}.tar.gz.partial
  offset=$(log_size)
  bounded rm -rf -- "${PARTIAL_DIR}" "${packed}"
  run_aws s3api get-object --bucket "${SSM_ArtifactBucket}" --key "${REPOSITORY}/${COMMIT}.tar.gz" \
    --version-id "${SSM_Artifact%:*}" "${packed}" || fail_artifact "${offset}"
  bounded sha256sum --check --status <<<"${SSM_Artifact##*:}  ${packed}" ||
    fail artifact_refused 'the bytes of the build are not the recorded ones (SHA-256)'
  mkdir -m 0700 -- "${PARTIAL_DIR}"
  if ((EUID == 0)); then chown -- "${HOST_USER}:${GROUP_ID}" "${PARTIAL_DIR}"; fi
  unpack "${packed}"
  rm -f -- "${packed}"
  node_says check-tree "${PARTIAL_DIR}"
  check_release -
  chmod 0750 -- "${PARTIAL_DIR}"
}

fail_artifact() {
  if tail -c "+$(($1 + 1))" "${LOG}" | grep -E 'NoSuchKey|NoSuchVersion|\(404\)' >/dev/null; then
    fail artifact_missing "the recorded build is gone from s3://${SSM_ArtifactBucket}/${REPOSITORY}/${COMMIT}.tar.gz"
  fi
  fail_by_log source_unavailable "$1"
}

# A name that leaves the folder is refused before anything is written; through links of the archive tar itself never writes.
unpack() {
  local offset entries bad
  offset=$(log_size)
  log 'unpacking'
  read -r entries bad < <(read_archive "$1" --list --absolute-names | judge_names) || true
  [[ ${entries} =~ ^[0-9]+$ ]] || fail_by_log artifact_refused "${offset}"
  [[ -z ${bad} ]] || fail artifact_refused "${bad} in the build is a name that leaves it"
  ((entries <= ARTIFACT_ENTRIES_MAX)) || fail artifact_refused "the build has more than ${ARTIFACT_ENTRIES_MAX} entries"
  read_archive "$1" --extract --no-same-owner --no-same-permissions --delay-directory-restore ||
    fail_by_log artifact_refused "${offset}"
}

# How many names there are, and one that is absolute or climbs.
judge_names() {
  awk '/^\// || /(^|\/)[.][.](\/|$)/ { bad = substr($0, 1, 150) } END { if (NR) print NR, bad }'
}

read_archive() {
  local packed=$1
  shift
  bounded gzip -dc -- "${packed}" | head -c "${ARTIFACT_BYTES_MAX}" | as_user_in "${PARTIAL_DIR}" tar --file - "$@"
}

