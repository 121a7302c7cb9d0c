// The sandbox, driven as a payer would, and a product that records what it is told.
import { createServer } from "node:http";

/** Where the sandbox tells its events. */
export const PRODUCT_PORT = Number(process.env.PRODUCT_PORT ?? "8080");
export const SANDBOX = process.env.SANDBOX ?? "http://127.0.0.1:4010";

export async function act(paymentId, outcome) {
  const answer = await fetch(`${SANDBOX}/psp/checkouts/${paymentId}`, {
    method: "POST",
    body: JSON.stringify({ outcome }),
  });
  if (answer.status !== 200) throw new Error(`${outcome}: ${answer.status} ${await answer.text()}`);
}

/** Records what comes to this port until closed. */
export async function product(port) {
  const told = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      told.push({ method: request.method, headers: request.headers, body });
      response.end();
    });
  });
  await new Promise((done, broken) => server.on("error", broken).listen(port, "127.0.0.1", done));
  return { told, address: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

export async function until(what, so) {
  for (let i = 0; i < 500; i += 1) {
    if (so()) return;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`still not so: ${what}`);
}
