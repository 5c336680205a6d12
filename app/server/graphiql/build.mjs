// Bundles GraphiQL into dist/: index.html, and assets/ with every file compressed.
//
// The output is committed, because whoever runs Abokonto needs no Node. The same sources give the
// same bytes on every machine: names are hashes of contents, and the compressor is plain JavaScript
// (the zlib inside Node compresses differently on different processors) with no time in its header.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";
import { gzipSync } from "fflate";

import { licenseNotices } from "./licenses.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const assets = join(dist, "assets");

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  outdir: assets,
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  // The explorer plugin requires graphql as CommonJS. With a second copy in the bundle it would not
  // recognise the schema's classes.
  alias: { graphql: join(here, "node_modules/graphql/index.mjs") },
  define: { "process.env.NODE_ENV": '"production"' },
  legalComments: "external",
  metafile: true,
  write: false,
};

// GraphiQL's own style sheet already holds Monaco's, fonts included.
const withoutMonacoStyles = {
  name: "without-monaco-styles",
  setup(build) {
    build.onLoad({ filter: /monaco-editor\/.*\.css$/ }, () => ({ contents: "", loader: "css" }));
  },
};

/** The names of the files that entry points became, by entry point. */
function entryFiles(result) {
  return Object.fromEntries(
    Object.entries(result.metafile.outputs)
      .filter(([, output]) => output.entryPoint)
      .map(([path, output]) => [output.entryPoint, basename(path)]),
  );
}

function store(name, contents) {
  writeFileSync(join(assets, `${name}.gz`), gzipSync(contents, { level: 9, mtime: 0 }));
}

/** A hash of everything that the output is made from, by which a test sees that it is current. */
function sourcesHash() {
  const folders = ["queries", "source"].flatMap((folder) =>
    readdirSync(join(here, folder)).map((file) => `${folder}/${file}`),
  );
  const hash = createHash("sha256");
  for (const file of [...folders, "build.mjs", "licenses.mjs", "package-lock.json"].sort()) {
    hash.update(`${file}\0`).update(readFileSync(join(here, file))).update("\0");
  }
  return hash.digest("hex");
}

const workers = await esbuild.build({
  ...common,
  // Each worker is one file, so that starting it is one request.
  entryPoints: {
    "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
    "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
    "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
  },
});
const workerFiles = Object.values(entryFiles(workers));
const workerFile = (label) => workerFiles.find((name) => name.startsWith(`${label}.worker-`));

const page = await esbuild.build({
  ...common,
  entryPoints: { graphiql: "source/page.jsx" },
  splitting: true,
  jsx: "automatic",
  loader: { ".graphql": "text" },
  plugins: [withoutMonacoStyles],
  define: {
    ...common.define,
    WORKER_FILES: JSON.stringify({
      editor: workerFile("editor"),
      graphql: workerFile("graphql"),
      json: workerFile("json"),
    }),
  },
});

rmSync(dist, { recursive: true, force: true });
mkdirSync(assets, { recursive: true });

const outputs = [...workers.outputFiles, ...page.outputFiles];
const comments = [];
for (const file of outputs) {
  if (file.path.endsWith(".LEGAL.txt")) {
    comments.push(file.text);
  } else if (file.contents.length > 0) {
    store(basename(file.path), file.contents);
  }
}

const inputs = [workers, page].flatMap((result) => Object.keys(result.metafile.inputs));
const notices = Buffer.from(licenseNotices(here, inputs, comments));
const noticesFile = `licenses-${createHash("sha256").update(notices).digest("hex").slice(0, 8)}.txt`;
store(noticesFile, notices);

const script = entryFiles(page)["source/page.jsx"];
const style = basename(
  Object.values(page.metafile.outputs).find((output) => output.entryPoint === "source/page.jsx")
    .cssBundle,
);
writeFileSync(
  join(dist, "index.html"),
  readFileSync(join(here, "source/index.html"), "utf8")
    .replaceAll("SCRIPT_FILE", script)
    .replaceAll("STYLE_FILE", style)
    .replaceAll("LICENSES_FILE", noticesFile),
);
writeFileSync(join(dist, "sources.sha256"), `${sourcesHash()}\n`);
