#!/bin/sh
# Runs xmpp-pushd with the Node.js that came with it. What the service reads, commands by hand read too.
: "${XMPP_PUSHD_CONFIG:=/etc/xmpp-pushd/config.toml}"
: "${CREDENTIALS_DIRECTORY:=/etc/xmpp-pushd/secrets}"
export XMPP_PUSHD_CONFIG CREDENTIALS_DIRECTORY
exec /usr/lib/xmpp-pushd/node /usr/lib/xmpp-pushd/bin/xmpp-pushd "$@"
