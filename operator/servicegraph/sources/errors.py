"""What is wrong with the input: where, and what to do."""


class InputError(Exception):
    """Input that cannot be read. `line` and `column` count from 1; 0 means the file as a whole."""

    def __init__(self, file: str, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.file, self.message, self.line, self.column = file, message, line, column

    @property
    def place(self) -> str:
        """`file:line:column`, as far as it is known: what editors and terminals make a link of."""
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])

    @property
    def order(self) -> tuple[str, int, int, str]:
        """By file, then from top to bottom."""
        return (self.file, self.line, self.column, self.message)

    def __str__(self) -> str:
        return f"{self.place}: error: {self.message}"
