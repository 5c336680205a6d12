// Download addresses of S3 (Signature Version 4), computed without asking the store.
import { createHash, createHmac } from "node:crypto";

const { S3_ENDPOINT_URL, S3_REGION, S3_BUCKET, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } =
  process.env;
const SECONDS = "300";

const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const encoded = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** The address from which a file can be loaded for five minutes. */
export function signed([key, name, contentType]) {
  const moment = new Date().toISOString().replace(/[-:]|\.\d{3}/g, "");
  const scope = `${moment.slice(0, 8)}/${S3_REGION}/s3/aws4_request`;
  const url = new URL(S3_ENDPOINT_URL);
  const path = `/${S3_BUCKET}/${key.split("/").map(encoded).join("/")}`;
  const query = [
    ["X-Amz-Algorithm", "AWS4-HMAC-SHA256"],
    ["X-Amz-Credential", `${S3_ACCESS_KEY_ID}/${scope}`],
    ["X-Amz-Date", moment],
    ["X-Amz-Expires", SECONDS],
    ["X-Amz-SignedHeaders", "host"],
    ["response-content-disposition", `attachment; filename="${name}"`],
    ["response-content-type", contentType],
  ]
    .map(([k, v]) => `${encoded(k)}=${encoded(v)}`)
    .join("&");
  const request = `GET\n${path}\n${query}\nhost:${url.host}\n\nhost\nUNSIGNED-PAYLOAD`;
  const digest = createHash("sha256").update(request).digest("hex");
  const signingKey = ["s3", "aws4_request"].reduce(
    hmac,
    hmac(hmac(`AWS4${S3_SECRET_ACCESS_KEY}`, moment.slice(0, 8)), S3_REGION),
  );
  const signature = hmac(signingKey, `AWS4-HMAC-SHA256\n${moment}\n${scope}\n${digest}`).toString("hex");
  return `${url.origin}${path}?${query}&X-Amz-Signature=${signature}`;
}
