PROGRAM_END
readonly PROGRAM

# The step.

main() {
  exec 8>&1 1>&2 </dev/null
  trap 'FAILED_LINE=${LINENO}' ERR
  trap on_exit EXIT
  uptime_ms
  readonly BEGAN_MS=${UPTIME_MS}
  clean_environment
  read_parameters
  settle_paths
  if [[ ${ACTION} != status ]]; then enter; fi
  "${ACTION}"
}

main
