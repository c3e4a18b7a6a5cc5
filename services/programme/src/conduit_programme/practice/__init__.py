"""Practice questions: a partner asks how to handle something, without a referral and without anything that identifies."""
