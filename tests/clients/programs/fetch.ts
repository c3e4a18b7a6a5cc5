// Sends a referral with the generated client, adds to it, and prints its id and where it stands.
import { Configuration, Outcome, ReferralFromJSON, ReferralsApi, SupplementFromJSON, Urgency } from "./client/index.js";

const referrals = new ReferralsApi(
  new Configuration({ basePath: process.env.BASE_URL, headers: { Authorization: `Bearer ${process.env.TOKEN}` } }),
);
const referral = ReferralFromJSON(JSON.parse(process.env.REFERRAL!));
const receipt = await referrals.submitReferral({
  idempotencyKey: process.env.KEY!,
  referral: { ...referral, urgency: Urgency.Priority },
});
const added = await referrals.supplyInformation({
  referralId: receipt.referralId,
  idempotencyKey: `${process.env.KEY}-more`,
  supplement: { ...SupplementFromJSON(JSON.parse(process.env.SUPPLEMENT!)), urgency: Urgency.Urgent },
});
if (added.outcome === Outcome.Repeated) throw new Error("had that already");
const whole = await referrals.getReferral({ referralId: receipt.referralId });
console.log(receipt.outcome, receipt.referralId, whole.state);
