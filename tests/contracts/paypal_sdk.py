"""The simulated PayPal, tried with PayPal's own library: what that can do against it is what the sandbox has right.

    cargo run -p sandbox --example standalone -- 4010 4025     # in one terminal
    pip install paypal-server-sdk==2.4.0                       # in another
    python tests/contracts/paypal_sdk.py

`SANDBOX` names another sandbox. The test listens where the sandbox tells its events: on 127.0.0.1:8080, or the port in `PRODUCT_PORT`.
"""

import json
import os
import threading
import time
import unittest
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer

from paypalserversdk.configuration import Configuration, Environment, Server
from paypalserversdk.exceptions.error_exception import ErrorException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.models.amount_with_breakdown import AmountWithBreakdown
from paypalserversdk.models.checkout_payment_intent import CheckoutPaymentIntent
from paypalserversdk.models.money import Money
from paypalserversdk.models.order_request import OrderRequest
from paypalserversdk.models.payment_source import PaymentSource
from paypalserversdk.models.paypal_wallet import PaypalWallet
from paypalserversdk.models.paypal_wallet_experience_context import PaypalWalletExperienceContext
from paypalserversdk.models.purchase_unit_request import PurchaseUnitRequest
from paypalserversdk.models.refund_request import RefundRequest
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

SANDBOX = os.environ.get("SANDBOX", "http://127.0.0.1:4010")
WHOLE = "return=representation"


def client(secret="paypal-sandbox-secret"):
    Configuration.environments[Environment.SANDBOX][Server.DEFAULT] = f"{SANDBOX}/paypal"
    credentials = ClientCredentialsAuthCredentials("paypal-sandbox-client", secret)
    return PaypalServersdkClient(client_credentials_auth_credentials=credentials, environment=Environment.SANDBOX)


def act(payment_id, outcome):
    body = json.dumps({"outcome": outcome}).encode()
    address = f"{SANDBOX}/psp/checkouts/{payment_id}"
    urllib.request.urlopen(urllib.request.Request(address, data=body, method="POST")).close()


def terms(payment_id):
    unit = PurchaseUnitRequest(
        amount=AmountWithBreakdown(currency_code="EUR", value="59.99"),
        reference_id=payment_id,
        custom_id=payment_id,
        invoice_id=payment_id,
    )
    context = PaypalWalletExperienceContext(return_url="https://shop.example/ok", cancel_url="https://shop.example/no")
    source = PaymentSource(paypal=PaypalWallet(experience_context=context))
    return OrderRequest(intent=CheckoutPaymentIntent.CAPTURE, purchase_units=[unit], payment_source=source)


class Product(BaseHTTPRequestHandler):
    """Records what it is told."""

    told = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        Product.told.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def told(kind, payment_id):
    for _ in range(500):
        for path, headers, body in list(Product.told):
            event = json.loads(body) if path == "/api/webhooks/paypal" else {}
            if event.get("event_type") == kind and payment_id in body.decode():
                return headers, body, event
        time.sleep(0.01)
    raise AssertionError(f"{kind} was not told")


class PaypalsOwnLibrary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = HTTPServer(("127.0.0.1", int(os.environ.get("PRODUCT_PORT", "8080"))), Product)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.paypal = client()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()

    def create(self, payment_id, key=None):
        options = {"body": terms(payment_id), "paypal_request_id": key or payment_id, "prefer": WHOLE}
        return self.paypal.orders.create_order(options)

    def capture(self, order, key):
        return self.paypal.orders.capture_order({"id": order, "paypal_request_id": key, "prefer": WHOLE})

    def refuses(self, issue, call):
        with self.assertRaises(ErrorException) as refused:
            call()
        self.assertEqual(refused.exception.details[0].issue, issue)

    def test_an_order_is_approved_captured_and_refunded(self):
        payment = str(uuid.uuid4())
        made = self.create(payment)
        self.assertEqual((made.status_code, made.body.status), (201, "PAYER_ACTION_REQUIRED"))
        order = made.body.id
        self.assertEqual({link.rel for link in made.body.links}, {"self", "payer-action"})
        again = self.create(payment)
        self.assertEqual((again.status_code, again.body.id), (200, order))

        self.refuses("ORDER_NOT_APPROVED", lambda: self.capture(order, f"{payment}:early"))
        act(payment, "pay")
        self.assertEqual(self.paypal.orders.get_order({"id": order}).body.status, "APPROVED")
        _, _, event = told("CHECKOUT.ORDER.APPROVED", payment)
        self.assertEqual(event["resource"]["id"], order)

        captured = self.capture(order, f"{payment}:capture")
        unit = captured.body.purchase_units[0]
        capture = unit.payments.captures[0]
        self.assertEqual((captured.status_code, capture.status, capture.amount.value), (201, "COMPLETED", "59.99"))
        self.assertEqual(capture.custom_id, payment)
        self.refuses("ORDER_ALREADY_CAPTURED", lambda: self.capture(order, f"{payment}:other"))
        _, _, event = told("PAYMENT.CAPTURE.COMPLETED", payment)
        self.assertEqual(event["resource"]["id"], capture.id)

        part = RefundRequest(amount=Money(currency_code="EUR", value="4.00"))
        options = {"capture_id": capture.id, "paypal_request_id": f"{payment}:r1", "prefer": WHOLE, "body": part}
        refund = self.paypal.payments.refund_captured_payment(options).body
        self.assertEqual((refund.status, refund.seller_payable_breakdown.total_refunded_amount.value), ("COMPLETED", "4.00"))
        self.assertEqual(self.paypal.payments.get_refund({"refund_id": refund.id}).body.amount.value, "4.00")
        standing = self.paypal.payments.get_captured_payment({"capture_id": capture.id}).body
        self.assertEqual(standing.status, "PARTIALLY_REFUNDED")
        told("PAYMENT.CAPTURE.REFUNDED", payment)

    def test_refusals_are_read_as_paypals_own(self):
        self.refuses("INVALID_RESOURCE_ID", lambda: self.paypal.orders.get_order({"id": "NOBODY"}))
        payment = str(uuid.uuid4())
        body = terms(payment)
        body.purchase_units[0].amount.currency_code = "XOF"
        options = {"body": body, "paypal_request_id": payment}
        self.refuses("INVALID_CURRENCY_CODE", lambda: self.paypal.orders.create_order(options))

    def test_wrong_credentials_get_no_token(self):
        with self.assertRaises(Exception) as refused:
            client("guess").orders.get_order({"id": "NOBODY"})
        self.assertNotIsInstance(refused.exception, ErrorException)


if __name__ == "__main__":
    unittest.main()
