-- The collections of the data directory, each opened when it is first asked for.

local collection = require "mitame.collection"
local lrucache = require "resty.lrucache"
local settings = require "mitame.settings"
local system = require "mitame.system"

local ROOT_BYTES, REMEMBERED, MISSING_SECONDS = 4096, 1000, 1
local collections, known, count = {}, {}, 0
local missing = assert(lrucache.new(REMEMBERED))

-- Names as mitame allows them: none leads out of the data directory.
local function is_name(name)
    return #name <= 100 and name:find("^[A-Za-z0-9][A-Za-z0-9._-]*$") ~= nil
end

local function is_there(folder)
    return system.content(folder .. "/manifest.json", ROOT_BYTES) ~= nil
end

-- The collection of a name; nil where there is none that was ever merged.
function collections.get(name)
    local found = known[name]
    if found then
        return found
    end
    if not is_name(name) or missing:get(name) then
        return nil
    end
    local folder = settings.data .. "/" .. name
    if count >= settings.most_collections or not is_there(folder) then
        missing:set(name, true, MISSING_SECONDS)
        return nil
    end
    found = collection.followed(folder, settings.lens, settings.look_ms / 1000)
    known[name], count = found, count + 1
    return found
end

-- A collection that was dropped is forgotten, so that its name may be a category's again.
function collections.forget(name)
    if known[name] then
        known[name], count = nil, count - 1
    end
end

return collections
