"""Data files that ship with the package: nothing is downloaded at run time."""
