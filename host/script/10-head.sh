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

readonly NAMES=(Action App Environment Repository Deployment Generation Token Release Previous ConfigVersion Pins Artifact
  NotAfter DeadlineSeconds GitBase ArtifactBucket HostUser)
readonly FREE_KB_MIN=262144 # A release is rarely larger; two of the app's own size are asked for where that is more.
readonly FREE_INODES_MIN=20000
readonly FINISH_SECONDS=15 # What recording a result may take, also when the deadline has passed.

LOG=/dev/null
CHILD_FILE=''
APP_DIR=''
RECORDING=no
RECORDED='' # The answer that is on record already.
FAILED_LINE=0
AS_USER=()
RAW=''
NOTE=''
TOOK='' # What the answer that is on record says of the time, in milliseconds.
