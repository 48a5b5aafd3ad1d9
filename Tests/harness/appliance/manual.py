"""A page of docs/ as its reader follows it: what a test types has to stand there, and what stands there has to be typed
by some test, or the page says something that nobody has tried."""

import re

from harness import ROOT


def statements(block):
    """The commands of a block, without comments; one that goes on is one."""
    lines, going_on = [], False
    for line in block.splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if not line:
            continue
        if going_on:
            lines[-1] += " " + line
        else:
            lines.append(line)
        going_on = line.endswith(("|", "&&"))
    return [" ".join(line.split()) for line in lines]


class Manual:
    def __init__(self, page):
        self.page = page
        blocks = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)
        self.commands = [command for language, block in blocks if not language for command in statements(block)]
        # The page's first, if it has one.
        self.configuration = next((block for language, block in blocks if language == "yaml"), None)
        self._typed = set()

    def type(self, machine, command, *, ends=True, **options):
        """Types a command of the page into root's shell on a machine and returns what it printed; one that does not end
        by itself is looked at for a moment."""
        assert command in self.commands, f"docs/{self.page} has no command {command!r}"
        self._typed.add(command)
        if not ends:
            return machine.attempt(f"cd /root && timeout 2 {command}", **options).stdout
        return machine.run(f"cd /root && {command}", **options)

    def untyped(self, *, elsewhere=()):
        """The page's commands that no test has typed, but for those that can't be typed here."""
        assert set(elsewhere) <= set(self.commands)
        return [command for command in self.commands if command not in self._typed | set(elsewhere)]
