// The GraphiQL page: tabs to begin with, the token from the address, the explorer.

import "./workers.js";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./page.css";

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect, useRef } from "react";
import { createRoot } from "react-dom/client";

import { fetcher } from "./fetcher.js";
import { firstTabs } from "./queries.js";
import { hasStoredTabs, persistsHeaders, storage } from "./storage.js";
import { addressToken, defaultHeaders } from "./token.js";

const plugins = [HISTORY_PLUGIN, explorerPlugin()];
const address = new URLSearchParams(window.location.search);

/** The query and variables to begin with: those in the address, else GraphiQL's or our first tab. */
function beginning() {
  const query = address.get("query");
  if (query !== null) {
    const tab = { query, variables: address.get("variables") ?? "" };
    return { initialQuery: query, initialVariables: tab.variables, defaultTabs: [tab, ...firstTabs] };
  }
  return {
    initialVariables: hasStoredTabs ? undefined : firstTabs[0].variables,
    defaultTabs: firstTabs,
  };
}

/** Selects the operation that the address names, once the editor knows the operations. */
function SelectOperation({ name }) {
  const { setOperationName } = useGraphiQLActions();
  const operations = useGraphiQL((state) => state.operations);
  const isDone = useRef(false);
  useEffect(() => {
    if (!isDone.current && operations?.some((operation) => operation.name?.value === name)) {
      isDone.current = true;
      setOperationName(name);
    }
  }, [name, operations, setOperationName]);
  return null;
}

/** Asks for the schema again when a token is typed, because without one the server keeps it. */
function IntrospectOnNewHeaders() {
  const { introspect } = useGraphiQLActions();
  const headerEditor = useGraphiQL((state) => state.headerEditor);
  const schema = useGraphiQL((state) => state.schema);
  useEffect(() => {
    if (!headerEditor || schema) {
      return undefined;
    }
    let timer;
    const subscription = headerEditor.onDidChangeModelContent(() => {
      clearTimeout(timer);
      timer = setTimeout(introspect, 500);
    });
    return () => {
      clearTimeout(timer);
      subscription.dispose();
    };
  }, [headerEditor, introspect, schema]);
  return null;
}

function Page() {
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={storage}
      plugins={plugins}
      defaultHeaders={defaultHeaders}
      defaultEditorToolsVisibility={addressToken || persistsHeaders ? "variables" : "headers"}
      shouldPersistHeaders={persistsHeaders}
      showPersistHeadersSettings
      inputValueDeprecation
      schemaDescription
      {...beginning()}
    >
      <GraphiQL.Logo>
        <span className="abokonto-logo">Abokonto</span>
      </GraphiQL.Logo>
      <SelectOperation name={address.get("operationName")} />
      <IntrospectOnNewHeaders />
    </GraphiQL>
  );
}

createRoot(document.getElementById("graphiql")).render(<Page />);
