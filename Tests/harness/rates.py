"""Rates of clients: what their tests have in common."""

ONE, OTHER, PROXY = "127.0.71.1", "127.0.72.1", "127.0.73.1"
# The harness asks from its own address until the service serves.
ITSELF = "127.0.0.1"


def rates(**changes):
    return {"rates": {"except": [ITSELF]} | changes}
