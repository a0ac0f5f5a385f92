# systemd as the manager of the app's processes: a unit of the app's own, written again by every activation.

UNIT_DIR=/etc/systemd/system

systemd_reload() {
  local unit=longshore-${APP}.service
  ((EUID == 0)) || fail start_failed 'the agent is not root, and systemd takes units from root alone'
  if ! cmp --silent -- "${RELEASE_DIR}/.longshore/${unit}" "${UNIT_DIR}/${unit}"; then
    install -m 0644 -- "${RELEASE_DIR}/.longshore/${unit}" "${UNIT_DIR}/${unit}.new"
    mv -T -- "${UNIT_DIR}/${unit}.new" "${UNIT_DIR}/${unit}"
  fi
  bounded systemctl daemon-reload || fail start_failed 'systemctl daemon-reload failed'
  bounded systemctl restart "${unit}" || log "systemctl restart ended with $?"
  if (($(seconds_left) <= 0)); then fail deadline_passed "systemctl restart ${unit}"; fi
}

systemd_replace() { systemd_reload; }

systemd_forgive() { bounded systemctl reset-failed "longshore-${APP}.service" || true; }

# After a reboot the unit starts what `current` names.
systemd_is_kept() { [[ -L ${UNIT_DIR}/multi-user.target.wants/longshore-${APP}.service ]]; }
systemd_keep() {
  bounded systemctl enable --quiet "longshore-${APP}.service" || log 'systemctl enable failed: a reboot would not start the app'
}

# Another manager takes over. The file goes last, and by another name first: while one of both is there, a step that was
# killed has this still to do.
systemd_leave() {
  local file=${UNIT_DIR}/longshore-${APP}.service
  [[ -e ${file} || -e ${file}.new ]] || return 0
  log 'systemd gives the app up'
  if [[ -e ${file} ]]; then
    bounded systemctl disable --quiet --now "${file##*/}" || log "systemctl disable ended with $?"
    mv -T -- "${file}" "${file}.new"
  fi
  bounded systemctl daemon-reload || true
  rm -f -- "${file}.new"
}
