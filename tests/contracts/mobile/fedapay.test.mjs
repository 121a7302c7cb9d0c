// FedaPay's own library (fedapay 1.2.5, npm) against the sandbox's FedaPay.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import fedapay from "fedapay";
import { PRODUCT_PORT, SANDBOX, act, product, until } from "./stage.mjs";

const { Currency, FedaPay, Transaction, Webhook } = fedapay;
let shop;

before(async () => {
  FedaPay.setApiKey("sk_sandbox_standalone");
  FedaPay.setApiBase(`${SANDBOX}/fedapay`);
  shop = await product(PRODUCT_PORT);
});
after(() => shop.close());

const terms = (merchant_reference) => ({
  description: "Abonnement",
  amount: 1000,
  currency: { iso: "XOF" },
  callback_url: `http://127.0.0.1:${PRODUCT_PORT}/back`,
  merchant_reference,
  customer: { firstname: "Awa", email: "awa@example.com", phone_number: { number: "+22997808080", country: "bj" } },
});

const about = (id) => shop.told.filter((one) => JSON.parse(one.body).entity.merchant_reference === id);

test("a transaction is created, gets a page, is paid, and its events verify", async () => {
  const id = randomUUID();
  const transaction = await Transaction.create(terms(id));
  assert.equal(transaction.status, "pending");
  const page = await transaction.generateToken();
  assert.equal((await fetch(page.url)).status, 200);
  await act(id, "pay");

  const paid = await Transaction.retrieve(transaction.id);
  assert.ok(paid.wasPaid() && !paid.wasRefunded());
  assert.deepEqual([paid.amount, paid.merchant_reference], [1000, id]);
  assert.equal((await Currency.retrieve(paid.currency_id)).iso, "XOF");

  await until("both events came", () => about(id).length === 2);
  const names = about(id).map(({ headers, body }) => {
    const signature = headers["x-fedapay-signature"];
    assert.throws(() => Webhook.constructEvent(body, signature, "wh_sandbox_other"));
    assert.throws(() => Webhook.constructEvent(body.replace("1000", "1"), signature, "wh_sandbox_standalone"));
    return Webhook.constructEvent(body, signature, "wh_sandbox_standalone").name;
  });
  assert.deepEqual(names, ["transaction.created", "transaction.approved"]);

  await act(id, "refund");
  assert.ok((await Transaction.retrieve(transaction.id)).wasRefunded());
});

test("what FedaPay refuses is an error with its message", async () => {
  await assert.rejects(Transaction.retrieve(1), (error) => error.httpStatus === 404);
  await assert.rejects(Transaction.create({ ...terms(randomUUID()), currency: { iso: "EUR" } }), (error) => error.httpStatus === 400);
  FedaPay.setApiKey("sk_sandbox_other");
  await assert.rejects(Transaction.retrieve(1), (error) => error.httpStatus === 401);
  FedaPay.setApiKey("sk_sandbox_standalone");
});
