// Sends a referral with the generated client and prints its id and where it stands.
import { Configuration, ReferralFromJSON, ReferralsApi } from "./client/index.js";

const referrals = new ReferralsApi(
  new Configuration({ basePath: process.env.BASE_URL, headers: { Authorization: `Bearer ${process.env.TOKEN}` } }),
);
const receipt = await referrals.submitReferral({
  idempotencyKey: process.env.KEY!,
  referral: ReferralFromJSON(JSON.parse(process.env.REFERRAL!)),
});
const whole = await referrals.getReferral({ referralId: receipt.referralId });
console.log(receipt.outcome, receipt.referralId, whole.state);
