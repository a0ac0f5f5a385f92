#!/bin/bash
# Makes a plain Amazon Linux 2023 a host of Longshore, and keeps it one: State Manager runs it on each tagged instance, once and
# then every day. What is there already is left as it is, so a second run changes nothing.
#
# Every package is signed by Amazon, or is pm2 with the digests of its lock file. Nothing is piped from the network into a shell.
# It must never: touch an app's folder, open a port, hold a secret.
#
# The SSM document of the same folder carries this file and passes every parameter as $SSM_<Name> (SC2154). A function that fails
# ends the script, as none is called in a condition (SC2310, SC2312).
# shellcheck disable=SC2154,SC2310,SC2312

set -Eeuo pipefail
umask 022
export LC_ALL=C PATH=${PATH:-/usr/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

readonly DISK=${LONGSHORE_BOOTSTRAP_DISK:-} # Where the tests have their disk; empty on a host.
readonly METADATA_V4=169.254.169.254/32 METADATA_V6=fd00:ec2::254/128
CHANGED=no

say() { printf '%s\n' "$*"; }

stop() {
  say "stopped: $*"
  exit 1
}

# An agent that does not know ENV_VAR leaves the variables unset. The association of AWS-UpdateSSMAgent cures that.
check() {
  local variable=SSM_$1
  [[ -v ${variable} ]] || stop "${variable} is not set: the agent of this host is older than 3.3.2746.0"
  [[ ${!variable} =~ ^($2)$ ]] || stop "parameter $1 has a form that is not allowed"
}

read_parameters() {
  check Environment '[a-z][a-z0-9-]{0,31}'
  check HostUser '[a-z_][a-z0-9_-]{0,31}'
  check NodeMajor '20|22|24'
  check Metadata 'denied|allowed'
  [[ ${SSM_HostUser} != root ]] || stop 'parameter HostUser is root, who must not run apps'
}

require_amazon_linux() {
  local line found=''
  while read -r line; do
    case ${line} in
    'ID="amzn"' | 'VERSION_ID="2023'*) found+=x ;;
    *) ;;
    esac
  done <"${DISK}/etc/os-release"
  [[ ${found} == xx ]] || stop 'this is not Amazon Linux 2023'
}

# put FILE MODE: standard input becomes the file, at once and only when it is another. CHANGED says whether it was.
put() {
  local file=${DISK}$1 fresh
  mkdir -p -- "${file%/*}"
  fresh=$(mktemp -- "${file%/*}/.longshore-XXXXXX")
  cat >"${fresh}"
  chmod "$2" -- "${fresh}"
  if cmp -s -- "${fresh}" "${file}"; then
    rm -f -- "${fresh}"
    CHANGED=no
  else
    mv -T -- "${fresh}" "${file}"
    CHANGED=yes
    say "wrote $1"
  fi
}

# Amazon Linux pins its packages: without another --releasever an image of 2023.x always gives the versions of 2023.x.
install_packages() {
  local packages=("nodejs${SSM_NodeMajor}" "nodejs${SSM_NodeMajor}-npm" git-core util-linux iproute logrotate awscli-2 amazon-cloudwatch-agent)
  if rpm --quiet -q "${packages[@]}"; then return; fi
  dnf --assumeyes --quiet --setopt=install_weak_deps=False install "${packages[@]}"
  say "installed ${packages[*]}"
}

choose_node() {
  local wanted=/usr/bin/node-${SSM_NodeMajor}
  if [[ $(node --version) != "v${SSM_NodeMajor}."* ]]; then
    alternatives --set node "${wanted}"
    say "node is ${wanted}"
  fi
}

# With the digests of the lock file, and none of the packages' scripts.
install_pm2() {
  local folder=/opt/longshore/pm2
  put "${folder}/package-lock.json" 0644 <<'PM2_LOCK'
@PM2_LOCK@
PM2_LOCK
  if [[ ${CHANGED} == no && -x ${DISK}${folder}/node_modules/.bin/pm2 ]]; then return; fi
  put "${folder}/package.json" 0644 <<'PM2_PACKAGE'
@PM2_PACKAGE@
PM2_PACKAGE
  # The lock file is put back last, so that a run that ends here is begun again by the next.
  if ! (cd -- "${DISK}${folder}" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error); then
    rm -f -- "${DISK}${folder}/package-lock.json"
    stop 'pm2 could not be installed'
  fi
  mkdir -p -- "${DISK}/usr/local/bin"
  ln -sfn -- "${folder}/node_modules/.bin/pm2" "${DISK}/usr/local/bin/pm2"
  say 'installed pm2'
}

make_user() {
  if ! getent passwd "${SSM_HostUser}" >/dev/null; then
    useradd --system --create-home --home-dir "/var/lib/${SSM_HostUser}" --shell /sbin/nologin "${SSM_HostUser}"
    say "made the user ${SSM_HostUser}"
  fi
  mkdir -p -- "${DISK}/srv/longshore"
}

# At boot each app comes back as it was proven last: pm2 resurrects from its dump, which names `current` only.
resurrect_at_boot() {
  put /usr/local/libexec/longshore-resurrect 0755 <<RESURRECT
#!/bin/bash
for dump in /srv/longshore/*/pm2/dump.pm2; do
  [[ -f \${dump} ]] || continue
  cd -- "\${dump%/*}" || continue
  runuser -u ${SSM_HostUser} -- env PM2_HOME="\${dump%/*}" PM2_DISABLE_VERSION_CHECK=true /usr/local/bin/pm2 resurrect
done
RESURRECT
  put /etc/systemd/system/longshore-resurrect.service 0644 <<'UNIT'
[Unit]
Description=The apps of Longshore, as they were proven last
After=network-online.target longshore-metadata.service
Wants=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/libexec/longshore-resurrect

[Install]
WantedBy=multi-user.target
UNIT
  enable longshore-resurrect.service
}

# The apps' user gets no answer from the instance metadata service, so no build and no app can have the host's role: that role
# reads the parameters of every app of the environment. Root and the agent still get theirs.
close_metadata() {
  put /usr/local/libexec/longshore-metadata 0755 <<METADATA
#!/bin/bash
uid=\$(id -u ${SSM_HostUser}) || exit 1
while ip -4 rule del pref 100 2>/dev/null; do :; done
while ip -6 rule del pref 100 2>/dev/null; do :; done
[[ ${SSM_Metadata} == denied ]] || exit 0
ip -4 rule add pref 100 to ${METADATA_V4} uidrange "\${uid}-\${uid}" prohibit || exit 1
[[ ! -e /proc/net/if_inet6 ]] || ip -6 rule add pref 100 to ${METADATA_V6} uidrange "\${uid}-\${uid}" prohibit
METADATA
  local script=${CHANGED}
  put /etc/systemd/networkd.conf.d/longshore.conf 0644 <<'NETWORKD'
[Network]
ManageForeignRoutingPolicyRules=no
NETWORKD
  if [[ ${CHANGED} == yes ]]; then systemctl try-restart systemd-networkd.service; fi
  put /etc/systemd/system/longshore-metadata.service 0644 <<'UNIT'
[Unit]
Description=The user of Longshore's apps cannot reach the instance metadata service
After=systemd-networkd.service
Before=longshore-resurrect.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/libexec/longshore-metadata

[Install]
WantedBy=multi-user.target
UNIT
  enable longshore-metadata.service
  if [[ ${script} == yes ]]; then systemctl restart longshore-metadata.service; fi
}

enable() {
  if [[ ${CHANGED} == yes ]]; then systemctl daemon-reload; fi
  if ! systemctl is-enabled --quiet "$1"; then systemctl enable "$1"; fi
}

# Of the apps' own output. The files of the steps are the host script's, which keeps the newest fifty.
rotate_logs() {
  put /etc/logrotate.d/longshore 0644 <<ROTATE
/srv/longshore/*/log/app/*.log {
  su ${SSM_HostUser} ${SSM_HostUser}
  daily
  maxsize 64M
  rotate 7
  missingok
  notifempty
  compress
  delaycompress
  copytruncate
}
ROTATE
  if ! systemctl is-enabled --quiet logrotate.timer; then systemctl enable --now logrotate.timer; fi
}

# A log group for the environment, a stream for each host.
send_logs() {
  put /opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.d/longshore.json 0644 <<AGENT
{
  "logs": {
    "logs_collected": {
      "files": {
        "collect_list": [
          {
            "file_path": "/srv/longshore/*/log/*.log",
            "log_group_name": "/longshore/${SSM_Environment}/hosts",
            "log_stream_name": "{instance_id}"
          },
          {
            "file_path": "/srv/longshore/*/log/app/error.log",
            "log_group_name": "/longshore/${SSM_Environment}/hosts",
            "log_stream_name": "{instance_id}/error"
          },
          {
            "file_path": "/srv/longshore/*/log/app/out.log",
            "log_group_name": "/longshore/${SSM_Environment}/hosts",
            "log_stream_name": "{instance_id}/out"
          }
        ]
      }
    }
  }
}
AGENT
  if [[ ${CHANGED} == yes ]]; then
    systemctl enable amazon-cloudwatch-agent.service
    systemctl restart amazon-cloudwatch-agent.service
  fi
}

main() {
  read_parameters
  require_amazon_linux
  exec 9>"${DISK}/run/longshore-bootstrap.lock"
  flock --nonblock 9 || stop 'another run is at it'
  install_packages
  choose_node
  install_pm2
  make_user
  close_metadata
  resurrect_at_boot
  rotate_logs
  send_logs
  say 'this is a host of Longshore'
}

main
