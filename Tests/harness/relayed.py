"""Relayed ports beside 443 (`relay`): servers that send their names there, and the servers that a client reaches."""

import socket
import threading
from contextlib import closing

from .client import connect_socket
from .datagrams import Client, Echo


class Named:
    """Listens on TCP beside a Connection Server: names it in a line, then echoes."""

    def __init__(self, server, port):
        self.name = server.name.encode()
        self.listener = socket.create_server((server.address, port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        with closing(connection):
            connection.sendall(self.name + b"\n")
            try:
                while data := connection.recv(65536):
                    connection.sendall(data)
            except OSError:
                pass

    def stop(self):
        # Wakes accept as well, which close alone does not.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def relayed_ports(server, ports):
    """A server's ports for TCP and UDP."""
    return [peer for port in ports for peer in (Named(server, port), Echo(server.name, server.address, port))]


def servers_on(address, ports, source):
    """The server that a client reaches, by port and protocol."""
    met = {}
    for port in ports:
        with connect_socket((address, port), source) as client:
            met[port, "TCP"] = client.makefile().readline().strip()
        with Client(None, source, port, address=address) as client:
            met[port, "UDP"] = client.ask()
    return met
