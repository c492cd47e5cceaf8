#!/usr/bin/env bash
# Makes a machine of Debian or Ubuntu the `master` or an `agent-N` of a lab. Run again it changes nothing, and after a
# change of the lab file only what that is about: each component has one unit and one file of settings, and is started
# anew when one of them or the program has changed.
#
# Given by the Vagrantfile: MESOSLAB_SETTINGS, which is base64 of lines as NAME='value' for this shell, and in
# /tmp/mesoslab-upload the program and the units. Nothing is downloaded, but for flavor "apache": the distribution's
# Docker, whose packages apt checks, and the published images.
set -euo pipefail

upload=${MESOSLAB_UPLOAD:-/tmp/mesoslab-upload}
etc=/etc/mesoslab
program=/usr/local/bin/mesoslab
cd /
declare -A changed=()
said=

say() {
  said=yes
  printf 'mesoslab: %s\n' "$*"
}

fail() {
  printf 'mesoslab: %s\n' "$*" >&2
  exit 1
}

eval "$(printf '%s' "${MESOSLAB_SETTINGS:?}" | base64 -d)"

# Makes a file what stdin is; false where it is that already.
put() {
  local path=$1 mode=${2:-0644} new
  new=$(mktemp "$path.XXXXXX")
  cat >"$new"
  chmod "$mode" "$new"
  if cmp -s "$new" "$path"; then
    rm -f "$new"
    return 1
  fi
  mv -f "$new" "$path"
}

# Names instead of addresses, between the machines too. Vagrant's own line would make a machine's name a loopback address.
hosts() {
  touch /etc/hosts
  {
    printf '# mesoslab\n'
    tr ',' '\n' <<<"$MESOSLAB_HOSTS"
    printf '# end of mesoslab\n'
    sed -e '/^# mesoslab$/,/^# end of mesoslab$/d' -e "/^127\.0\.[0-9]*\.1[[:space:]].*\<$MESOSLAB_NODE\>/d" /etc/hosts
  } >/etc/hosts.mesoslab
  # Written in place: in a container the file is mounted.
  if ! cmp -s /etc/hosts.mesoslab /etc/hosts; then
    cat /etc/hosts.mesoslab >/etc/hosts
    say "names of the machines are in /etc/hosts"
  fi
  rm -f /etc/hosts.mesoslab
}

user() {
  getent passwd mesoslab >/dev/null ||
    useradd --system --user-group --home-dir /var/lib/mesoslab --shell /usr/sbin/nologin mesoslab
  mkdir -p "$etc"
}

install_program() {
  [ -f "$upload/mesoslab" ] || fail "there is no program in $upload"
  local version
  if put "$program" 0755 <"$upload/mesoslab"; then program_changed=yes; fi
  version=$("$program" --version 2>&1) ||
    fail "the program that was copied does not run in this machine: $version; build a static one: cargo build --release"
  if [ -n "${program_changed:-}" ]; then say "program: $version"; fi
}

# The distribution's Docker, which trusts the lab's registry: that speaks no TLS.
install_docker() {
  if [ ! -x /usr/bin/docker ]; then
    say "installing the distribution's Docker"
    DEBIAN_FRONTEND=noninteractive apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends docker.io
  fi
  mkdir -p /etc/docker
  if [ ! -e /etc/docker/daemon.json ] || grep -q '"mesoslab-registry"' /etc/docker/daemon.json; then
    if put /etc/docker/daemon.json <<<"{\"labels\": [\"mesoslab-registry\"], \"insecure-registries\": [\"$MESOSLAB_REGISTRY\"]}"; then
      systemctl restart docker
    fi
  fi
}

# An image that is not there yet. One that is named by its digest is what it was. What is under a tag is known only once
# it is here: its digest is kept, so that this machine takes no other one for it later, and is said for [images].
pull() {
  local image=$1 wanted digest pins="$etc/images.pinned"
  docker image inspect "$image" >/dev/null 2>&1 && return
  touch "$pins"
  wanted=$(awk -v image="$image" '$1 == image { print $2 }' "$pins")
  say "pulling ${wanted:-$image}"
  docker pull -q "${wanted:-$image}" >/dev/null ||
    fail "${wanted:-$image} cannot be pulled: name another one in [images], or say flavor = \"lite\""
  if [ -n "$wanted" ]; then
    docker tag "$wanted" "$image"
  elif [[ $image != *@sha256:* ]]; then
    digest=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$image" | head -n 1)
    [ -n "$digest" ] || return 0
    printf '%s %s\n' "$image" "$digest" >>"$pins"
    say "$image is $digest now: name that in [images] to have the same in every machine"
  fi
}

# The unit of a component: of its flavor, or the one of both.
unit() {
  local name=$1 source
  for source in "$upload/units/$MESOSLAB_FLAVOR" "$upload/units/both"; do
    if [ -f "$source/mesoslab-$name.service" ]; then
      if put "/etc/systemd/system/mesoslab-$name.service" <"$source/mesoslab-$name.service"; then
        changed[$name]="its unit"
        units_changed=yes
      fi
      return
    fi
  done
  fail "there is no unit for $name"
}

# One component; its settings are stdin.
component() {
  local name=$1 image="MESOSLAB_IMAGE_${1^^}" settings
  settings=$(cat)
  if [ -n "${!image:-}" ]; then
    pull "${!image}"
    settings+=$'\n'"IMAGE=${!image}"
  fi
  unit "$name"
  [ "$name" = agent ] && forget_agent "$settings"
  [ -e "$etc/$name.env" ] || changed[$name]=new
  if put "$etc/$name.env" 0644 <<<"$settings"; then
    changed[$name]=${changed[$name]:-"its settings"}
  fi
  [ -n "${program_changed:-}" ] && grep -q "$program" "/etc/systemd/system/mesoslab-$name.service" &&
    changed[$name]=${changed[$name]:-"the program"}
  wanted+=("$name")
}

# An agent of other resources, attributes or another name is another agent to the master: the one before ends with its tasks.
forget_agent() {
  local identity='^MESOS_(RESOURCES|ATTRIBUTES|HOSTNAME|PORT|ADVERTISE_IP)=' old="$etc/agent.env"
  [ -f "$old" ] || return 0
  if diff -q <(grep -E "$identity" "$old") <(grep -E "$identity" <<<"$1") >/dev/null; then return 0; fi
  say "agent: it is another one from now on, its tasks are placed anew"
  systemctl stop mesoslab-agent
  if [ "$MESOSLAB_FLAVOR" = lite ] && grep -q "$program" /etc/systemd/system/mesoslab-agent.service; then
    systemd-run --quiet --wait --collect --property=EnvironmentFile="$old" "$program" serve agent --recover=cleanup --quiet
  else
    rm -f /var/lib/mesoslab/agent/meta/slaves/latest
  fi
}

master_machine() {
  local zookeeper=${MESOSLAB_ZK#zk://}
  if [ "$MESOSLAB_FLAVOR" = lite ]; then
    component zookeeper <<<"PORT=$MESOSLAB_ZOOKEEPER_PORT
ALLOW=$MESOSLAB_ALLOW"
    component registry <<<"PORT=$MESOSLAB_REGISTRY_PORT
ALLOW=$MESOSLAB_ALLOW"
  else
    component zookeeper <<<"ZOO_SERVERS=server.1=localhost:2888:3888;$MESOSLAB_ZOOKEEPER_PORT
ZOO_4LW_COMMANDS_WHITELIST=*
ZOO_ADMINSERVER_ENABLED=false
ZOO_MAX_CLIENT_CNXNS=0
ZOO_CFG_EXTRA=extendedTypesEnabled=true"
    component registry <<<"REGISTRY_HTTP_ADDR=0.0.0.0:$MESOSLAB_REGISTRY_PORT
REGISTRY_STORAGE_DELETE_ENABLED=true"
  fi
  component exhibitor <<<"PORT=$MESOSLAB_EXHIBITOR_PORT
ZOOKEEPER=$zookeeper
ALLOW=$MESOSLAB_ALLOW"
  # A machine that was halted is unreachable after 15 seconds; Mesos' own 75 are for networks of another size.
  component master <<<"$(mesos master)
MESOS_ZK=$MESOSLAB_ZK/mesos
MESOS_QUORUM=1
MESOS_HOSTNAME=$MESOSLAB_ADDRESS
MESOS_AGENT_PING_TIMEOUT=3secs
MESOS_MAX_AGENT_PING_TIMEOUTS=5"
  if [ -n "$MESOSLAB_MARATHON_PORT" ]; then
    component marathon <<<"MARATHON_MASTER=$MESOSLAB_ZK/mesos
MESOSLAB_MASTER=$MESOSLAB_ZK/mesos
MARATHON_ZK=$MESOSLAB_ZK/marathon
MARATHON_HTTP_ADDRESS=0.0.0.0
MARATHON_HTTP_PORT=$MESOSLAB_MARATHON_PORT
MARATHON_HOSTNAME=$MESOSLAB_ADDRESS
MARATHON_MAX_INSTANCES_PER_OFFER=100
ALLOW=$MESOSLAB_ALLOW"
  fi
  # Only agents of ours have our executor, for tasks with one of their own.
  local executor=
  [ "$MESOSLAB_FLAVOR" != lite ] || executor="--executor-binary $program"
  component scheduler <<<"MESOSLAB_MASTER=$MESOSLAB_ZK/mesos
PORT=$MESOSLAB_SCHEDULER_PORT
ALLOW=$MESOSLAB_ALLOW
EXECUTOR=$executor"
}

agent_machine() {
  component agent <<<"$(mesos agent)
MESOS_MASTER=$MESOSLAB_ZK/mesos"
}

# What a master and an agent are both told.
mesos() {
  local work_dir=/var/lib/mesoslab/$1
  printf '%s\n' "$MESOSLAB_FLAGS" "MESOS_IP=0.0.0.0" "MESOS_ADVERTISE_IP=$MESOSLAB_ADDRESS"
  if [ "$MESOSLAB_FLAVOR" = lite ]; then
    printf '%s\n' "MESOS_WORK_DIR=$work_dir" "MESOS_ALLOW_NETWORKS=$MESOSLAB_ALLOW"
    [ "$1" = master ] || echo MESOS_SWITCH_USER=false
    return
  fi
  if [ "$1" = master ]; then
    printf '%s\n' MESOS_WORK_DIR=/var/lib/mesos MESOS_REGISTRY=replicated_log
  else
    # Launcher and isolation as they work with cgroups of either version.
    printf '%s\n' "MESOS_WORK_DIR=$work_dir" MESOS_CONTAINERIZERS=docker,mesos MESOS_LAUNCHER=posix \
      MESOS_ISOLATION=posix/cpu,posix/mem,filesystem/posix MESOS_SYSTEMD_ENABLE_SUPPORT=false \
      MESOS_SWITCH_USER=false MESOS_EXECUTOR_REGISTRATION_TIMEOUT=5mins
  fi
}

# Ends what the lab file does not want any more.
drop_others() {
  local path name
  for path in "$etc"/*.env; do
    name=$(basename "$path" .env)
    [[ -e $path && " ${wanted[*]} " != *" $name "* ]] || continue
    say "$name: stopped, the lab file does not want it"
    systemctl disable --quiet --now "mesoslab-$name"
    rm -f "$path" "/etc/systemd/system/mesoslab-$name.service"
    units_changed=yes
  done
}

start() {
  local name
  [ -n "${units_changed:-}" ] && systemctl daemon-reload
  for name in "${wanted[@]}"; do
    systemctl is-enabled --quiet "mesoslab-$name" 2>/dev/null || systemctl enable --quiet "mesoslab-$name"
    if [ -n "${changed[$name]:-}" ]; then
      systemctl restart "mesoslab-$name"
      if [ "${changed[$name]}" = new ]; then say "$name: started"; else say "$name: restarted, ${changed[$name]} changed"; fi
    elif ! systemctl is-active --quiet "mesoslab-$name"; then
      systemctl start "mesoslab-$name"
      say "$name: started"
    fi
  done
}

# Waits until each component listens; one that does not says why.
answer() {
  local name port try patience=60
  # Those that run in Java take their time.
  [ "$MESOSLAB_FLAVOR" = lite ] || patience=180
  for name in "${wanted[@]}"; do
    port=$(grep -hoE '^(PORT|MESOS_PORT|MARATHON_HTTP_PORT|REGISTRY_HTTP_ADDR|ZOO_SERVERS)=.*' "$etc/$name.env" | grep -oE '[0-9]+$')
    for ((try = 1; ; try++)); do
      if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
      if [ "$try" -ge $((patience * 5)) ]; then
        journalctl --unit="mesoslab-$name" --lines=5 --output=cat --no-pager >&2
        fail "$name does not listen on port $port; more: journalctl -u mesoslab-$name"
      fi
      sleep 0.2
    done
  done
}

# The settings of our framework, as far as the lab file says other ones than the last time: what was set while it ran stays.
configure_scheduler() {
  local last="$etc/scheduler.settings" new errors
  touch "$last"
  mapfile -t new < <(grep . <<<"$MESOSLAB_SCHEDULER" | grep -vxFf "$last" || true)
  [ "${#new[@]}" -gt 0 ] || return 0
  errors=$("$program" --quiet --scheduler "http://127.0.0.1:$MESOSLAB_SCHEDULER_PORT" config set "${new[@]}" 2>&1) ||
    fail "the scheduler does not take its settings: $errors"
  put "$last" <<<"$MESOSLAB_SCHEDULER" || true
  say "scheduler: ${#new[@]} settings from the lab file"
}

wanted=()
hosts
user
install_program
if [ "$MESOSLAB_FLAVOR" = apache ]; then install_docker; fi
if [ "$MESOSLAB_NODE" = master ]; then master_machine; else agent_machine; fi
drop_others
start
answer
if [ "$MESOSLAB_NODE" = master ]; then configure_scheduler; fi
if [ -z "$said" ]; then say "nothing to change"; fi
