"""An HTML page that is taken apart without a browser: what tests ask of every page that minunet writes."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input"}


class HtmlPage(HTMLParser):
    """The elements of a page.

    Parameters
    ----------
    text : str

    Attributes
    ----------
    elements : list of (str, dict)
        Every tag with its attributes, in the order of the page.
    text : str
        Everything between the tags, but for styles and scripts.
    mistakes : list of str
        Tags that are closed in the wrong order, or not at all.
    """

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.mistakes = [], [], []
        self._open = []
        self.feed(text)
        self.close()
        self.mistakes += [f"{tag} is not closed" for tag in self._open]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):  # in SVG
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.mistakes.append(f"{tag} is closed in line {self.getpos()[0]}")

    def handle_data(self, data):
        if not self._open or self._open[-1] not in ("style", "script"):
            self.texts.append(data)

    def all(self, tag):
        """The attributes of the elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def check(self):
        """Fail where the page is not well-formed, loads anything, runs what it should not, or leaves a reader out."""
        assert not self.mistakes
        ids = [attributes["id"] for _, attributes in self.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        for tag, attributes in self.elements:
            assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
            assert tag in ("a", "link", "use") or not {"href", "xlink:href"} & attributes.keys(), (tag, attributes)
            for name in ("src", "href", "xlink:href"):
                if name in attributes:
                    allowed = {"a": ("#", "./"), "use": ("#",)}.get(tag, ("data:",))
                    assert attributes[name].startswith(allowed), (tag, attributes)
        inside = [attributes["href"][1:] for attributes in self.all("a") if attributes["href"].startswith("#")]
        inside += [attributes["xlink:href"][1:] for attributes in self.all("use")]
        assert set(inside) <= set(ids)
        assert not {"iframe", "object", "embed", "form", "base"} & {tag for tag, _ in self.elements}
        assert len(self.all("script")) == len(self.all("style")) == 1 and not self.all("script")[0]
        assert all(attributes.get("alt") for attributes in self.all("img"))
        assert all(attributes.get("aria-label") for attributes in self.all("svg"))
        assert all(attributes.get("scope") in ("col", "row") for attributes in self.all("th"))
        assert len(self.all("h1")) == len(self.all("main")) == 1
        assert self.all("html") == [{"lang": "en"}]
        (policy,) = [one["content"] for one in self.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
