"""The lines of a table: what every generator reads and how it complains."""


class TableError(Exception):
    """A table that cannot be right; the text begins with `file:line: `."""


def fail(where, text):
    raise TableError(f'{where}: {text}')


def lines(path):
    """Yields (where, words, text) of each line that says something; comments and trailing spaces are gone.

    where is `file:line`; text keeps its indentation, by which a line belongs to the one above.
    """
    with open(path, encoding='utf-8') as file:
        for number, text in enumerate(file, 1):
            text = text.split('#')[0].rstrip()
            if text:
                yield f'{path}:{number}', text.split(), text
