// Where GraphiQL keeps its tabs, settings and history between two visits.
//
// GraphiQL would write everything to localStorage, where a token would outlive the browser. Here
// headers reach sessionStorage at most, and only when the user turns "Persist headers" on; the copy
// in localStorage, from which a new window starts, never has them. The history would hold headers
// whatever that setting says, so it gets the page's own ones when it is read.

import { addressToken, defaultHeaders } from "./token.js";

const PREFIX = "graphiql:";
const TABS = `${PREFIX}tabState`;
const HEADERS = `${PREFIX}headers`;
const PERSIST = `${PREFIX}shouldPersistHeaders`;
const HISTORY = [`${PREFIX}queries`, `${PREFIX}favorites`];

/** Replaces each `headers` anywhere in the JSON `text` by what `change` makes of it. */
function mapHeaders(text, change) {
  return JSON.stringify(JSON.parse(text), (key, value) =>
    key === "headers" ? change(value) : value,
  );
}

const dropHeaders = (text) => mapHeaders(text, () => null);

export const storage = {
  getItem(key) {
    if (HISTORY.includes(key)) {
      const history = localStorage.getItem(key);
      return history && mapHeaders(history, (headers) => headers ?? defaultHeaders);
    }
    return sessionStorage.getItem(key) ?? localStorage.getItem(key);
  },
  setItem(key, value) {
    if (HISTORY.includes(key)) {
      localStorage.setItem(key, dropHeaders(value));
      return;
    }
    sessionStorage.setItem(key, value);
    if (key !== HEADERS && key !== PERSIST) {
      localStorage.setItem(key, key === TABS ? dropHeaders(value) : value);
    }
  },
  removeItem(key) {
    sessionStorage.removeItem(key);
    localStorage.removeItem(key);
  },
  clear() {
    for (const area of [sessionStorage, localStorage]) {
      Object.keys(area)
        .filter((key) => key.startsWith(PREFIX))
        .forEach((key) => area.removeItem(key));
    }
  },
  get length() {
    return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).length;
  },
};

export const hasStoredTabs = storage.getItem(TABS) !== null;
export const persistsHeaders = storage.getItem(PERSIST) === "true";

// A token in the address replaces those that were kept.
if (addressToken !== null) {
  sessionStorage.removeItem(HEADERS);
  const tabs = sessionStorage.getItem(TABS);
  if (tabs !== null) {
    sessionStorage.setItem(TABS, dropHeaders(tabs));
  }
}
