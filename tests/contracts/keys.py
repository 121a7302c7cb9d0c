"""The product against a real OpenBao and against moto's KMS with signatures checked.

    keys.py <calmness> <bao> <python with moto>        SQLX_DATABASE_URL: an empty database, with the owner's rights

Each act drives the program as an operator does: wrap, unwrap, wrong environment, rotation, rewrap, login, expired token,
sealed, away. Ports are chosen by the system; everything listens on loopback and is stopped at the end.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

CALMNESS, BAO, PYTHON = sys.argv[1:4]
DATABASE = os.environ["SQLX_DATABASE_URL"]
SECRET_KEY = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4kKvN7xI0"
started = []


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(command, log, **environment):
    process = subprocess.Popen(
        command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **environment}
    )
    started.append(process)
    return process


def stop(process):
    process.terminate()
    process.wait(10)


def until(what, is_so):
    for _ in range(300):
        try:
            if is_so():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"waited in vain: {what}")


def calmness(*arguments, expect=0, **settings):
    environment = {
        "PATH": os.environ["PATH"],
        "CALMNESS__ENVIRONMENT": "development",
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": DATABASE,
        **settings,
    }
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [CALMNESS, *arguments], capture_output=True, text=True, env=environment, cwd=folder, timeout=120
        )
    said = run.stdout + run.stderr
    assert run.returncode == expect, f"{arguments}: {run.returncode}\n{said}"
    return said


def status(**settings):
    said = calmness("keys", "status", "--json", **settings)
    return json.loads(said.splitlines()[0] if said.startswith("{") else said[said.index("\n{") + 1 :].splitlines()[0])


def living(**settings):
    keys = [key for key in status(**settings)["data_keys"] if key["revoked_at"] is None]
    return sorted((key["backend"], key["kek"]) for key in keys)


def sql(statement):
    subprocess.run(["psql", DATABASE, "-q", "-v", "ON_ERROR_STOP=1", "-c", statement], check=True)


def told(what):
    print(f"  ✓ {what}", flush=True)


def openbao(log):
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    server = start(
        [BAO, "server", "-dev", "-dev-root-token-id=root", f"-dev-listen-address=127.0.0.1:{port}"], log
    )

    def call(path, body=None, method="POST"):
        request = urllib.request.Request(
            f"{address}/v1/{path}", json.dumps(body or {}).encode(), {"X-Vault-Token": "root"}, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"{}")

    def is_open():
        with urllib.request.urlopen(f"{address}/v1/sys/health", timeout=2) as answer:
            return answer.status == 200

    until("OpenBao answers", is_open)
    call("sys/mounts/transit", {"type": "transit"})
    call("transit/keys/calmness", {"derived": True})
    call("transit/keys/plain")
    call("sys/auth/approle", {"type": "approle"})
    policy = "\n".join(
        f'path "transit/{path}" {{ capabilities = ["update"] }}'
        for path in ["encrypt/+", "decrypt/+", "keys/calmness/rotate"]
    )
    call("sys/policies/acl/calmness", {"policy": policy})
    # A token lives three seconds here, so that the product meets its end.
    role = {"token_policies": "calmness", "token_ttl": "3s", "token_max_ttl": "4s"}
    call("auth/approle/role/calmness", role)
    role_id = call("auth/approle/role/calmness/role-id", method="GET")["data"]["role_id"]
    secret_id = call("auth/approle/role/calmness/secret-id")["data"]["secret_id"]
    settings = {
        "CALMNESS__KEYS__BACKEND": "vault",
        "CALMNESS__KEYS__VAULT__ADDRESS": address,
        "CALMNESS__KEYS__VAULT__ROLE_ID": role_id,
        "CALMNESS__KEYS__VAULT__SECRET_ID": secret_id,
    }
    return server, call, settings


def moto(log):
    """The four free calls make a user with a key and the right to use it, and a key of KMS."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    server = start(
        [PYTHON, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        log,
        INITIAL_NO_AUTH_ACTION_COUNT="4",
    )
    until("moto answers", lambda: socket.create_connection(("127.0.0.1", port), 1).close() is None)
    script = """
import boto3, json, sys
use = dict(endpoint_url=sys.argv[1], region_name="eu-west-3", aws_access_key_id="x", aws_secret_access_key="x")
iam = boto3.client("iam", **use)
iam.create_user(UserName="calmness")
key = iam.create_access_key(UserName="calmness")["AccessKey"]
allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}
iam.put_user_policy(UserName="calmness", PolicyName="kms", PolicyDocument=json.dumps(allow))
made = boto3.client("kms", **use).create_key()["KeyMetadata"]
print(json.dumps([key["AccessKeyId"], key["SecretAccessKey"], made["Arn"]]))
"""
    made = subprocess.run([PYTHON, "-c", script, endpoint], capture_output=True, text=True, check=True)
    access, secret, arn = json.loads(made.stdout)
    settings = {
        "CALMNESS__KEYS__BACKEND": "aws_kms",
        "CALMNESS__KEYS__AWS_KMS__REGION": "eu-west-3",
        "CALMNESS__KEYS__AWS_KMS__ENDPOINT": endpoint,
        "CALMNESS__KEYS__AWS_KMS__KEY_ID": arn,
        "AWS_ACCESS_KEY_ID": access,
        "AWS_SECRET_ACCESS_KEY": secret,
    }
    return server, arn, settings


def play_vault(server, call, vault):
    plain = {**vault, "CALMNESS__KEYS__VAULT__KEY": "plain"}
    said = calmness("keys", "rotate", "data", expect=1, **{**plain, "CALMNESS__KEYS__PREVIOUS_BACKEND": "local"})
    assert "derived=true" in said, said
    told("a transit key that is not derived is refused")
    moving = {**vault, "CALMNESS__KEYS__PREVIOUS_BACKEND": "local"}
    assert "not by `vault`" in calmness("keys", "status", expect=1, **vault)
    assert "1 moved" in calmness("keys", "rewrap", "kek", **moving)
    assert living(**vault) == [("vault", "transit/calmness:v1")]
    told("data keys move from the configuration to OpenBao, by an AppRole login")
    calmness("settings", "set", "company_email", "company@example.com", **vault)
    calmness("keys", "rotate", "kek", **vault)
    assert living(**vault) == [("vault", "transit/calmness:v2")]
    call("transit/keys/calmness/config", {"min_decryption_version": 2})
    assert "set" in calmness("settings", "list", **vault)
    told("the next transit key wraps, and the earlier version can be disabled")
    calmness("keys", "rotate", "data", **vault)
    # It waits fifteen seconds for the next key, several lives of a token.
    said = calmness("keys", "rewrap", **vault)
    assert "values:" in said and " moved under data key" in said, said
    counted = status(**vault)["data_keys"]
    assert [key["rows"] for key in counted][1:] == [0] and counted[0]["rows"] >= 2, counted
    told("every value moves under the next data key while tokens end and are replaced")
    said = calmness("keys", "status", expect=1, **{**vault, "CALMNESS__KEYS__VAULT__SECRET_ID": "wrong"})
    assert "AppRole login failed" in said, said
    told("a wrong secret_id is told")
    staging = {
        **vault,
        "CALMNESS__ENVIRONMENT": "staging",
        "CALMNESS__PUBLIC_URL": "https://staging.example",
        "CALMNESS__SERVER__BEHIND_PROXY": "true",
        "CALMNESS__SERVER__TRUSTED_PROXIES": "127.0.0.1/32",
    }
    said = calmness("keys", "status", expect=1, **staging)
    assert "this database belongs to development, and this process runs as staging" in said, said
    sql("UPDATE data_keys SET environment = 'staging'")
    said = calmness("keys", "status", expect=1, **staging)
    assert "belongs to another row or environment" in said, said
    sql("UPDATE data_keys SET environment = 'development'")
    told("another environment is refused in words, and by OpenBao itself where the words are changed")
    call("sys/seal", method="PUT")
    said = calmness("keys", "status", expect=1, **vault)
    assert "sealed" in said, said
    told("sealed: it does not start, and says why")
    stop(server)
    assert "the key service is away" in calmness("keys", "status", expect=1, **vault)
    told("away: it does not start, and says why")


def play_kms(server, arn, kms):
    moving = {**kms, "CALMNESS__KEYS__PREVIOUS_BACKEND": "local"}
    calmness("keys", "rewrap", "kek", **moving)
    assert living(**kms) == [("aws_kms", arn)]
    told("data keys move from the configuration to KMS; moto checks each signature")
    calmness("settings", "set", "company_email", "company@example.com", **kms)
    calmness("keys", "rotate", "data", **kms)
    assert living(**kms) == [("aws_kms", arn)] * 2
    assert "AWS rotates" in calmness("keys", "rotate", "kek", expect=1, **kms)
    said = calmness("keys", "status", expect=1, **{**kms, "AWS_SECRET_ACCESS_KEY": "wrong"})
    assert "it answered 403" in said, said
    told("a wrong signature is refused, and told")
    stop(server)
    assert "the key service is away" in calmness("keys", "status", expect=1, **kms)
    told("away: it does not start, and says why")


def play(which, log):
    sql("SET client_min_messages = error; DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    calmness("migrate", MIGRATION_DATABASE_URL=DATABASE)
    calmness("keys", "status")
    if which == "vault":
        play_vault(*openbao(log))
    else:
        play_kms(*moto(log))


with tempfile.TemporaryDirectory() as folder, open(pathlib.Path(folder, "log"), "w+") as log:
    try:
        for which in ["vault", "aws_kms"]:
            print(which, flush=True)
            play(which, log)
    except BaseException:
        log.seek(0)
        print(log.read()[-4000:], file=sys.stderr)
        raise
    finally:
        for process in started:
            process.kill()
