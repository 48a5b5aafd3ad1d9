"""Chromium without a window, driven by the DevTools protocol."""

import asyncio
import base64
import json
import shutil
import urllib.request

import pytest
import websockets

from .program import Program
from .waiting import TIMEOUT, wait_until


class Browser(Program):
    """One page. `faults` are the errors that the page or the browser has reported."""

    def __init__(self, directory, *options):
        if not shutil.which("chromium"):
            pytest.skip("chromium is not installed (Debian: chromium)")
        super().__init__(directory / "browser-log")
        self.faults = []
        self._profile = directory / "browser"
        self._loop = asyncio.new_event_loop()
        self._number = 0
        self.launch(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--remote-debugging-port=0", f"--user-data-dir={self._profile}", *options, "about:blank"]
        )  # fmt: skip
        port = self._profile / "DevToolsActivePort"
        wait_until(lambda: port.exists() and port.read_text().strip(), lambda: f"the browser\n{self.log}")
        tabs = f"http://127.0.0.1:{port.read_text().split()[0]}/json/list"

        def pages():
            with urllib.request.urlopen(tabs, timeout=TIMEOUT) as answer:
                return [tab for tab in json.load(answer) if tab["type"] == "page"]

        [page] = wait_until(pages, "a page")
        self._socket = self._run(lambda: websockets.connect(page["webSocketDebuggerUrl"], max_size=None, ping_interval=None))
        for domain in ("Page", "Runtime", "Log", "Accessibility"):
            self.call(f"{domain}.enable")

    def _run(self, act):
        async def bounded():
            return await asyncio.wait_for(act(), TIMEOUT)

        return self._loop.run_until_complete(bounded())

    def call(self, method, **parameters):
        """The result of a command."""
        return self._run(lambda: self._result(method, parameters))

    async def _result(self, method, parameters):
        self._number += 1
        await self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        # Events may come without end.
        while True:
            message = json.loads(await self._socket.recv())
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            kind, facts = message.get("method"), message.get("params")
            if kind == "Runtime.exceptionThrown" or (kind == "Log.entryAdded" and facts["entry"]["level"] == "error"):
                self.faults.append(json.dumps(facts))

    def open(self, url):
        self.call("Page.navigate", url=url)

    def value(self, expression):
        """What an expression comes to in the page; None if it throws."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return None if "exceptionDetails" in result else result["result"].get("value")

    def wait_for(self, expression):
        """The first true value of an expression."""
        return wait_until(lambda: self.value(expression), lambda: f"{expression} in\n{self.value('document.body.innerText')}")

    def resize(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def prefer(self, scheme):
        """Light or dark."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path, **options):
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, **options)
        path.write_bytes(base64.b64decode(shot["data"]))

    @property
    def accessibility_tree(self):
        """What a screen reader meets, in the order of the document."""
        nodes = {node["nodeId"]: node for node in self.call("Accessibility.getFullAXTree")["nodes"]}
        ordered, rest = [], [next(iter(nodes))]
        while rest:
            node = nodes.get(rest.pop())
            if node:
                ordered.append(node)
                rest += reversed(node.get("childIds", []))
        return [node for node in ordered if not node["ignored"] and "role" in node]

    @property
    def roles(self):
        """Role and name of each element."""
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in self.accessibility_tree]

    def close(self):
        self._run(lambda: self._socket.close())
        self._loop.close()
        self.destroy()
