# Read by bash before the host script, by way of BASH_ENV: gives the script the sandbox's time and room, and the kill of
# the points (`points.rs` puts the calls into the sandbox's copy of the script; those inside the host program are the tool room's).
# shellcheck shell=bash disable=SC2154

printf() {
  if [[ ${1:-} == -v && ${3:-} == '%(%s)T' ]]; then
    builtin printf -v "$2" '%s' "${DIFFERENTIAL_NOW}"
  else
    # shellcheck disable=SC2059 # the caller's own format
    builtin printf "$@"
  fi
}

df() { builtin printf 'Avail IFree\n%s 1000000\n' "${DIFFERENTIAL_FREE}"; }

# As the agent kills: the process group of the script, at once.
point() {
  if [[ ${DIFFERENTIAL_STOP} == "$1" ]]; then kill -KILL -- "-$$"; fi
}
