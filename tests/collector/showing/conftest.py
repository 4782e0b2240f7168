collect_ignore = ["prometheus"]  # runs a server of another maker: `make test-prometheus`
