"""A client that keeps connecting to the virtual address, and knows how long nobody answered."""

import socket
import struct
import threading
import time


class Probe:
    """One new connection after the other, 5 ms apart. One that is not there after 50 ms is given up for the next: the
    kernel would send its SYN again only after a second, and the gap is to be known to the hundredth."""

    PAUSE, PATIENCE = 0.005, 0.05

    def __init__(self, address, port=443):
        self._endpoint = (address, port)
        self._family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._moments, self._over = [], False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._over:
            began = time.monotonic()
            with socket.socket(self._family, socket.SOCK_STREAM) as sock:
                sock.settimeout(self.PATIENCE)
                # RST at the end: nothing lingers.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                try:
                    sock.connect(self._endpoint)
                    self._moments.append((began, time.monotonic()))
                except OSError:
                    pass
            time.sleep(self.PAUSE)

    @property
    def answers(self):
        return len(self._moments)

    def gap(self, since=0):
        """The longest time, in seconds, between the answer to one connection and the beginning of the next that was
        answered too, after the moment `since`."""
        moments = [m for m in list(self._moments) if m[1] >= since]
        assert len(moments) > 1, "nobody ever answered"
        return max(after[0] - before[1] for before, after in zip(moments, moments[1:]))

    def end(self):
        self._over = True
        self._thread.join()
