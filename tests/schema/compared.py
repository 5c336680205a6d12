"""A publisher whose every query is answered in both ways, which must agree to the letter."""

import json
import re
from typing import Any

import httpx2

from tests.publisher import Publisher

_SIGNED = re.compile(r"X-Amz-[A-Za-z]+=[^&\"]+")


def normalised(text: str) -> str:
    """An answer with the order of its fields and the form of its values.

    It loses the blanks that PostgreSQL puts between values, the signatures of addresses, which
    hold the second they were made in, and the order of errors, which says nothing (spec, 7.1.2).
    """
    answer = json.loads(_SIGNED.sub("", text))
    if "errors" in answer:
        answer["errors"].sort(key=json.dumps)
    return json.dumps(answer)


class Compared(Publisher):
    """Asks the application, and then one whose reads all go through graphql-core."""

    oracle: httpx2.AsyncClient | None = None

    async def ask(self, query: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
        """Send a query over HTTP and give the whole answer, once both ways agree on it."""
        texts = []
        for client in filter(None, (self.client, self.oracle)):
            response = await client.post(
                "/graphql",
                json={"query": query, "variables": variables},
                headers={"Authorization": f"Bearer {token or self.token}"},
            )
            texts.append(normalised(response.text))
        assert len(set(texts)) == 1, (query, texts)
        answer: dict[str, Any] = response.json()
        return answer
