"""The pools' numbers for systems that watch many processes: Prometheus, OpenTelemetry, and a dashboard for Grafana."""
