"""A publisher whose every query is answered in both ways, which must agree to the letter."""

import json
import re
from typing import Any

import httpx2

from tests.publisher import Publisher

_SIGNED = re.compile(r"X-Amz-[A-Za-z]+=[^&\"]+")


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
            # Written anew, an answer keeps the order of its fields and the form of its values,
            # and loses only the blanks that PostgreSQL puts between them.
            texts.append(json.dumps(json.loads(_SIGNED.sub("", response.text))))
        assert len(set(texts)) == 1, (query, texts)
        answer: dict[str, Any] = response.json()
        return answer
