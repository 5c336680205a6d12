// Runs every server audit of graphql-http against a URL, with a bearer token, and prints the
// outcomes as JSON: [{id, name, status, reason}].
import { serverAudits } from "graphql-http";

const [url, token] = process.argv.slice(2);

function fetchWithToken(input, init = {}) {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${token}`);
  return fetch(input, { ...init, headers });
}

const outcomes = [];
for (const audit of serverAudits({ url, fetchFn: fetchWithToken })) {
  const { id, name, status, reason } = await audit.fn();
  outcomes.push({ id, name, status, reason });
}
console.log(JSON.stringify(outcomes));
