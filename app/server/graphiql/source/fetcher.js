// Sends operations to /graphql beside this page.

import { storage } from "./storage.js";
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
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      Accept: "application/graphql-response+json, application/json;q=0.9",
      "Content-Type": "application/json",
      ...withoutPlaceholder(headers),
    },
    body: JSON.stringify(parameters),
  });
  if (!/[/+]json\b/.test(response.headers.get("Content-Type") ?? "")) {
    throw new Error(`The server answered ${response.status} ${response.statusText}.`);
  }
  return response.json();
}
