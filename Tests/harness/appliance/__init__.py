"""Debian machines in namespaces with the package installed, and what is around them."""
