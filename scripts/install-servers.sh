#!/usr/bin/env bash
# Installs the real servers that test/integration runs (Debian, Ubuntu; as root):
# ejabberd, Prosody, promtool, which comes with Prometheus, and go-sendxmpp, with which the README sends the first push.
# None of them is started or left running.
set -euo pipefail

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "install-servers.sh: needs apt-get, and root" >&2
  exit 1
fi
wanted=()
command -v ejabberdctl >/dev/null || wanted+=(ejabberd)
command -v prosody >/dev/null || wanted+=(prosody)
# The module for push: in Debian 12 in a package of its own.
compgen -G '/usr/lib/prosody/modules/mod_cloud_notify*' >/dev/null || wanted+=(prosody-modules)
command -v promtool >/dev/null || wanted+=(prometheus)
command -v go-sendxmpp >/dev/null || wanted+=(go-sendxmpp)
command -v openssl >/dev/null || wanted+=(openssl)
command -v systemd-nspawn >/dev/null || wanted+=(systemd-container)
command -v debootstrap >/dev/null || wanted+=(debootstrap)
command -v strip >/dev/null || wanted+=(binutils)
if [ ${#wanted[@]} = 0 ]; then
  echo "install-servers.sh: all there"
  exit 0
fi

# The tests run their own copies, on their own ports: the packages' services are not started.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod +x $policy
  trap 'rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
echo "install-servers.sh: installed ${wanted[*]}"
