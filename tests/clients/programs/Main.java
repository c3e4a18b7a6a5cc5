import java.util.UUID;
import org.openapitools.client.ApiClient;
import org.openapitools.client.api.ReferralsApi;
import org.openapitools.client.model.Receipt;
import org.openapitools.client.model.Referral;
import org.openapitools.client.model.Whole;

/** Sends a referral with the generated client and prints its id and where it stands. */
public class Main {
  public static void main(String[] arguments) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(System.getenv("BASE_URL"));
    client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + System.getenv("TOKEN")));
    ReferralsApi referrals = new ReferralsApi(client);
    Referral referral = client.getObjectMapper().readValue(System.getenv("REFERRAL"), Referral.class);
    Receipt receipt = referrals.submitReferral(UUID.randomUUID().toString(), referral, null);
    Whole whole = referrals.getReferral(receipt.getReferralId(), null);
    System.out.println(receipt.getOutcome().getValue() + " " + receipt.getReferralId() + " " + whole.getState().getValue());
  }
}
