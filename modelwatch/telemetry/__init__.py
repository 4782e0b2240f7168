"""What leaves the process and what comes in: names, wire format, transport, exporter."""
