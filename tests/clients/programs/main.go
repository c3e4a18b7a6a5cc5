// Sends a referral with the generated client, adds to it, and prints its id and where it stands.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	openapi "github.com/GIT_USER_ID/GIT_REPO_ID"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	settings := openapi.NewConfiguration()
	settings.Servers = openapi.ServerConfigurations{{URL: os.Getenv("BASE_URL")}}
	settings.AddDefaultHeader("Authorization", "Bearer "+os.Getenv("TOKEN"))
	client := openapi.NewAPIClient(settings)
	var referral openapi.Referral
	check(json.Unmarshal([]byte(os.Getenv("REFERRAL")), &referral))
	referral.Urgency = openapi.URGENCY_PRIORITY
	receipt, _, err := client.ReferralsAPI.SubmitReferral(context.Background()).IdempotencyKey(os.Getenv("KEY")).Referral(referral).Execute()
	check(err)
	var more openapi.Supplement
	check(json.Unmarshal([]byte(os.Getenv("SUPPLEMENT")), &more))
	_, _, err = client.ReferralsAPI.SupplyInformation(context.Background(), receipt.ReferralId).IdempotencyKey(os.Getenv("KEY") + "-more").Supplement(more).Execute()
	check(err)
	whole, _, err := client.ReferralsAPI.GetReferral(context.Background(), receipt.ReferralId).Execute()
	check(err)
	fmt.Println(receipt.Outcome, receipt.ReferralId, whole.State)
}
