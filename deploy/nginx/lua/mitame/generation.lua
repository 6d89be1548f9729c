-- A generation of a collection: the neighbour table of a lens, the ids and the categories, all mapped.
-- Opening looks at headers and lengths only, so every number that leads somewhere is checked where it is used.

local ffi = require "ffi"
local json = require "cjson.safe"
local ids = require "mitame.ids"
local part = require "mitame.part"
local sealed = require "mitame.sealed"
local system = require "mitame.system"
local text = require "mitame.text"

local FORMAT = 1
local MANIFEST_BYTES = 64 * 2 ^ 20
local MOST_KEYS, MOST_ROWS, MOST_NEIGHBORS = 2 ^ 31 - 1, 2 ^ 31 - 1, 10000
local CATEGORY_BYTES = 16 * 2 ^ 20
local CATEGORY = "category"
local writer = text.writer() -- one for the worker: an answer is written without a wait in between

local generation = {}
generation.__index = generation

local function entries_by_file(manifest)
    local found = {}
    for _, entry in ipairs(type(manifest.parts) == "table" and manifest.parts or {}) do
        if type(entry) == "table" and type(entry.file) == "string"
            and entry.file:find("^[a-z0-9][a-z0-9._-]*%.part$") then
            found[entry.file] = entry
        end
    end
    return found
end

-- The lens of a name, or the first one.
local function lens_of(manifest, name)
    for _, lens in ipairs(type(manifest.lenses) == "table" and manifest.lenses or {}) do
        if type(lens) == "table" and (name == nil or lens.name == name) then
            return lens
        end
    end
end

-- Map a part and remember it, so that `close` gives it back.
local function take(self, file, dtype)
    local entry = self.entries[file]
    if not entry then
        return nil, self.folder .. " has no part " .. file
    end
    local found, problem = part.mapped(self.folder, entry, dtype)
    if found then
        self.parts[#self.parts + 1] = found
    end
    return found, problem
end

local function take_ids(self, rest)
    local alive, problem = take(self, "items-alive.part", "uint8")
    local offsets, text
    if alive then
        offsets, problem = take(self, "items-id-offsets.part", "int64")
    end
    if offsets then
        text, problem = take(self, "items-id-text.part", "uint8")
    end
    if not text then
        return nil, problem
    end
    if alive.first ~= self.keys or offsets.first ~= self.keys + 1 then
        return nil, self.folder .. " has ids for another number of keys"
    end
    self.ids, problem = ids.made(offsets, text, alive, self.items, rest)
    return self.ids, problem
end

-- How many neighbours an item has in the table; nil and why there are none.
local function wanted_neighbors(self, prefix)
    local about, problem = take(self, prefix .. "neighbors-about.json.part", "uint8")
    if not about then
        return nil, problem
    end
    local facts, where = json.decode(part.text(about)), self.folder .. ": the neighbour table"
    local format
    format, problem = sealed.whole(facts, "format", 1, FORMAT, where)
    if not format then
        return nil, problem
    end
    return sealed.whole(facts, "k", 1, MOST_NEIGHBORS, where)
end

local function take_table(self, lens)
    local prefix = string.format("lens-%d-", lens.key)
    local k, problem = wanted_neighbors(self, prefix)
    if not k then
        return nil, problem
    end
    local owners, listed, lists
    owners, problem = take(self, prefix .. "owners.part", "int64")
    if owners then
        listed, problem = take(self, prefix .. "neighbors-items.part", "int32")
    end
    if listed then
        lists, problem = take(self, prefix .. "neighbors-lists.part", "int32")
    end
    if not lists then
        return nil, problem
    end
    if owners.first ~= lens.rows or lists.first ~= listed.first or lists.second ~= 2 * k then
        return nil, self.folder .. ": the parts of the neighbour table do not fit each other"
    end
    self.k, self.rows, self.count = k, owners.first, listed.first
    self.owners, self.listed, self.lists = owners.elements, listed.elements, lists.elements
    return true
end

local function category_number(manifest)
    for place, name in ipairs(type(manifest.columns) == "table" and manifest.columns or {}) do
        if name == CATEGORY then
            return place - 1
        end
    end
end

-- Categories are not needed for every question: without them those that ask for one go unanswered here.
local function take_categories(self, manifest)
    local number = category_number(manifest)
    if not number then
        return
    end
    local codes = take(self, string.format("column-%d-codes.part", number), "int32")
    local values = take(self, string.format("column-%d-values.part", number), "uint8")
    if not codes or not values or codes.first ~= self.keys or values.first > CATEGORY_BYTES then
        return
    end
    local names = json.decode(part.text(values))
    if type(names) ~= "table" then
        return
    end
    self.codes, self.category_codes = codes.elements, {}
    for code, name in ipairs(names) do
        self.category_codes[name] = code
    end
end

local function read_manifest(folder, number)
    local content, problem = system.content(folder .. "/manifest.json", MANIFEST_BYTES)
    if not content then
        return nil, problem
    end
    local manifest
    manifest, problem = sealed.opened(content, folder .. "/manifest.json")
    if not manifest then
        return nil, problem
    end
    local format
    format, problem = sealed.whole(manifest, "format", 1, FORMAT, folder)
    if format then
        format, problem = sealed.whole(manifest, "generation", number, number, folder)
    end
    return format and manifest, problem
end

local function fill(self, number, lens_name, rest)
    local manifest, problem = read_manifest(self.folder, number)
    if not manifest then
        return nil, problem
    end
    self.entries = entries_by_file(manifest)
    self.keys, problem = sealed.whole(manifest, "keys", 1, MOST_KEYS, self.folder)
    if self.keys then
        self.items, problem = sealed.whole(manifest, "items", 0, self.keys, self.folder)
    end
    local lens = self.items and lens_of(manifest, lens_name)
    if not lens then
        return nil, problem or self.folder .. " has no lens of that name"
    end
    for _, name in ipairs { "key", "rows" } do
        if not sealed.whole(lens, name, 0, MOST_ROWS, self.folder) then
            return nil, self.folder .. ": the lens has no '" .. name .. "'"
        end
    end
    local whole
    whole, problem = take_table(self, lens)
    if not whole then
        return nil, problem
    end
    take_categories(self, manifest)
    return take_ids(self, rest)
end

-- A generation opened; nil and why not.
-- folder: of the collection; lens_name: nil for the first; rest: called now and then, to let others on.
function generation.opened(folder, number, lens_name, rest)
    local self = setmetatable({
        folder = string.format("%s/snapshots/%06d", folder, number), number = number, parts = {},
    }, generation)
    local fine, whole, problem = pcall(fill, self, number, lens_name, rest)
    if fine and whole then
        self.entries = nil
        return self
    end
    self:close()
    return nil, fine and problem or tostring(whole)
end

-- Unmap everything. Nobody may ask it afterwards.
function generation:close()
    for _, found in ipairs(self.parts) do
        system.release(found.region)
    end
    if self.ids then
        self.ids:close()
    end
    self.parts, self.ids, self.owners, self.listed, self.lists, self.codes = {}, nil, nil, nil, nil, nil
end

-- Where an item's list is, by its key; nil where it has none.
local function place_of(self, key)
    local listed, low, high = self.listed, 0, self.count
    while low < high do
        local middle = math.floor((low + high) / 2)
        if listed[middle] < key then
            low = middle + 1
        else
            high = middle
        end
    end
    return low < self.count and listed[low] == key and low or nil
end

-- The key of the item that a row belongs to; nil where that can't be right.
local function owner_of(self, row)
    if row < 0 or row >= self.rows then
        return nil
    end
    local owner = tonumber(self.owners[row])
    return owner >= 0 and owner < self.keys and owner or nil
end

-- Write the ids in the list at a place; nil where it can't be right, else whether that is all that could be said.
local function write(self, place, limit, code)
    local lists, first, count = self.lists, place * 2 * self.k, 0
    for number = 0, self.k - 1 do
        local row = lists[first + number]
        if row == -1 then
            return true
        end
        local owner = owner_of(self, row)
        if not owner then
            return nil
        end
        if not code or self.codes[owner] == code then
            local bytes, length = self.ids:span(owner)
            if not bytes or not writer:add(bytes, length) then
                return nil
            end
            count = count + 1
            if count == limit then
                return true
            end
        end
    end
    return false
end

-- The ids of an item's nearest items, nearest first, as a JSON array.
-- category: only items of it; nil for all.
-- Gives the array and whether it is all that could be said: false where the table ran short of `limit`.
-- Gives nil and "unknown" for no such item, "damaged" for what can't be right, "categories" where there are none.
function generation:nearest(id, limit, category)
    local key = self.ids:find(id)
    if not key then
        return nil, "unknown"
    end
    local code
    if category ~= nil then
        if not self.codes then
            return nil, "categories"
        end
        code = self.category_codes[category]
        if not code then
            return "[]", false -- it may be there since
        end
    end
    local place = place_of(self, key)
    if not place then
        return "[]", true
    end
    writer:begin()
    local whole = write(self, place, limit, code)
    if whole == nil then
        return nil, "damaged"
    end
    return writer:done(), whole
end

return generation
