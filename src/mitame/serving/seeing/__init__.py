"""What the service tells of itself: metrics, access log, traces, health."""
