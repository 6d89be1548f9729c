-- From an id to its item's key: an index by hash over the ids of a snapshot, which has none itself.
-- It is made a slice at a time, so that the worker answers others meanwhile.

local ffi = require "ffi"
local system = require "mitame.system"
local C = ffi.C

ffi.cdef "int memcmp(const void *a, const void *b, size_t length);"

local LONGEST_ID = 4000 -- bytes: a thousand characters of UTF-8
local LONGEST_PROBE = 4096 -- slots; a table half full has some ten. More is no accident
local MOST = 2 ^ 29 -- items; the index has 8 to 16 bytes for each
local SLICE = 16384 -- ids, a few milliseconds

local ids = {}
ids.__index = ids

-- Where an id's bytes are; nothing where there is none or its offsets can't be right.
local function span(self, key)
    local from, to = tonumber(self.offsets[key]), tonumber(self.offsets[key + 1])
    if from < 0 or to > self.bytes or to <= from or to - from > LONGEST_ID then
        return nil
    end
    return self.text + from, to - from
end

local function slot_of(self, bytes, length)
    return bit.band(C.crc32(0, bytes, length), self.mask)
end

local function add(self, key)
    local bytes, length = span(self, key)
    if not bytes then
        return false
    end
    local slot = slot_of(self, bytes, length)
    for _ = 1, LONGEST_PROBE do
        if self.slots[slot] == 0 then
            self.slots[slot] = key + 1
            return true
        end
        slot = bit.band(slot + 1, self.mask)
    end
    return false
end

local function size_for(items)
    local size = 1024
    while size < 2 * items do
        size = 2 * size
    end
    return size
end

-- The index over a snapshot's parts; nil and why not.
-- offsets, text: of the ids; alive: of the keys; items: how many are alive; rest: called between slices.
function ids.made(offsets, text, alive, items, rest)
    if items > MOST then
        return nil, "there are more than " .. MOST .. " items"
    end
    local keys, size = alive.first, size_for(items)
    local room, problem = system.room(4 * size)
    if not room then
        return nil, problem
    end
    local self = setmetatable({
        offsets = offsets.elements, text = text.elements, bytes = text.first, keys = keys,
        room = room, slots = ffi.cast("int32_t *", room.address), mask = size - 1,
    }, ids)
    for start = 0, keys - 1, SLICE do
        for key = start, math.min(start + SLICE, keys) - 1 do
            if alive.elements[key] ~= 0 and not add(self, key) then
                self:close()
                return nil, "the ids are damaged"
            end
        end
        rest()
    end
    return self
end

-- The key of the item with an id; nil where there is none.
function ids:find(id)
    local length = #id
    local slot = slot_of(self, id, length)
    for _ = 1, LONGEST_PROBE do
        local key = self.slots[slot] - 1
        if key < 0 then
            return nil
        end
        local bytes, other = span(self, key)
        if bytes and other == length and C.memcmp(bytes, id, length) == 0 then
            return key
        end
        slot = bit.band(slot + 1, self.mask)
    end
    return nil
end

-- The bytes of an item's id by its key, and how many; nil where they can't be right.
ids.span = span

-- Give the memory back.
function ids:close()
    system.release(self.room)
    self.slots = nil
end

return ids
