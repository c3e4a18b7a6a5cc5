import java.util.UUID;
import org.openapitools.client.ApiClient;
import org.openapitools.client.api.ReferralsApi;
import org.openapitools.client.model.Outcome;
import org.openapitools.client.model.Receipt;
import org.openapitools.client.model.Referral;
import org.openapitools.client.model.Supplement;
import org.openapitools.client.model.Urgency;
import org.openapitools.client.model.Whole;

/** Sends a referral with the generated client, adds to it, and prints its id and where it stands. */
public class Main {
  public static void main(String[] arguments) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(System.getenv("BASE_URL"));
    client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + System.getenv("TOKEN")));
    ReferralsApi referrals = new ReferralsApi(client);
    Referral referral = client.getObjectMapper().readValue(System.getenv("REFERRAL"), Referral.class);
    referral.setUrgency(Urgency.PRIORITY);
    Receipt receipt = referrals.submitReferral(UUID.randomUUID().toString(), referral, null);
    Supplement more = client.getObjectMapper().readValue(System.getenv("SUPPLEMENT"), Supplement.class);
    more.setUrgency(Urgency.URGENT);
    Receipt added = referrals.supplyInformation(receipt.getReferralId(), UUID.randomUUID().toString(), more, null);
    if (added.getOutcome() == Outcome.REPEATED) throw new IllegalStateException("had that already");
    Whole whole = referrals.getReferral(receipt.getReferralId(), null);
    System.out.println(receipt.getOutcome().getValue() + " " + receipt.getReferralId() + " " + whole.getState().getValue());
  }
}
