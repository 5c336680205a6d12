"""What stands in the documents, for the tests that hold them to the code."""

import re


def rows(document: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a line of a document, without its head."""
    _, found, below = document.partition(f"\n{heading}")
    assert found, heading
    table = []
    for line in below.splitlines():
        if line.startswith("|"):
            table.append([cell.strip() for cell in line.strip("|").split(" | ")])
        elif table:
            break
    return table[2:]


def blocks(document: str, language: str) -> list[str]:
    """The code blocks of a document in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", document, re.DOTALL | re.MULTILINE)
