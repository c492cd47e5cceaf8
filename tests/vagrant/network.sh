#!/usr/bin/env bash
# The network between machines of a test: `network.sh up PREFIX`, `network.sh down PREFIX`. A network namespace PREFIX
# with a bridge at 192.168.56.1, and one for each of master, agent-1, agent-2 with its address. Nothing else is touched.
set -euo pipefail

prefix=${2:?}

up() {
  local at=10 node
  ip netns add "$prefix"
  ip -n "$prefix" link set lo up
  ip -n "$prefix" link add vboxnet0 type bridge
  ip -n "$prefix" addr add 192.168.56.1/24 dev vboxnet0
  ip -n "$prefix" link set vboxnet0 up
  for node in master agent-1 agent-2; do
    ip netns add "$prefix-$node"
    ip -n "$prefix" link add "port$at" type veth peer name eth1 netns "$prefix-$node"
    ip -n "$prefix" link set "port$at" master vboxnet0 up
    ip -n "$prefix-$node" link set lo up
    ip -n "$prefix-$node" addr add "192.168.56.$at/24" dev eth1
    ip -n "$prefix-$node" link set eth1 up
    at=$((at + 1))
  done
}

down() {
  local namespace
  for namespace in $(ip netns list | cut -d' ' -f1); do
    case $namespace in
      "$prefix" | "$prefix"-*) ip netns del "$namespace" ;;
    esac
  done
}

"${1:?}"
