// mtn-momo 2.0.0 (npm) against the sandbox's MTN MoMo.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import momo from "mtn-momo";
import { SANDBOX, act, product, until } from "./stage.mjs";

const mtn = momo.create({ callbackHost: "127.0.0.1", baseUrl: `${SANDBOX}/mtn_momo` });
const account = { userId: "11111111-1111-4111-8111-111111111111", userSecret: "api-key" };
const collections = (primaryKey = "collection-key") => mtn.Collections({ ...account, primaryKey });

const request = (externalId, partyId = "237670000000", more = {}) => ({
  amount: "50.5",
  currency: "EUR",
  externalId,
  payer: { partyIdType: "MSISDN", partyId },
  payerMessage: "message",
  payeeNote: "note",
  ...more,
});

test("a request is pending, then successful, and its end is called back once without a signature", async () => {
  const shop = await product(0);
  try {
    const id = randomUUID();
    const client = collections();
    const reference = await client.requestToPay(request(id, undefined, { callbackUrl: `${shop.address}/momo` }));
    assert.equal((await client.getTransaction(reference)).status, "PENDING");
    await act(id, "pay");
    const transaction = await client.getTransaction(reference);
    assert.equal(transaction.status, "SUCCESSFUL");
    assert.deepEqual([transaction.amount, transaction.currency, transaction.externalId], ["50.50", "EUR", id]);
    await until("it was called back", () => shop.told.length === 1);
    assert.deepEqual(JSON.parse(shop.told[0].body), transaction);
  } finally {
    shop.close();
  }
});

test("each failure is an error that the client knows by name", async () => {
  const client = collections();
  const refused = randomUUID();
  const reference = await client.requestToPay(request(refused));
  await act(refused, "refuse");
  await assert.rejects(client.getTransaction(reference), { name: "ApprovalRejectedError" });
  const expired = await client.requestToPay(request(randomUUID(), "46733123463"));
  await assert.rejects(client.getTransaction(expired), Error);
  await assert.rejects(client.requestToPay(request(randomUUID(), "46733123455")), { name: "PayerNotFoundError" });
  await assert.rejects(client.requestToPay({ ...request(randomUUID()), currency: "XAF" }), { name: "InvalidCurrencyError" });
  await assert.rejects(client.getTransaction(randomUUID()), { name: "ResourceNotFoundError" });
});

test("a wrong subscription key gets no token", async () => {
  await assert.rejects(collections("another-key").requestToPay(request(randomUUID())), Error);
});
