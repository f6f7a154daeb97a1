"""What recorded traffic would cost with us: read files, run the pipeline over them, add up. No proxy, no network."""
