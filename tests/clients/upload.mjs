// Adds an activity with files by Apollo Client and its upload link, and prints the payload as JSON.
// Arguments: the URL, a token, the id of a customer, and the paths of the files.
import { openAsBlob } from "node:fs";
import { basename } from "node:path";
import { ApolloClient, InMemoryCache, gql } from "@apollo/client";
import UploadHttpLink from "apollo-upload-client/UploadHttpLink.mjs";

const [uri, token, customerId, ...paths] = process.argv.slice(2);

const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: new UploadHttpLink({
    uri,
    headers: { authorization: `Bearer ${token}`, "Apollo-Require-Preflight": "true" },
  }),
});

const files = [];
for (const path of paths) {
  files.push(new File([await openAsBlob(path)], basename(path)));
}

const { data } = await client.mutate({
  mutation: gql`
    mutation ($input: AddActivityInput!) {
      addActivity(input: $input) {
        activity {
          id
          text
          attachments {
            name
            size
            sha256
          }
        }
        userErrors {
          code
          field
        }
      }
    }
  `,
  variables: { input: { customerId, kind: "LETTER", text: "Von Apollo.", files } },
});
console.log(JSON.stringify(data.addActivity));
