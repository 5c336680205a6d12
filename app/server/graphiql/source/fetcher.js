// Sends operations to /graphql beside this page.

import { storage } from "./storage.js";
import { responses } from "./events.js";
import { defaultHeaders, withoutPlaceholder } from "./token.js";

const endpoint = new URL("graphql", document.baseURI);
endpoint.search = "";
endpoint.hash = "";

/** What the Headers tab will show, for the first request, which GraphiQL sends before it is there. */
function headersBeforeEditor() {
  try {
    return JSON.parse(storage.getItem("graphiql:headers") || defaultHeaders);
  } catch {
    return {};
  }
}

export async function fetcher(parameters, { headers = headersBeforeEditor() } = {}) {
  const controller = new AbortController();
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      // The server answers with events what is a subscription, and all else with JSON.
      Accept: "application/graphql-response+json, application/json;q=0.9, text/event-stream;q=0.8",
      "Content-Type": "application/json",
      ...withoutPlaceholder(headers),
    },
    body: JSON.stringify(parameters),
    signal: controller.signal,
  });
  const type = response.headers.get("Content-Type") ?? "";
  if (type.startsWith("text/event-stream")) {
    return responses(response, controller);
  }
  if (!/[/+]json\b/.test(type)) {
    throw new Error(`The server answered ${response.status} ${response.statusText}.`);
  }
  return response.json();
}
