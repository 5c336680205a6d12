// PostGraphile with its recommended preset, on grafserv's server for node, as its documentation
// sets up production (NODE_ENV and GRAPHILE_ENV say so). Documents, plans and prepared statements
// are cached as it does by default.
import { createServer } from "node:http";

import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { postgraphile } from "postgraphile";
import { extendSchema, gql, makePgSmartTagsPlugin } from "postgraphile/utils";

import { signed } from "./signed.mjs";

// GraphQL has a type called Subscription of its own, and the two directions of a unique foreign key
// from a table to itself can't have one name.
const Names = makePgSmartTagsPlugin([
  { kind: "class", match: "subscription", tags: { name: "contract" } },
  ...["fk_opt_in_entry_tenant_id_confirms_id", "fk_offer_tenant_id_predecessor_id"].map(
    (match) => ({
      kind: "constraint",
      match,
      tags: { fieldName: "predecessor", foreignSingleFieldName: "successor" },
    }),
  ),
]);

// The one value that JavaScript computes.
const Downloads = extendSchema((build) => ({
  typeDefs: gql`
    extend type File {
      downloadUrl: String
    }
  `,
  objects: {
    File: {
      plans: {
        downloadUrl($file) {
          const { lambda } = build.grafast;
          return lambda([$file.get("key"), $file.get("name"), $file.get("content_type")], signed);
        },
      },
    },
  },
}));

const pgl = postgraphile({
  extends: [PostGraphileAmberPreset],
  plugins: [Names, Downloads],
  pgServices: [
    makePgService({ connectionString: process.env.DATABASE_URL, schemas: ["public"] }),
  ],
  grafast: {
    context: (request) => ({
      pgSettings: { "abokonto.tenant_id": request.node.req.headers["x-tenant-id"] },
    }),
  },
});

const server = createServer();
await pgl.createServ(grafserv).addTo(server);
server.listen(Number(process.env.PORT), "127.0.0.1");
