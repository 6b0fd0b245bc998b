"""The terminal: prose, headings, blocks. Works without colours, without a terminal and at 80 columns."""

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.text import Text

from tools.demo.errors import DemoError
from tools.demo.picture import ASCII, UNICODE, Pen

WIDEST = 100
PAUSE_SECONDS = 2.0

_INDENT = "  "


class Screen:
    """What the demo says. `pause` is in seconds, between chapters, and only where somebody watches."""

    def __init__(self, pause: float = PAUSE_SECONDS) -> None:
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
        plain = Console(highlight=False)
        self.console = Console(highlight=False, width=min(plain.width, WIDEST))
        self.unicode = (sys.stdout.encoding or "").lower().startswith("utf")
        self.interactive = plain.is_terminal and sys.stdin.isatty()
        self._pause = pause if plain.is_terminal else 0.0
        self._chapter = 0

    @property
    def width(self) -> int:
        """Columns for a block."""
        return self.console.width - len(_INDENT)

    @property
    def pen(self) -> Pen:
        """What pictures are drawn with."""
        return UNICODE if self.unicode else ASCII

    async def chapter(self, title: str) -> None:
        """A heading, after a moment to read what is above it."""
        await asyncio.sleep(self._pause)
        self._chapter += 1
        self.console.print()
        line = "─" if self.unicode else "-"
        self.console.print(Rule(Text(f"{self._chapter}. {title}", "bold"), characters=line, align="left", style="dim"))

    def say(self, markup: str) -> None:
        """A paragraph."""
        self.console.print()
        self._print(Text.from_markup(self._plain(markup)))

    def note(self, markup: str) -> None:
        """A remark right below what is above."""
        self._print(Text.from_markup(self._plain(markup), style="dim"))

    def show(self, lines: Iterable[Text | str]) -> None:
        """A block, line by line, never wrapped into each other."""
        self.console.print()
        for line in lines:
            self._print(Text(line) if isinstance(line, str) else line)

    def verbatim(self, *lines: str) -> None:
        """Lines to copy, whatever their length."""
        self.console.print()
        for line in lines:
            self.console.print(Text(_INDENT + line), soft_wrap=True)

    def command(self, text: str) -> None:
        """What a person would type for what happens next."""
        self.console.print()
        self._print(Text.assemble(("$ ", "dim"), (text, "bold")))

    def yaml(self, text: str) -> None:
        """YAML with coloured keys and comments."""
        self.console.print()
        for line in text.rstrip().splitlines():
            shown = Text(line)
            shown.highlight_regex(r"[\w./-]+(?=:)", "cyan")
            shown.highlight_regex(r"#.*", "green")
            self._print(shown)

    @contextmanager
    def waiting(self, text: str, done: str) -> Iterator[None]:
        """Around a step of some seconds: a spinner on a terminal; afterwards what is done and how long it took."""
        started = perf_counter()
        with self.console.status(self._plain(text), spinner="dots" if self.unicode else "line"):
            yield
        mark = "✓" if self.unicode else "*"
        seconds = f"{perf_counter() - started:.1f} s"
        self._print(Text.assemble((f"{mark} ", "green"), done, (f"  {seconds}", "dim")))

    @contextmanager
    def progress(self) -> Iterator[Callable[[str, str], None]]:
        """Around a step of minutes: gives a function that takes the time so far and the latest detail."""
        if not self.console.is_terminal or self.console.is_dumb_terminal:
            yield self._new_details()
            return
        with self.console.status("") as status:
            yield lambda time, detail: status.update(Text(f"{time} {detail}"))

    def ask(self, question: str, answers: str) -> str:
        """One of the letters of `answers`; the first one for an empty answer or at the end of the input."""
        shown = "/".join([answers[0].upper(), *answers[1:]])
        while True:
            try:
                given = input(f"  {question} [{shown}] ").strip().lower()[:1] or answers[0]
            except EOFError:
                return answers[0]
            if given in answers:
                return given

    def _new_details(self) -> Callable[[str, str], None]:
        said: set[str] = set()

        def say(_: str, detail: str) -> None:
            if detail and detail not in said:
                said.add(detail)
                self.note(escape(detail))

        return say

    def _print(self, text: Text) -> None:
        for line in text.wrap(self.console, self.width):
            line.rstrip()
            self.console.print(Text(_INDENT) + line, soft_wrap=True)

    def _plain(self, text: str) -> str:
        """The same in ASCII where the terminal has nothing else."""
        return text if self.unicode else text.replace("…", "...")


def enumerated(words: Sequence[str], conjunction: str) -> str:
    """`a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def pause_from(environment: Mapping[str, str]) -> float:
    """Seconds between chapters, as DEMO_PACE says. Raises DemoError."""
    given = environment.get("DEMO_PACE", "")
    try:
        return float(given) if given else PAUSE_SECONDS
    except ValueError:
        raise DemoError(f"DEMO_PACE={given}: write the seconds between chapters, such as 0 or 3.5") from None
