-- Asks for random items, or sends random ones of a file's bodies:
--   wrk -s ask.lua URL -- SEED ids ITEMS BEFORE AFTER
--   wrk -s ask.lua URL -- SEED bodies FILE SIZES CONTENT_TYPE PATH
local function read_bodies(name, sizes)
  local bodies = {}
  local file = assert(io.open(name, "rb"))
  for size in io.lines(sizes) do
    bodies[#bodies + 1] = file:read(tonumber(size))
  end
  file:close()
  return bodies
end

function init(args)
  math.randomseed(tonumber(args[1]))
  kind = args[2]
  if kind == "ids" then
    items, before, after = tonumber(args[3]), args[4], args[5]
  else
    bodies = read_bodies(args[3], args[4])
    headers = { ["Content-Type"] = args[5] }
    path = args[6]
  end
end

function request()
  if kind == "ids" then
    return wrk.format("GET", before .. math.random(0, items - 1) .. after)
  end
  return wrk.format("POST", path, headers, bodies[math.random(#bodies)])
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    "RESULT %d %d %d %d %d\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status + errors.connect + errors.read + errors.write + errors.timeout
  ))
end
