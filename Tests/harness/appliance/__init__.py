"""Debian machines in namespaces with the package installed, and their environment."""
