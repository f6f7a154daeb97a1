"""The subcommands of ``headroom-mitm``, one file each; addon/cli.py lists them."""
