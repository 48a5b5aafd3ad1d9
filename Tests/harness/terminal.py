"""A shell in a terminal of a given size, and what a person sees there."""

import fcntl
import os
import select
import signal
import struct
import termios

import pyte

from .program import Program
from .waiting import wait_until

# The private modes of xterm, as pyte numbers them.
ALTERNATE, CURSOR, WRAP = 1049 << 5, 25 << 5, 7 << 5


class Display(pyte.Screen):
    """A screen with the alternate one, which pyte lacks."""

    def __init__(self, columns, rows):
        self.kept = None
        super().__init__(columns, rows)

    @property
    def is_alternate(self):
        return self.kept is not None

    def set_mode(self, *modes, **options):
        super().set_mode(*modes, **options)
        if options.get("private") and ALTERNATE >> 5 in modes and not self.is_alternate:
            self.save_cursor()
            self.kept = {row: dict(line) for row, line in self.buffer.items()}
            self.erase_in_display(2)

    def reset_mode(self, *modes, **options):
        super().reset_mode(*modes, **options)
        if options.get("private") and ALTERNATE >> 5 in modes and self.is_alternate:
            kept, self.kept = self.kept, None
            self.erase_in_display(2)
            for row, line in kept.items():
                self.buffer[row].update(line)
            self.restore_cursor()


class Terminal(Program):
    """An interactive bash. `typed` goes to it as from a keyboard."""

    PROMPT = "ready> "

    def __init__(self, directory, columns=80, rows=24, **environment):
        super().__init__(directory / "terminal-log")
        self._ours, theirs = os.openpty()
        self.display = Display(columns, rows)
        self._stream = pyte.ByteStream(self.display)
        self._raw = b""
        self.resize(columns, rows)
        variables = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PS1": self.PROMPT, "PATH": os.environ["PATH"]}
        # The leader of a session gets the terminal that it opens.
        command = 'exec bash --norc --noprofile --noediting -i <>"$0" >&0 2>&0'
        # Tests that run in the background ignore Ctrl-C, or under nohup the end of a terminal; programs inherit that.
        self.launch(
            ["env", "--default-signal=HUP,INT,QUIT", "sh", "-c", command, os.ttyname(theirs)], env=variables | environment
        )
        self.wait_for(self.PROMPT.strip())
        os.close(theirs)

    def resize(self, columns, rows):
        """The kernel sends SIGWINCH."""
        self.display.resize(rows, columns)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self._ours, text.encode())
        return self

    def run(self, *words):
        """Types a command."""
        return self.type(" ".join(str(word) for word in words) + "\n")

    @property
    def lines(self):
        """The lines of the screen, without spaces at their ends."""
        while select.select([self._ours], [], [], 0)[0]:
            try:
                output = os.read(self._ours, 65536)
            except OSError:
                break
            self._raw += output
            self._stream.feed(output)
        return [line.rstrip() for line in self.display.display]

    @property
    def text(self):
        return "\n".join(self.lines)

    @property
    def output(self):
        """All bytes that were written to the terminal."""
        self.lines
        return self._raw.decode(errors="replace")

    @property
    def is_whole(self):
        """Whether a program has the whole screen: the alternate one, without a cursor and without wrapping."""
        self.lines
        modes = self.display.mode
        return self.display.is_alternate and CURSOR not in modes and WRAP not in modes

    @property
    def is_restored(self):
        """Whether it is as a shell needs it."""
        self.lines
        modes = self.display.mode
        flags = termios.tcgetattr(self._ours)[3]
        return (
            not self.display.is_alternate and CURSOR in modes and WRAP in modes
            and bool(flags & termios.ICANON) and bool(flags & termios.ECHO)
        )  # fmt: skip

    def wait_for(self, condition):
        """Until the condition holds, or the text is on the screen."""
        if isinstance(condition, str):
            wait_until(lambda: condition in self.text, lambda: f"{condition!r} in\n{self.text}")
        else:
            wait_until(condition, lambda: f"a screen other than\n{self.text}")
        return self

    def prompts(self):
        """How often the shell has asked for a command on the screen."""
        return sum(line.startswith(self.PROMPT.strip()) for line in self.lines)

    def close(self):
        os.close(self._ours)
        self.signal(signal.SIGHUP)
        self.destroy()
