"""A page of docs/ that a test follows: every command that a test runs must be on the page, and every command on the
page must be run by a test."""

import re

from harness import ROOT


def statements(block):
    """The commands of a block, without comments; continued lines are joined."""
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
        self.files = [block for language, block in blocks if language == "yaml"]
        # The first one of the page, if any.
        self.configuration = next(iter(self.files), None)
        self._typed = set()

    def type(self, machine, command, *, ends=True, **options):
        """Runs a command of the page in root's shell on a machine and returns its output; a command that does not end
        by itself runs for a short time."""
        assert command in self.commands, f"docs/{self.page} has no command {command!r}"
        self._typed.add(command)
        if not ends:
            return machine.attempt(f"cd /root && timeout 2 {command}", **options).stdout
        return machine.run(f"cd /root && {command}", **options)

    def untyped(self, *, elsewhere=()):
        """The commands of the page that no test has run, except for those that can't be run here."""
        assert set(elsewhere) <= set(self.commands)
        return [command for command in self.commands if command not in self._typed | set(elsewhere)]
