// The tabs of a first visit. The queries are files of their own, so that tests check them, too.

import account from "../queries/account.graphql";
import accountVariables from "../queries/account.variables.json";
import catalogue from "../queries/catalogue.graphql";
import overview from "../queries/overview.graphql";
import overviewVariables from "../queries/overview.variables.json";
import viewer from "../queries/viewer.graphql";

const asText = (variables) => JSON.stringify(variables, null, 2);

export const firstTabs = [
  { query: account, variables: asText(accountVariables) },
  { query: overview, variables: asText(overviewVariables) },
  { query: catalogue },
  { query: viewer },
];
