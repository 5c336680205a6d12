// Collects the license notices of everything that went into the bundle.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

// GraphiQL and Monaco embed these fonts in their style sheets without notices of their own.
const FONTS = `
Roboto: Copyright 2011 Google Inc. Licensed under the Apache License, Version 2.0.
  https://www.apache.org/licenses/LICENSE-2.0
Fira Code: Copyright 2014-2020 The Fira Code Project Authors. Licensed under the SIL Open Font
  License, Version 1.1. https://openfontlicense.org
Codicons: Copyright (c) Microsoft Corporation. Licensed under the Creative Commons Attribution 4.0
  International Public License. https://creativecommons.org/licenses/by/4.0/
`;

/** The folder of the package that holds `path`, or null for a source of our own. */
function packageFolder(path) {
  const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path);
  return match && match[1];
}

function noticeOf(root, folder) {
  const { name, version, license, author } = JSON.parse(
    readFileSync(join(root, folder, "package.json"), "utf8"),
  );
  const texts = readdirSync(join(root, folder))
    .filter((file) => /^(licen[cs]e|notice|thirdpartynotices)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(root, folder, file), "utf8").replaceAll("\r\n", "\n").trim());
  // Some packages name only their license, whose text then stands at another package.
  const holder = author ? `Copyright ${author.name ?? author}` : "";
  return [`${name} ${version} (${license})`, ...(texts.length ? texts : [holder])].join("\n\n");
}

/** One text with the notice of each bundled package and the legal comments in its sources. */
export function licenseNotices(root, inputs, comments) {
  const folders = new Set(inputs.map(packageFolder).filter(Boolean));
  const notices = [...folders]
    .filter((folder) => existsSync(join(root, folder, "package.json")))
    .map((folder) => noticeOf(root, folder))
    .sort();
  const separator = `\n\n${"-".repeat(80)}\n\n`;
  return [
    "GraphiQL as served by Abokonto contains the following software and fonts.",
    FONTS.trim(),
    ...new Set(notices),
    ...new Set(comments.map((comment) => comment.trim()).filter(Boolean)),
  ].join(separator);
}
