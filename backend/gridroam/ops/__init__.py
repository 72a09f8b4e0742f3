"""Files for who runs a relay: dashboard, alerts, systemd unit, container, proxies, settings."""
