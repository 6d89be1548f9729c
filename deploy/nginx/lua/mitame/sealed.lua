-- JSON that carries its own checksum: the root manifest, and that of a snapshot (docs/format.md).

local json = require "cjson.safe"
local system = require "mitame.system"

local START = '{"checksum": "'
local sealed = {}

-- The object in a sealed file's content; nil and why not.
function sealed.opened(content, where)
    local digest, rest = content:sub(#START + 1, #START + 64), content:sub(#START + 65)
    if content:sub(1, #START) ~= START or system.sha256(rest) ~= digest then
        return nil, where .. " does not fit its checksum"
    end
    local found = json.decode(content)
    if type(found) ~= "table" then
        return nil, where .. " is no JSON object"
    end
    return found
end

-- A whole number from least to most under a name; nil and why not.
function sealed.whole(object, name, least, most, where)
    local value = type(object) == "table" and object[name] or nil
    if type(value) ~= "number" or value ~= math.floor(value) or value < least or value > most then
        return nil, where .. ": '" .. name .. "' is no whole number from " .. least .. " to " .. most
    end
    return value
end

return sealed
