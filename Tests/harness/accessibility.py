"""What is wrong with a page for people who use a screen reader, or see little contrast. Each check returns faults."""

# What a person acts upon or has to be described, by its role in Chromium's accessibility tree.
NAMED = {
    "button", "checkbox", "combobox", "form", "graphics-document", "image", "img", "link", "menuitem", "radio", "region",
    "searchbox", "slider", "spinbutton", "switch", "tab", "table", "textbox", "columnheader", "rowheader", "heading",
}  # fmt: skip

# WCAG 2.1, 1.4.3 (text) and 1.4.11 (graphics): the ratio of the luminances of a colour and what is behind it.
CONTRAST = """
(() => {
  const channels = color => {
    const parts = color.match(/[\\d.]+/g).map(Number);
    return parts.length === 3 ? [...parts, 1] : parts;
  };
  const over = ([r, g, b, a], back) => [r, g, b].map((value, index) => value * a + back[index] * (1 - a));
  const luminance = color => color.map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = element => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(channels(getComputedStyle(at).backgroundColor));
    return layers.reduce((back, layer) => over(layer, back), [255, 255, 255]);
  };
  const ratio = (color, back) => {
    const [low, high] = [luminance(over(channels(color), back)), luminance(back)].sort((one, other) => one - other);
    return (high + 0.05) / (low + 0.05);
  };
  const faults = new Set();
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest("script, style, noscript")) continue;
    texts += 1;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const least = size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5;
    const found = ratio(style.color, behind(element));
    if (found < least) faults.add(`${found.toFixed(2)}: ${element.tagName} ${element.className} "${walker.currentNode.data.trim()}"`);
  }
  for (const input of document.querySelectorAll("[placeholder]")) {
    const found = ratio(getComputedStyle(input, "::placeholder").color, behind(input));
    if (found < 4.5) faults.add(`${found.toFixed(2)}: the placeholder of ${input.id}`);
  }
  for (const line of document.querySelectorAll("svg *")) {
    const found = ratio(getComputedStyle(line).stroke, behind(line));
    if (found < 3) faults.add(`${found.toFixed(2)}: a line of a plot`);
  }
  return [texts, ...faults];
})()
"""

STRUCTURE = """
(() => {
  const faults = [];
  const expect = (isSo, words) => { if (!isSo) faults.push(words); };
  expect(document.documentElement.lang, "the document has no language");
  expect(document.title.trim(), "the document has no title");
  for (const name of ["main", "h1"]) expect(document.querySelectorAll(name).length === 1, `there is not one ${name}`);
  const ids = [...document.querySelectorAll("[id]")].map(element => element.id);
  expect(new Set(ids).size === ids.length, "an id is used twice");
  for (const element of document.querySelectorAll("[aria-labelledby]")) {
    expect(document.getElementById(element.getAttribute("aria-labelledby")), `${element.id} is labelled by nothing`);
  }
  for (const table of document.querySelectorAll("table")) {
    const words = table.caption ? table.caption.textContent : "a table";
    expect(table.caption && table.caption.textContent.trim(), "a table has no caption");
    const heads = [...table.tHead.rows].flatMap(row => [...row.cells]);
    expect(heads.every(cell => cell.tagName === "TH" && cell.scope === "col" && cell.textContent.trim()), `${words}: a column has no header`);
    for (const row of table.tBodies[0].rows) {
      expect(row.cells.length === heads.length, `${words}: a row has ${row.cells.length} cells of ${heads.length}`);
      expect(row.cells[0].tagName === "TH" && row.cells[0].scope === "row", `${words}: a row has no header`);
    }
  }
  for (const element of document.querySelectorAll("*")) {
    const { overflowX } = getComputedStyle(element);
    const scrolls = (overflowX === "auto" || overflowX === "scroll") && element.scrollWidth > element.clientWidth;
    expect(!scrolls || element.tabIndex === 0, `${element.className} scrolls and can not be focused`);
    expect(element.tabIndex <= 0, `${element.tagName} changes the order of the focus`);
  }
  return faults;
})()
"""


def nameless(browser):
    """Elements that a screen reader would announce without saying what they are."""
    tree = browser.accessibility_tree
    assert len(tree) > 20, "the tree is empty"
    return [role for node in tree if (role := node["role"]["value"]) in NAMED and not name(node)]


def name(node):
    return node.get("name", {}).get("value", "").strip()


def headings_out_of_order(browser):
    """Headings that skip a level: from h1 to h3, or without h1."""
    faults, last = [], 0
    for node in browser.accessibility_tree:
        if node["role"]["value"] == "heading":
            [level] = [one["value"]["value"] for one in node["properties"] if one["name"] == "level"]
            if level > last + 1:
                faults.append(f"{name(node)}: {level} after {last}")
            last = level
    return faults if last else ["there is no heading"]


def low_contrast(browser):
    """Texts whose contrast is below 4.5, or 3 for large ones, and lines of plots below 3."""
    texts, *faults = browser.value(CONTRAST)
    assert texts > 20, "no text was measured"
    return faults


def structural_faults(browser):
    """Tables without headers, ids that are used twice, parts that only a mouse scrolls, and the like."""
    return browser.value(STRUCTURE)


def assert_accessible(browser):
    faults = [f"an element has no name: {role}" for role in nameless(browser)]
    faults += headings_out_of_order(browser) + structural_faults(browser)
    for scheme in ("light", "dark"):
        browser.prefer(scheme)
        faults += [f"{scheme}: {fault}" for fault in low_contrast(browser)]
    assert not faults, "\n".join(faults)
