"""Examples in the help of a command."""


def examples(*lines: str) -> str:
    """Return the end of a command's help; `tests/cli/test_examples.py` runs each line.

    The people in them are those of the docs, such as ann@example.org.
    """
    heading = "Example:" if len(lines) == 1 else "Examples:"
    # For click, \b begins a paragraph whose lines stay as they are.
    return "\n".join(["\b", heading, *(f"  {line}" for line in lines)])
