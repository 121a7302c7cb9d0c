"""Every request that our own clients send, judged by the providers' official specifications.

    python3 steady.py <steady> <calls> <folder of specifications>

`steady` is the program of `@stdy/cli` (npm), `calls` the example of `crates/gateways`. Each specification gets a Steady of its own, and
each peer a door in front of them that passes requests on and writes down what was thought of them. All ports are the system's choice.
"""

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STEADY, CALLS, CONTRACTS = sys.argv[1:4]
PAYMENT = "019400c5-9c00-7000-8000-000000000001"
BRACKETS = ["--validator-form-array-format=brackets", "--validator-form-object-format=brackets"]
TOKEN = {"access_token": "token", "token_type": "Bearer", "expires_in": 32400}


def named_after_our_payment(answer):
    """An example invoice names nobody's order: a client that finds none of its own would not go on."""
    for invoice in answer if isinstance(answer, list) else [answer]:
        if isinstance(invoice, dict) and "checkoutLink" in invoice:
            invoice.update({"id": "INV1", "metadata": {"orderId": PAYMENT}, "status": "New", "additionalStatus": "None"})
    return answer


# Peer: specifications by the paths that they are for, what Steady is told, calls that must have been made.
PEERS = {
    "stripe": ({"/": "stripe/stripe.pruned.openapi.json"}, BRACKETS, [
        "POST /v1/checkout/sessions", "GET /v1/checkout/sessions/cs_test_1", "POST /v1/checkout/sessions/cs_test_1/expire",
        "POST /v1/refunds", "GET /v1/refunds", "GET /v1/refunds/re_1",
    ]),
    "paypal": ({
        "/v2/checkout": "paypal/orders.pruned.json",
        "/v2/payments": "paypal/payments.pruned.json",
        "/v1/notifications": "paypal/webhooks.pruned.json",
    }, [], [
        "POST /v2/checkout/orders", "GET /v2/checkout/orders/5O190127TN364715T",
        "POST /v2/checkout/orders/5O190127TN364715T/capture", "POST /v2/payments/captures/3C679366HH908993F/refund",
        "GET /v2/payments/refunds/1JU08902781691411", "POST /v1/notifications/verify-webhook-signature",
    ]),
    "btcpay": ({"/": "btcpay/greenfield.invoices.json"}, [], [
        "GET /api/v1/stores/store/invoices", "POST /api/v1/stores/store/invoices", "POST /api/v1/invoices/INV1/status",
    ]),
    "telegram": ({"/": "telegram/botapi.subset.openapi.json"}, [], [
        f"POST /bot42:abcDEF_123/{method}" for method in (
            "getMe", "sendMessage", "createChatInviteLink", "revokeChatInviteLink", "approveChatJoinRequest",
            "declineChatJoinRequest", "unbanChatMember", "getChatMember", "getChatMemberCount", "setWebhook", "deleteWebhook",
            "getUpdates",
        )
    ]),
    "twilio": ({"/2010-04-01": "twilio/messages.pruned.json", "/v2/Services": "twilio/verify.pruned.json"}, [], [
        "POST /2010-04-01/Accounts/AC000000000000000000000000000000e1/Messages.json",
        "POST /v2/Services/VA000000000000000000000000000000e1/Verifications",
        "POST /v2/Services/VA000000000000000000000000000000e1/VerificationCheck",
        "POST /v2/Services/VA000000000000000000000000000000e1/Verifications/VE000000000000000000000000000000e1",
    ]),
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_steady(specification, options):
    port = free_port()
    command = [STEADY, f"{CONTRACTS}/{specification}", "--port", str(port), "--host", "127.0.0.1", "--log-format=json", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process, port
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    process.kill()
    raise SystemExit(f"Steady did not start with {specification}")


def ask(port, method, path, headers, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type") or "", answer.read()
    finally:
        connection.close()


def door(ports, seen):
    """Passes requests on to the Steady of their path."""

    class Door(BaseHTTPRequestHandler):
        def pass_on(self):
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            if self.path == "/v1/oauth2/token":
                return self.say(200, "application/json", json.dumps(TOKEN).encode())
            port = next((port for prefix, port in ports.items() if self.path.startswith(prefix)), None)
            if port is None:
                seen.append((self.command, self.path, 404, b"no specification has this path"))
                return self.say(404, "application/json", b"{}")
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            status, kind, answer = ask(port, self.command, self.path, headers, body)
            seen.append((self.command, self.path, status, answer))
            if status < 300 and "/invoices" in self.path and "json" in kind:
                answer = json.dumps(named_after_our_payment(json.loads(answer))).encode()
            self.say(status, kind, answer)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = pass_on

        def say(self, status, kind, body):
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def judge(peer):
    """What is wrong with the requests of one peer."""
    specifications, options, wanted = PEERS[peer]
    seen, running = [], []
    try:
        ports = {}
        for prefix, specification in specifications.items():
            process, port = start_steady(specification, options)
            running.append(process)
            ports[prefix] = port
        server = door(ports, seen)
        played = subprocess.run([CALLS, peer, f"http://127.0.0.1:{server.server_port}"], capture_output=True, text=True, timeout=120)
        server.shutdown()
        # A request that no specification would take, or Steady judges nothing.
        method, path = wanted[0].split(" ", 1)
        port = next(port for prefix, port in ports.items() if path.startswith(prefix))
        refused, _, _ = ask(port, "POST", path + "/no/such/path", {}, b"{}")
    finally:
        for process in running:
            process.kill()
    wrong = [] if played.returncode == 0 else [f"the client failed: {played.stderr}"]
    if refused < 400:
        wrong.append("Steady took a request that cannot be right")
    wrong += [f"{method} {path}: {status} {answer.decode(errors='replace')[:2000]}" for method, path, status, answer in seen if status >= 400]
    made = {f"{method} {path.split('?')[0]}" for method, path, _, _ in seen}
    wrong += [f"never called: {call}" for call in wanted if call not in made]
    print(f"{peer}: {len(seen)} requests" + ("" if wrong else ", all as specified"))
    return [f"{peer}: {line}" for line in wrong]


failures = [line for peer in PEERS for line in judge(peer)]
if failures:
    raise SystemExit("\n".join(failures))
