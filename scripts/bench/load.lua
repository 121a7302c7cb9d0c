-- What wrk sends: `wrk -t1 … -s load.lua URL -- KIND FIRST USERS [FILE|-] [PAUSE_MS]`. Always one thread, so that
-- the data is read before the clock starts and no request is made twice. Requests come from thousands of addresses, as
-- if a proxy had forwarded them, because the limits per address are in force.

local kind, first, users, file, pause
local count = 0
local lines = {}

-- Kept from the first that is needed on; `line(0)` is the first of the file.
local function read_lines(path)
  local number = 0
  for line in io.lines(path) do
    if number >= first then lines[number - first] = line end
    number = number + 1
  end
end

local function line(n) return lines[n - first] end

-- 4,096 clients behind the proxy.
local function address(n)
  return "10.20." .. math.floor(n / 256) % 16 .. "." .. n % 256
end

local function head(method, path, n)
  return method .. " " .. path .. " HTTP/1.1\r\nHost: bench\r\nX-Forwarded-For: " .. address(n) .. "\r\n"
end

local function get(path, n, token)
  local authorization = token and "Authorization: Bearer " .. token .. "\r\n" or ""
  return head("GET", path, n) .. authorization .. "\r\n"
end

local function post(path, n, more, body)
  return head("POST", path, n) .. more .. "Content-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n"
    .. body
end

local makes = {}

function makes.healthz(n) return get("/healthz", n) end

function makes.plans(n) return get("/api/billing/plans", n) end

function makes.subscription(n) return get("/api/billing/subscription", n, line(n % users)) end

-- Each user buys once. Past the last user all is refused, and the bench fails.
function makes.init(n)
  local token = line(n) or ""
  local key = string.format("bench-%030d", n)
  local more = "Authorization: Bearer " .. token .. "\r\nIdempotency-Key: " .. key .. "\r\n"
  local body = '{"plan_code":"signaux-monthly","provider":"hmac_psp","currency":"EUR"}'
  return post("/api/billing/payments/init", n, more, body)
end

-- A line is the signature, a tab, the body.
function makes.webhook(n)
  local signature, body = (line(n) or "\t"):match("^(.-)\t(.*)$")
  return post("/api/webhooks/hmac_psp", n, "X-Signature: " .. signature .. "\r\n", body)
end

-- The file holds the password of all the bench's accounts.
function makes.login(n)
  local body = string.format('{"email":"user-%d@bench.example","password":"%s"}', n % users, line(0))
  return post("/api/auth/login", n, "", body)
end

function init(args)
  kind, first, users, file, pause = args[1], tonumber(args[2]), tonumber(args[3]), args[4], tonumber(args[5])
  if file and file ~= "-" then read_lines(file) end
  if pause then
    -- wrk calls it only where it exists.
    delay = function() return pause end
  end
end

function request()
  local made = makes[kind](first + count)
  count = count + 1
  return made
end

function done(summary, latency)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"refused":%d,"lost":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration / 1000000, errors.status, lost, latency:percentile(50), latency:percentile(99)))
end
