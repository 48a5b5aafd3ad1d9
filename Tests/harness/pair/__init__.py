"""Nodes in network namespaces that share an address, and what watches them."""
