"""A person who answers what a test says, and keeps what they were asked and given."""

from dataclasses import dataclass, field


@dataclass
class Typist:
    """Answers the questions of a window, and takes what it hands out."""

    typed: str | list[str] | None = None
    agrees: bool = True
    chosen: tuple[str, ...] = ()
    copied: str = ""
    opened: str = ""
    asked: list[tuple[str, str, object]] = field(default_factory=list)

    def confirm(self, title, says, yes):
        self.asked.append((title, says, yes))
        return self.agrees

    def line(self, title, says, value, check):
        self.asked.append((title, says, value))
        assert self.typed is None or not check(self.typed), check(self.typed)
        return self.typed

    def form(self, title, says, fields):
        self.asked.append((title, says, [field.value for field in fields]))
        if self.typed is not None:
            assert not any(f.check(text) for f, text in zip(fields, self.typed, strict=True))
        return self.typed

    def files(self, folder, kinds, *, multiple=False, save_name=""):
        return self.chosen

    def copy(self, text):
        self.copied = text

    def open(self, path):
        self.opened = path
