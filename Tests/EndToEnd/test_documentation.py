"""The manuals agree with the program: every log line is explained, and every command exists."""

import re

import pytest
from harness import ROOT
from harness.service import belvedere

pytestmark = pytest.mark.once

SOURCES = ROOT / "Sources"
# The calls that write log lines. Debug messages are not in the manual.
CALL = re.compile(
    r'(?:\blog\.(?:info|notice|warning|error|critical)\(\s*'  # log.notice("…")
    r'|\blog\.log\(level: [^"\n]*, '  # log.log(level: …, "…")
    r'|\bsay\(\s*\w+, \.\w+,\s*'  # say(index, .warning, "…", as: …)
    r'|\blog\(\w+, \.\w+, '  # log(index, .error, "…")
    r'|struct Transition: .*?var description: String { )(?=")',  # a virtual router's change of role
    re.DOTALL,
)
# The texts of notes that pure targets return, which other targets write to the log.
NOTES = ["WorkerNote.swift", "ReloadNote.swift", "AdminStateNote.swift", "RouterNote.swift", "ExpiryWatch.swift"]
# Texts that are a part of another line.
CERTIFICATE = "the certificate for … in …"
PARTS = {
    CERTIFICATE, "the certificate for …", "…", ": …", " s", " ms", "… s", "… ms", " and … more", "no name", "in less than a day", "in 1 day",
    "in … days", ", ", "", " in …", "fetch the next one, then run 'systemctl reload belvedere'",
    "renew it, then run 'systemctl restart belvedere-observe'",
}  # fmt: skip


def literal(text, start):
    """The string literal at `start`, with … for each interpolation."""
    if text.startswith('"""', start):
        end = text.index('"""', start + 3)
        lines = [line.strip() for line in text[start + 3 : end].strip().splitlines()]
        body = " ".join(line.removesuffix("\\").rstrip() for line in lines)
        return re.sub(r"\\\([^()]*(\([^()]*\))?[^()]*\)", "…", body)
    words, depth, position = "", 0, start + 1
    while depth or text[position] != '"':
        if not depth and text.startswith("\\(", position):
            words, depth, position = words + "…", 1, position + 2
            continue
        if depth:
            depth += {"(": 1, ")": -1}.get(text[position], 0)
        else:
            words += text[position]
        position += 1
    return words


def said():
    """Every line that the log may have, with … for the variable parts."""
    lines = set()
    for path in SOURCES.rglob("*.swift"):
        if "Demo" not in path.parts:
            text = path.read_text()
            lines |= {literal(text, match.end()) for match in CALL.finditer(text)}
    for name in NOTES:
        [path] = SOURCES.rglob(name)
        text = re.sub(r"//.*", "", path.read_text())
        for body in re.findall(r"(?:var text: String|static func text\(.*?\)[^{]*|static let advice[^\n]*)(.*?)\n  }", text, re.DOTALL):
            position = 0
            while match := re.search(r'"""|"', body[position:]):
                start = position + match.start()
                lines.add(literal(body, start))
                closing = match.group()
                position = body.index(closing, start + len(closing)) + len(closing) if closing == '"""' else end(body, start)
    titled = {line for line in lines if line.startswith(("… expires", "… has expired"))}
    return lines - PARTS - titled | {line.replace("…", CERTIFICATE, 1) for line in titled}


def end(text, start):
    """The offset after the one-line literal at `start`."""
    depth, position = 0, start + 1
    while depth or text[position] != '"':
        if text.startswith("\\(", position) and not depth:
            depth, position = 1, position + 2
            continue
        if depth:
            depth += {"(": 1, ")": -1}.get(text[position], 0)
        position += 1
    return position + 1


def explained():
    table = (ROOT / "docs/operate.md").read_text()
    return re.findall(r"^\| ``(.*?)`` \|", table, re.MULTILINE)


def is_same(row, line):
    """Whether a row of the manual matches; a row may omit the end of a long line with …"""
    return row == line or (row.endswith(" …") and line.startswith(row.removesuffix("…")))


def test_operate_explains_every_line_of_the_log():
    lines, rows = said(), explained()
    assert len(lines) > 60
    assert [line for line in sorted(lines) if not any(is_same(row, line) for row in rows)] == []
    assert [row for row in rows if not any(is_same(row, line) for line in lines)] == []
    assert len(rows) == len(set(rows))


def manuals():
    return sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "THREATMODEL.md"])


def commands(manual):
    """The `belvedere` command lines of a manual, in blocks and in the text."""
    text = re.sub(r"\s#.*", "", manual.read_text(), flags=re.MULTILINE)
    found = re.findall(r"(?:^|`|-- |&& )(?:/usr/sbin/)?belvedere ([a-z]+(?: --?[a-z-]+)*)", text, re.MULTILINE)
    # The worker is started by the supervisor only.
    return sorted(command for command in set(found) if command != "worker")


@pytest.mark.parametrize("manual", manuals(), ids=lambda path: path.name)
def test_every_command_of_a_manual_exists(manual):
    for command in commands(manual):
        subcommand, *options = command.split()
        shown = belvedere("help", subcommand, check=True).stdout
        assert f"belvedere {subcommand}" in shown, command
        for option in options:
            assert option in shown, command


@pytest.mark.parametrize("manual", manuals(), ids=lambda path: path.name)
def test_every_link_of_a_manual_has_a_target(manual):
    text = manual.read_text()
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        if target.startswith("https://"):
            continue
        there = (manual.parent / path).resolve() if path else manual
        assert there.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)", there.read_text(), re.MULTILINE)
            assert anchor in [re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles], target


def test_every_threat_has_a_test():
    """The last column of THREATMODEL.md names functions of Tests, in Python or Swift."""
    sources = [file.read_text() for suffix in ("py", "swift") for file in (ROOT / "Tests").rglob(f"*.{suffix}")]
    names = {name for text in sources for found in re.findall(r"def (test_\w+)|func `([^`]+)`", text) for name in found}
    rows = re.findall(r"^\| [^|]+ \| [^|]+ \| ([^|]+) \|$", (ROOT / "THREATMODEL.md").read_text(), re.MULTILINE)
    named = [re.findall("`([^`]+)`", row) for row in rows if row not in ("Test", "---")]
    assert len(named) > 40 and all(named), rows
    assert [name for tests in named for name in tests if name not in names] == []


README = (ROOT / "README.md").read_text()


def test_readme_fits_a_screen_and_names_targets_and_options_that_exist():
    assert len(README.splitlines()) <= 60
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE)
    assert {"demo", "test"} <= set(targets)
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []
    benchmark = (ROOT / "Tests/Bench/run").read_text()
    options = re.findall(r"Tests/Bench/run (--[a-z]+)(?: ([a-z0-9]+))?", README)
    assert len(options) > 3
    for option, word in options:
        assert f'"{option}"' in benchmark, option
        assert not word or re.search(rf'Row\("[^"]*\b{word}\b', benchmark), word


def test_figures_of_readme_are_those_of_the_pages_that_explain_them():
    measured = [*rows((ROOT / "docs/vrrp.md").read_text()), *rows((ROOT / "Tests/Bench/README.md").read_text())]
    compared = [row for row in rows(README) if row[-1].startswith(("`make", "`Tests", "the same"))]
    assert len(compared) > 6
    for name, theirs, ours, _ in compared:
        # `download (s of CPU/GB)` is `download (s/GB)` there.
        words = re.sub(r" \(.*|: .*", "", name)
        [source] = [row for row in measured if row[0].startswith(words) and any(cell.startswith(ours) for cell in row[1:])]
        assert any(cell.startswith(theirs) for cell in source[1:]), (name, source)


def rows(text):
    """The cells of each row of the tables."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]


def test_every_line_of_the_example_is_valid(tmp_path):
    """The file that the packages install, with its defaults, and with each commented alternative enabled."""
    example = (ROOT / "etc/belvedere.yaml").read_text()
    key = r"[a-z][a-z-]*:"
    with_defaults = re.sub(rf"(?m)^( *)#({key})", r"\1\2", example).replace("\n#  ", "\n  ")
    alternatives = re.findall(rf"(?m)^# ({key} .*)$", example)
    assert len(alternatives) > 5
    for number, line in enumerate(["", *alternatives]):
        name = line.partition(":")[0]
        # The alternative replaces the active line.
        text = re.sub(rf"(?m)^{name}:.*\n(  .*\n)*", "", with_defaults) if line else with_defaults
        text = text + f"{line}\n" if name != "view03" else text.replace("  view01:", f"  {line}\n  view01:", 1)
        file = tmp_path / f"{number}.yaml"
        file.write_text(text.replace('"5E:88:..."', '"' + ":".join(["5E"] * 32) + '"'))
        done = belvedere("check", "--configuration", file)
        for fault in ("unknown key", "expected", "twice", "exclude", "YAML", "Usage"):
            assert fault not in done.stderr + done.stdout, f"{line}\n{done.stderr}{done.stdout}"
