// The same with openapi-typescript: types alone, checked by the compiler, over fetch.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const client = createClient<paths>({
  baseUrl: process.env.BASE_URL,
  headers: { Authorization: `Bearer ${process.env.TOKEN}` },
});
const referral: components["schemas"]["Referral"] = JSON.parse(process.env.REFERRAL!);
const sent = await client.POST("/v1/referrals", {
  params: { header: { "Idempotency-Key": process.env.KEY! } },
  body: referral,
});
if (!sent.data) throw new Error(JSON.stringify(sent.error));
const supplement: components["schemas"]["Supplement"] = JSON.parse(process.env.SUPPLEMENT!);
const added = await client.POST("/v1/referrals/{referral_id}/information", {
  params: { path: { referral_id: sent.data.referral_id }, header: { "Idempotency-Key": `${process.env.KEY}-more` } },
  body: supplement,
});
if (added.data?.outcome !== "forwarded") throw new Error(JSON.stringify(added.error));
const found = await client.GET("/v1/referrals/{referral_id}", {
  params: { path: { referral_id: sent.data.referral_id } },
});
if (!found.data) throw new Error(JSON.stringify(found.error));
console.log(sent.data.outcome, sent.data.referral_id, found.data.state);
