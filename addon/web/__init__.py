"""What people look at while the proxy runs: mitmproxy's own screens, and our page."""
