"""What the end-to-end tests stand on: certificates, scripted peers, raw clients, and the belvedere process itself."""
