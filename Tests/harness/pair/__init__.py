"""Nodes in network namespaces that share an address, and programs that observe them."""
