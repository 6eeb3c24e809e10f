#!/bin/sh
# Runs xmpp-pushd with the Node.js that came with it. What the service reads, commands by hand read too.
: "${XMPP_PUSHD_CONFIG:=/etc/xmpp-pushd/config.toml}"
if [ -z "${CREDENTIALS_DIRECTORY:-}" ]; then
	CREDENTIALS_DIRECTORY=/etc/xmpp-pushd/secrets
	# The service's user may not read that: systemd hands it a copy while the service runs.
	running=/run/credentials/xmpp-pushd.service
	if [ ! -r $CREDENTIALS_DIRECTORY ] && [ -r $running ]; then CREDENTIALS_DIRECTORY=$running; fi
fi
export XMPP_PUSHD_CONFIG CREDENTIALS_DIRECTORY
# No inspector at SIGUSR1, from the first instruction on.
exec /usr/lib/xmpp-pushd/node --disable-sigusr1 /usr/lib/xmpp-pushd/bin/xmpp-pushd "$@"
