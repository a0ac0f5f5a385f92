#!/bin/bash
# Stands in for node, pm2, npm and aws: says who it is, and the tool room (`room.cjs`), which finds the rest in /proc,
# does the work. What was 0, 1 and 2 is 4, 5 and 6 for the room, as this shell moves the first three to write and read.
exec 4<&0 5>&1 6>&2
read -r port <"${0%/*}/port"
exec 3<>"/dev/tcp/127.0.0.1/${port}"
printf '%s\n' "$$" >&3
read -r code <&3
exit "${code}"
