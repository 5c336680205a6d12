// The access token: taken from the address once, shown in the Headers tab, kept nowhere else.

const PLACEHOLDER = "<token>";

/**
 * Takes `#token=…` out of the address bar. The fragment never reaches a server or its logs, and
 * removing it keeps the token out of bookmarks and the browser's history.
 */
function takeTokenFromAddress() {
  const token = new URLSearchParams(window.location.hash.slice(1)).get("token");
  if (token === null) {
    return null;
  }
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  return token.trim() || null;
}

// A link with a new token, opened in the window that shows this page, changes only the fragment.
window.addEventListener("hashchange", () => {
  if (window.location.hash.startsWith("#token=")) {
    window.location.reload();
  }
});

export const addressToken = takeTokenFromAddress();

export const defaultHeaders = JSON.stringify(
  { Authorization: `Bearer ${addressToken ?? PLACEHOLDER}` },
  null,
  2,
);

/** The headers without an Authorization that was never filled in. */
export function withoutPlaceholder(headers) {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name, value]) =>
        name.toLowerCase() !== "authorization" ||
        !["", "Bearer", `Bearer ${PLACEHOLDER}`].includes(String(value).trim()),
    ),
  );
}
