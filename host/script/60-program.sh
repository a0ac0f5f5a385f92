# The host program, in the files 61 to 69: what needs JSON, fsync, HTTP or /proc.
# Node is on every host. Facts come in LS_* variables, secrets only by standard
# input and in env.json. Exit codes: 3 = a refusal, `<class> <detail>` on standard output; 28 = no space; 70 = a fault.

IFS= read -r -d '' PROGRAM <<'PROGRAM_END' || true
