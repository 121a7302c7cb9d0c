"""Stripe's own library against the sandbox's Stripe: `python stripe_sdk.py http://127.0.0.1:<port>` (pip install stripe)."""

import sys
import time
import urllib.request

import stripe

base = sys.argv[1].rstrip("/")
client = stripe.StripeClient("sk_test_sandbox0123456789", base_addresses={"api": f"{base}/stripe"}, max_network_retries=0)
payment = f"sdk-{int(time.time())}"
terms = {
    "mode": "payment",
    "client_reference_id": payment,
    "success_url": "http://127.0.0.1:1/back",
    "cancel_url": "http://127.0.0.1:1/back",
    "expires_at": int(time.time()) + 3600,
    "metadata": {"payment_id": payment},
    "payment_intent_data": {"metadata": {"payment_id": payment}},
    "line_items": [{
        "quantity": 1,
        "price_data": {"currency": "eur", "unit_amount": 5999, "product_data": {"name": "Signaux – 30 j"}},
    }],
}
sessions = client.v1.checkout.sessions
session = sessions.create(terms, {"idempotency_key": payment})
assert session.status == "open" and session.url, session
assert sessions.create(terms, {"idempotency_key": payment}).id == session.id
try:
    sessions.create({**terms, "locale": "fr"}, {"idempotency_key": payment})
    raise SystemExit("another body under the same key was taken")
except stripe.IdempotencyError:
    pass
try:
    stripe.StripeClient("sk_test_wrong", base_addresses={"api": f"{base}/stripe"}).v1.checkout.sessions.retrieve(session.id)
    raise SystemExit("a wrong key was taken")
except stripe.AuthenticationError:
    pass

pay = urllib.request.Request(
    f"{base}/psp/checkouts/{payment}", b'{"outcome":"pay"}', {"Content-Type": "application/json"}
)
urllib.request.urlopen(pay).read()
paid = sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
assert (paid.status, paid.payment_status, paid.amount_total) == ("complete", "paid", 5999), paid
refund = client.v1.refunds.create(
    {"payment_intent": paid.payment_intent.id, "amount": 400, "metadata": {"refund_id": "r1"}}, {"idempotency_key": f"{payment}-r1"}
)
assert client.v1.refunds.retrieve(refund.id).status == "succeeded"
try:
    sessions.expire(session.id)
    raise SystemExit("a paid session was closed")
except stripe.InvalidRequestError:
    pass
print("Stripe's own library", stripe.VERSION, "agrees")
